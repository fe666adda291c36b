"""What the edge promises, as data. Every promise has a default, and every promise can be switched off by name."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

from chassis.edge.addresses import TrustedProxies
from chassis.errors import SettingsError
from chassis.limits import Rule, per_hour, per_minute

PER_CLIENT = (per_minute(60), per_hour(1000))
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = "base-uri 'self'; object-src 'none'; frame-ancestors 'none'"
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
REQUEST_HEADERS = ("Authorization", "Content-Type", "Idempotency-Key", "Traceparent", "X-API-Key", "X-Request-ID")


class Hidden(Protocol):
    """A secret text, such as pydantic's ``SecretStr``."""

    def get_secret_value(self) -> str:
        """Show it."""


class EdgeSettings(Protocol):
    """The settings that the edge reads; :class:`chassis.settings.ServiceSettings` has them. 0 switches a limit off."""

    @property
    def cors_origins(self) -> Sequence[str]:
        """Origins whose pages may read answers."""

    @property
    def rate_limit_rpm(self) -> int:
        """Requests a minute, per client and per API key."""

    @property
    def rate_limit_rph(self) -> int:
        """Requests an hour, per client and per API key."""

    @property
    def rate_limit_global_rpm(self) -> int:
        """Requests a minute, all together."""

    @property
    def limits_url(self) -> Hidden | None:
        """The Valkey that shares the counts between replicas."""

    @property
    def limits_fail(self) -> Literal["open", "closed", "local"]:
        """What decides when it cannot be asked."""

    @property
    def max_content_length(self) -> int:
        """Bytes of a request's body."""

    @property
    def request_timeout_s(self) -> float:
        """Seconds until an answer must have begun."""

    @property
    def max_in_flight(self) -> int:
        """Requests under way at a time."""

    @property
    def trusted_proxies(self) -> Sequence[str]:
        """CIDRs of the proxies in front."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgePolicy:
    """All options of the edge.

    Args:
        request_ids: whether each request has an id and a place in a trace, taken from it or made, sent back with the
            answer, and kept in :mod:`chassis.context`.
        access_log: whether a line is logged for each request.
        problem_errors: whether every error is answered as problem details, and nothing of an exception is shown. When
            off, exceptions go on to the server.
        body_limit: bytes of a request's body, counted as they come; None for no limit.
        timeout_s: seconds until an answer must have begun, and the deadline of guarded calls; None for never. A
            thread cannot be interrupted, so a WSGI application has the deadline only.
        max_in_flight: requests under way at a time; None for no limit.
        retry_after_s: seconds after which to try again, told to those turned away for want of capacity.
        client_rules: rate limits for each client address; () for none. IPv6 counts by /64.
        key_rules: rate limits for each API key; () for none.
        global_rules: rate limits for everybody together; () for none.
        key_header: the header that has the API key; "" for no keys.
        max_keys: clients and keys that are counted at a time, for each rule.
        limits_url: the Valkey that shares the counts between replicas; None to count in this process.
        limits_fail: what decides when it cannot be asked: "open", "closed" or "local".
        limits_prefix: before the names of its keys. Services that share a Valkey must differ in it.
        trusted_proxies: CIDRs or addresses of the proxies in front, and "unix" for whoever comes through a socket
            file. Only what they forward is believed.
        forwarded: whether those proxies write ``Forwarded`` rather than ``X-Forwarded-For``.
        cors_origins: origins whose pages may call, or ("*",) for all; () leaves CORS to the application.
        cors_methods: methods that such pages may use.
        cors_headers: headers that such pages may send, or ("*",) for all.
        cors_credentials: whether such pages may send cookies and the like; not with "*".
        cors_max_age_s: how long browsers may remember that.
        security_headers: whether answers carry them. A header that the application sets itself stays as it is.
        content_security_policy: for all but pages, which need nothing; "" for none.
        page_security_policy: for HTML; "" for none.
        hsts_max_age_s: how long browsers must insist on https, once they have come by it; 0 for no such demand.
        buffer_limit: bytes of an error answer of the application that are held to be rewritten; longer ones pass.

    Raises:
        SettingsError: options that are wrong, or that must not go together.
    """

    request_ids: bool = True
    access_log: bool = True
    problem_errors: bool = True
    body_limit: int | None = 16 * 2**20
    timeout_s: float | None = 120.0
    max_in_flight: int | None = 1000
    retry_after_s: int = 1
    client_rules: tuple[Rule, ...] = PER_CLIENT
    key_rules: tuple[Rule, ...] = PER_CLIENT
    global_rules: tuple[Rule, ...] = ()
    key_header: str = "X-API-Key"
    max_keys: int = 100_000
    limits_url: str | None = field(default=None, repr=False)
    limits_fail: Literal["open", "closed", "local"] = "local"
    limits_prefix: str = "limits:"
    trusted_proxies: tuple[str, ...] = ()
    forwarded: bool = False
    cors_origins: tuple[str, ...] = ()
    cors_methods: tuple[str, ...] = METHODS
    cors_headers: tuple[str, ...] = REQUEST_HEADERS
    cors_credentials: bool = False
    cors_max_age_s: int = 600
    security_headers: bool = True
    content_security_policy: str = API_POLICY
    page_security_policy: str = PAGE_POLICY
    hsts_max_age_s: int = 365 * 24 * 3600
    buffer_limit: int = 2**16

    def __post_init__(self) -> None:
        """Refuse what is wrong, all at once."""
        problems = tuple(_problems(self))
        if problems:
            raise SettingsError(problems)

    @classmethod
    def from_settings(cls, settings: EdgeSettings, **others: Any) -> Self:
        """Make the policy of a service's settings.

        Args:
            settings: the settings.
            others: further options; they win over the settings.
        """
        per_client = _rules((settings.rate_limit_rpm, per_minute), (settings.rate_limit_rph, per_hour))
        url = settings.limits_url
        options: dict[str, Any] = {
            "cors_origins": tuple(settings.cors_origins),
            "client_rules": per_client,
            "key_rules": per_client,
            "global_rules": _rules((settings.rate_limit_global_rpm, per_minute)),
            "limits_url": None if url is None else url.get_secret_value() or None,
            "limits_fail": settings.limits_fail,
            "body_limit": settings.max_content_length,
            "timeout_s": settings.request_timeout_s,
            "max_in_flight": settings.max_in_flight,
            "trusted_proxies": tuple(settings.trusted_proxies),
        }
        return cls(**{**options, **others})


def _rules(*limits: tuple[int, Any]) -> tuple[Rule, ...]:
    return tuple(rule(limit) for limit, rule in limits if limit)


def _problems(policy: EdgePolicy) -> list[str]:
    found = []
    if "*" in policy.cors_origins and policy.cors_credentials:
        found.append(
            "cors_origins: '*' does not go with cors_credentials, for any page could then act as its visitor; "
            "name the origins, such as https://app.example.org"
        )
    if "null" in policy.cors_origins and policy.cors_credentials:
        found.append(
            "cors_origins: 'null' does not go with cors_credentials, for any page can have it, in a sandboxed frame; "
            "name the origins, such as https://app.example.org"
        )
    for origin in policy.cors_origins:
        scheme, _, host = origin.partition("://")
        sent = origin == origin.lower() and not host.endswith(_DEFAULT_PORTS.get(scheme, "/"))
        if origin not in ("*", "null") and (not host or "/" in host or not sent):
            found.append(
                "cors_origins: expected a scheme and a host as browsers send them, in lower case and without the "
                f"usual port, such as https://app.example.org, got {origin!r}"
            )
    for proxy in policy.trusted_proxies:
        try:
            TrustedProxies([proxy])
        except ValueError:
            found.append(f"trusted_proxies: expected an address, a CIDR or 'unix', such as 10.0.0.0/8, got {proxy!r}")
    for name in ("body_limit", "timeout_s", "max_in_flight"):
        value = getattr(policy, name)
        if value is not None and value < 0:
            found.append(f"{name}: expected a number of 0 or more, or None for no limit, got {value}")
    if policy.limits_fail not in ("open", "closed", "local"):
        found.append(f"limits_fail: expected open, closed or local, got {policy.limits_fail!r}")
    return found
