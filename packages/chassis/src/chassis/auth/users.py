"""Accounts: who may log in, with which password and which roles."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.auth.passwords import Passwords
from chassis.auth.sessions import Sessions
from chassis.auth.storage import Storage, new_id
from chassis.auth.words import is_id, normalise_login
from chassis.errors import ProblemError


@dataclass(frozen=True, slots=True)
class User:
    """An account, as it is kept. ``login`` is in its one spelling (:func:`~chassis.auth.words.normalise_login`)."""

    id: str
    login: str
    roles: tuple[str, ...]
    created_at: float
    last_login_at: float | None = None
    disabled_at: float | None = None


class Users:
    """Makes accounts and changes them. ``by`` is the id of who asks for it, for the audit log."""

    def __init__(self, storage: Storage, passwords: Passwords, sessions: Sessions) -> None:
        """Keep accounts in ``storage``; changes to an account end its sessions where they should."""
        self._storage = storage
        self._table = storage.tables.users
        self._passwords = passwords
        self._sessions = sessions

    async def register(self, login: str, password: str, *, roles: Iterable[str] = (), by: str = "") -> User:
        """Make an account.

        Raises:
            ProblemError: 422 when the login or the password will not do, 409 when the login is taken.
            ValueError: the policy has no such role.
        """
        name = normalise_login(login)
        self._passwords.check_new(password, name)
        words = self._storage.policy.known_roles(roles)
        password_hash = await self._passwords.hash(password)
        user = User(new_id(), name, words, self._storage.clock.time())
        try:
            async with self._storage.begin() as connection:
                await connection.execute(
                    insert(self._table).values(
                        id=user.id,
                        login=name,
                        password_hash=password_hash,
                        roles=" ".join(words),
                        created_at=user.created_at,
                    )
                )
                await self._record(connection, "user.registered", user.id, by or user.id, roles=" ".join(words))
        except IntegrityError:
            raise ProblemError(409, "This login is taken.") from None
        return user

    async def find(self, user_id: str) -> User | None:
        """Return the account of that id, or None."""
        return (await self._find(self._table.c.id == user_id))[0] if is_id(user_id) else None

    async def find_by_login(self, login: str) -> User | None:
        """Return the account of that login in any spelling, or None."""
        return (await self.find_with_hash(login))[0]

    async def find_with_hash(self, login: str) -> tuple[User | None, str | None]:
        """Return the account of that login in any spelling and the hash of its password, or two times None.

        The hash is not part of :class:`User`, so that none ends up in an answer or a log.
        """
        return await self._find(self._table.c.login == normalise_login(login))

    async def set_password(
        self, user_id: str, password: str, *, by: str, keep_session: str = "", address: str = ""
    ) -> None:
        """Give an account a new password, and end its sessions, but for the one of id ``keep_session``.

        ``address`` is where the request came from, for the audit log.

        Raises:
            ProblemError: 422 when the password will not do, 404 when there is no such account.
        """
        user = await self.find(user_id)
        self._passwords.check_new(password, user.login if user else "")
        password_hash = await self._passwords.hash(password)
        async with self._storage.begin() as connection:
            await self._change(connection, user_id, password_hash=password_hash)
            await self._sessions.end_all(connection, user_id, but=keep_session)
            await self._storage.audit.record(connection, "password.changed", actor=by, subject=user_id, address=address)

    async def set_roles(self, user_id: str, roles: Iterable[str], *, by: str) -> None:
        """Give an account these roles and no others.

        Raises:
            ProblemError: 404 when there is no such account.
            ValueError: the policy has no such role.
        """
        words = " ".join(self._storage.policy.known_roles(roles))
        async with self._storage.begin() as connection:
            await self._change(connection, user_id, roles=words)
            await self._record(connection, "roles.changed", user_id, by, roles=words)

    async def disable(self, user_id: str, *, by: str) -> None:
        """Shut an account: its sessions end, and its API keys are refused until it is enabled again.

        Raises:
            ProblemError: 404 when there is no such account.
        """
        async with self._storage.begin() as connection:
            await self._change(connection, user_id, disabled_at=self._storage.clock.time())
            await self._sessions.end_all(connection, user_id)
            await self._record(connection, "user.disabled", user_id, by)

    async def enable(self, user_id: str, *, by: str) -> None:
        """Open a disabled account again.

        Raises:
            ProblemError: 404 when there is no such account.
        """
        async with self._storage.begin() as connection:
            await self._change(connection, user_id, disabled_at=None)
            await self._record(connection, "user.enabled", user_id, by)

    async def _find(self, condition: ColumnElement[bool]) -> tuple[User | None, str | None]:
        async with self._storage.begin() as connection:
            row = (await connection.execute(select(self._table).where(condition))).mappings().first()
        if row is None:
            return None, None
        columns = {key: row[key] for key in row if key not in ("password_hash", "roles")}
        return User(**columns, roles=tuple(row["roles"].split())), row["password_hash"]

    async def _change(self, connection: AsyncConnection, user_id: str, **values: object) -> None:
        if not is_id(user_id):
            raise ProblemError(404, "There is no such account.")
        changed = await connection.execute(update(self._table).where(self._table.c.id == user_id).values(**values))
        if changed.rowcount != 1:
            raise ProblemError(404, "There is no such account.")

    async def _record(self, connection: AsyncConnection, action: str, user_id: str, by: str, **detail: str) -> None:
        await self._storage.audit.record(connection, action, actor=by, subject=user_id, detail=detail)
