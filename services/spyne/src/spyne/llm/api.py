"""Asks an OpenAI-compatible API for JSON: one deadline for the whole call, bounded retries, a circuit breaker.

api = ModelApi(dependency, settings, measures)
text = await api.complete(messages, schema)      # raises ModelError, or a DependencyError of the chassis
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import chassis

from spyne.llm.errors import ModelError
from spyne.llm.measures import LlmMeasures
from spyne.settings import Settings

POLICY = chassis.Policy(
    deadline_s=600.0,  # a call has RCA_LLM_TIMEOUT, which is at most this
    retry=chassis.Retry(attempts=3, backoff_s=0.5, max_backoff_s=8.0),
    breaker=chassis.Breaker(failures=5, open_s=10.0, on=(chassis.DependencyError,)),
    bulkhead=chassis.Bulkhead(max_concurrent=16, max_wait_s=1.0),
)
CHECKS = chassis.Checks(every_s=30.0, every_s_when_down=10.0, timeout_s=5.0)
RESERVE_S = 10.0
"""What is left of a request's time for the grammar to answer in, when the model does not; half of a short one."""
LARGEST = 2**20
"""Bytes of an answer at most."""
_FORMATS = ("json_schema", "json_object", "text")

Message = Mapping[str, str]


class ModelApi:
    """The API of a language model.

    Args:
        dependency: where it is, guarded.
        settings: returns the settings, once they are there.
        measures: what is counted of it.
    """

    def __init__(self, dependency: chassis.HttpApi, settings: Callable[[], Settings], measures: LlmMeasures) -> None:
        """Keep where it is; nothing is asked yet."""
        self._dependency = dependency
        self._settings = settings
        self._measures = measures
        self._format = 0
        self._post = dependency.guard(self._posted)

    @property
    def configured(self) -> bool:
        """Whether there is one."""
        return self._dependency.configured

    async def complete(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> str:
        """Return the text that the model answers with.

        Args:
            messages: of the conversation, with role and content.
            schema: JSON Schema of what is wanted. An API that refuses it is asked for any JSON from then on.

        Raises:
            ModelError: it answered, and what it says is no use; `reason` says why.
            DependencyDownError: it cannot be reached, or says that it cannot.
            DeadlineExceededError: it did not answer in time.
        """
        began = time.monotonic()
        try:
            with chassis.time_limit(self._allowed_s()):
                text = await self._completed(messages, schema)
        except ModelError as error:
            self._measures.llm_failures.labels(error.reason).inc()
            raise
        except chassis.DeadlineExceededError:
            self._measures.llm_failures.labels("timeout").inc()
            raise
        except chassis.DependencyError as error:
            reason = "circuit_open" if isinstance(error, chassis.CircuitOpenError) else "unavailable"
            self._measures.llm_failures.labels(reason).inc()
            raise
        finally:
            self._measures.llm_latency.observe(time.monotonic() - began)
        return text

    def _allowed_s(self) -> float:
        allowed = self._settings().llm_timeout
        left = chassis.remaining_s()
        if left is not None:
            allowed = min(allowed, max(left - RESERVE_S, left / 2))
        if allowed <= 0:
            raise chassis.DeadlineExceededError(self._dependency.name, "no time is left to ask it")
        return allowed

    async def _completed(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> str:
        while True:
            tried = self._format
            status, content = await self._post(self._body(messages, schema))
            if status != 400 or tried + 1 == len(_FORMATS):
                break
            self._format = max(self._format, tried + 1)  # it does not know this format: a simpler one from now on
        if status >= 400:
            raise ModelError(f"status_{status}", f"the model's API answered {status}")
        return self._text(content)

    def _body(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> dict[str, Any]:
        settings = self._settings()
        body: dict[str, Any] = {
            "model": settings.llm_model,
            "messages": list(messages),
            "temperature": settings.llm_temperature,
            "max_tokens": settings.llm_max_tokens,
        }
        kind = _FORMATS[self._format]
        if kind == "json_schema":
            wanted = {"name": "proposal", "schema": schema}
            body["response_format"] = {"type": kind, "json_schema": wanted}
        elif kind == "json_object":
            body["response_format"] = {"type": kind}
        return body

    async def _posted(self, body: Mapping[str, Any]) -> tuple[int, bytes]:
        """Send a request and read all of its answer; it may be sent again, as it changes nothing."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        client = self._dependency.client
        async with client.stream("POST", "chat/completions", json=body, headers=headers) as response:
            content = b""
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > LARGEST:
                    raise ModelError("too_large", f"the answer is larger than {LARGEST} bytes")
        return response.status_code, content

    def _text(self, content: bytes) -> str:
        """Take the text out of the answer."""
        try:
            answer = json.loads(content)
            choice = answer["choices"][0]
            message = choice["message"]
        except (ValueError, KeyError, IndexError, TypeError, RecursionError):
            raise ModelError("unreadable", "the answer is not that of a chat completion") from None
        usage = answer.get("usage")
        if isinstance(usage, dict):
            self._count(usage)
        if message.get("refusal"):
            raise ModelError("refusal", "the model refuses to answer")
        reason = choice.get("finish_reason")
        if reason in ("length", "content_filter"):
            raise ModelError(reason, f"the answer was broken off: {reason}")
        text = message.get("content")
        if not isinstance(text, str) or not text.strip():
            raise ModelError("empty", "the answer is empty")
        return text

    def _count(self, usage: Mapping[str, Any]) -> None:
        for kind in ("prompt", "completion"):
            tokens = usage.get(f"{kind}_tokens")
            if isinstance(tokens, int) and tokens > 0:
                self._measures.llm_tokens.labels(kind).inc(tokens)
