"""A secret that the redactor has learnt is in nothing that passes through it, however it is written there."""

import base64
import html
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from roadworthy.domain.evidence import Answer, DependencyFacts, Exchange, FaultWindow, NotRun, Sample
from roadworthy.domain.recording import SCHEMA_VERSION, Header
from roadworthy.recording.reader import read_recording
from roadworthy.recording.redaction import SECRET_NAME, SHORTEST, Redactor
from roadworthy.recording.writer import RecordingWriter

secrets = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=SHORTEST, max_size=40).filter(
    lambda text: text == text.strip()
)
WRITTEN = {
    "as it is": lambda text: text,
    "in a URL": lambda text: quote(text, safe=""),
    "in a path": quote,
    "in a form": quote_plus,
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "in JSON": json.dumps,
    "in JSON in JSON": lambda text: json.dumps(json.dumps({"key": text})),
    "in HTML": html.escape,
    "as Python shows it": repr,
}


@pytest.mark.parametrize("how", WRITTEN)
@given(secret=secrets, before=st.text(max_size=5), after=st.text(max_size=5))
def test_no_way_of_writing_a_secret_passes(how: str, secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.learn("NAME", secret)
    written = WRITTEN[how](secret)
    core = written.strip("\"'=") if how != "in JSON in JSON" else json.dumps(json.dumps(secret)[1:-1])[1:-1]
    assume(core not in "[redacted:NAME]")
    cleaned = redactor.clean(f"{before}{written}{after}")
    assert core not in cleaned.replace("[redacted:NAME]", "\0")
    assert "[redacted:NAME]" in cleaned


@pytest.mark.parametrize("kept", range(8, 21))
def test_what_a_limit_on_length_leaves_of_a_secret_is_hidden_too(kept: int) -> None:
    redactor = Redactor()
    redactor.learn("NAME", secret := "s3cr3t-canary-value-9")
    cut_at_its_end = "x" * 300 + secret[:kept]
    cut_at_its_beginning = secret[-kept:] + "x" * 300
    assert redactor.clean(cut_at_its_end) == "x" * 300 + "[redacted:NAME]"
    assert redactor.clean(cut_at_its_beginning) == "[redacted:NAME]" + "x" * 300


@pytest.mark.parametrize("text", ["s3cr3t-c", "x" * 300 + "s3cr3t", "x" * 300 + "s3cr3t-cab", "canary" + "x" * 300])
def test_what_no_limit_has_cut_and_what_a_secret_does_not_continue_stays(text: str) -> None:
    redactor = Redactor()
    redactor.learn("NAME", "s3cr3t-canary-value-9")
    assert redactor.clean(text) == text


@pytest.mark.parametrize(
    "name",
    ["SECRET_KEY", "API_TOKEN", "DB_PASSWORD", "DB_PASS", "SMTP_PASS", "PGPASSWORD", "ROOT_PWD", "SIGNING_KEY", "KEYS",
     "AWS_ACCESS_KEY_ID", "STRIPE_APIKEY", "BASIC_AUTH", "SESSION_COOKIE", "HASH_SALT", "PRIVATE_KEY_PEM",
     "GIT_CREDENTIALS", "DB_CREDS", "STORAGE_CONNECTION_STRING", "REPORTS_DSN", "SSH_PASSPHRASE"],
)  # fmt: skip
def test_settings_whose_names_sound_secret_are_learnt(name: str) -> None:
    redactor = Redactor()
    redactor.learn_environment({name: "canary-value"})
    assert redactor.clean("a canary-value b") == f"a [redacted:{name}] b"


@pytest.mark.parametrize("name", ["PORT", "HOME", "PWD", "OLDPWD", "LOG_LEVEL", "KEYBOARD", "PASSENGERS", "WORKERS"])
def test_other_settings_stay_readable(name: str) -> None:
    assert not SECRET_NAME.search(name)


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("postgresql://app:canary-pw@127.0.0.1:5432/db", "canary-pw"),
        ("postgresql://app:canary%40pw@127.0.0.1:5432/db", "canary%40pw"),
        ("postgresql://app:canary%40pw@127.0.0.1:5432/db", "canary@pw"),
        ("redis://:canary-pw@127.0.0.1:6379/0", "canary-pw"),
        ("host=127.0.0.1 user=app password=canary-pw dbname=db", "canary-pw"),
        ("host=127.0.0.1 password='canary pw' dbname=db", "canary pw"),
        ("Server=127.0.0.1;User Id=app;Password=canary-pw;", "canary-pw"),
    ],
)
def test_the_password_in_an_address_is_learnt_and_the_address_stays(value: str, secret: str) -> None:
    redactor = Redactor()
    redactor.learn_environment({"DATABASE_URL": value})
    assert secret not in redactor.clean(f"tried {value} with {secret}")
    assert "127.0.0.1" in redactor.clean(value)


