"""What the parts of authentication share: the database, its tables, the policy, the clock and the audit log."""

import hashlib
import secrets
from dataclasses import dataclass, field

from chassis.auth.audit import AuditLog
from chassis.auth.policy import AuthPolicy
from chassis.auth.tables import AuthTables
from chassis.clock import SYSTEM_CLOCK, Clock
from chassis.data.transactions import Begin


@dataclass(frozen=True)
class Storage:
    """Handed to each part.

    Every transaction that writes begins with a write: SQLite then waits its turn instead of failing half-way, and
    PostgreSQL locks the row on which the rest depends.
    """

    begin: Begin
    policy: AuthPolicy
    tables: AuthTables
    clock: Clock = SYSTEM_CLOCK
    audit: AuditLog = field(init=False)

    def __post_init__(self) -> None:
        """Let the audit log write to the same tables, in the same time."""
        object.__setattr__(self, "audit", AuditLog(self.begin, self.tables, self.clock))


def new_id() -> str:
    """Return the id of a new row: 128 random bits in hexadecimal."""
    return secrets.token_hex(16)


def new_secret() -> str:
    """Return what a caller proves itself with: 256 random bits."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """Return what is kept of a secret that :func:`new_secret` made."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
