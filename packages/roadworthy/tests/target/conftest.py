"""A scratch folder that the servers' unprivileged account can reach, and one PostgreSQL server for all tests."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from roadworthy.target.servers import PostgreSQL


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder outside pytest's own, which is closed to other accounts."""
    yield from _folder()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One server: each test makes databases of its own."""
    for folder in _folder():
        server = asyncio.run(PostgreSQL.start(folder))
        try:
            yield server
        finally:
            asyncio.run(server.end())


def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="roadworthy-tests-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
