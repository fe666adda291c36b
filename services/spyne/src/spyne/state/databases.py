"""The databases that were registered, with their locations encrypted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import chassis
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from spyne.secrets import Vault
from spyne.sources import NamedSource, dialect_of
from spyne.state.tables import RegisteredDatabase, now


@dataclass(frozen=True)
class Registered:
    """A registered database; `shown` is its location without credentials, `changed` when it was last changed."""

    source: NamedSource
    description: str
    shown: str
    changed: datetime


class NameTakenError(Exception):
    """There is a database of this name."""


class RegisteredDatabases:
    """Keeps them.

    Args:
        state: Spyne's own database.
        vault: returns what encrypts, once the settings are there.
    """

    def __init__(self, state: chassis.Database, vault: Callable[[], Vault]) -> None:
        """Keep where they are."""
        self._state = state
        self._vault = vault

    async def all(self) -> list[Registered]:
        """All of them, by name."""
        async with self._state.session() as session:
            rows = list(await session.scalars(select(RegisteredDatabase).order_by(RegisteredDatabase.name)))
        return [self._read(row) for row in rows]

    async def find(self, name: str) -> Registered | None:
        """The one of this name.

        Raises:
            UnreadableSecretError: its location was encrypted with another key.
        """
        async with self._state.session() as session:
            row = await session.get(RegisteredDatabase, name)
        return None if row is None else self._read(row)

    async def has(self, name: str) -> bool:
        """Tell whether there is one of this name, also when its location cannot be read."""
        async with self._state.session() as session:
            return await session.get(RegisteredDatabase, name) is not None

    async def add(self, source: NamedSource, description: str, shown: str) -> None:
        """Keep one more.

        Raises:
            NameTakenError: there is one of this name.
        """
        row = RegisteredDatabase(
            name=source.name,
            dialect=source.dialect,
            encrypted_location=self._vault().encrypt(source.location),
            shown_location=shown,
            description=description,
        )
        try:
            async with self._state.session() as session:
                session.add(row)
        except IntegrityError:
            raise NameTakenError(source.name) from None

    async def change(self, source: NamedSource, description: str, shown: str) -> None:
        """Keep another location or description."""
        values = {
            "dialect": source.dialect,
            "encrypted_location": self._vault().encrypt(source.location),
            "shown_location": shown,
            "description": description,
            "updated_at": now(),
        }
        async with self._state.session() as session:
            await session.execute(
                update(RegisteredDatabase).where(RegisteredDatabase.name == source.name).values(values)
            )

    async def remove(self, name: str) -> None:
        """Forget one."""
        async with self._state.session() as session:
            await session.execute(delete(RegisteredDatabase).where(RegisteredDatabase.name == name))

    def _read(self, row: RegisteredDatabase) -> Registered:
        dialect, location = dialect_of(self._vault().decrypt(row.encrypted_location))
        return Registered(NamedSource(row.name, dialect, location), row.description, row.shown_location, row.updated_at)
