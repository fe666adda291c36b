"""Access tokens: JSON Web Tokens in the profile of RFC 9068, signed with HS256.

The algorithm is pinned: a token that names another, or none, is refused whatever its signature. HS256 fits because the
service that makes the tokens is the one that checks them.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jwt

from chassis.auth.keyring import KeyRing
from chassis.auth.policy import AuthPolicy
from chassis.auth.problems import unauthenticated
from chassis.clock import SYSTEM_CLOCK, Clock
from chassis.errors import ProblemError

ALGORITHM = "HS256"
TYPE = "at+jwt"
LONGEST_TOKEN = 8192

_CLAIMS = ["iss", "aud", "sub", "exp", "iat", "jti", "sid"]
_OPTIONS: Any = {
    "require": _CLAIMS,
    "verify_signature": True,
    "verify_aud": True,
    "verify_iss": True,
    "verify_sub": True,
    "verify_jti": True,
    "strict_aud": True,
    "verify_exp": False,  # the times are checked below, on the clock that a test can hold
    "verify_iat": False,
    "verify_nbf": False,
}


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a valid access token says."""

    user_id: str
    session_id: str
    roles: frozenset[str]
    expires_at: float


class AccessTokens:
    """Makes access tokens, and checks them."""

    def __init__(self, keys: KeyRing, policy: AuthPolicy, clock: Clock = SYSTEM_CLOCK) -> None:
        """Use the keys of ``keys``; the issuer, the audience and the lifetime are the policy's."""
        self._keys = keys
        self._policy = policy
        self._audience = policy.audience or policy.issuer
        self._clock = clock

    def issue(self, user_id: str, session_id: str, roles: Iterable[str]) -> str:
        """Return a new token."""
        now = self._clock.time()
        claims = {
            "iss": self._policy.issuer,
            "aud": self._audience,
            "sub": user_id,
            "sid": session_id,
            "iat": int(now),
            "exp": int(now + self._policy.access_lifetime_s),
            "jti": secrets.token_urlsafe(12),
            "roles": sorted(roles),
        }
        key = self._keys.active
        return jwt.encode(claims, key.secret, algorithm=ALGORITHM, headers={"kid": key.id, "typ": TYPE})

    def verify(self, token: str) -> AccessClaims:
        """Return what a token says.

        Raises:
            ProblemError: 401; it is not one of ours, not for us, changed, over, or signed with a retired key.
        """
        claims = self._signed_claims(token)
        now, leeway = self._clock.time(), self._policy.leeway_s
        expires, issued = claims["exp"], claims["iat"]
        if not (_is_number(expires) and _is_number(issued)) or issued > now + leeway:
            raise _invalid()
        if expires + leeway <= now:
            raise unauthenticated("The access token has expired.", error="invalid_token")
        roles = claims.get("roles", [])
        if not isinstance(claims["sid"], str) or not isinstance(roles, list):
            raise _invalid()
        return AccessClaims(claims["sub"], claims["sid"], frozenset(map(str, roles)), float(expires))

    def _signed_claims(self, token: str) -> dict[str, Any]:
        if len(token) > LONGEST_TOKEN:
            raise _invalid()
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.find(str(header.get("kid")))
            if key is None or header.get("typ") != TYPE:
                raise _invalid()
            return jwt.decode(
                token,
                key.secret,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._policy.issuer,
                options=_OPTIONS,
            )
        except (jwt.PyJWTError, RecursionError):  # the second: a header of a thousand brackets
            raise _invalid() from None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _invalid() -> ProblemError:
    return unauthenticated("The access token is not valid.", error="invalid_token")
