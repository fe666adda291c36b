"""What the guard of a dependency may do with a function, and what counts as the dependency's failure."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from chassis.dependencies.declaration import QUICK_BREAKER
from chassis.dependencies.http_api import HttpApi
from chassis.dependencies.sql import Database
from chassis.dependencies.sql_options import SqlOptions
from chassis.dependencies.valkey import Valkey
from chassis.errors import BulkheadFullError, DeadlineExceededError, DependencyDownError
from chassis.resilience import Breaker, BreakerState
from chassis.resilience.policy import TRANSIENT, HardTimeout, Policy, Retry
from sqlalchemy import text

pytestmark = pytest.mark.needs("http", "sql", "valkey")

QUICK = Retry(attempts=3, backoff_s=0.01, max_backoff_s=0.02)


async def test_a_guarded_function_that_sent_what_must_not_be_repeated_is_not_carried_out_again(own_api: Any) -> None:
    policy = Policy(deadline_s=10.0, retry=QUICK, breaker=None)
    quotes = HttpApi("quotes", address=own_api.url, policy=policy)
    asked = 0

    @quotes.guard
    async def order(second: str) -> None:
        nonlocal asked
        asked += 1
        await quotes.client.post("/order")
        await quotes.client.get(second)

    try:
        with pytest.raises(DependencyDownError):
            await order("/cut")
        assert asked == 1
    finally:
        await quotes.close()


@pytest.mark.parametrize("hard", [None, HardTimeout()])
async def test_the_same_holds_in_threads(own_api: Any, hard: HardTimeout | None) -> None:
    policy = Policy(deadline_s=10.0, retry=QUICK, breaker=None, hard_timeout=hard)
    quotes = HttpApi("quotes", address=own_api.url, policy=policy)
    asked = 0

    @quotes.guard
    def order() -> None:
        nonlocal asked
        asked += 1
        quotes.sync_client.post("/cut")

    try:
        with pytest.raises(DependencyDownError):
            await asyncio.to_thread(order)
        assert asked == 1
    finally:
        await quotes.close()


async def test_an_order_to_another_api_is_not_sent_again_either(own_api: Any) -> None:
    policy = Policy(deadline_s=10.0, retry=QUICK, breaker=None)
    quotes, shop = (HttpApi(name, address=own_api.url, policy=policy) for name in ("quotes", "shop"))
    asked = 0

    @quotes.guard
    async def order() -> None:
        nonlocal asked
        asked += 1
        await shop.client.post("/order")
        await quotes.client.get("/cut")

    try:
        with pytest.raises(DependencyDownError):
            await order()
        assert asked == 1
    finally:
        await quotes.close()
        await shop.close()


async def test_an_order_without_an_answer_in_time_is_not_sent_again(own_api: Any) -> None:
    policy = Policy(deadline_s=10.0, retry=QUICK, breaker=None, attempt_timeout_s=0.3)
    quotes = HttpApi("quotes", address=own_api.url, policy=policy)
    asked = 0

    @quotes.guard
    async def order() -> None:
        nonlocal asked
        asked += 1
        await quotes.client.post("/slow/2")

    try:
        with pytest.raises(DeadlineExceededError):
            await order()
        assert asked == 1
    finally:
        await quotes.close()


async def test_a_guarded_function_that_only_reads_is_carried_out_again(own_api: Any) -> None:
    quotes = HttpApi("quotes", address=own_api.url, policy=Policy(deadline_s=10.0, retry=QUICK, breaker=None))
    asked = 0

    @quotes.guard
    async def quote() -> None:
        nonlocal asked
        asked += 1
        await quotes.client.post("/echo", headers={"Idempotency-Key": "1"})
        await quotes.client.get("/cut")

    try:
        with pytest.raises(DependencyDownError):
            await quote()
        assert asked == 3
    finally:
        await quotes.close()


async def test_a_pool_that_is_used_up_opens_no_breaker(tmp_path: Path) -> None:
    options = SqlOptions(pool_size=1, pool_wait_s=0.01)
    database = Database("database", address=lambda: f"sqlite:///{tmp_path}/test.db", options=options)
    try:
        async with database.session():
            for _ in range(8):
                with pytest.raises(BulkheadFullError):
                    await database.run(lambda session: session.execute(text("SELECT 1")))
        assert database.pipeline.breaker.state is BreakerState.CLOSED
        assert database.pipeline.snapshot().rejected["bulkhead_full"] == 8
        assert database.pipeline.snapshot().failed == 0
    finally:
        await database.close()


async def test_a_probe_that_finds_no_connection_proves_nothing(tmp_path: Path, eventually: Any) -> None:
    options = SqlOptions(pool_size=1, pool_wait_s=0.01)
    policy = Policy(deadline_s=5.0, breaker=Breaker(failures=1, open_s=0.05, on=TRANSIENT))
    database = Database("database", address=lambda: f"sqlite:///{tmp_path}/test.db", options=options, policy=policy)

    async def fail(_: Any) -> None:
        raise ConnectionError

    try:
        with pytest.raises(ConnectionError):
            await database.run(fail)
        async with database.engine.connect():
            await eventually(lambda: not database.refusing())
            with pytest.raises(BulkheadFullError):
                await database.run(lambda session: session.execute(text("SELECT 1")))
            assert database.pipeline.breaker.state is BreakerState.HALF_OPEN
        await database.run(lambda session: session.execute(text("SELECT 1")))
        assert database.pipeline.breaker.state is BreakerState.CLOSED
    finally:
        await database.close()


async def test_a_valkey_client_without_a_free_connection_opens_no_breaker(valkey_url: str, eventually: Any) -> None:
    policy = Policy(deadline_s=60.0, breaker=QUICK_BREAKER)
    cache = Valkey("cache", address=lambda: valkey_url, connections=1, socket_s=60.0, policy=policy)
    other = Valkey("other", address=lambda: valkey_url, socket_s=60.0, policy=policy)
    key = f"test:{uuid4()}"
    holding = asyncio.create_task(cache.client.blpop([key], timeout=50))
    try:
        await eventually(lambda: cache.pipeline.snapshot().in_flight == 1)
        for _ in range(8):
            with pytest.raises(BulkheadFullError):
                await cache.client.ping()
        assert cache.pipeline.breaker.state is BreakerState.CLOSED
        await other.client.rpush(key, "over")
        assert (await holding)[1] == b"over"
        assert await cache.client.ping()
    finally:
        holding.cancel()
        await cache.close()
        await other.close()


def test_a_generator_is_refused_by_the_guard_of_a_dependency() -> None:
    mail = HttpApi("mail", address=lambda: "http://127.0.0.1")

    def letters() -> Iterator[int]:
        yield 1

    async def more_letters() -> AsyncIterator[int]:
        yield 1

    for each in (letters, more_letters):
        with pytest.raises(TypeError, match="generator cannot be guarded"):
            mail.guard(each)


async def test_an_object_whose_call_is_awaited_is_guarded_as_a_coroutine_function() -> None:
    mail = HttpApi("mail", address=lambda: "http://127.0.0.1")

    class Sender:
        async def __call__(self) -> bool:
            await asyncio.sleep(0)
            return mail.inside

    assert await mail.guard(Sender())()
    assert mail.pipeline.snapshot().succeeded == 1
