"""Authentication in one object: what a service asks for, whatever framework it is built on."""

from dataclasses import dataclass, field

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.auth.access_tokens import AccessTokens
from chassis.auth.api_keys import ApiKeys
from chassis.auth.audit import REFUSED
from chassis.auth.keyring import KeyRing
from chassis.auth.passwords import Passwords
from chassis.auth.policy import AuthPolicy
from chassis.auth.principal import Principal
from chassis.auth.problems import unauthenticated
from chassis.auth.sessions import OpenSession, Sessions
from chassis.auth.storage import Storage
from chassis.auth.tables import AuthTables
from chassis.auth.throttle import AttemptCounter, LoginThrottle, SqlAttemptCounter
from chassis.auth.users import User, Users
from chassis.auth.words import normalise_login
from chassis.clock import SYSTEM_CLOCK, Clock
from chassis.data.purge import purge_older_than
from chassis.data.transactions import Begin
from chassis.errors import ProblemError


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a caller gets for a login or a refresh. The names are those of OAuth 2 (RFC 6749, section 5.1)."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - a word of the standard


class Auth:
    """Accounts, sessions, API keys and the audit log of one service.

    Args:
        begin: opens a connection in a transaction: ``transactions(database.session)`` for a declared database, or
            ``AsyncEngine.begin``. SQLite and PostgreSQL.
        keys: what access tokens are signed with.
        policy: the numbers.
        tables: where everything is kept; on the service's own metadata, so that its migrations make them.
        counter: what counts attempts to log in; by default the database does.
        clock: the time.

    Attributes:
        users: makes accounts and changes them.
        sessions: opens, carries on and ends sessions.
        api_keys: makes, checks and revokes API keys.
        access_tokens: makes and checks access tokens, without the database.
        audit: the audit log.
    """

    def __init__(
        self,
        begin: Begin,
        keys: KeyRing,
        policy: AuthPolicy,
        *,
        tables: AuthTables | None = None,
        counter: AttemptCounter | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Put the parts together. Nothing is connected or started yet."""
        self._storage = storage = Storage(begin, policy, tables or AuthTables(), clock)
        self._policy = policy
        self._passwords = Passwords(policy)
        self._throttle = LoginThrottle(counter or SqlAttemptCounter(begin, storage.tables, clock), policy)
        self.access_tokens = AccessTokens(keys, policy, clock)
        self.sessions = Sessions(storage)
        self.users = Users(storage, self._passwords, self.sessions)
        self.api_keys = ApiKeys(storage)
        self.audit = storage.audit

    async def login(self, login: str, password: str, *, address: str) -> Tokens:
        """Open a session for who knows the password.

        Args:
            login: in any spelling.
            password: as it was typed.
            address: the client's, as the edge knows it behind trusted proxies; attempts are counted for it.

        Raises:
            ProblemError: 401 when the two do not belong together, in the same words and after the same work whether the
                account exists or not; 429 with ``Retry-After`` after too many attempts; 503 when they cannot be
                counted.
        """
        user, kept = await self._checked(login, password, address)
        renewed = await self._passwords.hash(password) if self._passwords.is_outdated(kept) else kept
        async with self._storage.begin() as connection:
            if not await self._note_login(connection, user.id, kept, renewed):
                raise _wrong()
            session = await self.sessions.open(connection, user.id, user.roles)
            await self.audit.record(connection, "login", actor=user.id, address=address)
        return self._tokens(session)

    async def refresh(self, refresh_token: str) -> Tokens:
        """Carry a session on: use its refresh token up, and return new tokens.

        Raises:
            ProblemError: 401; see :meth:`Sessions.refresh`.
        """
        return self._tokens(await self.sessions.refresh(refresh_token))

    async def logout(self, refresh_token: str) -> None:
        """End the session of a refresh token. Whatever is sent, the answer is the same."""
        await self.sessions.end(refresh_token)

    async def change_password(self, user_id: str, old: str, new: str, *, address: str, session_id: str = "") -> None:
        """Give an account a new password, for who knows the old one. Its other sessions end.

        Args:
            user_id: the account.
            old: the password until now; guesses count as attempts to log in.
            new: the password from now on.
            address: the client's.
            session_id: the session that goes on: the one from which this is asked.

        Raises:
            ProblemError: 401 when ``old`` is wrong, 422 when ``new`` will not do, 429 after too many attempts.
        """
        user = await self.users.find(user_id)
        if user is None:
            raise _wrong()
        await self._checked(user.login, old, address)
        await self.users.set_password(user_id, new, by=user_id, keep_session=session_id, address=address)

    async def authenticate(self, authorization: str | None, api_key: str | None = None) -> Principal:
        """Return who is calling.

        Args:
            authorization: the header ``Authorization``: ``Bearer`` and an access token or an API key.
            api_key: the header ``X-API-Key``.

        Raises:
            ProblemError: 401 with ``WWW-Authenticate``: nothing was sent, or what was sent does not hold.
        """
        scheme, _, credential = (authorization or "").strip().partition(" ")
        credential = credential.strip()
        if authorization and scheme.lower() != "bearer":
            raise unauthenticated("The header Authorization must be Bearer and a token.", error="invalid_request")
        if api_key and credential:
            raise unauthenticated("Send either an access token or an API key.", error="invalid_request")
        if api_key or self.api_keys.looks_like_one(credential):
            return await self.api_keys.authenticate(api_key or credential)
        if not credential:
            raise unauthenticated("This needs a login or an API key.")
        return await self._session_principal(credential)

    async def sweep(self, *, seconds: float = 10.0) -> int:
        """Delete sessions that are over, their tokens, and counts that allow everything again; return how many rows.

        Call it now and then, such as once an hour, from one worker or from all: they do not get into each other's way.
        It stops after about ``seconds``, and goes on the next time.
        """
        now, tables = self._storage.clock.time(), self._storage.tables
        rows = 0
        for column in (tables.attempts.c.free_at, tables.refresh_tokens.c.kept_until, tables.sessions.c.expires_at):
            purged = await purge_older_than(
                self._storage.begin, column, now, seconds=seconds, clock=self._storage.clock
            )
            rows += purged.rows
            if not purged.complete:  # a session goes only after its tokens
                break
        return rows

    def close(self) -> None:
        """Let the threads that hash passwords go."""
        self._passwords.close()

    async def _checked(self, login: str, password: str, address: str) -> tuple[User, str]:
        """Return the account that the login and the password belong to, and the hash; count the attempt."""
        try:
            name = normalise_login(login)
        except ProblemError:
            raise _wrong() from None
        await self._throttle.admit(name, address)
        user, kept = await self.users.find_with_hash(name)
        right = await self._passwords.verify(password, kept)
        if user is None or kept is None or not right or user.disabled_at is not None:
            await self._record_refusal(user, address)
            raise _wrong()
        await self._throttle.succeeded(name, address)
        return user, kept

    async def _record_refusal(self, user: User | None, address: str) -> None:
        """Audit a failed attempt. What was typed as the login is not kept: it may be a password."""
        subject = user.id if user else "unknown"
        async with self._storage.begin() as connection:
            await self.audit.record(connection, "login", actor="", subject=subject, outcome=REFUSED, address=address)

    async def _note_login(self, connection: AsyncConnection, user_id: str, kept: str, renewed: str) -> bool:
        """Write the login down if the password is still the one that was checked, and the account still enabled."""
        users = self._storage.tables.users
        noted = await connection.execute(
            update(users)
            .where(users.c.id == user_id, users.c.password_hash == kept, users.c.disabled_at.is_(None))
            .values(last_login_at=self._storage.clock.time(), password_hash=renewed)
        )
        return bool(noted.rowcount == 1)

    async def _session_principal(self, token: str) -> Principal:
        claims = self.access_tokens.verify(token)
        session = OpenSession(claims.session_id, claims.user_id, tuple(claims.roles))
        if self._policy.check_sessions:
            found = await self.sessions.find(claims.session_id)
            if found is None or found.user_id != claims.user_id:
                raise unauthenticated("The session has ended.", error="invalid_token")
            session = found
        roles = frozenset(session.roles)
        return Principal(session.user_id, "session", session.id, roles, self._policy.scopes_of(roles))

    def _tokens(self, session: OpenSession) -> Tokens:
        access_token = self.access_tokens.issue(session.user_id, session.id, session.roles)
        return Tokens(access_token, session.refresh_token, int(self._policy.access_lifetime_s))


def _wrong() -> ProblemError:
    return unauthenticated("The login or the password is wrong.")
