"""Access tokens: nothing passes but our own, unchanged, in time and for us; and keys are replaced unnoticed."""

import base64
import json
from typing import Any

import jwt
import pytest
from chassis.auth import AccessTokens, AuthPolicy, KeyRing, SigningKey, new_key
from chassis.errors import ProblemError
from chassis.redaction import REDACTOR
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.needs("auth", "sql")

OLD, NEW = new_key("2025-01"), new_key("2025-06")


@pytest.fixture
def tokens(clock: Any) -> AccessTokens:
    return AccessTokens(KeyRing.parse(OLD), AuthPolicy("notes"), clock)


def signed(clock: Any, key: str = OLD, algorithm: str = "HS256", headers: Any = None, **changes: Any) -> str:
    """Sign a token as an attacker or a bug would; None removes a claim."""
    key_id, _, secret = key.partition(":")
    claims = {"iss": "notes", "aud": "notes", "sub": "u1", "sid": "s1", "jti": "1", "roles": ["reader"]}
    claims |= {"iat": int(clock.time()), "exp": int(clock.time()) + 600, **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    header = {"kid": key_id, "typ": "at+jwt", **(headers or {})}
    header = {name: value for name, value in header.items() if value is not None}
    return jwt.encode(claims, secret if algorithm != "none" else None, algorithm=algorithm, headers=header)


def refused(tokens: AccessTokens, token: str) -> str:
    with pytest.raises(ProblemError) as refusal:
        tokens.verify(token)
    assert refusal.value.status == 401
    assert 'error="invalid_token"' in refusal.value.headers["WWW-Authenticate"]
    return refusal.value.detail


def test_what_was_issued_is_what_is_read(tokens: AccessTokens, clock: Any) -> None:
    token = tokens.issue("u1", "s1", ["reader"])
    claims = tokens.verify(token)
    assert (claims.user_id, claims.session_id, claims.roles) == ("u1", "s1", {"reader"})
    assert claims.expires_at == clock.time() + 600
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "kid": "2025-01", "typ": "at+jwt"}
    assert tokens.issue("u1", "s1", []) != tokens.issue("u1", "s1", [])
    tokens.verify(signed(clock))  # the helper below makes good ones too: its bad ones are bad for one reason each


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "HS512"}, {"algorithm": "HS384"}, {"algorithm": "none"},
        {"headers": {"typ": "JWT"}}, {"headers": {"kid": None}}, {"headers": {"kid": "2025-06"}}, {"key": NEW},
        {"iss": "others"}, {"aud": "others"}, {"aud": ["notes"]}, {"aud": ["others", "notes"]},
        {"iss": None}, {"aud": None}, {"sub": None}, {"exp": None}, {"iat": None}, {"jti": None}, {"sid": None},
        {"exp": True}, {"exp": "9999999999"}, {"iat": "1"}, {"sub": 7}, {"sid": 7}, {"roles": "editor"},
    ],
    ids=lambda changes: "another key" if "key" in changes else str(changes),
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:The HMAC key:jwt.warnings.InsecureKeyLengthWarning")
def test_what_is_not_exactly_ours_is_refused(tokens: AccessTokens, clock: Any, changes: dict[str, Any]) -> None:
    assert refused(tokens, signed(clock, **changes)) == "The access token is not valid."


def test_times_are_checked_with_a_little_leeway_between_replicas(tokens: AccessTokens, clock: Any) -> None:
    token = tokens.issue("u1", "s1", [])
    clock.advance(604)
    tokens.verify(token)
    clock.advance(1)
    assert refused(tokens, token) == "The access token has expired."
    tokens.verify(signed(clock, iat=int(clock.time()) + 5))
    refused(tokens, signed(clock, iat=int(clock.time()) + 6))


def test_a_changed_claim_breaks_the_signature(tokens: AccessTokens) -> None:
    header, payload, signature = tokens.issue("u1", "s1", ["reader"]).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"roles": ["editor"]}).encode()).rstrip(b"=").decode()
    refused(tokens, f"{header}.{forged}.{signature}")
    refused(tokens, f"{header}.{payload}.")
    refused(tokens, f"{header}.{payload}")


def test_a_header_of_many_brackets_is_refused_like_any_other(tokens: AccessTokens) -> None:
    header = base64.urlsafe_b64encode(b'{"kid":' + b"[" * 6000).decode().rstrip("=")
    refused(tokens, f"{header}.e30.e30")


@given(st.text() | st.text(alphabet="abcdefeyJ0._-", max_size=200) | st.just("x" * 100_000))
def test_whatever_is_sent_is_refused_and_nothing_else_happens(text: str) -> None:
    refused(AccessTokens(KeyRing.parse(OLD), AuthPolicy("notes")), text)


def test_keys_are_replaced_without_a_token_being_refused_until_the_old_one_is_retired(clock: Any) -> None:
    policy = AuthPolicy("notes")
    settings = [OLD, f"{OLD},{NEW}", f"{NEW}, {OLD}", NEW]
    before, both, switched, after = [AccessTokens(KeyRing.parse(each), policy, clock) for each in settings]
    for running, rolled_out in ((before, both), (both, switched)):  # during a roll-out both kinds of replicas run
        for signing, checking in ((running, rolled_out), (rolled_out, running)):
            checking.verify(signing.issue("u1", "s1", []))
    old_token, new_token = both.issue("u1", "s1", []), switched.issue("u1", "s1", [])
    assert jwt.get_unverified_header(new_token)["kid"] == "2025-06"
    after.verify(new_token)
    refused(after, old_token)


def test_mistakes_in_the_setting_are_told_without_the_secrets() -> None:
    secret = NEW.partition(":")[2]
    for setting, said in (
        ("", "there is no signing key"), (" , ", "there is no signing key"), (secret, "no usable id"),
        (f"bad id:{secret}", "no usable id"), ("2025-06:short-canary", "'2025-06' is too weak"),
        (f"a:{'x' * 64}", "'a' is too weak"), (f"a:{secret},a:{secret}", "two signing keys have the id 'a'"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said) as refusal:
            KeyRing.parse(setting)
        assert secret not in str(refusal.value)
        assert "canary" not in str(refusal.value)
    assert secret not in repr(SigningKey("a", secret))
    assert secret not in repr(KeyRing(SigningKey("a", secret)))


def test_a_secret_setting_is_read_as_well_as_a_text() -> None:
    class Hidden:
        def get_secret_value(self) -> str:
            return OLD

    assert KeyRing.parse(Hidden()).active.id == "2025-01"


def test_a_policy_that_names_nothing_sensible_is_refused() -> None:
    for wrong in ({"issuer": ""}, {"issuer": "x", "api_key_prefix": "a_b"}, {"issuer": "x", "roles": {"a b": []}}):
        with pytest.raises(ValueError, match=r"AuthPolicy|cannot name"):
            AuthPolicy(**wrong)


def test_each_key_of_the_setting_is_hidden_in_logs() -> None:
    """Also where the setting itself is not: as a whole it is another text."""
    KeyRing.parse(f"{OLD},{NEW}")
    for secret in (key.partition(":")[2] for key in (OLD, NEW)):
        assert REDACTOR.clean(f"with {secret}") == "with [redacted:SIGNING_KEY]"
