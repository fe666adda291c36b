"""Rate limits on the server's side: how many requests a client, an API key or everybody together may make.

:class:`Limiter` counts in this process; :class:`ValkeyLimiter` and :class:`AsyncValkeyLimiter` share the count between
replicas (the extra ``valkey``). All take the same rules and make the same :class:`Decision`.
"""

from typing import TYPE_CHECKING, Any

from chassis.limits.memory import Gcra, Limiter
from chassis.limits.rules import Decision, Rule, per_hour, per_minute

if TYPE_CHECKING:
    from chassis.limits.valkey import AsyncValkeyLimiter, ValkeyLimiter

__all__ = ["AsyncValkeyLimiter", "Decision", "Gcra", "Limiter", "Rule", "ValkeyLimiter", "per_hour", "per_minute"]


def __getattr__(name: str) -> Any:
    """Import what needs an extra when it is first asked for."""
    if name in ("AsyncValkeyLimiter", "ValkeyLimiter"):
        from chassis.limits import valkey  # noqa: PLC0415

        return getattr(valkey, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
