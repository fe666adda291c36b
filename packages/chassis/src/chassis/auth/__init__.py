"""Authentication: passwords, sessions, API keys, roles, login throttling and an audit log (``docs/chassis/auth.md``).

The layers for frameworks are imported by name: :mod:`chassis.auth.fastapi` and :mod:`chassis.auth.flask`.
"""

from chassis.extras import extra

with extra("auth,sql"):
    import argon2 as _argon2  # noqa: F401
    import jwt as _jwt  # noqa: F401
    import sqlalchemy as _sqlalchemy  # noqa: F401

from chassis.auth.access_tokens import AccessTokens
from chassis.auth.api_keys import ApiKey, ApiKeys, NewApiKey
from chassis.auth.audit import AuditEntry, AuditLog
from chassis.auth.core import Auth, Tokens
from chassis.auth.keyring import KeyRing, SigningKey, new_key
from chassis.auth.policy import OWASP, RFC_9106, Attempts, AuthPolicy, HashCost
from chassis.auth.principal import Principal
from chassis.auth.sessions import Sessions
from chassis.auth.tables import AuthTables, protect_audit
from chassis.auth.throttle import AttemptCounter, SqlAttemptCounter
from chassis.auth.users import User, Users
from chassis.auth.words import normalise_login

__all__ = [
    "OWASP",
    "RFC_9106",
    "AccessTokens",
    "ApiKey",
    "ApiKeys",
    "AttemptCounter",
    "Attempts",
    "AuditEntry",
    "AuditLog",
    "Auth",
    "AuthPolicy",
    "AuthTables",
    "HashCost",
    "KeyRing",
    "NewApiKey",
    "Principal",
    "Sessions",
    "SigningKey",
    "SqlAttemptCounter",
    "Tokens",
    "User",
    "Users",
    "new_key",
    "normalise_login",
    "protect_audit",
]
