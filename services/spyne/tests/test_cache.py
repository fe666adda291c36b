"""Results are kept for a while, within bounds, and only where they cannot change by themselves."""

import asyncio

import chassis
import pytest
from spyne.cache import LARGEST, ResultCache, is_volatile
from spyne.engine.rows import Rows
from spyne.settings import Settings


def rows(size=10, letter="x"):
    return Rows(columns=("a",), rows=((letter * size,),))


@pytest.fixture
def cached():
    """A cache without Valkey, which keeps results for a while."""

    def made(seconds=60.0, **more):
        service = chassis.Service("spyne", Settings, logs=False)
        service.settings = Settings(secret_key="kJ8-aa0Pq_zz81mNvB72hsXc4uTe9RwYd")
        return ResultCache(service.valkey("cache", lambda s: s.cache_url, lost="x"), lambda: seconds, **more)

    return made


async def test_what_was_put_in_comes_out(cached):
    cache = cached()
    await cache.put("a", rows())

    assert await cache.get("a") == rows()
    assert await cache.get("b") is None


async def test_all_results_together_are_bounded_and_the_longest_unused_go_first(cached):
    cache = cached(most=1000)
    for name in "abc":
        await cache.put(name, rows(200))
    assert await cache.get("a") is not None

    await cache.put("d", rows(200))
    await cache.put("e", rows(200))

    there = [name for name in "abcde" if await cache.get(name) is not None]
    assert there == ["a", "d", "e"]
    assert 700 < cache.size <= 1000


async def test_what_has_expired_is_dropped_though_nobody_asks_for_it(cached):
    cache = cached(seconds=0.05)
    await cache.put("a", rows(500))
    await asyncio.sleep(0.06)  # the life of a result, which is what this is about

    await cache.put("b", rows(5))

    assert cache.size == len(rows(5).model_dump_json())


async def test_a_result_that_is_put_in_again_counts_once(cached):
    cache = cached()
    for _ in range(3):
        await cache.put("a", rows())

    assert cache.size == len(rows().model_dump_json())


async def test_a_large_result_is_not_kept(cached):
    cache = cached()
    await cache.put("a", rows(LARGEST))

    assert (await cache.get("a"), cache.size) == (None, 0)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT random()", "SELECT CURRENT_TIMESTAMP", "SELECT CURRENT_DATE", "SELECT now()", "SELECT DATE('now')",
        "SELECT strftime('%Y', 'now')", "SELECT strftime('%Y')", "SELECT DATE()", "SELECT julianday( )",
        "SELECT CAST('today' AS DATE)", "SELECT 'NOW'::timestamp", "SELECT LOCALTIMESTAMP", "SELECT age(born) FROM t",
        "SELECT gen_random_uuid()", "SELECT uuid()", "SELECT unixepoch('subsec')", "SELECT get_current_timestamp()",
    ],
)  # fmt: skip
def test_what_asks_for_time_or_chance_is_volatile(sql):
    assert is_volatile(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM customers LIMIT 10", "SELECT DATE(ordered_on) FROM orders", "SELECT date, time FROM t",
        "SELECT strftime('%Y', ordered_on) FROM orders", "SELECT age, average, known, snow FROM t",
    ],
)  # fmt: skip
def test_what_depends_on_data_alone_is_not(sql):
    assert not is_volatile(sql)
