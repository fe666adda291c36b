"""Rate limits shared by all replicas of a service, in Valkey or Redis: one round trip a request, on the server's clock.

When the server cannot be asked, a stated policy decides (``fail``), and the server is left alone for a while: a store
that is down or silent costs one request in so many seconds one time-out, not every request.
"""

import hashlib
import logging
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal, Self

from chassis.clock import SYSTEM_CLOCK, Clock
from chassis.extras import extra
from chassis.limits.memory import Limiter
from chassis.limits.rules import UNLIMITED, Decision, Rule, decide
from chassis.limits.valkey_pool import Noticing

if TYPE_CHECKING:
    import redis
    import redis.asyncio

Fail = Literal["open", "closed", "local"]
"""What happens when the shared store cannot be asked: let everything through, nothing, or what this process counts."""

TIMEOUT_S = 0.1
PAUSE_S = 1.0
_CONNECTIONS = 64
_MICRO = 1_000_000
_SCRIPT = resources.files(__package__).joinpath("gcra.lua").read_text()
_SHA = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()  # the name that EVALSHA knows a script by
_log = logging.getLogger(__name__)


class _Shared:
    """What the two limiters below have in common: everything but the round trip."""

    def __init__(
        self,
        client: Any,
        rules: Sequence[Rule],
        *,
        fail: Fail = "local",
        prefix: str = "limits:",
        pause_s: float = PAUSE_S,
        max_keys: int = 100_000,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.rules = tuple(rules)
        self.fail = fail
        self._client = client
        self._names = tuple(f"{prefix}{rule.limit}/{rule.period_s:g}:" for rule in self.rules)
        self._local = Limiter(*self.rules, max_keys=max_keys, clock=clock)
        self._pause_s = pause_s
        self._now = clock.monotonic
        self._ask_again_at: float | None = None
        redis = _redis()
        self._failures: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        self._no_script: type[Exception] = redis.exceptions.NoScriptError

    @property
    def degraded(self) -> bool:
        """Whether the policy decides at present, because the store could not be asked."""
        return self._ask_again_at is not None

    def _may_ask(self) -> bool:
        """Tell whether to ask the store. After a failure, one request at a time finds out whether it is back."""
        if self._ask_again_at is None:
            return True
        now = self._now()
        if now < self._ask_again_at:
            return False
        self._ask_again_at = now + self._pause_s
        return True

    def _arguments(self, keys: Sequence[str | None]) -> list[str | int | float]:
        """Return the script's number of keys, keys and arguments; [0] if every rule is left out."""
        if len(keys) > len(self.rules):
            raise ValueError(f"expected {len(self.rules)} keys, one for each rule, got {len(keys)}")
        names: list[str | int | float] = []
        numbers: list[str | int | float] = []
        for rule, name, key in zip(self.rules, self._names, keys, strict=False):
            if key is not None:
                names.append(name + key)
                numbers += (rule.interval_s * _MICRO, rule.window_s * _MICRO)
        return [len(names), *names, *numbers]

    def _answered(self, keys: Sequence[str | None], answer: Sequence[int]) -> Decision:
        """Make the decision of the script's answer, and keep the local count up to date with it."""
        if self._ask_again_at is not None:
            self._ask_again_at = None
            _log.warning("the store of the rate limits answers again: limits are shared")
        micros = iter(answer)
        allowed = next(micros) == 1
        ahead_s = [0.0 if key is None else next(micros) / _MICRO for key in keys]
        if self.fail == "local":
            taken = (
                ahead_s
                if allowed
                else [max(each - rule.interval_s, 0.0) for each, rule in zip(ahead_s, self.rules, strict=False)]
            )
            self._local.mirror(keys, taken)
        decision = decide(self.rules, ahead_s)
        return decision if decision.allowed is allowed else decision._replace(allowed=allowed)

    def _failed(self, error: BaseException) -> None:
        """Leave the store alone for a while."""
        if self._ask_again_at is None:
            _log.warning(
                "the store of the rate limits does not answer (%s): failing %s", type(error).__name__, self.fail
            )
        self._ask_again_at = self._now() + self._pause_s

    def _without_store(self, keys: Sequence[str | None]) -> Decision:
        if self.fail == "local":
            return self._local.hit_each(keys)
        return Decision(allowed=self.fail == "open", ahead_s=self._pause_s, counted=False)


class ValkeyLimiter(_Shared):
    """Like :class:`~chassis.limits.Limiter`, shared through Valkey, for threads.

    Args:
        client: a ``redis.Redis`` with time-outs and no retries; :meth:`from_url` makes one.
        rules: what to allow; a request must satisfy each.
        fail: what decides when the store cannot be asked. "local" counts in this process, on from what the store last
            said, so a client that was blocked stays blocked; each replica then grants the whole limit.
        prefix: before the names of the keys. Services that share a store must differ in it.
        pause_s: how long the store is left alone after a failure.
        max_keys: bound on the keys of the local count. The store's own memory is bounded by expiry: a key lives as
            long as its budget is not whole.
        clock: for tests.
    """

    _client: "redis.Redis"

    @classmethod
    def from_url(cls, url: str, rules: Sequence[Rule], *, timeout_s: float = TIMEOUT_S, **options: Any) -> Self:
        """Connect to ``redis://``, ``rediss://``, ``valkey://`` or ``unix://``, at the first request.

        Args:
            url: where the store is.
            rules: what to allow.
            timeout_s: for connecting, and for each answer.
            options: those of the class.
        """
        redis = _redis()
        pool = redis.BlockingConnectionPool.from_url(
            _scheme(url), **_bounds(timeout_s), retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0)
        )
        return cls(redis.Redis(connection_pool=pool), rules, **options)

    def hit(self, key: str) -> Decision:
        """Let one request through, or not; this key counts under every rule."""
        return self.hit_each((key,) * len(self.rules))

    def hit_each(self, keys: Sequence[str | None]) -> Decision:
        """Let one request through, or not.

        Args:
            keys: whose budget to take from, by rule and in their order. None leaves a rule out, and so does an end that
                comes early.
        """
        arguments = self._arguments(keys)
        if not arguments[0]:
            return UNLIMITED
        if not self._may_ask():
            return self._without_store(keys)
        try:
            answer = self._ask(arguments)
        except self._failures as error:
            self._failed(error)
            return self._without_store(keys)
        return self._answered(keys, answer)

    def _ask(self, arguments: list[Any]) -> list[int]:
        try:
            return self._client.evalsha(_SHA, *arguments)  # type: ignore[no-any-return]
        except self._no_script:  # a new server, or one that was flushed
            return self._client.eval(_SCRIPT, *arguments)  # type: ignore[no-any-return]

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._client.connection_pool.disconnect()


