"""Valkey: guarded commands and pipelines, bounded in time, back by itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from chassis.dependencies.valkey import Valkey
from chassis.errors import DeadlineExceededError, DependencyDownError
from chassis.resilience.policy import Fallback, Policy
from redis.exceptions import RedisError, ResponseError

pytestmark = pytest.mark.needs("valkey")


@asynccontextmanager
async def open_cache(url: str, **declared: Any) -> AsyncIterator[Valkey]:
    cache = Valkey("cache", address=lambda: url, **declared)
    try:
        yield cache
    finally:
        await cache.close()


async def test_commands_and_pipelines_count_as_calls(valkey_url: str) -> None:
    async with open_cache(valkey_url) as cache:
        await cache.client.set("test:calls", "1")
        assert await cache.client.get("test:calls") == b"1"
        async with cache.client.pipeline() as pipe:
            assert await pipe.get("test:calls").get("test:none").execute() == [b"1", None]
        assert cache.sync_client.get("test:calls") == b"1"
        with cache.sync_client.pipeline() as sync_pipe:
            assert sync_pipe.get("test:calls").execute() == [b"1"]
        assert cache.pipeline.snapshot().succeeded == 5


async def test_an_error_of_the_command_is_raised_as_it_is_and_opens_no_breaker(valkey_url: str) -> None:
    async with open_cache(valkey_url) as cache:
        await cache.client.set("test:text", "text")
        for _ in range(10):
            with pytest.raises(ResponseError):
                await cache.client.incr("test:text")
        assert not cache.refusing()


async def test_a_server_that_is_gone_is_told_without_its_address_and_found_again(own_valkey: Any) -> None:
    async with open_cache(own_valkey.url()) as cache:
        await cache.client.set("key", "1")
        cache.sync_client.get("key")
        own_valkey.kill()
        for ask in (lambda: cache.client.get("key"), lambda: asyncio.to_thread(cache.sync_client.get, "key")):
            with pytest.raises(DependencyDownError) as caught:
                await ask()
            assert str(own_valkey.port) not in str(caught.value)
        own_valkey.start()
        assert await cache.client.get("key") is None
        assert cache.sync_client.get("key") is None


async def test_the_first_command_after_a_restart_works(own_valkey: Any) -> None:
    async with open_cache(own_valkey.url()) as cache:
        await cache.client.set("key", "1")
        cache.sync_client.get("key")
        await asyncio.to_thread(own_valkey.kill)
        await asyncio.to_thread(own_valkey.start)
        assert await cache.client.get("key") is None
        assert cache.sync_client.get("key") is None


async def test_a_silent_server_is_given_up_on(valkey: Any, proxy: Callable[[int], Any]) -> None:
    between = proxy(valkey.port)
    async with open_cache(valkey.url(between.port), socket_s=0.3, policy=Policy(deadline_s=0.5)) as cache:
        await cache.client.set("test:silent", "1")
        cache.sync_client.get("test:silent")
        between.silent = True
        for ask in (lambda: cache.client.get("key"), lambda: asyncio.to_thread(cache.sync_client.get, "key")):
            began = time.monotonic()
            with pytest.raises(DeadlineExceededError):
                await ask()
            assert time.monotonic() - began < 2


async def test_a_fallback_stands_for_commands_while_the_server_is_gone(own_valkey: Any) -> None:
    own_valkey.kill()
    async with open_cache(own_valkey.url(), policy=Policy(fallback=Fallback(value=None))) as cache:
        assert await cache.client.get("key") is None
        assert await asyncio.to_thread(cache.sync_client.get, "key") is None
        assert cache.pipeline.snapshot().fallbacks == 2


async def test_a_guarded_function_is_one_call(valkey_url: str) -> None:
    async with open_cache(valkey_url) as cache:

        @cache.guard
        async def swap() -> Any:
            await cache.client.set("test:swap", "2")
            return await cache.client.get("test:swap")

        assert await swap() == b"2"
        assert cache.pipeline.snapshot().succeeded == 1


async def test_a_server_that_is_gone_gives_no_sign_of_life(own_valkey: Any) -> None:
    async with open_cache(own_valkey.url()) as cache:
        await cache.check()
        own_valkey.kill()
        with pytest.raises(RedisError):
            await cache.check()
        own_valkey.start()
        await cache.check()


async def test_an_address_of_something_else_is_told(valkey_url: str) -> None:
    with pytest.raises(ValueError, match="expected redis://"):
        Valkey("cache", address=lambda: "http://user:swordfish@host").validate()
    async with open_cache(valkey_url.replace("redis:", "valkey:")) as cache:
        await cache.check()
