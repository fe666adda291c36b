"""Redaction: secrets are hidden in every form, harmless text stays readable, and hostile text costs no time."""

import base64
import dataclasses
import enum
import functools
import html
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from chassis.observe.lines import line
from chassis.redaction import Redactor, RequestSecrets, request_secrets
from chassis.redaction_forms import is_word
from hypothesis import given
from hypothesis import strategies as st

SECRET = "zX9-k!w'Q\"7/pL+2=v&m"  # has what URLs, JSON, HTML and base64 write in another way
DSNS = {
    "postgresql://app:{}@db.internal:5432/notes": "hunter2hunter2",
    "postgresql+asyncpg://app:{}@db/notes?sslmode=require": "p@ss/w0rd#1?x",
    "redis://:{}@cache:6379/0": "Zq8vN3xkTr5w",
    "mysql://app:{}@[::1]:3306/db": "p:a:s:s:word9",
    "postgresql://app:{}@h1,h2/db?options=a@b": "plainsecret99",
    "amqp://app:{}@broker": "%41percent%40word",
    "http://[unclosed:{}@host/": "odd-but-secret-1",
    "host=db user=app password={} sslmode=disable": "keyvalue-secret",
    "Server=db;Uid=app;Pwd={};": "semicolon-secret",
    "postgresql://db/notes?user=app&password={}": "in-the-query-1",
    "https://{}@api.example.org/v1": "tokenInPlaceOfUser0123",
    "https://hooks.example.org/{}": "services/T00000000/B00000000/XXXXXXXXXXXX",
}


@pytest.fixture
def redactor() -> Redactor:
    redactor = Redactor()
    redactor.learn("NOTES_KEY", SECRET)
    return redactor


@pytest.mark.parametrize(
    "write",
    [
        str,
        quote,
        quote_plus,
        lambda text: quote(text, safe=""),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
        json.dumps,
        repr,
        html.escape,
        lambda text: json.dumps({"inner": json.dumps(text)}),
    ],
)
def test_a_learned_secret_is_hidden_in_every_form_that_programs_write_it_in(write, redactor: Redactor) -> None:
    text = f"before {write(SECRET)} after"
    cleaned = redactor.clean(text)
    assert redactor.may_hold_secret(text)
    assert "[redacted:NOTES_KEY]" in cleaned
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")
    assert not any(part in cleaned for part in (SECRET[:8], SECRET[-8:], write(SECRET)[3:-3]))


@pytest.mark.parametrize("before", ["", "u", "ab", "app"])
def test_a_secret_in_the_base64_of_a_longer_text_is_hidden(before: str, redactor: Redactor) -> None:
    """As in the header of basic authentication."""
    for write in (base64.b64encode, base64.urlsafe_b64encode):
        text = f"sent {write(f'{before}:{SECRET}:end'.encode()).decode()}"
        assert redactor.may_hold_secret(text)
        left = redactor.clean(text).replace("[redacted:NOTES_KEY]", "")
        assert len(left) <= len("sent ") + 14, left  # what stands before and after it


def test_a_secret_beyond_ascii_is_hidden_in_bytes_and_lower_case_escapes() -> None:
    redactor = Redactor()
    redactor.learn("NOTES_KEY", "äöü/ß-secret+long")
    for text in (repr("äöü/ß-secret+long".encode()), "%c3%a4%c3%b6%c3%bc%2f%c3%9f-secret%2blong"):
        assert redactor.may_hold_secret(text)
        assert "secret" not in redactor.clean(text)


def test_every_password_of_several_connection_strings_is_hidden() -> None:
    redactor = Redactor()
    redactor.learn("BROKERS", "amqp://app:first-pass-1@h1,amqp://app:second-pass-2@h2,amqp://app:third-pass-3@h3")
    assert redactor.clean("first-pass-1 second-pass-2 third-pass-3") == " ".join(["[redacted:BROKERS]"] * 3)


@dataclasses.dataclass
class Card:
    """What JSON writes by itself."""

    pin: str


class Field(enum.Enum):
    """A name that is no text."""

    PIN = "pin"


@pytest.mark.parametrize(
    "context",
    [
        {"card": Card("48151623")},
        {"cards": [[Card("48151623")]]},
        {Field.PIN: "48151623"},
        {b"pin": "48151623"},
        functools.reduce(lambda inner, _: {"a": inner}, range(14), {"pin": "48151623"}),
        functools.reduce(lambda inner, _: [inner], range(14), {"pin": "48151623"}),
        {"headers": [("accept", "text/html"), ("x-api-key", "48151623")]},
        {"headers": [[b"x-api-key", b"48151623"]]},
    ],
)
def test_a_member_with_a_secret_name_is_hidden_in_whatever_a_log_line_holds(context: dict[Any, Any]) -> None:
    written = line(Redactor(), "INFO", "paid", context, at=0.0)
    assert b"48151623" not in written
    assert json.loads(written)["message"] == "paid"


