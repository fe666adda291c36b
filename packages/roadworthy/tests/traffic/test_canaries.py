"""Secrets of our own making are found in the forms that programs write, and in no excerpt."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from roadworthy.traffic.canaries import Finder, Secret, is_telling, new_secret

SECRET = Secret("the key", "rw0123456789+/rwabcdefabcd", ("rw0123456789", "rwabcdefabcd"))
OTHER = Secret("the password", "correct horse & battery")


def forms(text: str, *secrets: Secret) -> list[tuple[str, str]]:
    return [(hit.secret.name, hit.form) for hit in Finder(secrets or (SECRET, OTHER)).find(text)]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (f"key={SECRET.value};", "plain"),
        (f"GET /?token={quote(SECRET.value, safe='')} HTTP/1.1", "url-encoded"),
        (f"GET /?token={quote(SECRET.value, safe='').lower()} HTTP/1.1", "url-encoded"),
        ("Basic " + base64.b64encode(f"user:{SECRET.value}".encode()).decode(), "base64"),
        ('{"key": "rw0123456789\\u002B\\/rwabcdefabcd"}', "half of it"),
        ("key=rw0123456789...", "half of it"),
    ],
)
def test_each_form_is_found_by_its_name(text: str, form: str) -> None:
    assert forms(text) == [("the key", form)]


@pytest.mark.parametrize("text", ["", "key=rw01********abcd", "rw0123456", "correct horse", "[secret]"])
def test_a_mask_and_a_few_characters_are_no_secret(text: str) -> None:
    assert forms(text) == []


def test_texts_of_the_user_are_found_as_html_and_json_write_them() -> None:
    assert forms("<p>correct horse &amp; battery</p>") == [("the password", "escaped")]
    quoted = Secret("the phrase", 'say "friend" 123')
    assert forms(json.dumps({"a": quoted.value}), quoted) == [("the phrase", "escaped")]


@given(before=st.binary(max_size=9), after=st.binary(max_size=9), safe=st.booleans())
def test_base64_is_found_wherever_the_secret_begins(before: bytes, after: bytes, safe: bool) -> None:
    encode = base64.urlsafe_b64encode if safe else base64.b64encode
    assert forms(encode(before + SECRET.value.encode() + after).decode()) == [("the key", "base64")]


def test_several_secrets_in_one_text_are_all_found_with_their_places() -> None:
    hits = Finder((SECRET, OTHER)).find(f"a {OTHER.value} b {SECRET.value}")
    assert [(hit.secret.name, hit.offset) for hit in hits] == [("the key", 28), ("the password", 2)]


@given(st.text(alphabet="ab \n\"'", max_size=400), st.text(alphabet="ab \n\"'", max_size=800))
def test_an_excerpt_shows_what_is_around_and_nothing_of_the_secret(before: str, after: str) -> None:
    finder = Finder((SECRET, OTHER))
    text = f"{before}{SECRET.value}{after}{OTHER.value}"
    excerpt = finder.excerpt(text, len(before))
    assert "[secret]" in excerpt
    assert not any(part in excerpt for part in (*SECRET.parts, "horse"))
    assert "\n" not in excerpt


def test_new_secrets_differ_and_hold_what_gets_escaped() -> None:
    one, two = new_secret("one"), new_secret("two")
    assert one.value != two.value
    assert "+/" in one.value
    assert all(is_telling(part) and part in one.value for part in one.parts)


@pytest.mark.parametrize(("value", "telling"), [("lab-hmac-secret", True), ("a" * 64, False), ("x1", False),
    ("123456789012", False), ("development", False)])  # fmt: skip
def test_words_and_short_values_say_nothing(value: str, telling: bool) -> None:
    assert is_telling(value) is telling
