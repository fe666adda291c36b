"""Writes grafana/dashboard.json from what the service declares: python services/spyne/deploy/dashboard.py."""

import json
from pathlib import Path
from typing import Any

from spyne.application import service

PLACE = Path(__file__).with_name("grafana") / "dashboard.json"
WIDE, HIGH = 8, 7
PANELS = [
    ("Requests per second", "reqps", {"{{status}}": "sum by (status) (rate(spyne_requests_total[5m]))"}),
    ("Errors", "percentunit",
     {"5xx": 'sum(rate(spyne_requests_total{status=~"5.."}[5m])) / sum(rate(spyne_requests_total[5m]))'}),
    ("Latency of questions", "s", {
        f"P{q}": f"histogram_quantile(0.{q}, sum by (le) "
        '(rate(spyne_query_latency_seconds_bucket{query_type="ask"}[5m])))' for q in (50, 95, 99)}),
    ("Questions by outcome", "reqps", {"{{status}}": "sum by (status) (rate(spyne_outcomes_total[5m]))"}),
    ("Clarification rate", "percentunit", {
        "asked back": 'sum(rate(spyne_outcomes_total{status="needs_clarification"}[1h]))'
        " / sum(rate(spyne_outcomes_total[1h]))",
        "resolved": "sum(rate(spyne_clarifications_resolved_total[1h]))"
        ' / sum(rate(spyne_outcomes_total{status="needs_clarification"}[1h]))'}),
    ("Answers by source", "reqps", {"{{source}}": "sum by (source) (rate(spyne_answers_total[5m]))"}),
    ("Language model: P95", "s",
     {"P95": "histogram_quantile(0.95, sum by (le) (rate(spyne_llm_latency_seconds_bucket[5m])))"}),
    ("Language model: failures", "reqps", {"{{reason}}": "sum by (reason) (rate(spyne_llm_failures_total[5m]))"}),
    ("SQL refused or ended", "reqps", {"{{type}}": "sum by (type) (rate(spyne_query_guardrail_triggered_total[5m]))"}),
    ("Result cache", "reqps", {"{{result}}": "sum by (result) (rate(spyne_result_cache_total[5m]))"}),
    ("Memory", "bytes", {"resident": "process_resident_memory_bytes"}),
]  # fmt: skip


def dashboard() -> dict[str, Any]:
    """Make it: the panels above, and one for each declared dependency."""
    panels = [*PANELS]
    for each in service.dependencies:
        up = f'spyne_dependency_up{{dependency="{each.name}"}}'
        panels.append((f"{each.name} is up", "bool_on_off", {each.name: up}))
    return {
        "uid": "spyne",
        "title": "Spyne",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "panels": [_panel(number, *panel) for number, panel in enumerate(panels)],
    }


def _panel(number: int, title: str, unit: str, queries: dict[str, str]) -> dict[str, Any]:
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "datasource": {"type": "prometheus", "uid": "prometheus"},
        "gridPos": {"x": number % 3 * WIDE, "y": number // 3 * HIGH, "w": WIDE, "h": HIGH},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": [
            {"refId": chr(65 + place), "expr": query, "legendFormat": legend}
            for place, (legend, query) in enumerate(queries.items())
        ],
    }


def text() -> str:
    """The file."""
    return json.dumps(dashboard(), indent=2) + "\n"


if __name__ == "__main__":
    PLACE.write_text(text())