@pytest.mark.parametrize(("template", "password"), DSNS.items())
def test_the_password_of_a_connection_string_is_hidden(template: str, password: str) -> None:
    dsn = template.format(password)
    redactor = Redactor()
    redactor.learn("NOTES_DATABASE_URL", dsn)
    for text in (f"cannot connect to {dsn}", f"authentication failed for {password}!", repr({"url": dsn})):
        assert password not in redactor.clean(text), text
        assert redactor.may_hold_secret(text)
    assert redactor.clean(dsn)[:6] == dsn[:6]


@pytest.mark.parametrize("template", [template for template in DSNS if "hooks" not in template])
def test_the_password_of_an_unknown_connection_string_is_hidden_too(template: str) -> None:
    dsn = template.format(DSNS[template])
    assert DSNS[template] not in Redactor().clean(f"tried {dsn} twice")


@given(secret=st.text(min_size=16, max_size=60), cut=st.integers(8, 15), before=st.text(max_size=30))
def test_a_secret_that_a_limit_has_cut_is_hidden_too(secret: str, cut: int, before: str) -> None:
    if is_word(secret) or len(set(secret)) < 8:
        return
    redactor = Redactor()
    redactor.learn("KEY", secret)
    assert secret[:8] not in redactor.clean(before + secret[:cut])
    assert not redactor.clean(secret[-cut:] + before).startswith(secret[-cut:])


@given(before=st.text(max_size=40), after=st.text(max_size=40))
def test_a_secret_is_hidden_whatever_surrounds_it(before: str, after: str) -> None:
    redactor = Redactor()
    redactor.learn("KEY", "tR7-vB2_kq9ZpL4xW8")
    assert "tR7-vB2_kq9ZpL4xW8" not in redactor.clean(f"{before}tR7-vB2_kq9ZpL4xW8{after}")


def test_a_password_that_is_a_word_is_hidden_only_where_it_stands_alone() -> None:
    redactor = Redactor()
    redactor.learn("DSN", "postgresql://app:notes@db/notes_of_anna")
    assert redactor.clean("notes, keynotes and notes2") == "[redacted:DSN], keynotes and notes2"
    assert redactor.clean("app.notes-1") == "app.[redacted:DSN]-1"
    assert redactor.clean("app%3Anotes%40db") == "app%3A[redacted:DSN]%40db"
    assert redactor.clean("'line\\nnotes'") == "'line\\n[redacted:DSN]'"


@pytest.mark.parametrize(
    "text",
    [
        "GET /notes/12 200 in 3.1 ms",
        "the author of cache_key notes:12 is anna@example.org",
        "tokenizer loaded, 12 keys, monkey, keyboard",
        "listening on http://127.0.0.1:8080/docs?mail=anna@example.org",
        "token: expired",
        "the password must have at least 12 characters",
        "basic authentication is off, bearer of good news",
        "input and parameters are fine",
    ],
)
def test_harmless_text_stays_as_it_is(text: str, redactor: Redactor) -> None:
    assert redactor.clean(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer CANARY-0123456789",
        "{'authorization': 'Basic CANARY'}",
        '{"password": "CANARY with spaces"}',
        '{"password": "CANARY cut of',
        '{\\"password\\": \\"CANARY\\"}',
        "{b'cookie': b'session=CANARY; theme=dark'}",
        "Set-Cookie: session=CANARY; HttpOnly",
        "[(b'authorization', b'Bearer CANARY'), (b'cookie', b'a=CANARY')]",
        "GET https://api.example.org/?api_key=CANARY&limit=5",
        "password=CANARY user=app",
        "new_password: CANARY-1",
        "X-Api-Key: CANARY1",
        "sent Bearer CANARY-abc.def",
        "eyJhbGciOiJIUzI1NiJ9.eyJDQU5BUlkiOjF9.CANARY",
        "-----BEGIN RSA PRIVATE KEY-----\nCANARY\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nCANARY cut",
        "password\n  too short [type=string_too_short, input_value='CANARY]x', input_type=str]",
        "[SQL: INSERT ...]\n[parameters: ('CANARY', 'a]b')]\n(Background on this error)",
    ],
)
def test_a_secret_that_nobody_taught_is_hidden_by_where_it_stands(text: str) -> None:
    redactor = Redactor()
    assert redactor.may_hold_secret(text)
    cleaned = redactor.clean(text)
    assert "CANARY" not in cleaned
    assert "[redacted]" in cleaned


def test_data_is_cleaned_by_name_and_by_value(redactor: Redactor) -> None:
    data = {
        "user": "anna",
        "Password": "x",
        "tokens": 1250,
        "pin": 1234,
        "headers": {"X-Api-Key": "y", "Accept": "*/*"},
        "refresh_tokens": ["a", "b"],
        "rows": [{"note": f"see {SECRET}"}, (1, None, True, 2.5)],
        "cookies": None,
        SECRET: "a secret as a key",
    }
    assert redactor.has_secret_field(data)
    assert redactor.clean_data(data) == {
        "user": "anna",
        "Password": "[redacted]",
        "tokens": 1250,
        "pin": "[redacted]",
        "headers": {"X-Api-Key": "[redacted]", "Accept": "*/*"},
        "refresh_tokens": "[redacted]",
        "rows": [{"note": "see [redacted:NOTES_KEY]"}, [1, None, True, 2.5]],
        "cookies": None,
        "[redacted:NOTES_KEY]": "a secret as a key",
    }


