"""An API over HTTP: what a request carries, what is retried, what an answer means."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

import pytest
from chassis import context
from chassis.dependencies.http_api import HttpApi
from chassis.dependencies.http_client import retry_after_s
from chassis.errors import DeadlineExceededError, DependencyDownError
from chassis.resilience.policy import Fallback, Policy, Retry

pytestmark = pytest.mark.needs("http")

QUICK = Policy(deadline_s=5.0, retry=Retry(attempts=3, backoff_s=0.01, max_backoff_s=0.05), breaker=None)


@asynccontextmanager
async def open_api(url: str, **declared: Any) -> AsyncIterator[HttpApi]:
    api = HttpApi("quotes", **{"address": lambda: url, "policy": QUICK, **declared})
    try:
        yield api
    finally:
        await api.close()


async def test_a_request_carries_its_ids_and_the_time_that_is_left(api: Any) -> None:
    async with open_api(api.url(), headers=lambda: {"X-Key": "sesame"}) as quotes:
        tokens = context.correlation_id.set("abc"), context.traceparent.set("00-" + "1" * 32 + "-" + "2" * 16 + "-01")
        try:
            for ask in (quotes.client.get, lambda path: asyncio.to_thread(quotes.sync_client.get, path)):
                sent = (await ask("/echo")).json()
                assert (sent["x-request-id"], sent["x-key"]) == ("abc", "sesame")
                assert sent["traceparent"].startswith("00-" + "1" * 32)
                assert 0 < int(sent["x-request-timeout-ms"]) <= 5000
        finally:
            context.correlation_id.reset(tokens[0])
            context.traceparent.reset(tokens[1])


async def test_only_what_may_be_repeated_is_retried(own_api: Any) -> None:
    policy = Policy(deadline_s=5.0, retry=Retry(attempts=3, backoff_s=0.01, max_backoff_s=8.0, on=lambda _: True))
    async with open_api(own_api.url(), policy=policy) as quotes:
        with pytest.raises(DependencyDownError):
            await quotes.client.post("/status/503")
        assert own_api.count() == 1

    patient = Policy(retry=Retry(attempts=3, backoff_s=0.01), deadline_s=5.0)
    async with open_api(own_api.url(), policy=patient) as quotes:
        asked = own_api.count()
        for request in (
            lambda: quotes.client.get("/cut"),
            lambda: quotes.client.put("/status/500"),
            lambda: quotes.client.post("/status/500", headers={"Idempotency-Key": "1"}),
        ):
            with pytest.raises(DependencyDownError):
                await request()
        assert own_api.count() - asked == 3, "Retry-After asks for more time than a retry would wait"


async def test_a_refusal_says_when_to_come_back(api: Any) -> None:
    async with open_api(api.url()) as quotes:
        for status in (429, 500, 503):
            with pytest.raises(DependencyDownError, match=str(status)) as caught:
                await quotes.client.get(f"/status/{status}")
            assert caught.value.retry_after_s == 7.0


async def test_any_other_answer_is_the_callers(api: Any) -> None:
    async with open_api(api.url()) as quotes:
        assert (await quotes.client.get("/status/404")).status_code == 404
        assert quotes.sync_client.get("/status/418").status_code == 418


async def test_an_api_that_is_gone_is_retried_and_then_told_without_its_address(own_api: Any) -> None:
    own_api.kill()
    async with open_api(own_api.url()) as quotes:
        for ask in (quotes.client.get, lambda path: asyncio.to_thread(quotes.sync_client.get, path)):
            with pytest.raises(DependencyDownError) as caught:
                await ask("/")
            assert str(own_api.port) not in str(caught.value)
        assert quotes.pipeline.snapshot().retried == 4
        with pytest.raises(DependencyDownError):
            await quotes.client.post("/")
        assert quotes.pipeline.snapshot().retried == 4


async def test_a_request_gets_no_more_time_than_is_left(api: Any) -> None:
    async with open_api(api.url(), policy=Policy(deadline_s=10.0)) as quotes:
        for ask in (quotes.client.get, lambda path: asyncio.to_thread(quotes.sync_client.get, path)):
            began = time.monotonic()
            with context.time_limit(0.3), pytest.raises(DeadlineExceededError):
                await ask("/slow/3")
            assert time.monotonic() - began < 2


async def test_an_answer_that_breaks_off_is_the_apis_failure(api: Any) -> None:
    async with open_api(api.url()) as quotes:
        for ask in (quotes.client.get, lambda path: asyncio.to_thread(quotes.sync_client.get, path)):
            with pytest.raises(DependencyDownError):
                await ask("/cut")
        assert quotes.suspected()


async def test_a_fallback_stands_for_a_guarded_function(own_api: Any) -> None:
    own_api.kill()
    policy = Policy(deadline_s=2.0, fallback=Fallback(value="silence is golden"))
    async with open_api(own_api.url(), policy=policy) as quotes:

        @quotes.guard
        async def quote() -> str:
            return str((await quotes.client.get("/")).json())

        assert await quote() == "silence is golden"
        assert quotes.pipeline.snapshot().failed == 1, "the client's request is part of the function's call"
        with pytest.raises(DependencyDownError):
            await quotes.client.get("/")


async def test_a_stream_is_not_read_ahead(api: Any) -> None:
    async with open_api(api.url()) as quotes, quotes.client.stream("GET", "/echo") as response:
        chunks = [chunk async for chunk in response.aiter_bytes()]
        assert json.loads(b"".join(chunks))["host"]


async def test_a_sign_of_life_is_any_answer_below_500_but_for_a_key_that_is_missing_or_wrong(api: Any) -> None:
    for path, alive in (("/status/404", True), ("/status/500", False), ("/status/401", False), ("/status/403", False),
                        ("", True)):  # fmt: skip
        async with open_api(api.url(), health_path=path) as quotes:
            if alive:
                await quotes.check()
            else:
                with pytest.raises(Exception, match=path[-3:]):
                    await quotes.check()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("7", 7.0), (None, None), ("soon", None), (formatdate(time.time() - 60, usegmt=True), 0.0), ("-1", None)],
    ids=["seconds", "nothing", "words", "a date that is past", "less than nothing"],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str | None, expected: float | None) -> None:
    assert retry_after_s(value) == expected


def test_a_date_ahead_is_so_many_seconds_away() -> None:
    found = retry_after_s(formatdate(time.time() + 60, usegmt=True))
    assert found is not None
    assert 55 < found <= 60


@pytest.mark.parametrize("address", ["ftp://host", "host/path", "http://"])
def test_an_address_that_cannot_be_right_is_told(address: str) -> None:
    with pytest.raises(ValueError, match="expected http"):
        HttpApi("quotes", address=lambda: address).validate()


async def test_a_hanging_connection_counts_against_the_deadline(api: Any, proxy: Callable[[int], Any]) -> None:
    between = proxy(api.port)
    async with open_api(api.url(between.port), policy=Policy(deadline_s=0.4)) as quotes:
        assert (await quotes.client.get("/")).status_code == 200
        between.silent = True
        with pytest.raises(DeadlineExceededError):
            await quotes.client.get("/")
