"""A policy made ready to be applied to many requests: all that can be worked out once."""

import functools
import hashlib
import logging
import math
from collections.abc import Mapping
from typing import Any

from chassis.clock import SYSTEM_CLOCK
from chassis.edge.addresses import TrustedProxies, limit_key
from chassis.edge.headers import Cors, added_headers, security_headers
from chassis.edge.identity import REQUEST_ID, TRACEPARENT
from chassis.edge.policy import EdgePolicy
from chassis.edge.protocols import AccessLog, ErrorHook, Recorder
from chassis.errors import DependencyError
from chassis.limits import Limiter
from chassis.operations import Endpoints
from chassis.problems import Problem
from chassis.resilience.alarms import AlarmsByLoop
from chassis.state import ServiceState

RATE_LIMIT_HEADERS = (b"ratelimit-limit", b"ratelimit-remaining", b"ratelimit-reset")
_KNOWN_CLIENTS = 4096
_log = logging.getLogger("chassis.edge")


class Core:
    """What the ASGI edge and the WSGI edge share."""

    __slots__ = (
        "_keys_of_client",
        "access_log",
        "added",
        "alarms",
        "capacity",
        "cors",
        "defaults",
        "endpoints",
        "key_header",
        "limiter",
        "limiter_waits",
        "on_error",
        "overloaded",
        "overrides",
        "policy",
        "proxies",
        "recorder",
        "state",
        "touched",
    )

    def __init__(
        self,
        policy: EdgePolicy,
        state: ServiceState,
        endpoints: Endpoints,
        recorder: Recorder | None,
        access_log: AccessLog | None,
        on_error: ErrorHook | None,
        *,
        limiter_waits: bool,
    ) -> None:
        """Work it out; ``limiter_waits`` for a limiter in Valkey that is awaited."""
        self.policy = policy
        self.state = state
        self.endpoints = endpoints
        self.recorder = recorder
        self.access_log = access_log if policy.access_log else None
        self.on_error = on_error or log_error
        self.proxies = TrustedProxies(policy.trusted_proxies, forwarded=policy.forwarded)
        self.alarms = AlarmsByLoop(SYSTEM_CLOCK)
        self.cors = Cors(policy)
        self.added = added_headers(policy, self.cors)
        ids = (REQUEST_ID, TRACEPARENT) if policy.request_ids else ()
        counts = RATE_LIMIT_HEADERS if policy.client_rules or policy.global_rules or policy.key_rules else ()
        self.overrides = frozenset({*ids, *counts, *self.cors.names})
        self.defaults = frozenset(
            name for https in (False, True) for name, _ in security_headers(policy, https=https, page=False)
        ) | {b"content-security-policy"}
        self.touched = self.overrides | self.defaults
        self.key_header = policy.key_header.lower().encode()
        self._keys_of_client = functools.lru_cache(_KNOWN_CLIENTS)(self._of_client)
        self.limiter_waits = limiter_waits and policy.limits_url is not None
        self.limiter = _limiter(policy, waits=limiter_waits)
        self.capacity = math.inf if policy.max_in_flight is None else policy.max_in_flight
        self.overloaded = Problem(
            503,
            "As many requests as this service takes at a time are under way.",
            headers={"Retry-After": str(policy.retry_after_s)},
        )

    def limit_keys(self, client: str, headers: Mapping[bytes, bytes]) -> tuple[str, ...]:
        """Return whose budgets a request draws on, by rule. Of an API key, only a hash is kept."""
        keys = self._keys_of_client(client)
        api_key = headers.get(self.key_header)
        if api_key is None:
            return keys
        hashed = f"key:{hashlib.blake2b(api_key, digest_size=16).hexdigest()}"
        return keys + (hashed,) * len(self.policy.key_rules)

    def _of_client(self, client: str) -> tuple[str, ...]:
        return (limit_key(client),) * len(self.policy.client_rules) + ("all",) * len(self.policy.global_rules)


def _limiter(policy: EdgePolicy, *, waits: bool) -> Any:
    rules = (*policy.client_rules, *policy.global_rules, *policy.key_rules)  # the order of limit_keys
    if not rules:
        return None
    if policy.limits_url is None:
        return Limiter(*rules, max_keys=policy.max_keys)
    from chassis.limits.valkey import AsyncValkeyLimiter, ValkeyLimiter  # noqa: PLC0415 - an extra

    kind = AsyncValkeyLimiter if waits else ValkeyLimiter
    return kind.from_url(
        policy.limits_url,
        rules,
        fail=policy.limits_fail,
        prefix=policy.limits_prefix,
        max_keys=policy.max_keys,
    )


def log_error(error: BaseException, context: Mapping[str, Any]) -> None:
    """Log an exception that nobody handled, with its traceback. This is the error hook if no other is given.

    That a dependency is down is told in one line: it is no fault of the code, and each request would tell it.
    """
    extra = {"context": dict(context)}
    if isinstance(error, DependencyError):
        _log.warning("%s %s failed: %s", context["method"], context["path"], error, extra=extra)
        return
    _log.error("%s %s failed", context["method"], context["path"], exc_info=error, extra=extra)
