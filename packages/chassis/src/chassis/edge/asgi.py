"""The edge round an ASGI application."""

from chassis.edge.core import Core
from chassis.edge.http_exchange import HttpExchange
from chassis.edge.scope import App, Receive, Scope, Send
from chassis.edge.websocket_exchange import WebSocketExchange


class AsgiEdge:
    """An ASGI application inside of the edge; :meth:`chassis.edge.Edge.asgi` makes one."""

    __slots__ = ("_core", "app")

    def __init__(self, core: Core, app: App) -> None:
        """Wrap the application, which must be whole: what is put around it later is outside of the edge."""
        self._core = core
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; pass a lifespan on."""
        if scope["type"] != "http":
            await self._pass(scope, receive, send)
            return
        core = self._core
        exchange = HttpExchange(core, self.app, scope, receive, send)
        entered = exchange.enter()
        try:
            path, root = exchange.path, scope.get("root_path", "")
            endpoint = core.endpoints.get(path.removeprefix(root) if root else path)
            if endpoint is not None:
                await exchange.operate(endpoint)
                return
            if exchange.method == "OPTIONS" and core.cors.active and (announced := exchange.preflight()) is not None:
                await exchange.answer_preflight(announced)
                return
            problem = core.overloaded if core.state.in_flight >= core.capacity else None
            if problem is None and core.limiter is not None:
                decision = core.limiter.hit_each(core.limit_keys(exchange.client, exchange.headers))
                exchange.decision = decision = await decision if core.limiter_waits else decision
                if not decision.allowed:
                    problem = exchange.limited(decision)
                elif core.state.in_flight >= core.capacity:  # others came in while this one waited for the limiter
                    problem = core.overloaded
            if problem is None and b"content-length" in exchange.headers:
                problem = exchange.oversized()
            if problem is not None:
                await exchange.refuse(problem)
                return
            await exchange.apply()
        finally:
            exchange.leave(entered)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await WebSocketExchange(self._core, self.app, scope, receive, send).run()
        else:
            await self.app(scope, receive, send)

    async def aclose(self) -> None:
        """Close the connections of the limiter, when no request is under way any more."""
        if self._core.limiter_waits:
            await self._core.limiter.aclose()
