"""The edge round a WSGI application, such as one of Flask: the same promises, one thread a request.

Two things are different from ASGI. A thread cannot be interrupted, so the deadline is only kept by what looks at it
(guarded calls do); and the server alone decides about ``Connection``, so a drain does not announce itself there.
"""

import threading
from collections.abc import Iterable

from chassis.edge.core import Core
from chassis.edge.wsgi_exchange import App, Environ, StartResponse, WsgiExchange
from chassis.problems import Problem


class WsgiEdge:
    """A WSGI application inside of the edge; :meth:`chassis.edge.Edge.wsgi` makes one."""

    def __init__(self, core: Core, app: App) -> None:
        """Wrap the application, which must be whole: what is put around it later is outside of the edge."""
        self._core = core
        self._lock = threading.Lock()
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        exchange = WsgiExchange(self._core, environ, start_response)
        try:
            self._answer(exchange, environ)
        except BaseException:
            exchange.close()
            raise
        return exchange

    def close(self) -> None:
        """Close the connections of the limiter, at the end of the process."""
        close = getattr(self._core.limiter, "close", None)
        if close is not None:
            close()

    def _answer(self, exchange: WsgiExchange, environ: Environ) -> None:
        core = self._core
        endpoint = core.endpoints.get(environ.get("PATH_INFO", ""))
        if endpoint is not None:
            exchange.operate(endpoint)
            return
        if exchange.method == "OPTIONS" and core.cors.active and (announced := exchange.preflight()) is not None:
            if isinstance(announced, Problem):
                exchange.refuse(announced)
            else:
                exchange.finished = True
                exchange.answer(204, exchange.answer_headers(announced), b"")
            return
        problem = core.overloaded if core.state.in_flight >= core.capacity else None
        if problem is None and core.limiter is not None:
            decision = core.limiter.hit_each(core.limit_keys(exchange.client, exchange.headers))
            exchange.decision = decision
            if not decision.allowed:
                problem = exchange.limited(decision)
        if problem is None:
            problem = exchange.oversized()
        if problem is None and not self._take_capacity():
            problem = core.overloaded
        if problem is not None:
            exchange.refuse(problem)
        else:
            exchange.serve(self.app, self._leave_capacity)

    def _take_capacity(self) -> bool:
        """Count a request in, unless threads beside this one have taken the last place."""
        with self._lock:
            if self._core.state.in_flight >= self._core.capacity:
                return False
            self._core.state.in_flight += 1
            return True

    def _leave_capacity(self) -> None:
        with self._lock:
            self._core.state.in_flight -= 1
