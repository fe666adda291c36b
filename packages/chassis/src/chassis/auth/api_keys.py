"""API keys: for programs, with scopes of their own. A key is shown once; only its SHA-256 is kept.

A key reads ``PREFIX_ID_SECRET``. The id finds it, in the database as in a log; the secret proves it.
"""

import hmac
import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import insert, literal, or_, select, update

from chassis.auth.principal import Principal
from chassis.auth.problems import unauthenticated
from chassis.auth.storage import Storage, fingerprint, new_secret
from chassis.auth.words import is_id, scope_words
from chassis.errors import ProblemError

LAST_USE_ACCURACY_S = 60.0
"""``last_used_at`` is written at most this often: a write for each request would cost more than it tells."""

_log = logging.getLogger(__name__)

LONGEST_KEY = 256
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret. Times are seconds since 1970-01-01 UTC; None for never."""

    id: str
    user_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: float
    expires_at: float | None
    last_used_at: float | None
    revoked_at: float | None


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that was just made. ``key`` is what the caller sends; it cannot be shown again."""

    id: str
    key: str = field(repr=False)


class ApiKeys:
    """Makes, checks and revokes API keys."""

    def __init__(self, storage: Storage) -> None:
        """Keep keys in ``storage``."""
        self._storage = storage
        self._table = storage.tables.api_keys
        self._users = storage.tables.users
        self._prefix = f"{storage.policy.api_key_prefix}_"

    def looks_like_one(self, credential: str) -> bool:
        """Tell whether a credential is meant as an API key."""
        return credential.startswith(self._prefix)

    async def create(
        self, user_id: str, name: str, scopes: Iterable[str], *, lifetime_s: float | None = None, by: str = ""
    ) -> NewApiKey:
        """Make a key for an account.

        Args:
            user_id: the account. Its key may never do more than the account itself.
            name: what it is for, to tell keys apart.
            scopes: what the key may do.
            lifetime_s: how long it is valid; None for ever.
            by: who asks for it; the account itself by default.

        Raises:
            ProblemError: 422; the name or a scope will not do. 404; there is no such account.
        """
        try:
            words = " ".join(scope_words(scopes, "a scope"))
        except ValueError as error:
            raise ProblemError(422, str(error)) from None
        if not (0 < len(name) <= LONGEST_NAME and name.isprintable()):
            raise ProblemError(422, f"The name of an API key has 1 to {LONGEST_NAME} printable characters.")
        now, key_id, secret = self._storage.clock.time(), secrets.token_hex(8), new_secret()
        values = {
            "id": key_id,
            "hash": fingerprint(secret),
            "user_id": user_id,
            "name": name,
            "scopes": words,
            "created_at": now,
            "expires_at": None if lifetime_s is None else now + lifetime_s,
        }
        account = select(*(literal(value, self._table.c[column].type) for column, value in values.items()))
        made = insert(self._table).from_select(list(values), account.where(self._users.c.id == user_id))
        async with self._storage.begin() as connection:
            if not is_id(user_id) or (await connection.execute(made.returning(self._table.c.id))).first() is None:
                raise ProblemError(404, "There is no such account.")
            await self._storage.audit.record(
                connection,
                "api_key.created",
                actor=by or user_id,
                subject=user_id,
                detail={"key": key_id, "scopes": words},
            )
        return NewApiKey(key_id, f"{self._prefix}{key_id}_{secret}")

    async def authenticate(self, key: str) -> Principal:
        """Return whom a key stands for. It may do what it was made for, as far as its account still may.

        Raises:
            ProblemError: 401; it is unknown, over or revoked, or its account is disabled.
        """
        key_id, _, secret = key.removeprefix(self._prefix).partition("_")
        if not self.looks_like_one(key) or len(key) > LONGEST_KEY or not is_id(key):
            raise _invalid()
        now, keys = self._storage.clock.time(), self._table.c
        async with self._storage.begin() as connection:
            found = await connection.execute(
                select(keys.hash, keys.user_id, keys.scopes, keys.last_used_at, self._users.c.roles)
                .join(self._users, self._users.c.id == keys.user_id)
                .where(
                    keys.id == key_id,
                    keys.revoked_at.is_(None),
                    or_(keys.expires_at.is_(None), keys.expires_at > now),
                    self._users.c.disabled_at.is_(None),
                )
            )
            row = found.first()
        if row is None or not hmac.compare_digest(row.hash, fingerprint(secret)):
            raise _invalid()
        if row.last_used_at is None or now - row.last_used_at >= LAST_USE_ACCURACY_S:
            await self._try_to_note_use(key_id, now)
        roles = row.roles.split()
        allowed = self._storage.policy.scopes_of(roles) & frozenset(row.scopes.split())
        return Principal(row.user_id, "api_key", key_id, frozenset(roles), allowed)

    async def all(self, user_id: str) -> list[ApiKey]:
        """Return an account's keys, the newest first, revoked ones too."""
        columns = [column for column in self._table.c if column.name != "hash"]
        query = select(*columns).where(self._table.c.user_id == user_id).order_by(self._table.c.created_at.desc())
        async with self._storage.begin() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [ApiKey(**{**row, "scopes": tuple(row["scopes"].split())}) for row in rows]

    async def revoke(self, user_id: str, key_id: str, *, by: str = "") -> None:
        """Revoke a key of an account, at once and for good.

        Raises:
            ProblemError: 404; the account has no such key, or it is revoked already.
        """
        if not is_id(key_id):
            raise _no_such_key()
        async with self._storage.begin() as connection:
            revoked = await connection.execute(
                update(self._table)
                .where(self._table.c.id == key_id, self._table.c.user_id == user_id, self._table.c.revoked_at.is_(None))
                .values(revoked_at=self._storage.clock.time())
            )
            if revoked.rowcount != 1:
                raise _no_such_key()
            await self._storage.audit.record(
                connection, "api_key.revoked", actor=by or user_id, subject=user_id, detail={"key": key_id}
            )

    async def _try_to_note_use(self, key_id: str, now: float) -> None:
        last = self._table.c.last_used_at
        used = update(self._table).where(self._table.c.id == key_id, or_(last.is_(None), last < now))
        try:
            async with self._storage.begin() as connection:
                await connection.execute(used.values(last_used_at=now))
        except Exception:  # noqa: BLE001 - such as a database that can only be read: the key is good all the same
            _log.warning("the use of an API key could not be noted", exc_info=True, extra={"context": {"key": key_id}})


def _no_such_key() -> ProblemError:
    return ProblemError(404, "There is no such API key.")


def _invalid() -> ProblemError:
    return unauthenticated("The API key is not valid.", error="invalid_token")
