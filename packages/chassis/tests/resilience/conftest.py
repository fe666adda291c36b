"""What the tests of guarded calls share: the same promise, asked of functions and of coroutines."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chassis.resilience import Pipeline
from chassis.testing import ScriptedDependency

Ask = Callable[..., Any]


def _ask_sync(pipeline: Pipeline, dependency: ScriptedDependency, *args: Any) -> Any:
    return pipeline.call(dependency.call, *args)


def _ask_async(pipeline: Pipeline, dependency: ScriptedDependency, *args: Any) -> Any:
    return asyncio.run(pipeline.acall(dependency.acall, *args))


@pytest.fixture(params=[_ask_sync, _ask_async], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Call a scripted dependency through a pipeline, as a function or as a coroutine."""
    asked: Ask = request.param
    return asked


class Interrupted(BaseException):
    """What the signal handler of :func:`interrupt_when` raises, as that of Ctrl-C raises KeyboardInterrupt."""


@pytest.fixture
def interrupt_when() -> Iterator[Callable[[Callable[[], object]], type[BaseException]]]:
    """Interrupt whatever the main thread waits for, as soon as a condition is true; return what it will raise."""
    threads = []

    def handler(_number: int, _frame: object) -> None:
        raise Interrupted

    def when(condition: Callable[[], object]) -> type[BaseException]:
        def watch() -> None:
            pause = threading.Event()
            for _ in range(1000):
                if condition():
                    os.kill(os.getpid(), signal.SIGUSR1)
                    return
                pause.wait(0.01)

        threads.append(threading.Thread(target=watch))
        threads[-1].start()
        return Interrupted

    before = signal.signal(signal.SIGUSR1, handler)
    yield when
    for thread in threads:
        thread.join(30)
    signal.signal(signal.SIGUSR1, before)
