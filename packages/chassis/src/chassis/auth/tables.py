"""The tables of authentication, on the service's own metadata, so that its migrations make them.

Times are seconds since 1970-01-01 UTC. Tokens and keys are kept as SHA-256: they are 256 random bits, so there is
nothing to guess and no need for a slow hash. Roles and scopes are words separated by blanks, as in OAuth 2.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    event,
    text,
)

AUDIT_KEPT_DAYS = 90
"""The database itself refuses to delete an entry of the audit log that is younger."""

_ID = String(32)
_HASH = String(64)
_LONG_INTEGER = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers only INTEGER keys by itself


class AuthTables:
    """The tables, by name: ``users``, ``sessions``, ``refresh_tokens``, ``api_keys``, ``attempts`` and ``audit``."""

    def __init__(self, metadata: MetaData | None = None) -> None:
        """Add them to ``metadata``, each named ``auth_...``."""
        self.metadata = metadata = MetaData() if metadata is None else metadata
        self.users = Table(
            "auth_users",
            metadata,
            Column("id", _ID, primary_key=True),
            Column("login", String(254), nullable=False, unique=True),
            Column("password_hash", Text, nullable=False),
            Column("roles", Text, nullable=False, default=""),
            Column("created_at", Double, nullable=False),
            Column("last_login_at", Double),
            Column("disabled_at", Double),
        )
        self.sessions = Table(
            "auth_sessions",
            metadata,
            Column("id", _ID, primary_key=True),
            _user_column(),
            Column("created_at", Double, nullable=False),
            Column("expires_at", Double, nullable=False, index=True),
            Column("ended_at", Double),
        )
        self.refresh_tokens = Table(
            "auth_refresh_tokens",
            metadata,
            Column("hash", _HASH, primary_key=True),
            Column("session_id", _ID, ForeignKey("auth_sessions.id", ondelete="CASCADE"), nullable=False, index=True),
            Column("expires_at", Double, nullable=False),
            Column("kept_until", Double, nullable=False, index=True),  # used ones too: to know them when they come back
            Column("used_at", Double),
        )
        self.api_keys = Table(
            "auth_api_keys",
            metadata,
            Column("id", _ID, primary_key=True),
            Column("hash", _HASH, nullable=False),
            _user_column(),
            Column("name", String(100), nullable=False),
            Column("scopes", Text, nullable=False),
            Column("created_at", Double, nullable=False),
            Column("expires_at", Double),
            Column("last_used_at", Double),
            Column("revoked_at", Double),
        )
        self.attempts = Table(
            "auth_attempts",
            metadata,
            Column("key", String(100), primary_key=True),
            Column("free_at", Double, nullable=False, index=True),
        )
        self.audit = Table(
            "auth_audit",
            metadata,
            Column("id", _LONG_INTEGER, primary_key=True, autoincrement=True),
            Column("at", Double, nullable=False, index=True),
            Column("action", String(100), nullable=False),
            Column("outcome", String(20), nullable=False),
            Column("actor", String(100), nullable=False),
            Column("subject", String(100), nullable=False, index=True),
            Column("address", String(64), nullable=False),
            Column("correlation_id", String(200), nullable=False),
            Column("detail", Text, nullable=False),
        )
        event.listen(self.audit, "after_create", _protect_after_create)


def protect_audit(connection: Connection) -> None:
    """Make the database refuse changes to the audit log, and deletions of its entries of the last 90 days.

    ``AuthTables.metadata.create_all`` does this itself. In an Alembic migration, call it after creating the tables, as
    ``protect_audit(op.get_bind())``. Whoever may drop triggers can take the protection away: give the service's
    account no such right where that matters.
    """
    for statement in _POSTGRESQL if connection.dialect.name == "postgresql" else _SQLITE:
        connection.execute(text(statement))


def _protect_after_create(_table: Table, connection: Connection, **_: Any) -> None:
    protect_audit(connection)


def _user_column() -> Column[Any]:
    return Column("user_id", _ID, ForeignKey("auth_users.id", ondelete="CASCADE"), nullable=False, index=True)


_KEPT_S = AUDIT_KEPT_DAYS * 86_400
_MESSAGE = "the audit log is append-only"
_SQLITE = (
    f"""CREATE TRIGGER auth_audit_no_update BEFORE UPDATE ON auth_audit
    BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END""",
    f"""CREATE TRIGGER auth_audit_no_delete BEFORE DELETE ON auth_audit
    WHEN OLD.at > CAST(strftime('%s', 'now') AS REAL) - {_KEPT_S}
    BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END""",
    # REPLACE INTO deletes what is there without asking the trigger above.
    f"""CREATE TRIGGER auth_audit_no_replace BEFORE INSERT ON auth_audit
    WHEN EXISTS (SELECT 1 FROM auth_audit WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END""",  # noqa: S608 - of constants
)
_POSTGRESQL = (
    f"""CREATE OR REPLACE FUNCTION auth_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            IF OLD.at <= extract(epoch FROM now()) - {_KEPT_S} THEN RETURN OLD; END IF;
        END IF;
        RAISE EXCEPTION '{_MESSAGE}';
    END $$""",
    """CREATE TRIGGER auth_audit_no_change BEFORE UPDATE OR DELETE ON auth_audit
    FOR EACH ROW EXECUTE FUNCTION auth_audit_refuse()""",
    """CREATE TRIGGER auth_audit_no_truncate BEFORE TRUNCATE ON auth_audit
    FOR EACH STATEMENT EXECUTE FUNCTION auth_audit_refuse()""",
)
