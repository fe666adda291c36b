"""Limits shared through a real Valkey, and what happens when it is killed or falls silent."""

import asyncio
import inspect
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
import uvloop
from chassis.errors import ChassisError
from chassis.limits import AsyncValkeyLimiter, Decision, Limiter, Rule, ValkeyLimiter, per_hour, per_minute

pytestmark = pytest.mark.needs("valkey")

KINDS = (ValkeyLimiter, AsyncValkeyLimiter)
Hit = Callable[..., Any]


class Opened:
    """Either kind of limiter, asked in one way."""

    def __init__(self, limiter: Any) -> None:
        self.limiter = limiter

    async def hit(self, key: str) -> Decision:
        return await self.hit_each([key] * len(self.limiter.rules))

    async def hit_each(self, keys: Sequence[str | None]) -> Decision:
        decision = self.limiter.hit_each(keys)
        answer: Decision = await decision if inspect.isawaitable(decision) else decision
        return answer


@asynccontextmanager
async def opened(kind: Any, url: str, *rules: Rule, **options: Any) -> AsyncIterator[Opened]:
    """Open a limiter that waits long enough for a busy machine; the tests of silence give a time-out of their own."""
    limiter = kind.from_url(url, rules, **{"prefix": f"test:{uuid4()}:", "timeout_s": 10.0, **options})
    try:
        yield Opened(limiter)
    finally:
        if kind is ValkeyLimiter:
            limiter.close()
        else:
            await limiter.aclose()


@pytest.mark.parametrize("kind", KINDS)
async def test_it_decides_as_the_limiter_in_this_process_does(kind: Any, valkey_url: str) -> None:
    rules = (Rule(3, 60.0), Rule(5, 3600.0))
    local = Limiter(*rules)
    async with opened(kind, valkey_url, *rules) as shared:
        for _ in range(6):
            here, there = local.hit("client"), await shared.hit("client")
            assert (here.allowed, here.limit, here.remaining) == (there.allowed, there.limit, there.remaining)
            assert here.retry_after_s == pytest.approx(there.retry_after_s, abs=0.5)
            assert here.reset_s == pytest.approx(there.reset_s, abs=0.5)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_request_that_one_rule_denies_takes_nothing_from_the_budget_of_another(
    kind: Any, valkey_url: str
) -> None:
    async with opened(kind, valkey_url, Rule(1, 3600.0), Rule(3, 3600.0)) as shared:
        assert (await shared.hit_each(("one", "all"))).allowed
        for _ in range(10):
            assert not (await shared.hit_each(("one", "all"))).allowed
        assert (await shared.hit_each(("two", "all"))).allowed
        assert (await shared.hit_each((None, "all"))).remaining == 0
        assert not (await shared.hit_each((None, "all"))).allowed
        assert (await shared.hit_each((None, None))).allowed


async def test_replicas_share_one_budget_exactly(valkey_url: str) -> None:
    prefix = f"test:{uuid4()}:"
    async with (
        opened(AsyncValkeyLimiter, valkey_url, per_hour(50), prefix=prefix) as one,
        opened(AsyncValkeyLimiter, valkey_url, per_hour(50), prefix=prefix) as two,
        opened(ValkeyLimiter, valkey_url, per_hour(50), prefix=prefix) as three,
    ):
        for _ in range(10):
            assert (await three.hit("client")).allowed
        decisions = await asyncio.gather(*(each.hit("client") for _ in range(40) for each in (one, two)))
        assert sum(decision.allowed for decision in decisions) == 40
        assert not (await three.hit("client")).allowed


@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_that_has_forgotten_the_script_is_sent_it_again(kind: Any, valkey_url: str) -> None:
    async with opened(kind, valkey_url, per_hour(3)) as shared:
        await shared.hit("client")
        flushed = shared.limiter._client.script_flush()
        if inspect.isawaitable(flushed):
            await flushed
        assert (await shared.hit("client")).remaining == 1
        assert not shared.limiter.degraded


async def test_keys_expire_when_their_budget_is_whole_again(valkey_url: str) -> None:
    async with opened(ValkeyLimiter, valkey_url, Rule(10, 100.0), prefix="test:expiry:") as shared:
        await shared.hit("client")
        lives_ms = shared.limiter._client.pttl("test:expiry:10/100:client")
        assert 9_000 < lives_ms <= 10_000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("fail", "blocked_passes", "new_passes"), [
    ("open", True, True),
    ("closed", False, False),
    ("local", False, True),
])  # fmt: skip
async def test_a_killed_store_leaves_the_decision_to_the_policy_and_is_found_again(
    kind: Any,
    fail: str,
    blocked_passes: bool,
    new_passes: bool,
    own_valkey: Any,
    caplog: pytest.LogCaptureFixture,
    eventually: Any,
) -> None:
    async with opened(kind, own_valkey.url(), per_hour(3), fail=fail, pause_s=0.05) as shared:
        while (await shared.hit("blocked")).allowed:
            pass
        own_valkey.kill()
        with caplog.at_level(logging.WARNING, "chassis.limits"):
            blocked, new = await shared.hit("blocked"), await shared.hit("new")
            assert (blocked.allowed, new.allowed) == (blocked_passes, new_passes)
            assert blocked.counted is (fail == "local")
            assert shared.limiter.degraded
            for _ in range(10):
                await shared.hit("another")
        assert len(caplog.records) == 1
        assert f"failing {fail}" in caplog.text
        assert str(own_valkey.port) not in caplog.text

        own_valkey.start()
        deadline = time.monotonic() + 10
        while shared.limiter.degraded:
            assert time.monotonic() < deadline
            await shared.hit("another")
            await asyncio.sleep(0.01)
        assert (await shared.hit("fresh")).counted


