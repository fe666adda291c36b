"""A pipeline: one dependency's name and policy, and the functions that are guarded by them."""

import inspect
import threading
import weakref
from collections.abc import Awaitable, Callable
from functools import partial, update_wrapper
from typing import Any, ParamSpec, TypeVar

from chassis.clock import SYSTEM_CLOCK, Clock
from chassis.resilience import async_layers, sync_layers
from chassis.resilience.circuit import BreakerState
from chassis.resilience.counts import Snapshot
from chassis.resilience.gate import Gate
from chassis.resilience.policy import Policy
from chassis.resilience.threads import Threads

P = ParamSpec("P")
T = TypeVar("T")
Wrapper = Callable[[Callable[..., Any], bool], Callable[..., Any]]
"""Makes another function of a function; the flag says whether it is a coroutine function."""

_all: "weakref.WeakSet[Pipeline]" = weakref.WeakSet()
_all_lock = threading.Lock()


def pipelines() -> list["Pipeline"]:
    """Return all pipelines of this process that are in use, by name."""
    with _all_lock:
        return sorted(_all, key=lambda pipeline: pipeline.name)


class BreakerControl:
    """A pipeline's breaker, to look at and to operate by hand."""

    def __init__(self, gate: Gate) -> None:
        """Belong to one gate."""
        self._gate = gate

    @property
    def state(self) -> BreakerState:
        """Closed, open, half-open or isolated. An open breaker turns half-open with the first call that may go."""
        return self._gate.state

    @property
    def retry_after_s(self) -> float | None:
        """For how long no call is let through; None when one is, ``inf`` when isolated."""
        return self._gate.retry_after_s()

    def isolate(self) -> None:
        """Let no call through until :meth:`restore`, whatever the policy says: for a person who knows better."""
        self._gate.isolate()

    def restore(self) -> None:
        """Close the breaker and forget what failed."""
        self._gate.restore()


class _Guarded:
    """What a guarded function runs now: composed anew when the policy changes."""

    __slots__ = ("__weakref__", "awaited", "call", "run")

    def __init__(self, call: Callable[..., Any], *, awaited: bool) -> None:
        self.call = call
        self.awaited = awaited
        self.run: Callable[..., Any] = call

    def as_function(self) -> Callable[..., Any]:
        async def arun(*args: Any, **kwargs: Any) -> Any:
            return await self.run(*args, **kwargs)

        def run(*args: Any, **kwargs: Any) -> Any:
            return self.run(*args, **kwargs)

        return arun if self.awaited else run


class Pipeline:
    """Guards all calls of one dependency by one policy. All of them share its breaker, bulkhead, rate and retry budget.

    ::

        quotes = Pipeline("quotes", Policy(deadline_s=2.0, retry=Retry(attempts=3)))

        @quotes.guard
        async def quote_of_the_day() -> str: ...

    Args:
        name: the dependency's, for errors, logs and metrics.
        policy: what its calls go through.
        clock: tells the time and waits between attempts.
    """

    def __init__(self, name: str, policy: Policy | None = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        """Begin with a closed breaker and nothing counted."""
        self.name = name
        self._policy = Policy() if policy is None else policy
        self.clock = clock
        self._gate = Gate(name, self._policy, clock)
        self._threads = Threads()
        self._lock = threading.Lock()
        self._guarded: weakref.WeakSet[_Guarded] = weakref.WeakSet()
        self._interposed: tuple[Wrapper, ...] = ()
        self.breaker = BreakerControl(self._gate)
        self._call: Callable[..., Any] = self.guard(_call)
        self._acall: Callable[..., Any] = self.guard(_acall)
        with _all_lock:
            _all.add(self)

    def __repr__(self) -> str:
        return f"Pipeline({self.name!r}, {self._policy!r})"

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._policy

    def guard(self, call: Callable[P, T]) -> Callable[P, T]:
        """Return the function with the policy round it; a decorator.

        Args:
            call: a function or a coroutine function.

        Raises:
            TypeError: it is a generator function, or none at all.
        """
        guarded = _Guarded(call, awaited=is_awaited(call, self.name))
        with self._lock:
            self._guarded.add(guarded)
            self._compose(guarded)
        return update_wrapper(guarded.as_function(), call)

    def call(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function with the policy round it, once."""
        return self._call(call, *args, **kwargs)  # type: ignore[no-any-return]

    async def acall(self, call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a coroutine function with the policy round it, once."""
        return await self._acall(call, *args, **kwargs)  # type: ignore[no-any-return]

    def adjust(self, policy: Policy) -> None:
        """Put another policy in force, for functions guarded before as well. Calls under way end by the old one."""
        with self._lock:
            self._policy = policy
            self._gate.configure(policy)
            self._compose_all()

    def snapshot(self) -> Snapshot:
        """Return what has come of all calls so far."""
        return self._gate.snapshot()

    def interpose(self, wrapper: Wrapper) -> Callable[[], None]:
        """Put something between the policy and the dependency, such as a fault (see :func:`chassis.testing.inject`).

        Args:
            wrapper: takes the function, and whether it is a coroutine function, and returns another in its place.

        Returns:
            A function that takes it out again.
        """
        with self._lock:
            self._interposed = (*self._interposed, wrapper)
            self._compose_all()

        def remove() -> None:
            with self._lock:
                self._interposed = tuple(each for each in self._interposed if each is not wrapper)
                self._compose_all()

        return remove

    def _compose_all(self) -> None:
        for guarded in self._guarded:
            self._compose(guarded)

    def _compose(self, guarded: _Guarded) -> None:
        call = guarded.call
        for wrapper in self._interposed:
            call = wrapper(call, guarded.awaited)
        if guarded.awaited:
            guarded.run = async_layers.compose(call, self._policy, self._gate, self.clock)
        else:
            guarded.run = sync_layers.compose(call, self._policy, self._gate, self.clock, self._threads)


def is_awaited(call: Callable[..., Any], name: str) -> bool:
    """Tell whether a function that is to be guarded is a coroutine function.

    Args:
        call: the function.
        name: the pipeline's, for the error.

    Raises:
        TypeError: it is a generator function, or none at all.
    """
    if not callable(call):
        raise TypeError(f"{name}: expected a function to guard, not {call!r}")
    if _is(inspect.isgeneratorfunction, call) or _is(inspect.isasyncgenfunction, call):
        raise TypeError(
            f"{name}: a generator cannot be guarded, because what it has yielded cannot be taken back: "
            "guard the function that gets its items"
        )
    return _is(inspect.iscoroutinefunction, call)


def _is(kind: Callable[[Any], bool], call: Any) -> bool:
    """Tell whether a function is of a kind, or an object whose instances are called."""
    while isinstance(call, partial):
        call = call.func
    return kind(call) or kind(getattr(call, "__call__", None))  # noqa: B004 - not whether, but what kind it is


def _call(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return call(*args, **kwargs)


async def _acall(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return await call(*args, **kwargs)