def test_the_address_of_a_web_hook_whose_name_is_secret_is_learnt() -> None:
    redactor = Redactor()
    redactor.learn_environment({"HOOK_TOKEN": "https://hooks.example/services/canary/hook"})
    assert "canary" not in redactor.clean("POST https://hooks.example/services/canary/hook")


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("https://api.example/?v=1&api_key=canary-key", "canary-key"),
        ("https://api.example/?access_token=canary%2Ftoken", "canary/token"),
        ("https://canary-canary-token@api.example/1", "canary-canary-token"),
        ("https://canary%2fcanary%2ftoken:@api.example/1", "canary%2fcanary%2ftoken"),
    ],
)
def test_a_token_in_an_address_is_learnt(value: str, secret: str) -> None:
    redactor = Redactor()
    redactor.learn_environment({"UPSTREAM": value})
    assert "canary" not in redactor.clean(f"asked {value} with {secret}")
    assert "api.example" in redactor.clean(value)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--api-key", "canary-key"),
        ("--token=canary-key",),
        ("-password", "canary-key"),
        ("postgresql://app:canary-key@127.0.0.1/db",),
        ("--dsn=postgresql://app:canary-key@127.0.0.1/db",),
        ("--upstream", "https://api.example/?token=canary-key"),
        ("env", "API_TOKEN=canary-key", "serve"),
        ("sh", "-c", "exec serve --api-key 'canary-key' --port 80"),
    ],
)
def test_secrets_on_a_command_line_are_learnt(arguments: tuple[str, ...]) -> None:
    redactor = Redactor()
    redactor.learn_arguments(["serve", "--port", "8000", *arguments])
    assert "canary" not in redactor.clean(" ".join(arguments))
    assert redactor.clean("serve --port 8000") == "serve --port 8000"


@pytest.mark.parametrize(
    "arguments", [("--no-auth", "--workers", "4"), ("--auth-backend", "default"), ("tokens", "import", "all-of-them")]
)
def test_the_rest_of_a_command_line_stays_readable(arguments: tuple[str, ...]) -> None:
    redactor = Redactor()
    redactor.learn_arguments(arguments)
    assert redactor.clean(" ".join(arguments)) == " ".join(arguments)


@pytest.mark.parametrize("header", ["X-Acme-Signature", "X-Customer"])
def test_every_header_is_learnt_where_all_of_them_are_credentials(header: str) -> None:
    redactor = Redactor()
    redactor.learn_headers({header: "canary-value"}, every=True)
    assert redactor.clean("canary-value") == f"[redacted:{header}]"


def test_an_address_that_cannot_be_read_is_hidden_as_a_whole() -> None:
    redactor = Redactor()
    redactor.learn_environment({"AUTH_DSN": "x://[canary"})
    assert "canary" not in redactor.clean("bad: x://[canary")


@pytest.mark.parametrize(
    ("header", "value", "secrets"),
    [
        ("Authorization", "Bearer canary-token", ["canary-token"]),
        ("authorization", "Basic YWRtaW46Y2FuYXJ5LXB3", ["YWRtaW46Y2FuYXJ5LXB3", "canary-pw", "admin:canary-pw"]),
        ("Cookie", "session=canary-session", ["session=canary-session"]),
        ("X-Api-Key", "canary-key", ["canary-key"]),
        ("X-Auth-Token", "canary-token", ["canary-token"]),
        ("X-Client-Secret", "canary-secret", ["canary-secret"]),
        ("Authorization", "Basic not base64 at all", ["not base64 at all"]),
    ],
)
def test_credentials_in_headers_are_learnt(header: str, value: str, secrets: list[str]) -> None:
    redactor = Redactor()
    redactor.learn_headers({header: value, "Accept": "text/html"})
    for secret in secrets:
        assert secret not in redactor.clean(f"sent {secret} and {value}")
    assert redactor.clean("text/html") == "text/html"


def test_a_key_of_several_lines_is_hidden_line_by_line() -> None:
    redactor = Redactor()
    redactor.learn_environment(
        {"PRIVATE_KEY": "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAo\n"}
    )
    assert "AQEFAASCBKcwggSjAgEAAo" not in redactor.clean("line 2: AQEFAASCBKcwggSjAgEAAo")


def test_a_switch_whose_name_sounds_secret_is_none() -> None:
    redactor = Redactor()
    redactor.learn_environment({"TOKENIZERS_PARALLELISM": "false", "AUTH_BACKEND": "default"})
    assert redactor.clean('{"ok": false, "profile": "default"}') == '{"ok": false, "profile": "default"}'


