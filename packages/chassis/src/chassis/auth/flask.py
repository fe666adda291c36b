"""Authentication for Flask routes, and for any other code without an event loop.

::

    loop = LoopThread()
    engine = create_async_engine("postgresql+psycopg://...")   # an engine that is used on this loop only
    auth = Auth(engine.begin, keys, policy)
    guard = FlaskAuth(auth, loop.run)

    @app.post("/login")
    def login():
        return asdict(loop.run(auth.login(..., address=request.remote_addr)))

    @app.post("/notes")
    @guard.requires("notes:write")
    def create(): ...   # g.principal is who calls
"""

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, Protocol, TypeVar

from flask import g, request

from chassis.auth.core import Auth
from chassis.auth.principal import Principal

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Run(Protocol):
    """Carries a coroutine out and waits for what it returns."""

    def __call__(self, coroutine: Coroutine[Any, Any, T], /) -> T:
        """Return what the coroutine returns, or raise what it raises."""


class LoopThread:
    """An event loop in a thread of its own, for callers that have none.

    The connections of an asynchronous engine belong to the loop that opened them. So there is one loop for all, and
    everything that uses the engine runs on it. Make it in the process that serves: a thread does not outlive a fork.
    """

    def __init__(self) -> None:
        """Start the loop."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chassis-loop", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Carry the coroutine out on the loop, in the caller's context variables, and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def close(self) -> None:
        """End the loop. What still runs on it is given up."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class FlaskAuth:
    """Decorators that answer 401 and 403 by themselves."""

    def __init__(self, auth: Auth, run: Run) -> None:
        """Ask ``auth``, by way of ``run``."""
        self._auth = auth
        self._run = run

    def principal(self) -> Principal:
        """Return who makes the request under way.

        Raises:
            ProblemError: 401; see :meth:`Auth.authenticate`.
        """
        headers = request.headers
        return self._run(self._auth.authenticate(headers.get("Authorization"), headers.get("X-API-Key")))

    def requires(self, *scopes: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Return a decorator: the caller must have every one of ``scopes``. Who it is lies in ``flask.g.principal``."""

        def decorate(view: Callable[P, R]) -> Callable[P, R]:
            @functools.wraps(view)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                principal = self.principal()
                principal.require(*scopes)
                g.principal = principal
                return view(*args, **kwargs)

            return guarded

        return decorate
