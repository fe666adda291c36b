"""The audit log: who did what to whom, when, from where, and with what outcome. Entries are added, never changed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.auth.tables import AuthTables
from chassis.clock import SYSTEM_CLOCK, Clock
from chassis.context import correlation_id
from chassis.data.transactions import Begin

SUCCEEDED = "succeeded"
REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry, as :meth:`AuditLog.record` describes it."""

    at: float
    action: str
    outcome: str
    actor: str
    subject: str
    address: str
    correlation_id: str
    detail: Mapping[str, str]


class AuditLog:
    """Writes and reads the table ``auth_audit``. A service records its own events in it as well."""

    def __init__(self, begin: Begin, tables: AuthTables, clock: Clock = SYSTEM_CLOCK) -> None:
        """Use ``tables.audit``, in the time of ``clock``."""
        self._begin = begin
        self._table = tables.audit
        self._clock = clock

    async def record(
        self,
        connection: AsyncConnection,
        action: str,
        *,
        actor: str,
        subject: str = "",
        outcome: str = SUCCEEDED,
        address: str = "",
        detail: Mapping[str, str] | None = None,
    ) -> None:
        """Add an entry, in the transaction of what it is about: neither is ever kept without the other.

        Args:
            connection: in that transaction.
            action: what was done, as ``thing.done``, such as ``password.changed``.
            actor: the id of who did it; "" for nobody known.
            subject: the id of what it was done to; the actor's by default.
            outcome: ``succeeded`` or ``refused``.
            address: where the request came from.
            detail: what else matters. It is kept as it is: put no secret into it.
        """
        await connection.execute(
            insert(self._table).values(
                at=self._clock.time(),
                action=action,
                outcome=outcome,
                actor=actor,
                subject=subject or actor,
                address=address[:64],
                correlation_id=correlation_id.get()[:200],
                detail=json.dumps(dict(detail or {}), sort_keys=True),
            )
        )

    async def entries(self, *, subject: str = "", limit: int = 100) -> list[AuditEntry]:
        """Return the latest entries, the newest first; those about ``subject`` only, unless it is ""."""
        query = select(self._table).order_by(self._table.c.id.desc()).limit(limit)
        if subject:
            query = query.where(self._table.c.subject == subject)
        async with self._begin() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [
            AuditEntry(**{**{key: row[key] for key in row if key != "id"}, "detail": json.loads(row["detail"])})
            for row in rows
        ]
