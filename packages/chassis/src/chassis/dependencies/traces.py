"""A span for each attempt to call a dependency, while tracing is on. Nothing is put between while it is off."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from chassis.dependencies.declaration import Dependency
from chassis.observe import tracing


def trace_calls(dependency: Dependency) -> Callable[[], None]:
    """Make a span of every attempt from now on. Requests to other services name it as their parent.

    Returns:
        A function that ends this.
    """
    name, about = f"{dependency.kind} {dependency.name}", {"peer.service": dependency.name}

    def traced(call: Callable[..., Any], awaited: bool) -> Callable[..., Any]:
        if awaited:

            @wraps(call)
            async def attempt(*args: Any, **kwargs: Any) -> Any:
                if tracing.active is None:
                    return await call(*args, **kwargs)
                with tracing.active.span(name, "client", attributes=about):
                    return await call(*args, **kwargs)

        else:

            @wraps(call)
            def attempt(*args: Any, **kwargs: Any) -> Any:
                if tracing.active is None:
                    return call(*args, **kwargs)
                with tracing.active.span(name, "client", attributes=about):
                    return call(*args, **kwargs)

        return attempt

    return dependency.pipeline.interpose(traced)
