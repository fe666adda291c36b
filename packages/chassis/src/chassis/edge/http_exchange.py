"""One HTTP request under ASGI."""

import asyncio
from collections.abc import Iterable

from chassis.edge.exchange import CLIENT_LEFT, DEADLINE_HEADER, AnswerCutOffError
from chassis.edge.headers import Header
from chassis.edge.routes import asgi_route
from chassis.edge.scope import Message, ScopeExchange
from chassis.errors import ProblemError
from chassis.observe import tracing
from chassis.operations import OperationalEndpoint, OperationalRequest
from chassis.problems import Problem, problem_for, problem_from_answer
from chassis.resilience.alarms import Limit, Line, Timers
from chassis.threads import in_daemon_thread

LINGER_S = 2.0
LINGER_BYTES = 64 * 2**20


class HttpExchange(ScopeExchange, Limit):
    """One HTTP request under ASGI, and the time limit of its own task.

    ``_started`` tells whether an answer has begun; ``_replaced`` whether it is the edge's, so that what the application
    sends is dropped.
    """

    _started = False
    _replaced = False
    _client_left = False
    _too_long = False
    _held: Message | None = None
    _parts: tuple[bytes, ...] = ()
    _line: Line | Timers | None = None
    _reply: asyncio.Task[None] | None = None

    async def operate(self, endpoint: OperationalEndpoint) -> None:
        """Answer for an operational endpoint, whatever the limits and the load are; it is not logged either."""
        self.finished = True
        refusal = self.refused_by(endpoint)
        if refusal is not None:
            await self.refuse(refusal)
            return
        asked = OperationalRequest(self.method, self.path, self.scope.get("query_string", b"").decode("latin-1"))
        try:
            if endpoint.in_thread:
                answer = await in_daemon_thread(lambda: endpoint.answer(asked), "chassis-operation")
            else:
                answer = endpoint.answer(asked)
        except Exception as error:  # noqa: BLE001 - nothing of it may reach the caller
            self.report(error, self.path)
            await self.refuse(problem_for(error))
            return
        await self.answer(answer.status, self.operational_headers(answer), answer.body)

    async def apply(self) -> None:
        """Let the application answer, within its time."""
        self.core.state.in_flight += 1
        try:
            if tracing.active is not None:
                self.begin_span(tracing.active)
            if self.deadline is not None:
                self._set_time(self.deadline)
            await self._app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            if not self._was_ours():
                self._leave_unanswered()
                raise
        except Exception as error:  # noqa: BLE001 - what nobody handled ends here
            self._was_ours()
            await self._fail(error)
        else:
            self._was_ours()
            if not self.finished:
                await self._complete()
        finally:
            if self._reply is None:
                self._end()
            else:
                await self._end_after(self._reply)

    async def _end_after(self, reply: asyncio.Task[None]) -> None:
        try:
            await reply
        finally:
            self._end()

    def _end(self) -> None:
        """Count the request out, when nothing of it is under way any more."""
        self.core.state.in_flight -= 1
        if self._line is not None and not self.expired:
            self._line.remove(self)
        if not self.finished:
            self.finish(asgi_route(self.scope))
        if self.span is not None:
            self.end_span(asgi_route(self.scope))

    # -- the time limit

    def _set_time(self, until: float) -> None:
        """Set the time at which the answer must have begun."""
        loop = asyncio.get_running_loop()
        Limit.__init__(self, asyncio.current_task(loop), until)
        alarms = self.core.alarms.latest
        if alarms is None or alarms.loop is not loop:
            alarms = self.core.alarms.of(loop)
        # All requests that have the usual time share one timer.
        self._line = alarms.timers if DEADLINE_HEADER in self.headers else alarms.line
        self._line.add(self)

    def expire(self) -> None:
        """Answer 504 and then cancel: what the application waits for may not let itself be cancelled.

        The answer is sent by a task of its own, for that of the request is with the application.
        """
        if not self._started:
            self._started = self._replaced = True
            self._reply = asyncio.get_running_loop().create_task(self._answer_apart())
            super().expire()

    def _was_ours(self) -> bool:
        """Take back the cancellation of a request that timed out; tell whether it was the only one."""
        return self._line is not None and self.expired and self.took_back()

    async def _answer_apart(self) -> None:
        self.enter()  # a task of its own has a context of its own
        await self.refuse(Problem(504, "There was no answer in the time allowed."))

    # -- what the application receives and sends

    async def receive(self) -> Message:
        """Pass a part of the body on, and count it."""
        message = await self._receive()
        if message["type"] == "http.request":
            self.bytes_in += len(message.get("body", b""))
            most = self.core.policy.body_limit
            if most is not None and self.bytes_in > most:
                self._too_long = True
                raise ProblemError(413, "The body is too long.")
        elif message["type"] == "http.disconnect":
            self._client_left = True
        return message

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on: the headers complemented, an error rewritten as a problem."""
        if self._replaced:
            return
        kind = message["type"]
        if kind == "http.response.start":
            self.status = message["status"]
            if self.status < 400 and not self._too_long:
                self._started = True
                await self._send({**message, "headers": self.answer_headers(message.get("headers", ()))})
            else:
                await self._start_error(message)
        elif self._held is not None:
            await self._hold(message)
        else:
            if kind == "http.response.body":
                self.bytes_out += len(message.get("body", b""))
            await self._send(message)
            if kind == "http.response.body" and not message.get("more_body", False):
                self.finish(asgi_route(self.scope))

    async def _start_error(self, message: Message) -> None:
        if self._too_long:  # the application made something else of the error that it got
            await self.refuse(self.too_long())
            return
        headers = message.get("headers", ())
        if self.rewrites(self.status, headers):
            self._held = message
            return
        self._started = True
        await self._send({**message, "headers": self.answer_headers(headers)})

    async def _hold(self, message: Message) -> None:
        """Collect an error answer, and rewrite it when it is whole."""
        self._parts += (message.get("body", b""),)
        if sum(map(len, self._parts)) > self.core.policy.buffer_limit:
            await self._let_go(message)
        elif not message.get("more_body", False) and self.status != 500:
            await self._rewrite()
        # A 500 waits for the application's end: Starlette sends one before it passes the exception on.

    async def _let_go(self, message: Message) -> None:
        """Pass a held answer on as it is, because it is too long to hold."""
        held, self._held = self._held, None
        if held is not None:
            self._started = True
            await self._send({**held, "headers": self.answer_headers(held.get("headers", ()))})
            await self.send({**message, "body": b"".join(self._parts)})

    async def _rewrite(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            kept = list(held.get("headers", ()))
            names = dict(kept)
            body = b"" if b"content-encoding" in names else b"".join(self._parts)
            problem = problem_from_answer(self.status, names.get(b"content-type", b"").decode("latin-1"), body)
            await self.refuse(problem, kept)

    # -- the end of the application

    async def _complete(self) -> None:
        """Give an answer if the application has given none, or only one that is held."""
        if self._held is not None:
            await self._rewrite()
        elif not self._started and self._client_left:
            self._leave_unanswered()
        elif not self._started:
            await self.refuse(Problem(500))

    async def _fail(self, error: Exception) -> None:
        """Answer an exception, or break off an answer that has begun."""
        if self._client_left and type(error).__name__ == "ClientDisconnect":  # Starlette's; nobody's mistake
            self._leave_unanswered()
            return
        if self._too_long and not self._started:
            await self.refuse(self.too_long())
            return
        if not isinstance(error, ProblemError) or error.status >= 500:
            self.report(error, asgi_route(self.scope))
        if not self.core.policy.problem_errors:
            self.status = self.status or 500
            raise error
        if not self._started:
            await self.refuse(problem_for(error))
        elif not self.finished:
            raise AnswerCutOffError(f"{type(error).__name__} after the answer had begun") from None

    def _leave_unanswered(self) -> None:
        if not self._started:
            self.status = CLIENT_LEFT

    # -- answers of the edge's own

    async def answer_preflight(self, announced: Problem | list[Header]) -> None:
        """Answer what :meth:`preflight` has found out."""
        if isinstance(announced, Problem):
            await self.refuse(announced)
        else:
            await self.answer(204, self.answer_headers(announced), b"")

    def may_close(self) -> bool:
        """Tell whether the connection can be closed after the answer: in HTTP/2, others share it."""
        return str(self.scope.get("http_version", "1.1")) < "2"

    async def refuse(self, problem: Problem, kept: Iterable[Header] = ()) -> None:
        """Answer with a problem; ``kept`` are headers of the answer that it replaces."""
        if problem.status == 413:
            self.keeps_alive = False
        headers, body = self.problem_answer(problem, kept)
        await self.answer(problem.status, headers, body)
        self.finish(asgi_route(self.scope))

    async def answer(self, status: int, headers: list[Header], body: bytes) -> None:
        """Answer in the application's place; what it sends from now on is dropped."""
        self._started = self._replaced = True
        self._held = None
        if self.method == "HEAD":
            body = b""
        self.bytes_out += len(body)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        if not self.keeps_alive and (self.bytes_in or b"expect" not in self.headers):
            await self._send({"type": "http.response.body", "body": body, "more_body": True})
            await self._linger()
            body = b""
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _linger(self) -> None:
        """Read on before the connection is closed: a reset would take the answer out of the client's hands."""
        seen = 0
        try:
            async with asyncio.timeout(LINGER_S):
                while seen < LINGER_BYTES:
                    message = await self._receive()
                    if message["type"] != "http.request" or not message.get("more_body", False):
                        return
                    seen += len(message.get("body", b""))
        except TimeoutError:
            return
