"""Runs SQL in processes of their own, which end when a query takes more time or memory than it may.

    engine = Engine({"shop": Source("sqlite", SecretStr("/data/shop.sqlite"))}, workers=2)
    rows = await engine.run("shop", "SELECT name FROM customer")
    await engine.close()

Names are imported when they are first used: the processes import this package too, and need little of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spyne.engine.engine import Engine
    from spyne.engine.errors import (
        EngineBusy,
        QueryCancelled,
        QueryError,
        QueryFailed,
        QueryTimedOut,
        QueryTooLarge,
        SourceUnreachable,
        UnknownDatabase,
        WorkerLost,
    )
    from spyne.engine.limits import Limits
    from spyne.engine.rows import Rows
    from spyne.schema.source import Source

__all__ = [
    "Engine", "EngineBusy", "Limits", "QueryCancelled", "QueryError", "QueryFailed", "QueryTimedOut", "QueryTooLarge",
    "Rows", "Source", "SourceUnreachable", "UnknownDatabase", "WorkerLost",
]  # fmt: skip

_MODULES = {"Engine": "spyne.engine.engine", "Limits": "spyne.engine.limits", "Rows": "spyne.engine.rows",
            "Source": "spyne.schema.source"}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES.get(name, "spyne.engine.errors")), name)