class AsyncValkeyLimiter(_Shared):
    """Like :class:`ValkeyLimiter`, for an event loop. Its client is a ``redis.asyncio.Redis``."""

    _client: "redis.asyncio.Redis"

    @classmethod
    def from_url(cls, url: str, rules: Sequence[Rule], *, timeout_s: float = TIMEOUT_S, **options: Any) -> Self:
        """Connect to ``redis://``, ``rediss://``, ``valkey://`` or ``unix://``, at the first request.

        Args:
            url: where the store is.
            rules: what to allow.
            timeout_s: for connecting, and for each answer.
            options: those of :class:`ValkeyLimiter`.
        """
        redis = _redis()
        kind: Any = type("Pool", (Noticing, redis.asyncio.BlockingConnectionPool), {})
        pool = kind.from_url(
            _scheme(url), **_bounds(timeout_s), retry=redis.asyncio.retry.Retry(redis.backoff.NoBackoff(), 0)
        )
        return cls(redis.asyncio.Redis(connection_pool=pool), rules, **options)

    async def hit(self, key: str) -> Decision:
        """Let one request through, or not; this key counts under every rule."""
        return await self.hit_each((key,) * len(self.rules))

    async def hit_each(self, keys: Sequence[str | None]) -> Decision:
        """Let one request through, or not.

        Args:
            keys: whose budget to take from, by rule and in their order. None leaves a rule out, and so does an end that
                comes early.
        """
        arguments = self._arguments(keys)
        if not arguments[0]:
            return UNLIMITED
        if not self._may_ask():
            return self._without_store(keys)
        try:
            answer = await self._ask(arguments)
        except self._failures as error:
            self._failed(error)
            return self._without_store(keys)
        return self._answered(keys, answer)

    async def _ask(self, arguments: list[Any]) -> list[int]:
        try:
            return await self._client.evalsha(_SHA, *arguments)  # type: ignore[no-any-return]
        except self._no_script:  # a new server, or one that was flushed
            return await self._client.eval(_SCRIPT, *arguments)  # type: ignore[no-any-return]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        await self._client.connection_pool.disconnect()


def _redis() -> Any:
    with extra("valkey"):
        import redis.asyncio.retry  # noqa: PLC0415 - an extra
    return redis


def _bounds(timeout_s: float) -> dict[str, Any]:
    return {
        "max_connections": _CONNECTIONS,
        "timeout": timeout_s,  # for a connection of the pool
        "socket_connect_timeout": timeout_s,
        "socket_timeout": timeout_s,
    }


def _scheme(url: str) -> str:
    return "redis" + url.removeprefix("valkey") if url.startswith("valkey") else url
