"""The headers that the edge adds to answers: security headers and CORS. Worked out once, added by the request."""

from collections.abc import Iterator

from chassis.edge.policy import EdgePolicy

Header = tuple[bytes, bytes]

OTHER_ORIGIN = b"other"
"""In place of an origin; no browser sends such a one."""

_SAFE_REQUEST_HEADERS = ("accept", "accept-language", "content-language", "content-type")  # Fetch standard
_EXPOSED = b"RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, Traceparent, X-Request-ID"
_VARY = (b"vary", b"Origin")


def added_headers(policy: EdgePolicy, cors: "Cors") -> dict[tuple[bool, bool, bytes | None], tuple[Header, ...]]:
    """Work out all that answers can carry, whatever the request is.

    Returns:
        Headers by whether the request came by https, whether the answer is a page, and the page's origin that asks:
        None where no page asks, :data:`OTHER_ORIGIN` for those that are not named in the policy.
    """
    return {
        (https, page, origin): (*security_headers(policy, https=https, page=page), *of_origin)
        for https in (False, True)
        for page in (False, True)
        for origin, of_origin in cors.by_origin.items()
    }


def security_headers(policy: EdgePolicy, *, https: bool, page: bool) -> Iterator[Header]:
    """Yield what tells browsers to be careful. An application may set any of it itself; that stays as it is."""
    if not policy.security_headers:
        return
    yield b"x-content-type-options", b"nosniff"
    yield b"x-frame-options", b"DENY"
    yield b"referrer-policy", b"no-referrer"
    content_policy = policy.page_security_policy if page else policy.content_security_policy
    if content_policy:
        yield b"content-security-policy", content_policy.encode()
    if https and policy.hsts_max_age_s:
        yield b"strict-transport-security", b"max-age=%d" % policy.hsts_max_age_s


class Cors:
    """Cross-origin resource sharing, as in the Fetch standard: which pages may read the answers.

    Attributes:
        active: whether it is the edge's business at all.
        by_origin: what every answer to a page of this origin carries; under None, to what is no page, and under
            :data:`OTHER_ORIGIN`, to the pages of all others.
        names: of the headers of an answer that are the edge's alone.
    """

    def __init__(self, policy: EdgePolicy) -> None:
        """Work out the headers."""
        self.active = bool(policy.cors_origins)
        self.names = frozenset(
            {b"access-control-allow-origin", b"access-control-allow-credentials"} if self.active else ()
        )
        self._all = "*" in policy.cors_origins
        shared = [(b"access-control-expose-headers", _EXPOSED)]
        credentials = [(b"access-control-allow-credentials", b"true")] if policy.cors_credentials else []
        closed = (_VARY,) if self.active and not self._all else ()
        others = ((b"access-control-allow-origin", b"*"), *shared) if self._all else closed
        self.by_origin: dict[bytes | None, tuple[Header, ...]] = {None: closed, OTHER_ORIGIN: others}
        for origin in policy.cors_origins:
            if origin != "*":
                named = (b"access-control-allow-origin", origin.encode())
                self.by_origin[origin.encode()] = (named, *credentials, *shared, _VARY)
        self._methods = frozenset(method.encode() for method in policy.cors_methods)
        self._any_header = "*" in policy.cors_headers
        allowed = {header.lower() for header in policy.cors_headers} | set(_SAFE_REQUEST_HEADERS)
        self._headers = frozenset(header.encode() for header in allowed)
        self._preflight = (
            (b"access-control-allow-methods", ", ".join(policy.cors_methods).encode()),
            (b"access-control-max-age", b"%d" % policy.cors_max_age_s),
        )
        self._preflight_headers = ", ".join(sorted(allowed)).encode()

    def allows(self, origin: bytes, method: bytes, headers: bytes) -> bool:
        """Tell whether a page may make the request that a preflight announces."""
        if not (self._all or (origin in self.by_origin and origin != OTHER_ORIGIN)) or method not in self._methods:
            return False
        if self._any_header:
            return True
        return all(name.strip().lower() in self._headers for name in headers.split(b",") if name.strip())

    def preflight_headers(self, asked: bytes) -> list[Header]:
        """Return what the answer to a preflight carries beside the usual; ``asked`` are the headers it announces."""
        headers = [*self._preflight, (b"vary", b"Access-Control-Request-Method, Access-Control-Request-Headers")]
        names = asked if self._any_header else self._preflight_headers
        return [*headers, (b"access-control-allow-headers", names)] if names else headers
