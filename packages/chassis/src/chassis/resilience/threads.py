"""Hard time-outs for sync calls: each attempt in a thread of its own, which is left behind when time is up.

No shared pool: calls that hang could fill it, and then nobody else gets a thread. What is left behind is counted, and
bounded by refusing further calls.
"""

import contextvars
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from chassis.clock import Clock
from chassis.context import deadline
from chassis.errors import DeadlineExceededError
from chassis.resilience.gate import Gate

Call = Callable[..., Any]


class _Work:
    """One call in its thread."""

    __slots__ = ("answer", "call", "done", "error", "left_behind")

    def __init__(self, call: Callable[[], Any]) -> None:
        self.call = call
        self.done = threading.Event()
        self.answer: Any = None
        self.error: BaseException | None = None
        self.left_behind = False

    def result(self) -> Any:
        """Return the answer, or raise what the call raised."""
        error, self.error = self.error, None
        try:
            if error is not None:
                raise error
            return self.answer
        finally:
            del error  # it refers to this frame through its traceback


class Threads:
    """The threads of one pipeline."""

    def __init__(self) -> None:
        """Begin with none."""
        self.left_behind = 0
        self._lock = threading.Lock()

    def bounded(self, call: Call, gate: Gate, most: int) -> Call:
        """Return the call, refused while so many threads are left behind that another might be one too many."""

        def bounded(*args: Any, **kwargs: Any) -> Any:
            if self.left_behind >= most:
                raise gate.full(f"{self.left_behind} calls that ran out of time are still running")
            return call(*args, **kwargs)

        return bounded

    def running(self, call: Call, name: str, clock: Clock) -> Call:
        """Return the call, made in a thread that sees the caller's context variables, for as long as there is time."""

        def in_thread(*args: Any, **kwargs: Any) -> Any:
            work = _Work(partial(call, *args, **kwargs))
            target = partial(contextvars.copy_context().run, self._run, work)
            thread = threading.Thread(target=target, name=f"chassis: {name}", daemon=True)
            until = deadline.get()
            try:
                thread.start()
                work.done.wait(None if until is None else max(until - clock.monotonic(), 0.0))
            except BaseException:
                if thread.ident is not None:  # it has begun
                    self._leave_behind(work)
                raise
            if self._leave_behind(work):
                raise DeadlineExceededError(name, "no answer within its time; its thread was left behind")
            return work.result()

        return in_thread

    def _run(self, work: _Work) -> None:
        try:
            work.answer = work.call()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the call was made
            work.error = error
        with self._lock:
            work.done.set()
            self.left_behind -= work.left_behind

    def _leave_behind(self, work: _Work) -> bool:
        """Count the thread as left behind, unless it is done."""
        with self._lock:
            work.left_behind = not work.done.is_set()
            self.left_behind += work.left_behind
            return work.left_behind
