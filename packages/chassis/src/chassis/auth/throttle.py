"""A limit on attempts to log in, per account and per address, that all workers share."""

import hashlib
import ipaddress
import logging
from collections.abc import Awaitable
from typing import Protocol, TypeVar

from sqlalchemy import case, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from chassis.auth.policy import Attempts, AuthPolicy
from chassis.auth.problems import too_many_attempts, unavailable
from chassis.auth.tables import AuthTables
from chassis.clock import SYSTEM_CLOCK, Clock
from chassis.data.transactions import Begin

T = TypeVar("T")
_TOLERANCE = 1e-3  # of an interval: sums of floats are a little off, and the last attempt must not fail for that
_log = logging.getLogger(__name__)


class AttemptCounter(Protocol):
    """Counts attempts by key, for all workers. :class:`SqlAttemptCounter` does it in the service's database."""

    async def admit(self, key: str, allowed: Attempts) -> float:
        """Count one attempt and return 0.0, or return the seconds until one is admitted. Atomic across workers."""

    async def give_back(self, key: str, allowed: Attempts) -> None:
        """Take back one attempt that was admitted: it was no guess."""


class SqlAttemptCounter:
    """Counts in the table ``auth_attempts``, by the generic cell rate algorithm (GCRA, ITU-T I.371).

    One number a key is kept: when its allowance is whole again. Each attempt moves it on by one interval, in a single
    statement, so two workers never admit the same attempt.
    """

    def __init__(self, begin: Begin, tables: AuthTables, clock: Clock = SYSTEM_CLOCK) -> None:
        """Keep the counts in ``tables.attempts``."""
        self._begin = begin
        self._table = tables.attempts
        self._clock = clock

    async def admit(self, key: str, allowed: Attempts) -> float:
        """Count one attempt and return 0.0, or return the seconds until one is admitted."""
        now = self._clock.time()
        kept = self._table.c.free_at
        start = case((kept > now, kept), else_=literal(now))
        async with self._begin() as connection:
            insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
            statement = insert(self._table).values(key=key, free_at=now + allowed.interval_s)
            counted = await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[self._table.c.key],
                    set_={"free_at": start + allowed.interval_s},
                    where=start + allowed.interval_s <= now + (allowed.burst + _TOLERANCE) * allowed.interval_s,
                ).returning(kept)
            )
            if counted.first() is not None:
                return 0.0
            free_at = (await connection.execute(select(kept).where(self._table.c.key == key))).scalar_one()
        return max(float(free_at) - now - (allowed.burst - 1) * allowed.interval_s, 0.001)

    async def give_back(self, key: str, allowed: Attempts) -> None:
        """Take back one attempt."""
        kept = self._table.c.free_at
        async with self._begin() as connection:
            await connection.execute(
                update(self._table).where(self._table.c.key == key).values(free_at=kept - allowed.interval_s)
            )


class LoginThrottle:
    """Admits attempts to log in. Fails closed: when nothing can be counted, nobody logs in."""

    def __init__(self, counter: AttemptCounter, policy: AuthPolicy) -> None:
        """Count by ``counter``; what is allowed is the policy's."""
        self._counter = counter
        self._policy = policy

    async def admit(self, login: str, address: str) -> None:
        """Count an attempt on an account from an address.

        An address that is out of attempts is refused first, so that it cannot use up the account's as well.

        Raises:
            ProblemError: 429 with ``Retry-After``; or 503 when attempts cannot be counted.
        """
        for key, allowed in self._keys(login, address):
            wait_s = await _closed(self._counter.admit(key, allowed))
            if wait_s > 0:
                _log.warning("an attempt to log in was refused: too many", extra={"context": {"counted": key}})
                raise too_many_attempts(wait_s)

    async def succeeded(self, login: str, address: str) -> None:
        """Give the attempt back: it was the right password."""
        for key, allowed in self._keys(login, address):
            await _closed(self._counter.give_back(key, allowed))

    def _keys(self, login: str, address: str) -> tuple[tuple[str, Attempts], ...]:
        account = hashlib.sha256(login.encode("utf-8", "surrogatepass")).hexdigest()
        return (f"address:{_network(address)}", self._policy.per_address), (
            f"account:{account}",
            self._policy.per_account,
        )


async def _closed(counting: Awaitable[T]) -> T:
    try:
        return await counting
    except Exception:  # noqa: BLE001 - whatever it is, it must not open the door
        _log.exception("attempts to log in cannot be counted: all are refused")
        raise unavailable("Logging in is not possible now.") from None


def _network(address: str) -> str:
    """Return who is counted: an IPv4 address, or the /64 network that one IPv6 customer has for himself."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
