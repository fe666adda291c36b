"""One WebSocket under ASGI: an id, rate limits, capacity and the drain apply to it; deadlines and CORS do not."""

from chassis.edge.routes import asgi_route
from chassis.edge.scope import Message, ScopeExchange
from chassis.errors import ProblemError
from chassis.problems import Problem, problem_for

_REFUSED = 1008
_TOO_BIG = 1009
_FAILED = 1011
_AGAIN_LATER = 1013


class WebSocketExchange(ScopeExchange):
    """One WebSocket, from its handshake to its end."""

    timed = False  # an hour's talk is no slow request

    async def run(self) -> None:
        """Refuse the handshake, or let the application have the connection."""
        self._accepted = self._closed = False
        self.status = 403  # what servers make of an application that ends without accepting
        entered = self.enter()
        state = self.core.state
        try:
            problem = await self._refusal()
            if problem is not None:
                await self._receive()  # "websocket.connect" comes first
                await self._refuse(problem)
                return
            state.in_flight += 1
            try:
                await self._apply()
            finally:
                state.in_flight -= 1
        finally:
            self.finish(asgi_route(self.scope))
            self.leave(entered)

    async def _refusal(self) -> Problem | None:
        core = self.core
        if core.state.draining:
            return Problem(
                503, "This service is about to stop.", headers={"Retry-After": str(core.policy.retry_after_s)}
            )
        if core.state.in_flight >= core.capacity:
            return core.overloaded
        if core.limiter is not None:
            decision = core.limiter.hit_each(core.limit_keys(self.client, self.headers))
            self.decision = decision = await decision if core.limiter_waits else decision
            if not decision.allowed:
                return self.limited(decision)
            if core.state.in_flight >= core.capacity:  # others came in while this one waited for the limiter
                return core.overloaded
        return None

    async def _apply(self) -> None:
        try:
            await self._app(self.scope, self.receive, self.send)
        except Exception as error:
            if not isinstance(error, ProblemError) or error.status >= 500:
                self.report(error, asgi_route(self.scope))
            if not self.core.policy.problem_errors:
                raise
            if not self._accepted:
                await self._refuse(problem_for(error))
            else:
                await self._close(_TOO_BIG if getattr(error, "status", 0) == 413 else _FAILED)

    async def receive(self) -> Message:
        """Pass a message on, if it is not too long."""
        message = await self._receive()
        if message["type"] == "websocket.receive":
            size = _size(message)
            self.bytes_in += size
            most = self.core.policy.body_limit
            if most is not None and size > most:
                raise ProblemError(413, "The message is too long.")
        elif message["type"] == "websocket.disconnect":
            self._closed = True
        return message

    async def send(self, message: Message) -> None:
        """Pass a message on, the handshake's headers complemented."""
        kind = message["type"]
        if kind == "websocket.accept":
            self._accepted = True
            self.status = 101
            message = {**message, "headers": [*message.get("headers", ()), *self.identity_headers()]}
        elif kind == "websocket.close":
            self._closed = True
        elif kind == "websocket.send":
            self.bytes_out += _size(message)
        await self._send(message)

    async def _refuse(self, problem: Problem) -> None:
        """Answer the handshake with a problem, or where the server cannot do that, by closing."""
        self.status = problem.status
        if "websocket.http.response" in (self.scope.get("extensions") or {}):
            headers, body = self.problem_answer(problem)
            await self._send({"type": "websocket.http.response.start", "status": problem.status, "headers": headers})
            await self._send({"type": "websocket.http.response.body", "body": body, "more_body": False})
        else:
            await self._close(_AGAIN_LATER if problem.status in (429, 503) else _REFUSED)

    async def _close(self, code: int) -> None:
        if not self._closed:
            self._closed = True
            await self._send({"type": "websocket.close", "code": code, "reason": ""})


def _size(message: Message) -> int:
    """Return how many bytes a message has on the wire; a text comes as characters."""
    text = message.get("text")
    if text is None:
        return len(message.get("bytes") or b"")
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
