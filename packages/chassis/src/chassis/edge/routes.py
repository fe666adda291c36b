"""Which route answered, as a template such as ``/notes/{id}``: a label of metrics, which paths must not be."""

from collections.abc import Mapping
from typing import Any

UNMATCHED = "unmatched"
OTHER = "OTHER"
_ROUTE = "chassis.route"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"})


def asgi_route(scope: Mapping[str, Any]) -> str:
    """Return the template of the route that Starlette or FastAPI chose, or "unmatched"."""
    route = scope.get("route")
    if route is None:
        endpoint = scope.get("endpoint")  # some of FastAPI's own routes leave nothing else
        return UNMATCHED if endpoint is None else getattr(endpoint, "__name__", type(endpoint).__name__)
    inner = scope.get("fastapi")  # FastAPI keeps the prefix of an included router beside the route
    if inner is not None:
        context = inner.get("effective_route_context")
        if context is not None:
            return str(context.path_format)
    path = getattr(route, "path", None)
    return path if isinstance(path, str) else UNMATCHED


def wsgi_route(environ: Mapping[str, Any]) -> str:
    """Return the template of the rule that Flask chose, or "unmatched"."""
    return str(environ.get(_ROUTE, UNMATCHED))


def leave_flask_route(_: Any) -> None:
    """Leave the rule's template in the environ; for ``teardown_request``, after which Flask knows it no more."""
    from flask import request  # noqa: PLC0415 - there is Flask if this is called

    if request.url_rule is not None:
        request.environ[_ROUTE] = request.url_rule.rule


def known_method(method: str) -> str:
    """Return the method, or "OTHER" for one that HTTP does not know."""
    return method if method in _METHODS else OTHER
