"""Delay: every answer comes late. An overloaded server, or a far one."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roadworthy.faults.fault import Direction, Fault, until_lifted

if TYPE_CHECKING:
    from roadworthy.faults.proxy import Link


@dataclass(frozen=True)
class Delay(Fault):
    """Pass each piece of an answer on ``seconds`` late, or when the fault is lifted."""

    seconds: float
    name = "delayed"

    async def carry(self, link: Link, direction: Direction, chunk: bytes) -> bytes:
        if direction is Direction.TO_TARGET:
            link.hit()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.seconds):
                    await until_lifted(link, self)
        return chunk
