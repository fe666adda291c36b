"""The runtime that a Python service is built on. Names are imported when they are first used."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chassis.checking import CheckReport, CheckStatus
    from chassis.command_line import cli, main
    from chassis.context import correlation_id, remaining_s, time_limit
    from chassis.dependencies.call import Call
    from chassis.dependencies.condition import Checks, Status
    from chassis.dependencies.declaration import Dependency
    from chassis.dependencies.http_api import HttpApi
    from chassis.dependencies.sql import Database
    from chassis.dependencies.sql_options import SqlOptions
    from chassis.dependencies.valkey import Valkey
    from chassis.edge import Edge, EdgePolicy
    from chassis.errors import (
        BulkheadFullError,
        CallRateExceededError,
        ChassisError,
        CircuitOpenError,
        DeadlineExceededError,
        DependencyDownError,
        DependencyError,
        ProblemError,
        SettingsError,
        StartError,
    )
    from chassis.health import HealthPaths, check_system_health
    from chassis.limits import Rule, per_hour, per_minute
    from chassis.observe.error_tracking import get_error_tracker
    from chassis.observe.performance import get_performance_metrics, timed, timer
    from chassis.operations import OperationalAnswer, OperationalEndpoint, OperationalRequest
    from chassis.resilience import (
        Breaker,
        BreakerState,
        Budget,
        Bulkhead,
        CircuitBreaker,
        Fallback,
        HardTimeout,
        Pipeline,
        Policy,
        Rate,
        Retry,
        RetryConfig,
        graceful_degradation,
        pipelines,
        retry_with_backoff,
    )
    from chassis.service import Service
    from chassis.settings import (
        AlsoFrom,
        ConfigurationReport,
        Secret,
        ServiceSettings,
        Strength,
        settings_config,
        validate_configuration,
    )
    from chassis.state import Phase
    from chassis.steps import StartPhase

_HOMES = {
    "AlsoFrom": "settings",
    "Breaker": "resilience",
    "BreakerState": "resilience",
    "Budget": "resilience",
    "Bulkhead": "resilience",
    "BulkheadFullError": "errors",
    "Call": "dependencies.call",
    "CallRateExceededError": "errors",
    "ChassisError": "errors",
    "CheckReport": "checking",
    "CheckStatus": "checking",
    "Checks": "dependencies.condition",
    "CircuitBreaker": "resilience",
    "CircuitOpenError": "errors",
    "ConfigurationReport": "settings",
    "Database": "dependencies.sql",
    "DeadlineExceededError": "errors",
    "Dependency": "dependencies.declaration",
    "DependencyDownError": "errors",
    "DependencyError": "errors",
    "Edge": "edge",
    "EdgePolicy": "edge",
    "Fallback": "resilience",
    "HardTimeout": "resilience",
    "HealthPaths": "health",
    "HttpApi": "dependencies.http_api",
    "OperationalAnswer": "operations",
    "OperationalEndpoint": "operations",
    "OperationalRequest": "operations",
    "Phase": "state",
    "Pipeline": "resilience",
    "Policy": "resilience",
    "ProblemError": "errors",
    "Rate": "resilience",
    "Retry": "resilience",
    "RetryConfig": "resilience",
    "Rule": "limits",
    "Secret": "settings",
    "Service": "service",
    "ServiceSettings": "settings",
    "SettingsError": "errors",
    "SqlOptions": "dependencies.sql_options",
    "StartError": "errors",
    "StartPhase": "steps",
    "Status": "dependencies.condition",
    "Strength": "settings",
    "Valkey": "dependencies.valkey",
    "check_system_health": "health",
    "cli": "command_line",
    "correlation_id": "context",
    "get_error_tracker": "observe.error_tracking",
    "get_performance_metrics": "observe.performance",
    "graceful_degradation": "resilience",
    "main": "command_line",
    "per_hour": "limits",
    "per_minute": "limits",
    "pipelines": "resilience",
    "remaining_s": "context",
    "retry_with_backoff": "resilience",
    "settings_config": "settings",
    "time_limit": "context",
    "timed": "observe.performance",
    "timer": "observe.performance",
    "validate_configuration": "settings",
}

__all__ = [
    "AlsoFrom",
    "Breaker",
    "BreakerState",
    "Budget",
    "Bulkhead",
    "BulkheadFullError",
    "Call",
    "CallRateExceededError",
    "ChassisError",
    "CheckReport",
    "CheckStatus",
    "Checks",
    "CircuitBreaker",
    "CircuitOpenError",
    "ConfigurationReport",
    "Database",
    "DeadlineExceededError",
    "Dependency",
    "DependencyDownError",
    "DependencyError",
    "Edge",
    "EdgePolicy",
    "Fallback",
    "HardTimeout",
    "HealthPaths",
    "HttpApi",
    "OperationalAnswer",
    "OperationalEndpoint",
    "OperationalRequest",
    "Phase",
    "Pipeline",
    "Policy",
    "ProblemError",
    "Rate",
    "Retry",
    "RetryConfig",
    "Rule",
    "Secret",
    "Service",
    "ServiceSettings",
    "SettingsError",
    "SqlOptions",
    "StartError",
    "StartPhase",
    "Status",
    "Strength",
    "Valkey",
    "check_system_health",
    "cli",
    "correlation_id",
    "get_error_tracker",
    "get_performance_metrics",
    "graceful_degradation",
    "main",
    "per_hour",
    "per_minute",
    "pipelines",
    "remaining_s",
    "retry_with_backoff",
    "settings_config",
    "time_limit",
    "timed",
    "timer",
    "validate_configuration",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
