"""A service as a WSGI application: its life in a thread with an event loop, and the edge round the application.

In a worker of gunicorn the life begins with the import of the application; elsewhere with the first request. It ends
with the process.
"""

import asyncio
import atexit
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from chassis.drain import PreDrain
from chassis.errors import ChassisError, ProblemError
from chassis.lifecycle import PORT_OPENS_S
from chassis.state import Phase
from chassis.stopping import CLOSE_S

if TYPE_CHECKING:
    from chassis.edge import WsgiEdge
    from chassis.edge.wsgi_exchange import App, Environ, StartResponse
    from chassis.service import Service

logger = logging.getLogger("chassis.lifecycle")


class WsgiApplication:
    """What a WSGI server runs; :meth:`chassis.Service.wsgi` makes one.

    Args:
        service: whose life it leads.
        app: what answers the requests.

    Attributes:
        on_drain: called once SIGTERM has come; set by whoever runs the server, before the start.
    """

    def __init__(self, service: "Service", app: "App") -> None:
        """Wrap the application."""
        self.service = service
        self._app = app
        self._edge: WsgiEdge | None = None
        self._lock = threading.Lock()
        self._life: _Life | None = None
        self.on_drain: Callable[[], None] = _nothing
        if callable(signal.getsignal(signal.SIGTERM)):  # a server's: this is one of its workers
            self.start()

    def __call__(self, environ: "Environ", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request."""
        if self._life is None or self._life.process != os.getpid():
            self.start()
        return (self._edge or self._made_edge())(environ, start_response)

    def _made_edge(self) -> "WsgiEdge":
        edge = self.service.make_edge().wsgi(self._app)
        edge.app = self._admitted
        self._edge = edge
        return edge

    def _admitted(self, environ: "Environ", start_response: "StartResponse") -> Iterable[bytes]:
        """Pass a request on; the first ones wait for the start, others are told that it is under way."""
        if self.service.state.phase is Phase.STARTING and self._life is not None:
            self._life.opened.wait(PORT_OPENS_S)
            if self.service.state.phase is Phase.STARTING:
                raise ProblemError(503, "The service is starting.", headers={"Retry-After": "1"})
        return self._app(environ, start_response)

    def start(self) -> None:
        """Begin the service's life in this process, and return without waiting for it.

        Raises:
            SettingsError: the settings are wrong.
        """
        with self._lock:
            if self._life is None or self._life.process != os.getpid():
                self._life = _Life(self.service, self.on_drain)
                self._life.begin()

    def stop(self) -> None:
        """End it, in bounded time."""
        with self._lock:
            life, self._life = self._life, None
        if life is not None and life.process == os.getpid():
            life.end()


class _Life:
    """The thread in which a service lives, in one process. ``opened`` is set when requests need wait no longer."""

    def __init__(self, service: "Service", on_drain: Callable[[], None]) -> None:
        self._on_drain = on_drain
        self.process = os.getpid()
        self.opened = threading.Event()
        self._service = service
        self._thread = threading.Thread(target=self._run, name="life of the service", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._ending = False
        self._drain: PreDrain | None = None

    def begin(self) -> None:
        self._service.process.enter()
        settings = self._service.settings
        self._drain = PreDrain(self._service.state, settings.pre_drain_s, self._on_drain)
        self._drain.take_over()
        atexit.register(self.end)
        self._service.state.phase = Phase.STARTING  # before the first request looks
        self._thread.start()

    def end(self) -> None:
        atexit.unregister(self.end)
        if self._drain is not None:
            self._drain.give_back()
        self._ending = True
        if self._loop is not None and self._over is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except ChassisError as error:
            logger.critical("not started: %s", error)
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            self.opened.set()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        lifecycle = self._service.lifecycle
        try:
            if self._ending:  # the end came first, and found nothing to tell
                return
            await lifecycle.start()
            self.opened.set()
            await self._over.wait()
        finally:
            await lifecycle.stop()
            self._service.process.leave()


def _nothing() -> None:
    """Stand for a server that need not be told."""