def test_what_is_shorter_than_five_characters_is_no_secret() -> None:
    redactor = Redactor()
    redactor.learn("PIN", "1234")
    assert redactor.clean("1234 of 12345") == "1234 of 12345"


def test_a_longer_secret_is_replaced_before_one_that_is_part_of_it() -> None:
    redactor = Redactor()
    redactor.learn("SHORT", "canary")
    redactor.learn("LONG", "canary-and-more")
    assert redactor.clean("canary-and-more canary") == "[redacted:LONG] [redacted:SHORT]"


STAMP = {"experiment": "dependency-fault:database:refused", "trial": 1, "configuration": "default"}


def sample(note: str) -> Sample:
    return Sample("create", 0.0, False, Answer.REFUSED, None, 0.1, "x1", note)


def window(note: str) -> FaultWindow:
    return FaultWindow(
        **STAMP, dependency="database", kind="postgresql", fault="refused", hits=1, bytes_swallowed=0,
        before=(), began_at=0, requests=(sample(note),), readiness=(), endpoints=(), liveness_paths=(), waited_s=1,
        process_alive=True, restored_at=1, transaction_recovered_s=None, readiness_recovered_s=None,
        recovery_waited_s=1, after=(), restarted=False, answer_bound_s=1,
    )  # fmt: skip


@pytest.mark.parametrize(
    "password", ["postgres", "default", "refused", "database", "not-run", "FaultWindow", "standard"]
)
def test_a_password_that_is_a_word_of_ours_is_hidden_and_breaks_nothing(password: str, tmp_path: Path) -> None:
    """Passwords of test databases are words such as "postgres": the kind "postgresql" must survive them."""
    redactor = Redactor()
    redactor.learn("DATABASE_URL", password)
    recorder = RecordingWriter(tmp_path, redactor)
    header = Header(
        SCHEMA_VERSION, "1", "t", f"run {password}", "/", "", "standard", 1, ("default",), {}, only=("a-b",)
    )
    facts = DependencyFacts("cache", "postgresql", "URL", f"said {password}", True, 1, 1)
    recorder.header(header, {"dependencies": [{"kind": facts.kind, "url": password, "json": {"kind": password}}]})
    recorder.keep(window(f"says {password}"))
    recorder.keep(
        NotRun(**STAMP, reason="not-run", explanation=password, decidable_by="", would_have_made=("FaultWindow",))
    )
    recorder.exchange(
        Exchange("x1", 0, "GET", "/", {"kind": password}, "", Answer.REFUSED, None, {password: password}, password, 0)
    )
    recorder.end()
    recording = read_recording(tmp_path)
    found, not_run = recording.evidence
    assert recording.warnings == ()
    assert isinstance(found, FaultWindow)
    assert isinstance(not_run, NotRun)
    assert (found.kind, found.fault, found.requests[0].answer) == ("postgresql", "refused", Answer.REFUSED)
    assert (not_run.reason, not_run.would_have_made) == ("not-run", ("FaultWindow",))
    assert (recording.header.profile, recording.header.configurations) == ("standard", ("default",))
    hidden = "[redacted:DATABASE_URL]"
    assert found.requests[0].note == f"says {hidden}"
    assert recording.header.command == f"run {hidden}"
    seen = recording.exchanges["x1"]
    assert (seen.request_headers, seen.headers, seen.body) == ({"kind": hidden}, {hidden: hidden}, hidden)
    assert recording.spec is not None
    assert recording.spec["dependencies"] == [{"kind": "postgresql", "url": hidden, "json": {"kind": hidden}}]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(secret=secrets)
def test_no_file_of_a_recording_holds_a_secret(secret: str, tmp_path: Path) -> None:
    assume(not any(secret in word for word in ("[redacted:KEY]", "FaultWindow", "dependency-fault:database:refused")))
    redactor = Redactor()
    redactor.learn("KEY", secret)
    recorder = RecordingWriter(tmp_path / "r", redactor)
    recorder.header(Header(SCHEMA_VERSION, "1", "t", "run", "/", "", "standard", 1, ("default",), {}), {"a": secret})
    recorder.keep(window(f"<<{secret}>>"))
    recorder.exchange(
        Exchange(
            "x1", 0, "GET", f"/?q={secret}", {}, secret, Answer.ANSWERED, 200, {"X": secret}, f"<<{secret}>>" * 900, 0
        )
    )
    recorder.event("start", label=secret)
    recorder.end(error=secret, warnings=(secret,))
    for path in (tmp_path / "r").rglob("*"):
        text = path.read_text() if path.is_file() else ""
        assert f"<<{secret}" not in text
        assert f"<<{json.dumps(secret)[1:-1]}" not in text
    assert secret not in recorder.exchanges["x1"].body.replace("[redacted:KEY]", "")
