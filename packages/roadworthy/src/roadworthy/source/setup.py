"""The commands that make a fresh state usable, such as database migrations, told by the files of a project."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SetupFound:
    """One command to run once on a fresh state. ``origin`` says what told it."""

    command: tuple[str, ...]
    origin: str


def find_setup(directory: Path, python: Path | None) -> tuple[SetupFound, ...]:
    """Return the set-up commands of the project in a folder.

    Args:
        directory: where the target's commands run.
        python: the interpreter that the target runs on, if it runs on one.
    """
    return tuple(_found(directory, str(python) if python else "python"))


def _found(directory: Path, python: str) -> Iterator[SetupFound]:
    if (directory / "alembic.ini").is_file():
        yield SetupFound((python, "-m", "alembic", "upgrade", "head"), "alembic.ini is in the folder")
    if "django" in _text(directory / "manage.py").lower():
        yield SetupFound((python, "manage.py", "migrate", "--noinput"), "manage.py in the folder is Django's")
    prisma = directory / "node_modules" / ".bin" / "prisma"
    if prisma.exists() and (directory / "prisma" / "migrations").is_dir():
        yield SetupFound((str(prisma), "migrate", "deploy"), "prisma/migrations is in the folder")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
