"""Alert rules for Prometheus, made from the same declarations as everything else about a dependency."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chassis.dependencies.declaration import Dependency


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One rule.

    Args:
        alert: its name.
        expr: what must be true, in PromQL.
        for_s: for how many seconds it must be true.
        severity: ``critical`` when users get errors, ``warning`` when they miss something.
        summary: what is the matter, in one line.
        description: what users notice, and where to look.
    """

    alert: str
    expr: str
    for_s: int
    severity: str
    summary: str
    description: str = field(default="")


def alert_rules(service: str, dependencies: Sequence[Dependency]) -> list[AlertRule]:
    """Return the rules of a service: for itself, and for each of its dependencies."""
    return [*_of_service(service), *(rule for each in dependencies for rule in _of_dependency(service, each))]


def metrics_prefix(service: str) -> str:
    """Return what the names of a service's metrics begin with."""
    return re.sub(r"\W", "_", service)


def _of_service(service: str) -> Iterator[AlertRule]:
    name, prefix = _camel(service), metrics_prefix(service)
    ready, requests = f"{prefix}_ready", f"{prefix}_requests"
    yield AlertRule(
        f"{name}NotReady",
        f"{ready} == 0",
        60,
        "critical",
        f"{service} is not ready",
        "/readyz says why.",
    )
    yield AlertRule(
        f"{name}Absent",
        f"absent({ready})",
        120,
        "critical",
        f"{service} is not there",
        "No process of it answers /metrics.",
    )
    yield AlertRule(
        f"{name}Errors",
        f'sum(rate({requests}_total{{status=~"5.."}}[5m])) / sum(rate({requests}_total[5m])) > 0.05',
        300,
        "critical",
        f"{service}: more than 5 % of the requests fail",
        "The log has the errors, and /health/detailed the dependencies.",
    )
    yield AlertRule(
        f"{name}Slow",
        f"histogram_quantile(0.95, sum by (le) (rate({prefix}_request_duration_seconds_bucket[5m]))) > 2.5",
        600,
        "warning",
        f"{service}: 5 % of the requests take longer than 2.5 s",
        "Look for slow routes, and for slow checks in /health/detailed.",
    )
    yield AlertRule(
        f"{name}Saturated",
        f"{requests}_in_flight / {requests}_in_flight_limit > 0.8",
        120,
        "warning",
        f"{service}: nearly as many requests as it takes at a time are under way",
        "Further ones will be answered 503. Add replicas, or find out what holds the requests up.",
    )


def _of_dependency(service: str, dependency: Dependency) -> Iterator[AlertRule]:
    name = f"{_camel(service)}{_camel(dependency.name)}"
    start, chosen = f"{metrics_prefix(service)}_dependency", f'{{dependency="{dependency.name}"}}'
    lost = f"Lost meanwhile: {dependency.lost}." if dependency.lost else "The service is not ready meanwhile."
    severity = "critical" if dependency.required else "warning"
    yield AlertRule(
        f"{name}Down",
        f"{start}_up{chosen} == 0",
        60,
        severity,
        f"{service}: {dependency.name} ({dependency.kind}) is down",
        lost,
    )
    if dependency.kind == "sql":
        yield AlertRule(
            f"{name}PoolExhausted",
            f"{start}_connections_in_use{chosen} / {start}_connections_max{chosen} > 0.9",
            300,
            "warning",
            f"{service}: nearly all connections to {dependency.name} are in use",
            "Requests wait for a connection. Look for slow statements and for transactions that are kept open.",
        )


def render_alert_rules(service: str, dependencies: Sequence[Dependency]) -> str:
    """Write the rules as a file for Prometheus (``rule_files``); ``promtool check rules`` accepts it."""
    lines = ["groups:", f"  - name: {_quoted(service)}", "    rules:"]
    for rule in alert_rules(service, dependencies):
        lines += [
            f"      - alert: {rule.alert}",
            f"        expr: {_quoted(rule.expr)}",
            f"        for: {rule.for_s}s",
            "        labels:",
            f"          severity: {rule.severity}",
            f"          service: {_quoted(service)}",
            "        annotations:",
            f"          summary: {_quoted(_plain(rule.summary))}",
            f"          description: {_quoted(_plain(rule.description))}",
        ]
    return "\n".join(lines) + "\n"


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"\W|_", name))


def _quoted(text: str) -> str:
    """Write a text as a YAML scalar in single quotes."""
    return "'" + re.sub(r"\s+", " ", text).replace("'", "''") + "'"


def _plain(text: str) -> str:
    """Keep Prometheus from taking a text for a template."""
    return text.replace("{{", '{{ "{{" }}')
