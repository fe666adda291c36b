"""How a database is used, as plain options."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SqlOptions:
    """How a database is used.

    Args:
        pool_size: connections at most; further users wait.
        pool_wait_s: seconds that they wait. Less than the policy's deadline: a call that runs out of time counts as a
            failure of the database, one that finds no connection does not.
        connect_s: seconds until a connection stands.
        statement_s: seconds that a statement may run. PostgreSQL ends it by itself (``statement_timeout``), SQLite by
            the engine's look at the clock; one second later the client gives up on a server that stays silent.
        lock_s: seconds that a statement waits for another's lock (``lock_timeout``, ``busy_timeout``).
        idle_in_transaction_s: seconds after which PostgreSQL ends a transaction that does nothing.
        read_only: the database itself refuses every statement that writes.
        synchronous: SQLite's setting. ``FULL`` keeps what was committed also when the machine loses power, ``NORMAL``
            only when the process dies.
    """

    pool_size: int = 10
    pool_wait_s: float = 3.0
    connect_s: int = 3
    statement_s: float = 10.0
    lock_s: float = 5.0
    idle_in_transaction_s: float = 60.0
    read_only: bool = False
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
