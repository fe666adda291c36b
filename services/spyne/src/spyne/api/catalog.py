"""The databases that may be asked: those of the settings, those registered, and the demo; and their schemas."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import chassis
from pydantic import SecretStr

from spyne.api.locations import not_allowed
from spyne.api.threads import Threads
from spyne.schema.errors import SourceUnreachable
from spyne.schema.model import Schema
from spyne.schema.read import read_schema
from spyne.schema.semantics import SemanticError, read_semantics, with_semantics
from spyne.schema.source import Source
from spyne.schema.structure import structure_token
from spyne.secrets import UnreadableSecretError
from spyne.settings import Settings
from spyne.sources import NamedSource, shown
from spyne.state.databases import Registered, RegisteredDatabases
from spyne.state.marks import SchemaMarks

logger = logging.getLogger(__name__)

DEMO = "demo"
RETRY_S = 1
Origin = Literal["settings", "registered", "demo"]


LOOK_S = 1.0
"""For how long the tables of a database are taken to be as they were, in seconds."""


@dataclass
class _Read:
    """A schema, when it was read and by which mark, and what tells that tables have changed since.

    Times are of the monotonic clock: `looked` is when somebody last looked whether they have.
    """

    schema: Schema
    at: float
    mark: str
    token: str | None
    looked: float


@dataclass(frozen=True)
class Known:
    """A database that may be asked. `key` is another one after its location was changed."""

    source: NamedSource
    origin: Origin
    description: str
    shown: str
    key: str

    @property
    def name(self) -> str:
        """What callers call it."""
        return self.source.name


class Catalog:
    """Finds databases by name, and reads their schemas.

    Args:
        settings: returns the settings, once they are there.
        registered: the databases that were registered.
        threads: where schemas are read.
        marks: by which all processes learn that a schema is to be read again.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        registered: RegisteredDatabases,
        threads: Threads,
        marks: SchemaMarks,
    ) -> None:
        """Begin with no schema read."""
        self._marks = marks
        self._settings = settings
        self._threads = threads
        self.registered = registered
        self.sources: dict[str, Source] = {}
        self._schemas: dict[str, _Read] = {}
        self._reading: dict[str, asyncio.Lock] = {}

    @property
    def demo_path(self) -> Path:
        """Where the demo database is."""
        return (self._settings().data_dir / "demo.db").absolute()

    def fixed(self) -> list[Known]:
        """Those of the settings, and the demo."""
        settings = self._settings()
        known = [self._known(each, "settings", "", shown(each)) for each in settings.named_sources]
        if settings.demo and not any(each.name == DEMO for each in known):
            demo = NamedSource(DEMO, "sqlite", str(self.demo_path))
            known.append(self._known(demo, "demo", "A fictional shop: customers, orders, products", "demo.db"))
        return known

    async def all(self) -> list[Known]:
        """All of them, in the order in which one is the default."""
        fixed = self.fixed()
        names = {each.name for each in fixed}
        registered = [
            self._of_registered(each) for each in await self.registered.all() if each.source.name not in names
        ]
        return [each for each in fixed if each.origin != "demo"] + registered + [
            each for each in fixed if each.origin == "demo"
        ]  # fmt: skip

    async def find(self, name: str | None) -> Known:
        """The database of this name; without one, the first of the settings, of the registered, or the demo.

        Raises:
            ProblemError: 404 when there is none of this name, 409 when it may not be opened.
        """
        if name is None:
            return await self._default()
        fixed = next((each for each in self.fixed() if each.name == name), None)
        if fixed is not None:
            return self._remembered(fixed)
        try:
            registered = await self.registered.find(name)
        except UnreadableSecretError:
            raise chassis.ProblemError(
                409, f"The address of {name} cannot be read: the secret key has changed. Save it again with PUT."
            ) from None
        if registered is None:
            self._forget(name)
            raise chassis.ProblemError(404, f"There is no database {name}. GET /api/databases lists those there are.")
        return self._remembered(self._of_registered(registered))

    async def _default(self) -> Known:
        known = await self.all()
        if not known:
            raise chassis.ProblemError(
                404, "There is no database yet: register one with POST /api/databases, or set SPYNE_DATABASES."
            )
        return self._remembered(known[0])

    async def schema(self, known: Known, *, look: bool = False, refresh: bool = False) -> Schema:
        """The schema of a database. It is read again after a while, when its tables have changed, or now, by all.

        Args:
            known: the database.
            look: whether to look now whether its tables have changed, and not once a second.
            refresh: whether to read it in any case, here and in every other process.

        Raises:
            ProblemError: 503: the database cannot be read.
        """
        lock = self._reading.setdefault(known.key, asyncio.Lock())
        async with lock:  # one reads for all who wait
            read = self._schemas.get(known.key)
            mark = await self._marks.of(known.name)
            if read is not None and not refresh and read.mark == mark and await self._is_fresh(known, read, look=look):
                return read.schema
            token = await self._token(known)  # before: what changes meanwhile is found by the next look
            try:
                schema = await self.read(known.source)
            except SourceUnreachable as error:
                raise unreachable(known, error) from None
            if refresh:
                mark = await self._marks.renew(known.name)
            now = time.monotonic()
            self._schemas[known.key] = _Read(schema, at=now, mark=mark, token=token, looked=now)
            return schema

    async def _is_fresh(self, known: Known, read: _Read, *, look: bool) -> bool:
        """Tell whether a schema is young enough, and the tables are those that were there; look now and then."""
        now = time.monotonic()
        if now - read.at >= self._settings().schema_ttl_s:
            return False
        if now - read.looked < LOOK_S and not look:
            return True
        token = await self._token(known)
        read.looked = time.monotonic()
        return token is None or token == read.token

    async def _token(self, known: Known) -> str | None:
        with suppress(SourceUnreachable):  # then the query says so
            return await self._threads.run(structure_token, source_of(known.source))
        return None

    async def read(self, source: NamedSource) -> Schema:
        """Read the schema of a database that need not be known.

        Raises:
            SourceUnreachable: it cannot be read.
        """
        schema = await self._threads.run(read_schema, source_of(source))
        if source.dialect == "postgres" and self._settings().views_only:
            schema = schema.model_copy(update={"tables": tuple(each for each in schema.tables if each.is_view)})
        return self._with_words(source.name, schema)

    def _with_words(self, name: str, schema: Schema) -> Schema:
        """Add what people call things, where somebody has written that down."""
        folder = self._settings().semantics_dir
        path = folder / f"{name}.yaml" if folder else None
        if path is None or not path.is_file():
            return schema
        try:
            return with_semantics(schema, read_semantics(path))
        except SemanticError:
            logger.exception("the semantic model of %s is left out", name)
            return schema

    def _forget(self, name: str, but: str = "") -> None:
        """Forget what is known of a database that was removed, or, but for one key, as it was before a change."""
        for key in [key for key in self.sources if key.rpartition("@")[0] == name and key != but]:
            self.sources.pop(key)
            self._schemas.pop(key, None)
            self._reading.pop(key, None)

    def _remembered(self, known: Known) -> Known:
        wrong = not_allowed(self._settings(), known.source) if known.origin == "registered" else None
        if wrong:
            self._forget(known.name)
            raise chassis.ProblemError(
                409, f"The database {known.name} may not be opened: {wrong}. Save it again with PUT."
            )
        if known.key not in self.sources:
            self._forget(known.name, but=known.key)
            self.sources[known.key] = source_of(known.source)
        return known

    def _of_registered(self, registered: Registered) -> Known:
        changed = registered.changed.isoformat()
        return self._known(registered.source, "registered", registered.description, registered.shown, changed)

    @staticmethod
    def _known(source: NamedSource, origin: Origin, description: str, shown: str, version: str = "") -> Known:
        return Known(source, origin, description, shown, f"{source.name}@{version or origin}")


def source_of(named: NamedSource) -> Source:
    """A database as the engine takes it."""
    return Source(dialect=named.dialect, location=SecretStr(named.location))


def unreachable(known: Known, error: SourceUnreachable) -> chassis.ProblemError:
    """Say which database cannot be reached, and why; nothing of its address is told."""
    why = str(error).rpartition("cannot be reached: ")[2]
    return chassis.ProblemError(
        503,
        f"The database {known.name} cannot be reached now: {why}. Others can be asked.",
        title="Database unreachable",
        headers={"Retry-After": str(RETRY_S)},
        extensions={"database": known.name},
    )
