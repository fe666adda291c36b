"""What HTTP and WebSocket exchanges under ASGI have in common."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from chassis.edge.core import Core
from chassis.edge.exchange import Exchange

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class ScopeExchange(Exchange):
    """An exchange that an ASGI server describes by a scope."""

    def __init__(self, core: Core, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Take in the request."""
        client = scope.get("client")
        super().__init__(
            core,
            scope.get("method", "GET"),
            scope["path"],
            dict(scope["headers"]),
            client[0] if client else "",
            https=scope.get("scheme") in ("https", "wss"),
        )
        self.scope = scope
        self._app = app
        self._receive = receive
        self._send = send
        if core.proxies.any:
            self.believe_proxies(self._lines)

    def _lines(self, name: bytes) -> list[bytes]:
        return [value for each, value in self.scope["headers"] if each == name]
