"""Guessing passwords is slow, however many workers and connections one uses."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from chassis.auth import Attempts, AuthTables, SqlAttemptCounter
from chassis.auth.throttle import _network
from chassis.errors import ProblemError
from chassis.testing import HeldClock
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import StaticPool

pytestmark = pytest.mark.needs("auth", "sql")

PASSWORD = "correct horse battery"
HERE = "192.0.2.7"


async def statuses(auth: Any, login: str, password: str, address: str, times: int) -> list[int]:
    """Try to log in at the same time, and return the statuses in order."""
    attempts = (auth.login(login, password, address=address) for _ in range(times))
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    for each in answers:
        if isinstance(each, BaseException) and not isinstance(each, ProblemError):
            raise each
    return sorted(int(each.status) if isinstance(each, ProblemError) else 200 for each in answers)


async def test_of_thirty_guesses_at_once_five_are_checked_and_the_next_a_minute_later(
    open_auth: Any, clock: Any
) -> None:
    async with open_auth() as one, open_auth() as two:  # two workers
        await one.users.register("ada", PASSWORD)
        first, second = await asyncio.gather(
            statuses(one, "ada", "wrong", "192.0.2.1", 15), statuses(two, "ADA", "wrong", "192.0.2.2", 15)
        )
        assert sorted(first + second) == [401] * 5 + [429] * 25
        with pytest.raises(ProblemError) as refused:
            await one.login("ada", PASSWORD, address="192.0.2.3")
        assert refused.value.status == 429
        assert refused.value.headers["Retry-After"] == "60"
        clock.advance(60)
        assert await statuses(one, "ada", PASSWORD, "192.0.2.3", 1) == [200]


async def test_right_passwords_do_not_use_attempts_up(open_auth: Any) -> None:
    async with open_auth() as auth:
        await auth.users.register("ada", PASSWORD)
        for _ in range(25):
            await auth.login("ada", PASSWORD, address=HERE)


async def test_an_address_has_its_own_limit_and_does_not_use_up_the_accounts(open_auth: Any) -> None:
    async with open_auth() as auth:
        await auth.users.register("ada", PASSWORD)
        for number in range(20):
            assert await statuses(auth, f"guess{number}", "wrong", HERE, 1) == [401]
        assert await statuses(auth, "ada", "wrong", HERE, 10) == [429] * 10
        assert await statuses(auth, "ada", PASSWORD, "192.0.2.8", 1) == [200]


async def test_when_attempts_cannot_be_counted_nobody_logs_in(open_auth: Any) -> None:
    class Broken:
        async def admit(self, *_: object) -> float:
            raise ConnectionError("down")

        give_back = admit

    async with open_auth(counter=Broken()) as auth:
        await auth.users.register("ada", PASSWORD)
        with pytest.raises(ProblemError) as refused:
            await auth.login("ada", PASSWORD, address=HERE)
        assert refused.value.status == 503
        assert refused.value.__suppress_context__


async def test_old_counts_are_swept_away(open_auth: Any, clock: Any) -> None:
    async with open_auth() as auth:
        await statuses(auth, "ada", "wrong", HERE, 3)
        assert await auth.sweep() == 0
        clock.advance(1000)
        assert await auth.sweep() == 2


def test_one_customer_of_ipv6_is_one_address() -> None:
    assert _network("2001:db8:1:2::1") == _network("2001:db8:1:2:ffff::9%eth0") == "2001:db8:1:2::/64"
    assert _network("2001:db8:1:3::1") != _network("2001:db8:1:2::1")
    assert _network("::ffff:192.0.2.1") == _network("192.0.2.1") == "192.0.2.1"
    assert _network("unix socket" + "x" * 100) == ("unix socket" + "x" * 100)[:64]


@settings(max_examples=30)
@given(st.integers(1, 4), st.floats(0.5, 20), st.lists(st.floats(0, 15), min_size=1, max_size=25))
def test_no_window_of_time_ever_has_more_attempts_than_are_allowed(
    burst: int, interval_s: float, pauses: list[float]
) -> None:
    """The definition of the limit: between any two admitted attempts, at most burst + elapsed / interval."""

    async def answers() -> list[tuple[float, float]]:
        engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
        tables, clock = AuthTables(), HeldClock()
        async with engine.begin() as connection:
            await connection.run_sync(tables.metadata.create_all)
        counter = SqlAttemptCounter(engine.begin, tables, clock)
        times = []
        for pause in pauses:
            clock.advance(pause)
            wait_s = await counter.admit("key", Attempts(burst, interval_s))
            times.append((clock.time(), wait_s))
        await engine.dispose()
        return times

    asked = asyncio.run(answers())
    times = [at for at, wait_s in asked if wait_s == 0]
    assert times[0] == asked[0][0], "the first one is always admitted"
    for (at, wait_s), (next_at, next_wait_s) in pairwise(asked):
        if wait_s > 0.01:  # it is admitted after the time that was said, and not before
            assert (next_wait_s == 0) == (next_at >= at + wait_s - 1e-3 * interval_s) or abs(
                next_at - at - wait_s
            ) < 1e-2
    for start in range(len(times)):
        for end in range(start, len(times)):
            assert end - start + 1 <= burst + (times[end] - times[start]) / interval_s + 1e-3
