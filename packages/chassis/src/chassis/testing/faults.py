"""Faults at a declared dependency: between its policy and itself, so that the policy meets them as in earnest."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from chassis.resilience import Pipeline, pipelines


class Fault:
    """What is wrong, and ``hits``: how many calls have felt it."""

    def __init__(self, error: Exception | type[Exception] | None, delay_s: float, times: int | None) -> None:
        """Begin with no hits."""
        self.hits = 0
        self._error = error
        self._delay_s = delay_s
        self._times = times

    def round(self, pipeline: Pipeline, call: Callable[..., Any], awaited: bool) -> Callable[..., Any]:
        """Return the call with the fault in front of it."""

        async def acall(*args: Any, **kwargs: Any) -> Any:
            if self._hit():
                await pipeline.clock.asleep(self._delay_s)
                self._fail()
            return await call(*args, **kwargs)

        def scall(*args: Any, **kwargs: Any) -> Any:
            if self._hit():
                pipeline.clock.sleep(self._delay_s)
                self._fail()
            return call(*args, **kwargs)

        return acall if awaited else scall

    def _hit(self) -> bool:
        if self._times is not None and self.hits >= self._times:
            return False
        self.hits += 1
        return True

    def _fail(self) -> None:
        if self._error is not None:
            raise self._error


@contextmanager
def inject(
    target: Pipeline | str,
    *,
    error: Exception | type[Exception] | None = None,
    delay_s: float = 0.0,
    times: int | None = None,
) -> Iterator[Fault]:
    """Make the calls of a dependency slow, or fail, or both, while the context lasts.

    Args:
        target: a pipeline, or the name of one; all of that name are meant then.
        error: raised in place of the call.
        delay_s: how long each call takes more, on the pipeline's clock.
        times: how many calls are hit, the first ones; None for all.

    Yields:
        The fault; its ``hits`` tell whether anything felt it.

    Raises:
        ValueError: neither an error nor a delay was given.
        LookupError: no pipeline has that name.
    """
    if error is None and delay_s <= 0:
        raise ValueError("expected an error or a delay_s over 0: this fault would do nothing")
    meant = [target] if isinstance(target, Pipeline) else [each for each in pipelines() if each.name == target]
    if not meant:
        known = ", ".join(sorted({each.name for each in pipelines()})) or "none"
        raise LookupError(f"no pipeline is named {target!r}; there are: {known}")
    fault = Fault(error, delay_s, times)
    with ExitStack() as removals:
        for pipeline in meant:
            removals.callback(pipeline.interpose(partial(fault.round, pipeline)))
        yield fault
