"""What all experiments of an inspection share: the scratch folder, the servers, and the end of everything."""

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from roadworthy.domain.target import TargetSpec
from roadworthy.target.processes import Process
from roadworthy.target.servers import PostgreSQL
from roadworthy.target.state import State, make_state


class Laboratory:
    """Owns the scratch folder and the servers. Use it as an async context manager: leaving it ends everything.

    A guard without a command watches over the folder, so that it is deleted even when this process is killed.
    """

    def __init__(self) -> None:
        """Own nothing yet."""
        self.scratch = Path()
        self._janitor: Process | None = None
        self._postgresql: PostgreSQL | None = None
        self._postgresql_lock = asyncio.Lock()
        self._fixed_port_lock = asyncio.Lock()
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> "Laboratory":
        self.scratch = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="roadworthy-"))
        self.scratch.chmod(0o711)  # the unprivileged user must be able to reach its own folders in it
        self._janitor = await Process.start([], cwd=self.scratch, env={}, remove=self.scratch)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._postgresql is not None:
            await self._postgresql.end()
        if self._janitor is not None:
            await self._janitor.end()

    async def postgresql(self) -> PostgreSQL:
        """Return the PostgreSQL server of this inspection; it is started when first asked for."""
        async with self._postgresql_lock:
            if self._postgresql is None:
                self._postgresql = await PostgreSQL.start(self.scratch)
            return self._postgresql

    @asynccontextmanager
    async def state(self, spec: TargetSpec) -> AsyncIterator[State]:
        """Give a fresh state, and end it afterwards. States of a target with a fixed port take turns."""
        ours = any(each.kind == "postgresql" and not each.url for each in spec.dependencies)
        async with self._fixed_port_lock if spec.port else contextlib.nullcontext():
            server = await self.postgresql() if ours else None
            state = await make_state(spec, self.scratch / f"state-{next(self._numbers)}", server)
            try:
                await state.set_up()
                yield state
            finally:
                await state.close()
