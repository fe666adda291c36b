"""Sessions, and the refresh tokens that carry them on.

A session is a family of refresh tokens. Each token is good for one use, which makes the next one. A token that comes
back after its use was copied by somebody: nobody can tell who is the thief, so the session ends for both (RFC 9700,
section 4.14.2).
"""

from dataclasses import dataclass, field
from enum import Enum

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.auth.audit import REFUSED
from chassis.auth.problems import unauthenticated
from chassis.auth.storage import Storage, fingerprint, new_id, new_secret
from chassis.auth.words import is_id
from chassis.errors import ProblemError


class _Refusal(Enum):
    UNKNOWN = "The refresh token is not valid."
    OVER = "The session has ended: log in again."
    JUST_USED = "The refresh token was used a moment ago: go on with the token that was made then."
    REUSED = "The refresh token had been used before: the session has ended, log in again."

    def problem(self) -> ProblemError:
        return unauthenticated(self.value, error="invalid_grant")


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that a token is made for."""

    id: str
    user_id: str
    roles: tuple[str, ...]
    refresh_token: str = field(default="", repr=False)


class Sessions:
    """Opens sessions, carries them on and ends them."""

    def __init__(self, storage: Storage) -> None:
        """Keep sessions in ``storage``."""
        self._storage = storage
        self._sessions = storage.tables.sessions
        self._tokens = storage.tables.refresh_tokens
        self._users = storage.tables.users

    async def open(self, connection: AsyncConnection, user_id: str, roles: tuple[str, ...]) -> OpenSession:
        """Open a session in a transaction of the caller's, and return it with its first refresh token."""
        now, session_id = self._storage.clock.time(), new_id()
        expires_at = now + self._storage.policy.session_lifetime_s
        await connection.execute(
            insert(self._sessions).values(id=session_id, user_id=user_id, created_at=now, expires_at=expires_at)
        )
        return await self._carry_on(connection, OpenSession(session_id, user_id, roles), expires_at)

    async def refresh(self, token: str) -> OpenSession:
        """Use a refresh token up, and return its session with the next one. Of several at once exactly one wins.

        Raises:
            ProblemError: 401; it is unknown or over, or its session is. Or it was used before, which ends the session.
        """
        async with self._storage.begin() as connection:
            outcome = await self._use(connection, fingerprint(token))
        if isinstance(outcome, _Refusal):  # raised out here: in there it would undo the end of the session
            raise outcome.problem()
        return outcome

    async def find(self, session_id: str) -> OpenSession | None:
        """Return a session that goes on, with the roles that its account has now; None when it is over."""
        async with self._storage.begin() as connection:
            return (await self._going_on(connection, session_id))[0]

    async def end(self, token: str) -> None:
        """End the session of a refresh token: log out. A token that is unknown or used changes nothing or the same."""
        session_id = select(self._tokens.c.session_id).where(self._tokens.c.hash == fingerprint(token))
        await self._end_one(session_id.scalar_subquery())

    async def end_by_id(self, session_id: str) -> None:
        """End a session by its id, as principals and access tokens have it."""
        if is_id(session_id):
            await self._end_one(session_id)

    async def end_all(self, connection: AsyncConnection, user_id: str, *, but: str = "") -> None:
        """End every session of an account, but for the one of id ``but``, in a transaction of the caller's."""
        await connection.execute(
            update(self._sessions)
            .where(self._sessions.c.user_id == user_id, self._sessions.c.id != but, self._sessions.c.ended_at.is_(None))
            .values(ended_at=self._storage.clock.time())
        )

    async def _end_one(self, session_id: object) -> None:
        async with self._storage.begin() as connection:
            ended = await connection.execute(
                update(self._sessions)
                .where(self._sessions.c.id == session_id, self._sessions.c.ended_at.is_(None))
                .values(ended_at=self._storage.clock.time())
                .returning(self._sessions.c.user_id)
            )
            for user_id in ended.scalars().all():
                await self._storage.audit.record(connection, "session.ended", actor=user_id)

    async def _use(self, connection: AsyncConnection, token_hash: str) -> OpenSession | _Refusal:
        now = self._storage.clock.time()
        used = await connection.execute(
            update(self._tokens)
            .where(self._tokens.c.hash == token_hash, self._tokens.c.used_at.is_(None), self._tokens.c.expires_at > now)
            .values(used_at=now)
            .returning(self._tokens.c.session_id)
        )
        session_id = used.scalar()
        if session_id is None:
            return await self._refuse(connection, token_hash)
        session, expires_at = await self._going_on(connection, session_id)
        if session is None:
            return _Refusal.OVER
        return await self._carry_on(connection, session, expires_at)

    async def _refuse(self, connection: AsyncConnection, token_hash: str) -> _Refusal:
        now = self._storage.clock.time()
        found = await connection.execute(select(self._tokens).where(self._tokens.c.hash == token_hash))
        token = found.mappings().first()
        if token is None:
            return _Refusal.UNKNOWN
        if token["used_at"] is None:
            return _Refusal.OVER
        session, _ = await self._going_on(connection, token["session_id"])
        if session is None:
            return _Refusal.OVER
        if now - token["used_at"] < self._storage.policy.race_grace_s:
            return _Refusal.JUST_USED
        await connection.execute(update(self._sessions).where(self._sessions.c.id == session.id).values(ended_at=now))
        await self._storage.audit.record(
            connection, "refresh_token.reused", actor="", subject=session.user_id, outcome=REFUSED
        )
        return _Refusal.REUSED

    async def _going_on(self, connection: AsyncConnection, session_id: str) -> tuple[OpenSession | None, float]:
        """Return the session and when it is over at the latest; None when it is over now."""
        found = await connection.execute(
            select(self._sessions.c.user_id, self._sessions.c.expires_at, self._users.c.roles)
            .join(self._users, self._users.c.id == self._sessions.c.user_id)
            .where(
                self._sessions.c.id == session_id,
                self._sessions.c.ended_at.is_(None),
                self._sessions.c.expires_at > self._storage.clock.time(),
                self._users.c.disabled_at.is_(None),
            )
        )
        row = found.first()
        if row is None:
            return None, 0.0
        return OpenSession(session_id, row.user_id, tuple(row.roles.split())), row.expires_at

    async def _carry_on(self, connection: AsyncConnection, session: OpenSession, until: float) -> OpenSession:
        token = new_secret()
        idle_until = self._storage.clock.time() + self._storage.policy.refresh_lifetime_s
        await connection.execute(
            insert(self._tokens).values(
                hash=fingerprint(token), session_id=session.id, expires_at=min(idle_until, until), kept_until=until
            )
        )
        return OpenSession(session.id, session.user_id, session.roles, token)
