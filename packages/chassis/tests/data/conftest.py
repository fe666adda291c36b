"""What the tests of data safety share: an empty database of each kind, and folders of revisions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chassis.testing import HeldClock

WriteRevision = Callable[[int, str], None]
MONDAY_NOON = 1_738_584_000.0  # 2025-02-03T12:00:00Z


@pytest.fixture
def clock() -> HeldClock:
    """A clock that stands at noon of 2025-02-03 (a Monday) in UTC until the test moves it."""
    return HeldClock(time=MONDAY_NOON)


@pytest.fixture(scope="session")
def shared_postgresql_url(postgresql: Any) -> str:
    """The address of one database for all these tests: making one for each takes longer than most tests."""
    url: str = postgresql.url(postgresql.create_database())
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/notes.db"
    import psycopg

    url: str = request.getfixturevalue("shared_postgresql_url")
    with psycopg.connect(url, autocommit=True, options="-c lock_timeout=10s") as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return url


@pytest.fixture
def revisions(tmp_path: Path) -> Path:
    """A folder for revision files, with a blank and a percent sign in its name."""
    folder = tmp_path / "100 % revisions"
    folder.mkdir()
    return folder


@pytest.fixture
def write_revision(revisions: Path) -> WriteRevision:
    """Write revision number n, which follows n - 1, with these statements as its upgrade."""

    def write(number: int, upgrade: str) -> None:
        body = "\n".join(f"    {line}" for line in upgrade.splitlines())
        before = repr(f"r{number - 1}") if number > 1 else None
        (revisions / f"{number:04}.py").write_text(
            f"import os, time\nimport sqlalchemy as sa\nfrom alembic import op\n"
            f"revision = 'r{number}'\ndown_revision = {before}\n\ndef upgrade():\n{body}\n"
        )

    return write