@pytest.mark.parametrize("kind", KINDS)
async def test_a_silent_store_costs_one_request_its_time_out_and_the_others_nothing(
    kind: Any, valkey: Any, proxy: Any
) -> None:
    gate = proxy(valkey.port)
    async with opened(kind, valkey.url(gate.port), per_hour(1000), timeout_s=0.1, pause_s=30.0) as shared:
        assert (await shared.hit("client")).allowed
        gate.silent = True
        began = time.monotonic()
        for _ in range(200):
            assert (await shared.hit("client")).allowed
        assert time.monotonic() - began < 1.0


async def test_a_silent_store_is_bounded_from_the_first_connection_on(valkey: Any, proxy: Any) -> None:
    gate = proxy(valkey.port)
    gate.silent = True
    for kind in KINDS:
        async with opened(kind, valkey.url(gate.port), per_hour(1000), timeout_s=0.1) as shared:
            began = time.monotonic()
            assert (await shared.hit("client")).allowed
            assert time.monotonic() - began < 1.0


async def test_while_the_store_is_left_alone_one_request_at_a_time_finds_out_whether_it_is_back(
    valkey: Any, proxy: Any
) -> None:
    gate = proxy(valkey.port)
    async with opened(AsyncValkeyLimiter, valkey.url(gate.port), per_hour(1000), timeout_s=0.2, pause_s=0.1) as shared:
        gate.silent = True
        await shared.hit("client")
        await asyncio.sleep(0.15)
        began = time.monotonic()
        took = []

        async def ask() -> None:
            await shared.hit("client")
            took.append(time.monotonic() - began)

        await asyncio.gather(*(ask() for _ in range(20)))
        assert sum(each > 0.1 for each in took) <= 2


async def test_what_the_store_counted_is_known_when_it_is_lost(own_valkey: Any) -> None:
    prefix = f"test:{uuid4()}:"
    async with (
        opened(AsyncValkeyLimiter, own_valkey.url(), per_hour(10), prefix=prefix) as one,
        opened(AsyncValkeyLimiter, own_valkey.url(), per_hour(10), prefix=prefix) as other,
    ):
        for _ in range(8):
            await other.hit("client")
        assert (await one.hit("client")).remaining == 1
        own_valkey.kill()
        assert [(await one.hit("client")).allowed for _ in range(2)] == [True, False]


async def test_a_cancelled_request_leaves_the_limiter_usable(valkey: Any, proxy: Any) -> None:
    gate = proxy(valkey.port)
    async with opened(AsyncValkeyLimiter, valkey.url(gate.port), per_hour(10), timeout_s=5.0) as shared:
        await shared.hit("client")
        gate.silent = True
        task = asyncio.create_task(shared.hit("client"))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.silent = False
        for expected in (8, 7):
            assert (await shared.hit("client")).remaining <= expected


@pytest.mark.parametrize("kind", KINDS)
async def test_the_password_of_the_store_shows_in_no_log_and_no_name(
    kind: Any, own_valkey: Any, caplog: pytest.LogCaptureFixture
) -> None:
    url = own_valkey.url().replace("://", "://:canary-5d1f@")
    with caplog.at_level(logging.DEBUG):
        async with opened(kind, url, per_minute(3)) as shared:
            await shared.hit("client")
            assert "canary" not in repr(shared.limiter)
    assert "canary" not in caplog.text


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name == "redis" or name.startswith("redis.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ChassisError, match=r"install roadworthy-chassis\[valkey\]"):
        ValkeyLimiter.from_url("redis://127.0.0.1/0", [per_minute(1)])


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("restarted", [True, False])
async def test_connections_that_a_restart_has_broken_cost_no_decision_and_no_error(
    run: Callable[..., None], restarted: bool, own_valkey: Any
) -> None:
    async def ask() -> None:
        async with opened(AsyncValkeyLimiter, own_valkey.url(), per_hour(100), fail="closed", pause_s=30.0) as shared:
            await asyncio.gather(*(shared.hit("client") for _ in range(8)))
            await asyncio.to_thread(own_valkey.kill)
            if restarted:
                await asyncio.to_thread(own_valkey.start)
            decisions = await asyncio.gather(*(shared.hit("client") for _ in range(8)))
            assert {each.counted for each in decisions} == {restarted}

    await asyncio.to_thread(run, ask())


async def test_a_store_whose_clock_is_set_back_denies_nobody_for_that_long(valkey: Any, valkey_url: str) -> None:
    prefix = f"test:{uuid4()}:"
    async with opened(ValkeyLimiter, valkey_url, Rule(3, 60.0), prefix=prefix) as shared:
        client = shared.limiter._client
        assert (await shared.hit("client")).allowed
        [key] = client.keys(f"{prefix}*")
        seconds, micros = client.time()
        an_hour_ahead = (seconds + 3600) * 1_000_000 + micros
        client.set(key, an_hour_ahead, px=3_660_000)
        assert not (await shared.hit("client")).allowed
        decision = await shared.hit("client")
        assert not decision.allowed
        assert decision.retry_after_s <= 20.0
        assert client.pttl(key) <= 61_000
