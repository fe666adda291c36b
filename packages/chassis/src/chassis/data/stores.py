"""What a kind of database can do for backups; ``sqlite_store`` and ``postgresql_store`` do it."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, Self

from chassis.data.manifest import Contents


class Store(Protocol):
    """One database, as backups see it."""

    engine: str
    """The kind: ``sqlite`` or ``postgresql``."""

    file_name: str
    """What the file of a backup is called."""

    shown: str
    """Where it is, without user and password."""

    def dump(self, file: Path) -> Contents:
        """Write all of it to ``file``, and return what was in it: both as of one moment."""

    def contents(self) -> Contents:
        """Return what is in it."""

    def is_empty(self) -> bool:
        """Tell whether there is nothing in it that restoring could harm."""

    def scratch(self, file: Path) -> AbstractContextManager[Self]:
        """Make an empty place beside it, restore ``file`` there, and delete the place at the end."""

    def load(self, file: Path) -> None:
        """Restore ``file`` into it; it must be empty. All or nothing."""

    def replace_by(self, file: Path, contents: Contents, stamp: str) -> str:
        """Put what is in ``file`` in its place, and return where the former database was put aside.

        The new one is made beside it and compared with ``contents`` first.
        """