def test_data_without_end_is_cut_off(redactor: Redactor) -> None:
    endless: list[object] = [SECRET]
    endless.append(endless)
    assert SECRET not in str(redactor.clean_data(endless))


def test_a_number_that_is_a_secret_is_hidden_in_data() -> None:
    redactor = Redactor()
    redactor.learn("PIN", "8153426790")
    assert redactor.clean_data({"a": 8153426790, "b": 81534267901}) == {"a": "[redacted]", "b": 81534267901}


def test_credentials_of_the_request_under_way_are_hidden_and_those_of_others_are_not_remembered() -> None:
    redactor = Redactor()
    basic = base64.b64encode(b"anna:correct horse").decode()
    headers = [
        (b"authorization", b"Bearer abcd-efgh-ijkl"),
        (b"proxy-authorization", f"Basic {basic}".encode()),
        (b"cookie", b"theme=dark; session=c2Vzc2lvbg%3D%3D"),
        (b"x-api-key", b"key-1234567"),
        (b"accept", b"application/json"),
    ]
    text = "got abcd-efgh-ijkl, correct horse, c2Vzc2lvbg==, key-1234567 and application/json"
    token = request_secrets.set(RequestSecrets(headers))
    try:
        assert redactor.may_hold_secret(text)
        cleaned = redactor.clean(text)
    finally:
        request_secrets.reset(token)
    assert cleaned == "got [redacted], [redacted], [redacted], [redacted] and application/json"
    assert redactor.clean(text) == text


@pytest.mark.parametrize(
    "write",
    [
        str,
        json.dumps,
        lambda text: quote(text, safe=""),
        lambda text: base64.b64encode(f"app:{text}".encode()).decode(),
        lambda text: f"{text[:20]}...",
        lambda text: text[:12],
    ],
)
def test_credentials_of_the_request_are_hidden_in_every_form(write: Callable[[str], str]) -> None:
    token = request_secrets.set(RequestSecrets([(b"x-api-key", b'q7"w\\e/r+t=y&u-i.o~p')]))
    try:
        written = line(Redactor(), "INFO", write('q7"w\\e/r+t=y&u-i.o~p'), {}, at=0.0)
    finally:
        request_secrets.reset(token)
    message = json.loads(written)["message"].strip('"')
    assert "[redacted]" in message
    assert len(message.replace("[redacted]", "")) <= 10


def test_a_connection_string_stays_readable_around_its_password() -> None:
    redactor = Redactor()
    redactor.learn("DSN", "postgresql://app:p@ss/w0rd#1@db.internal:5432/notes")
    text = redactor.clean("postgresql://app:p@ss/w0rd#1@db.internal:5432/notes")
    assert text == "postgresql://app:[redacted]@db.internal:5432/notes"


def test_the_environment_teaches_secrets_by_name_and_leaves_the_rest_readable() -> None:
    redactor = Redactor()
    redactor.learn_environment(
        {"APP_SECRET": "s3cr3t-value", "AUTHOR": "Jane Austen", "TOKEN_MINUTES": "43200", "PWD": "/srv/notes",
         "CACHE": "redis://:cachepass1@h/0", "FEATURE_AUTH": "enabled", "PORT": "8080"}
    )  # fmt: skip
    kept = "Jane Austen 43200 /srv/notes enabled 8080 redis"
    assert redactor.clean(f"{kept} s3cr3t-value cachepass1") == f"{kept} [redacted:APP_SECRET] [redacted:CACHE]"


def test_a_key_of_several_lines_is_hidden_line_by_line() -> None:
    redactor = Redactor()
    redactor.learn("TLS", "first-line-of-key\nsecond-line-of-key\n")
    assert redactor.clean("x second-line-of-key") == "x [redacted:TLS]"


@pytest.mark.parametrize(
    "hostile",
    ["a" * 200_000 + " token", "token=" * 40_000, "://a:" * 40_000, "eyJ-" * 50_000, "bearer " + " " * 200_000,
     "token" + " " * 100_000, "cookie" * 40_000, "input_value=" * 20_000, "-----BEGIN PRIVATE KEY-----" * 8_000,
     "password='" * 20_000, "[parameters: " * 20_000, "passwd: " * 25_000, "authorization" * 15_000,
     "\\" * 200_000 + "token", "-eyJ" * 60_000],
    ids=lambda text: f"{text[:12]}...{text[-6:]}",
)  # fmt: skip
def test_hostile_text_is_cleaned_in_time_proportional_to_its_length(hostile: str, redactor: Redactor) -> None:
    began = time.process_time()
    redactor.clean(hostile)
    assert time.process_time() - began < 2.0


def test_secrets_can_be_learned_while_others_clean(redactor: Redactor) -> None:
    assert redactor.clean("later-learned-secret") == "later-learned-secret"
    redactor.learn("LATER", "later-learned-secret")
    assert redactor.clean(f"{SECRET} later-learned-secret") == "[redacted:NOTES_KEY] [redacted:LATER]"
