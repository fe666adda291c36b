"""What Spyne measures beside what every service does: outcomes, clarifications, query times, guard rails, the model."""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import chassis
from chassis.observe.metrics import Family
from chassis.observe.recorders import Counter, Histogram
from chassis.observe.store import Snapshot

_LONG = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_QUANTILES = (("p50", "0.5"), ("p95", "0.95"), ("p99", "0.99"))


class Measures:
    """The metrics of one service; they are described when they are first used."""

    def __init__(self, service: chassis.Service) -> None:
        """Keep whose they are."""
        self._service = service

    @cached_property
    def outcomes(self) -> Counter:
        """Questions by how they ended."""
        return self._service.metrics.counter("spyne_outcomes_total", "Questions by how they ended", ("status",))

    @cached_property
    def origins(self) -> Counter:
        """Answers by what proposed them."""
        return self._service.metrics.counter("spyne_answers_total", "Answers by what proposed their plan", ("source",))

    @cached_property
    def resolved(self) -> Counter:
        """Questions back that an answer led to rows."""
        return self._service.metrics.counter(
            "spyne_clarifications_resolved_total", "Questions back after whose answer there were rows"
        )

    @cached_property
    def clarification_time(self) -> Histogram:
        """How long it took to find the question to ask back."""
        return self._service.metrics.histogram(
            "spyne_clarification_seconds", "Time to find the question to ask back", buckets=_LONG
        )

    @cached_property
    def latency(self) -> Histogram:
        """How long queries took."""
        return self._service.metrics.histogram(
            "spyne_query_latency_seconds", "Time of a query by its type: ask, execute, export", ("query_type",),
            buckets=_LONG,
        )  # fmt: skip

    @cached_property
    def corrections(self) -> Counter:
        """Answers that somebody corrected."""
        return self._service.metrics.counter("spyne_query_corrections_total", "Answers whose SQL somebody corrected")

    @cached_property
    def guardrails(self) -> Counter:
        """SQL that the guard refused."""
        return self._service.metrics.counter(
            "spyne_query_guardrail_triggered_total", "SQL that was refused or ended, by rule", ("type",)
        )

    @cached_property
    def cache(self) -> Counter:
        """Results that the cache had, or had not."""
        return self._service.metrics.counter("spyne_result_cache_total", "Results asked of the cache", ("result",))

    @cached_property
    def feedback(self) -> Counter:
        """Thumbs."""
        return self._service.metrics.counter("spyne_feedback_total", "Feedback on answers", ("helpful",))

    @cached_property
    def llm_latency(self) -> Histogram:
        """How long the language model took."""
        return self._service.metrics.histogram(
            "spyne_llm_latency_seconds", "Time of a call of the language model", buckets=_LONG
        )

    @cached_property
    def llm_tokens(self) -> Counter:
        """Tokens, by kind."""
        return self._service.metrics.counter("spyne_llm_tokens_total", "Tokens, as the API counts them", ("kind",))

    @cached_property
    def llm_failures(self) -> Counter:
        """Calls of the language model that gave no plan."""
        return self._service.metrics.counter(
            "spyne_llm_failures_total", "Calls of the language model that gave no plan, by reason", ("reason",)
        )

    def describe(self) -> None:
        """Describe all of them, so that those that count nothing yet are shown as well, and add the derived ones."""
        for name, value in vars(type(self)).items():
            if isinstance(value, cached_property):
                getattr(self, name)
        self._service.metrics.derive(self._engine)

    def _engine(self, snapshot: Snapshot) -> Iterator[Family]:
        """Tell the totals under the names that dashboards of earlier versions ask for."""
        golden = self._golden()
        yield Family("rca_engine_uptime_seconds", "gauge", "Time since the start", samples={(): golden["uptime_s"]})
        requests, errors = golden["traffic"]["requests_total"], golden["errors"]["total"]
        yield Family("rca_engine_requests_total", "counter", "Requests that were answered", samples={(): requests})
        yield Family("rca_engine_errors_total", "counter", "Requests answered 5xx", samples={(): errors})
        latency = golden["latency"] or {}
        samples: dict[tuple[str, ...], float] = {
            (quantile,): latency[f"{name}_ms"] for name, quantile in _QUANTILES if latency.get(f"{name}_ms")
        }
        yield Family(
            "rca_engine_request_latency_ms", "gauge", "Latency of the last minute", ("quantile",), samples=samples
        )
        yield Family(
            "rca_engine_failures_total", "counter", "Failures by reason", ("reason",),
            samples={labels: values[0] for labels, values in snapshot.children.get("spyne_errors_total", {}).items()},
        )  # fmt: skip

    def _golden(self) -> dict[str, Any]:
        answer = self._service.endpoints["/metrics.json"].answer(chassis.OperationalRequest("GET", "/metrics.json"))
        golden: dict[str, Any] = json.loads(answer.body)
        return golden

    def as_json(self) -> dict[str, Any]:
        """All that people ask about: the golden signals, clarifications, and the language model."""
        snapshot = self._service.metrics.read()
        outcomes = {
            labels[0]: values[0] for labels, values in snapshot.children.get("spyne_outcomes_total", {}).items()
        }
        return {
            **self._golden(),
            "clarification": _clarification(outcomes, snapshot),
            "llm": _llm(snapshot),
            "answers": {k[0]: v[0] for k, v in snapshot.children.get("spyne_answers_total", {}).items()},
        }

    def as_json_bytes(self) -> bytes:
        """The same, as it is sent."""
        return json.dumps(self.as_json()).encode()


def _clarification(outcomes: Mapping[str, float], snapshot: Snapshot) -> dict[str, Any]:
    total = sum(outcomes.values())
    needed = outcomes.get("needs_clarification", 0.0)
    resolved = sum(values[0] for values in snapshot.children.get("spyne_clarifications_resolved_total", {}).values())
    mean = _mean(snapshot, "spyne_clarification_seconds")
    return {
        "total_queries": int(total),
        "clarification_needed": int(needed),
        "clarification_resolved": int(resolved),
        "clarification_rate": round(needed / total, 4) if total else None,
        "resolution_rate": round(resolved / needed, 4) if needed else None,
        "refused": int(outcomes.get("refused", 0.0)),
        "failed": int(outcomes.get("error", 0.0) + outcomes.get("cancelled", 0.0)),
        "average_clarification_time_ms": None if mean is None else round(mean * 1000, 1),
    }


def _llm(snapshot: Snapshot) -> dict[str, Any]:
    mean = _mean(snapshot, "spyne_llm_latency_seconds")
    return {
        "average_latency_ms": None if mean is None else round(mean * 1000, 1),
        "tokens": {k[0]: int(v[0]) for k, v in snapshot.children.get("spyne_llm_tokens_total", {}).items()},
        "failures": {k[0]: int(v[0]) for k, v in snapshot.children.get("spyne_llm_failures_total", {}).items()},
    }


def _mean(snapshot: Snapshot, name: str) -> float | None:
    """The mean of a histogram without labels: its numbers are the buckets, one for the rest, and the sum."""
    for values in snapshot.children.get(name, {}).values():
        count, total = sum(values[:-1]), values[-1]
        return total / count if count else None
    return None
