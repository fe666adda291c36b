"""A service as an ASGI application: its life, and the edge round the application."""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from chassis.drain import PreDrain
from chassis.errors import ChassisError, ProblemError, SettingsError
from chassis.state import Phase
from chassis.steps import StartPhase, Step

if TYPE_CHECKING:
    from chassis.edge import AsgiEdge
    from chassis.edge.scope import App, Message, Receive, Scope, Send
    from chassis.service import Service

logger = logging.getLogger("chassis.lifecycle")


class AsgiApplication:
    """What an ASGI server runs; :meth:`chassis.Service.asgi` makes one.

    Args:
        service: whose life it leads.
        app: what answers the requests.
    """

    def __init__(self, service: "Service", app: "App") -> None:
        """Wrap the application; nothing is read or opened yet."""
        self.service = service
        self._app = app
        self._edge: AsgiEdge | None = None
        self._begun = False

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer a request, or lead the service's life."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await (self._edge or self._made_edge())(scope, receive, send)

    def _made_edge(self) -> "AsgiEdge":
        self._edge = self.service.make_edge().asgi(self._admitted)
        return self._edge

    async def _admitted(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass a request on, unless the start is under way. Without a lifespan there is no start to wait for."""
        if self._begun and self.service.state.phase is Phase.STARTING:
            raise ProblemError(503, "The service is starting.", headers={"Retry-After": "1"})
        await self._app(scope, receive, send)

    async def _live(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        await receive()
        self._begun = True
        own = _Lifespan(self._app, scope)
        lifecycle = self.service.lifecycle
        loop = asyncio.get_running_loop()
        drain: PreDrain | None = None
        try:
            self.service.process.enter()
            settings = self.service.settings

            def begun() -> None:
                loop.call_soon_threadsafe(lifecycle.abandon)

            drain = PreDrain(self.service.state, settings.pre_drain_s, begun)
            drain.take_over()
            await lifecycle.start(Step("application", StartPhase.SERVICES, own.startup))
            self._made_edge()
        except ChassisError as error:
            _tell(error)
            await lifecycle.stop(own.shutdown)
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        try:
            await receive()
        finally:
            drain.give_back()
            await lifecycle.stop(own.shutdown)
            self.service.process.leave()
        await send({"type": "lifespan.shutdown.complete"})


def _tell(error: ChassisError) -> None:
    problems = error.problems if isinstance(error, SettingsError) else (str(error),)
    for problem in problems:
        logger.critical("not started: %s", problem)


class _Lifespan:
    """The application's own lifespan. Both of its ends run in one task, as servers do it: frameworks rely on it."""

    def __init__(self, app: "App", scope: "Scope") -> None:
        self._app = app
        self._scope = scope
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._answer: asyncio.Future[Message] | None = None
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Start the application; one that knows no lifespan is started already.

        Raises:
            Exception: what it failed with.
        """
        self._to_app = asyncio.Queue()
        self._task = asyncio.create_task(self._run(), name="lifespan of the application")
        answer = await self._asked("lifespan.startup")
        if answer is not None and answer["type"] == "lifespan.startup.failed":
            await asyncio.wait({self._task})
            error = self._task.exception()
            raise error if isinstance(error, Exception) else RuntimeError("the application says so")

    async def shutdown(self) -> None:
        """Stop the application."""
        if self._task is None:
            return
        if not self._task.done():
            await self._asked("lifespan.shutdown")
        task, self._task = self._task, None
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("the lifespan of the application ended with an error", exc_info=error)

    async def _run(self) -> None:
        await self._app(self._scope, self._to_app.get, self._send)

    async def _send(self, message: "Message") -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(message)

    async def _asked(self, kind: str) -> "Message | None":
        """Send the application a message; return its answer, or None when it ended instead."""
        if self._task is None:
            return None
        self._answer = asyncio.get_running_loop().create_future()
        self._to_app.put_nowait({"type": kind})
        waited_for: set[asyncio.Future[Any]] = {self._task, self._answer}
        try:
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
            return self._answer.result() if self._answer.done() else None
        except asyncio.CancelledError:
            self._task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._task
            raise
