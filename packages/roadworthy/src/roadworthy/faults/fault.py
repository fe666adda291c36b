"""What a fault is: a small value that says what becomes of connections and of the bytes on them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roadworthy.faults.proxy import Link


class Direction(Enum):
    """Which way bytes travel."""

    TO_DEPENDENCY = "to the dependency"
    TO_TARGET = "to the target"


class CutConnection(Exception):  # noqa: N818 - it is a decision, not an error
    """Raised by a fault that ends the connection it is asked about."""


@dataclass(frozen=True)
class Fault:
    """No fault: everything passes. The base of all others.

    A fault overrides what it changes. ``hit`` must be called on the link whenever the fault was felt there: that count
    is what makes "the fault fired" a fact.
    """

    name = "none"
    closes_listener = False  # whether new connections are refused by the kernel once the fault has hit

    def on_existing(self, link: Link) -> None:
        """Decide about a connection that was open when the fault began. Raises CutConnection to reset it."""

    def on_new(self, link: Link) -> None:
        """Decide about a connection that was just accepted. Raises CutConnection to reset it."""

    async def carry(self, link: Link, direction: Direction, chunk: bytes) -> bytes:
        """Return the bytes to pass on, at once or later. Raises CutConnection to reset the connection."""
        return chunk


async def until_lifted(link: Link, fault: Fault) -> None:
    """Wait while this fault is the one in force. It ends when the proxy's fault changes or the link closes."""
    while link.proxy.fault is fault and not link.closed.is_set():
        changed = asyncio.ensure_future(link.proxy.changed.wait())
        closed = asyncio.ensure_future(link.closed.wait())
        try:
            await asyncio.wait((changed, closed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
            closed.cancel()
