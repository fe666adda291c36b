"""The revision files of a service, and how a database relates to them."""

import importlib.util
from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData

from chassis.data.errors import MigrationError

_ENVIRONMENT = Path(__file__).parent / "alembic_environment"


class Schema(StrEnum):
    """How the schema of the database relates to what the code needs."""

    CURRENT = "current"
    BEHIND = "behind"
    AHEAD = "ahead"


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """``found`` is where the database is and ``needed`` where the code wants it: revisions, none for an empty one."""

    schema: Schema
    found: tuple[str, ...]
    needed: tuple[str, ...]


class Revisions:
    """A folder of Alembic's revision files. It needs no ``env.py`` and no ``alembic.ini``."""

    def __init__(self, place: Path | str, metadata: MetaData | Sequence[MetaData] | None = None) -> None:
        """Find the folder: ``place`` is a path, or the name of a package.

        Raises:
            MigrationError: there is no such package.
        """
        self.folder = place.absolute() if isinstance(place, Path) else _package_folder(place)
        self._metadata = metadata

    def configuration(self, connection: Connection | None = None) -> Config:
        """Return what Alembic's commands take; it talks to the database over ``connection``."""
        configuration = Config(
            cmd_opts=Namespace(quiet=True), attributes={"connection": connection, "metadata": self._metadata}
        )
        configuration.set_main_option("script_location", _escaped(_ENVIRONMENT))
        configuration.set_main_option("version_locations", _escaped(self.folder))
        for name in ("path_separator", "version_path_separator"):  # the second is the name until Alembic 1.16
            configuration.set_main_option(name, "newline")
        return configuration

    def compare(self, found: Iterable[str]) -> SchemaStatus:
        """Compare the revisions that a database is at with the newest here.

        Raises:
            MigrationError: the files do not fit together, such as when one names a predecessor that is not there.
        """
        script = ScriptDirectory.from_config(self.configuration())
        try:
            needed = set(script.get_heads())
            known = {revision.revision for revision in script.walk_revisions()}
        except (CommandError, KeyError) as error:
            raise MigrationError(f"the revisions in {self.folder} do not fit together: {error}") from error
        at = set(found)
        schema = Schema.CURRENT if at == needed else Schema.BEHIND if at <= known else Schema.AHEAD
        return SchemaStatus(schema, tuple(sorted(at)), tuple(sorted(needed)))


def listed(revisions: tuple[str, ...]) -> str:
    """Return revisions for a message."""
    return ", ".join(revisions) or "no revision"


def _package_folder(package: str) -> Path:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise MigrationError(
            f"there is no package {package!r} for the revision files: give its name, or a folder's Path"
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")  # Alembic's configuration takes % for a reference to another option
