"""What every dependency has, whatever its kind: a name, what is lost without it, a guard, and its condition."""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cached_property, wraps
from typing import Any, ClassVar, ParamSpec, TypeVar

from chassis.dependencies.condition import Checks, Condition, Status
from chassis.errors import DependencyDownError, DependencyError
from chassis.resilience.circuit import BreakerState
from chassis.resilience.pipeline import Pipeline, is_awaited
from chassis.resilience.policy import TRANSIENT, Breaker, Policy, matcher

P = ParamSpec("P")
T = TypeVar("T")

QUICK_BREAKER = Breaker(failures=5, open_s=3.0, on=TRANSIENT)
"""Opens on failures of the dependency only, and finds out soon that it is back."""

REFUSING = (BreakerState.OPEN, BreakerState.ISOLATED)

_direct: ContextVar[bool] = ContextVar("direct", default=False)
"""Whether the call under way asks for something that no fallback can stand for, such as a connection."""


class Dependency:
    """Something outside of the process that the service asks, such as a database or another service's API.

    It is made by :class:`chassis.Service`, and it is what the service's code holds on to.

    Args:
        name: what logs, metrics, health and alerts call it.
        lost: what users miss while it is down, in words; None when the service cannot do without it.
        policy: how its calls are guarded; None for the kind's default.
        checks: how it is watched; None for the kind's default.
        address: returns where it is, from the settings; None when the settings don't configure it.
        setting: the environment variable that the address comes from; "" for none.
    """

    kind: ClassVar[str] = "dependency"
    default_policy: ClassVar[Policy] = Policy(breaker=QUICK_BREAKER)
    default_checks: ClassVar[Checks] = Checks()

    def __init__(
        self,
        name: str,
        *,
        lost: str | None = None,
        policy: Policy | None = None,
        checks: Checks | None = None,
        address: Callable[[], str | None] = lambda: "",
        setting: str = "",
    ) -> None:
        """Declare it; nothing is read or opened yet."""
        self.name = name
        self.lost = lost
        self.setting = setting
        self.declared_policy = self.policy = policy or self.default_policy
        self.pipeline = Pipeline(name, self.adapted(self.policy))
        self.condition = Condition(checks or self.default_checks)
        self._read_address = address
        self._inside: ContextVar[bool] = ContextVar(f"inside of {name}", default=False)
        self._suspected = False
        self._failed_before = 0

    # -- what it is

    @property
    def required(self) -> bool:
        """Whether the service cannot do without it."""
        return self.lost is None

    @cached_property
    def _address(self) -> str | None:
        return self._read_address()

    def forget_address(self) -> None:
        """Read the address anew when it is next needed: the settings have changed."""
        self.__dict__.pop("_address", None)

    @property
    def configured(self) -> bool:
        """Whether the settings say where it is."""
        return self._address is not None

    def address(self) -> str:
        """Return where it is. Keep it out of logs: it may hold a password.

        Raises:
            DependencyDownError: the settings don't say.
        """
        if self._address is None:
            hint = f": set {self.setting}" if self.setting else ""
            raise DependencyDownError(self.name, f"is not configured{hint}")
        return self._address

    def validate(self) -> None:
        """Check what the settings say about it, without asking it.

        Raises:
            ValueError: what they say cannot be right; the message has no secret in it.
        """

    # -- how it is

    @property
    def status(self) -> Status:
        """What is known about it now. Nothing is asked."""
        return self.condition.status if self.configured else Status.NOT_CONFIGURED

    @property
    def up(self) -> bool:
        """Whether it is known to be up."""
        return self.status is Status.UP

    def suspect(self) -> None:
        """Have it checked now rather than at the next time: a real call has just failed. Any thread may call this."""
        self._suspected = True

    def suspected(self) -> bool:
        """Tell whether a real call failed since this was last asked."""
        failed = self.pipeline.snapshot().failed
        found = self._suspected or failed > self._failed_before
        self._failed_before = failed
        self._suspected = False
        return found

    def refusing(self) -> bool:
        """Tell whether its circuit breaker lets no call through."""
        return self.pipeline.breaker.retry_after_s is not None and self.pipeline.breaker.state in REFUSING

    def record(self, ok: bool, latency_s: float = 0.0) -> bool:
        """Take in the result of a check; return whether the verdict changed."""
        return self.condition.record(ok, time.time(), latency_s)

    async def check(self) -> None:
        """Ask it for a sign of life, once, without the guard. Whatever this raises means that there was none."""

    async def close(self) -> None:
        """Give back what is open. A later use opens it again."""

    def gauges(self) -> dict[str, float]:
        """Return numbers of this kind to be exported as metrics, by name."""
        return {}

    # -- asking it

    def guard(self, function: Callable[P, T]) -> Callable[P, T]:
        """Send every call of the function (sync or async) through the guard, with its fallback. Usable as a decorator.

        What the function asks this dependency for is part of its call: it is not guarded a second time.
        """
        return self.pipeline.guard(self._marked(function))

    def adjust(self, policy: Policy) -> None:
        """Put another policy in force, for what was guarded before as well."""
        self.policy = policy
        self.pipeline.adjust(self.adapted(policy))

    def adapted(self, policy: Policy) -> Policy:
        """Return the policy as this kind carries it out: a fallback answers for functions, not for connections."""
        if policy.fallback is None:
            return policy
        meant = matcher(policy.fallback.on)
        return replace(policy, fallback=replace(policy.fallback, on=lambda error: not _direct.get() and meant(error)))

    @property
    def inside(self) -> bool:
        """Whether a function that is guarded by this dependency is running here."""
        return self._inside.get()

    async def ask(self, call: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Carry out a call whose answer no fallback can stand for, guarded unless a guarded function makes it."""
        if self.inside:
            return await call(*args)
        token = _direct.set(True)
        try:
            return await self.pipeline.acall(call, *args)
        finally:
            _direct.reset(token)

    def ask_sync(self, call: Callable[..., T], *args: Any) -> T:
        """Do as :meth:`ask` does, in a thread."""
        if self.inside:
            return call(*args)
        token = _direct.set(True)
        try:
            return self.pipeline.call(call, *args)
        finally:
            _direct.reset(token)

    def _marked(self, function: Callable[P, T]) -> Callable[P, T]:
        """Return the function, under which this dependency is not guarded again."""
        if is_awaited(function, self.name):
            awaited: Callable[..., Awaitable[Any]] = function  # type: ignore[assignment]  # as was just found out

            @wraps(function)
            async def marked(*args: Any, **kwargs: Any) -> Any:
                token = self._inside.set(True)
                try:
                    return await awaited(*args, **kwargs)
                finally:
                    self._inside.reset(token)

        else:

            @wraps(function)
            def marked(*args: Any, **kwargs: Any) -> Any:
                token = self._inside.set(True)
                try:
                    return function(*args, **kwargs)
                finally:
                    self._inside.reset(token)

        return marked  # type: ignore[return-value]  # it returns what the function returns

    def meaning(self, error: Exception) -> DependencyError | None:
        """Return what an error of the driver means; None when the caller is at fault and gets it as it is."""
        del error
        return None

    @contextmanager
    def understanding(self) -> Iterator[None]:
        """Turn what a driver raises into what it means, and have the dependency checked when it failed."""
        try:
            yield
        except DependencyError:
            raise
        except Exception as error:
            meaning = self.meaning(error)
            if meaning is None:
                raise
            self.suspect()
            raise meaning from error
