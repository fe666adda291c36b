"""Silence: connections are accepted and nothing ever answers. A frozen server, or a lost network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roadworthy.faults.fault import Direction, Fault, until_lifted

if TYPE_CHECKING:
    from roadworthy.faults.proxy import Link


@dataclass(frozen=True)
class Silence(Fault):
    """Hold every byte, both ways, until the fault is lifted; then deliver what was held, as a healed network does."""

    name = "silent"

    async def carry(self, link: Link, direction: Direction, chunk: bytes) -> bytes:
        if direction is Direction.TO_DEPENDENCY:
            link.hit(len(chunk))
        await until_lifted(link, self)
        return chunk
