"""Reset: every connection is reset, old and new, but the port still accepts. A crashing server, or a bad balancer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roadworthy.faults.fault import CutConnection, Direction, Fault

if TYPE_CHECKING:
    from roadworthy.faults.proxy import Link


@dataclass(frozen=True)
class Reset(Fault):
    """Accept, then reset as soon as the target sends anything; reset existing connections at once."""

    name = "reset"

    def on_existing(self, link: Link) -> None:
        link.hit()
        raise CutConnection

    async def carry(self, link: Link, direction: Direction, chunk: bytes) -> bytes:
        link.hit()
        raise CutConnection
