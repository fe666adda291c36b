"""Refuse: nothing listens there any more, and what was connected is reset. A server that is down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roadworthy.faults.fault import CutConnection, Direction, Fault

if TYPE_CHECKING:
    from roadworthy.faults.proxy import Link


@dataclass(frozen=True)
class Refuse(Fault):
    """Reset the connections that exist and refuse new ones.

    A refused connection leaves no trace in this process. So that "it hit" can be counted, the listener stays open until
    the fault was felt once: by an existing connection, which is reset, or by the first new one, which is reset too.
    """

    name = "refused"
    closes_listener = True

    def on_existing(self, link: Link) -> None:
        link.hit()
        raise CutConnection

    def on_new(self, link: Link) -> None:
        link.hit()
        raise CutConnection

    async def carry(self, link: Link, direction: Direction, chunk: bytes) -> bytes:
        link.hit()
        raise CutConnection
