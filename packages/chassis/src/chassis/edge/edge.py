"""The edge: everything that a service promises about each of its requests, put round an application in one call."""

import contextlib

from chassis.edge.asgi import AsgiEdge
from chassis.edge.core import Core
from chassis.edge.policy import EdgePolicy
from chassis.edge.protocols import AccessLog, ErrorHook, Recorder
from chassis.edge.routes import leave_flask_route
from chassis.edge.scope import App as AsgiApp
from chassis.edge.wsgi import WsgiEdge
from chassis.edge.wsgi_exchange import App as WsgiApp
from chassis.observe.access import access_logger
from chassis.operations import Endpoints
from chassis.state import ServiceState


class Edge:
    """Puts the edge round applications.

    ::

        application = Edge(EdgePolicy(cors_origins=("https://app.example.org",))).asgi(app)

    Args:
        policy: what is promised.
        state: where the phase is read, and requests under way are counted; one of its own by default.
        endpoints: operational endpoints, by path, which the edge answers itself. May be filled later.
        recorder: counts and times requests.
        access_log: writes a line for each request; that of this process by default.
        on_error: is told of exceptions that nobody handled; logs them with their traceback by default.
    """

    def __init__(
        self,
        policy: EdgePolicy | None = None,
        *,
        state: ServiceState | None = None,
        endpoints: Endpoints | None = None,
        recorder: Recorder | None = None,
        access_log: AccessLog | None = None,
        on_error: ErrorHook | None = None,
    ) -> None:
        """Keep what all applications share."""
        self.policy = policy or EdgePolicy()
        self.state = state or ServiceState()
        self._endpoints = endpoints if endpoints is not None else {}
        self._recorder = recorder
        self._access_log = access_log or access_logger()
        self._on_error = on_error

    def asgi(self, app: AsgiApp) -> AsgiEdge:
        """Put the edge round an ASGI application, such as one of FastAPI, with all of its own middleware."""
        return AsgiEdge(self._core(limiter_waits=True), app)

    def wsgi(self, app: WsgiApp) -> WsgiEdge:
        """Put the edge round a WSGI application.

        Flask is told to pass on what it does not handle itself, and to leave the route for metrics: so give the
        application itself, not one wrapped by something else.
        """
        if hasattr(app, "teardown_request") and hasattr(app, "config"):
            with contextlib.suppress(AssertionError):  # it has answered requests already, and takes no more set-up
                app.teardown_request(leave_flask_route)
            if self.policy.problem_errors and app.config.get("PROPAGATE_EXCEPTIONS") is None:
                app.config["PROPAGATE_EXCEPTIONS"] = True
        return WsgiEdge(self._core(limiter_waits=False), app)

    def _core(self, *, limiter_waits: bool) -> Core:
        return Core(
            self.policy,
            self.state,
            self._endpoints,
            self._recorder,
            self._access_log,
            self._on_error,
            limiter_waits=limiter_waits,
        )
