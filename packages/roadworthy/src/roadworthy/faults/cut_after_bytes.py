"""Cut after bytes: an answer breaks off in the middle. A server that dies while it speaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roadworthy.faults.fault import CutConnection, Direction, Fault

if TYPE_CHECKING:
    from roadworthy.faults.proxy import Link


@dataclass(frozen=True)
class CutAfterBytes(Fault):
    """Reset a connection once ``count`` more bytes of answers have passed on it since the fault began."""

    count: int
    name = "cut"

    async def carry(self, link: Link, direction: Direction, chunk: bytes) -> bytes:
        if direction is Direction.TO_DEPENDENCY:
            return chunk
        passed = link.passed_since_fault
        if passed + len(chunk) <= self.count:
            return chunk
        link.hit()
        link.send_now(chunk[: self.count - passed])
        raise CutConnection
