"""A state of the target: its own copy of the working folder, its own databases, a proxy in front of each dependency."""

import asyncio
import contextlib
import os
import re
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from roadworthy.domain.target import DependencySpec, TargetSpec, fill
from roadworthy.faults.proxy import Proxy
from roadworthy.target.processes import Process
from roadworthy.target.servers import Address, PostgreSQL, ServerError, Valkey

NOT_COPIED = {".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache", ".pytest_cache",
    ".ruff_cache", ".tox"}  # fmt: skip
LINKED = (".venv", "venv", "node_modules")
COPY_FILES, COPY_BYTES = 5_000, 256 * 1024 * 1024
SETUP_BOUND_S = 120.0
HOOK = Path(__file__).with_name("startup_hook")
TOOL_FOLDERS = (
    ".pyenv",
    ".asdf",
    ".nvm",
    ".volta",
    ".cargo",
    ".rustup",
    ".local",
    ".sdkman",
    ".rbenv",
    ".bun",
    ".deno",
)
PORT_VARIABLES = ("UVICORN_PORT", "FLASK_RUN_PORT", "SERVER_PORT", "HTTP_PORT")
"""Set beside the target's own port variable, because servers themselves read them."""


_SERVER = re.compile(
    r"(postgres(ql)?|mysql|mariadb|redis|rediss|valkey|valkeys|mongodb|amqp|amqps|kafka|nats|mssql|oracle|cockroachdb"
    r"|clickhouse|neo4j|bolt|memcached?|cassandra)(\+\w+)?://",
    re.IGNORECASE,
)


class SetupError(RuntimeError):
    """A set-up command of the target failed."""


@dataclass
class Wire:
    """One dependency of one state: where it really is, and the proxy that the target is given instead."""

    spec: DependencySpec
    address: Address
    proxy: Proxy
    valkey: Valkey | None = None  # a server of this state's own

    @property
    def seen_by_target(self) -> Address:
        """The address that the target is told."""
        real = self.address
        return Address("127.0.0.1", self.proxy.listen_port, real.user, real.password, real.name)


@dataclass
class State:
    """Everything that a run of the target can leave behind, and that a restart on the same state finds again."""

    spec: TargetSpec
    folder: Path
    work: Path
    wires: dict[str, Wire] = field(default_factory=dict)
    postgresql: PostgreSQL | None = None
    was_set_up: bool = False

    def placeholders(self, port: int) -> dict[str, str]:
        """The values of the placeholders in commands and settings."""
        values = {"port": str(port), "data": str(self.folder / "data")}
        for name, wire in self.wires.items():
            fields = wire.seen_by_target.fields(wire.spec.url_scheme)
            values |= {f"{name}.{key}": value for key, value in fields.items()}
        return values

    def settings(self, port: int) -> dict[str, str]:
        """The environment variables that the target is given on top of an ordinary environment."""
        values = self.placeholders(port)
        settings = {key: fill(value, values) for key, value in self.spec.environment.items()}
        for wire in self.wires.values():
            if wire.spec.variable:
                settings[wire.spec.variable] = fill(wire.spec.template, values)
        return settings

    @property
    def reads_file(self) -> Path:
        """Where the start-up hook notes which variables the target reads."""
        return self.folder / "reads"

    def watched(self, environment: dict[str, str]) -> dict[str, str]:
        """Add the start-up hook for Python to an environment: it notes the variables that the target's code reads."""
        path = environment.get("PYTHONPATH", "")
        return environment | {
            "PYTHONPATH": os.pathsep.join(filter(None, (str(HOOK), path))),
            "ROADWORTHY_READS": str(self.reads_file),
            "ROADWORTHY_ROOT": str(self.work),
        }

    def reads(self) -> tuple[str, ...]:
        """Return the variables that the hook saw being read, in their order."""
        try:
            return tuple(dict.fromkeys(self.reads_file.read_text(encoding="utf-8").split()))
        except OSError:
            return ()

    def environment(self, port: int, settings: Mapping[str, str], withhold: str = "") -> dict[str, str]:
        """The whole environment of a command: ours, a home and a temporary folder of its own, ports, settings.

        Variables of ours that hold the address of a server are left out: what the target is to use, it is given. An
        experiment must never write to a server that merely happens to be named in the user's shell.
        """
        ours = {key: value for key, value in os.environ.items() if not leads_to_a_server(value)}
        environment = {key: value for key, value in ours.items() if key not in settings and key != withhold}
        environment |= {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp"), "PYTHONUNBUFFERED": "1"}
        ports = [name for name in (self.spec.port_variable, *PORT_VARIABLES) if name and name != withhold]
        environment |= dict.fromkeys(ports, str(port))
        return environment | {key: value for key, value in settings.items() if key != withhold}

    async def wipe(self, name: str) -> None:
        """Empty one dependency."""
        wire = self.wires[name]
        if wire.valkey is not None:
            await wire.valkey.wipe()
        elif self.postgresql is not None and not wire.spec.url:
            await self.postgresql.wipe(wire.address)
        else:
            raise ServerError(f"dependency {name!r} is not ours to wipe")

    async def set_up(self) -> None:
        """Run the set-up commands once.

        Raises:
            SetupError: one of them failed or took over 120 s.
        """
        if self.was_set_up:
            return
        values = self.placeholders(0)
        environment = self.environment(0, self.settings(0))
        for command in self.spec.setup:
            argv = [fill(part, values) for part in command]
            process = await Process.start(
                resolved(argv, self.spec.directory, self.work), cwd=self.work, env=environment
            )
            try:
                ended = await process.wait(SETUP_BOUND_S)
                await process.wait_for_output(1.0)
                if ended is None or ended.status != 0:
                    how = f"took over {SETUP_BOUND_S:g} s" if ended is None else f"ended with status {ended.status}"
                    raise SetupError(
                        f"the set-up command `{' '.join(argv)}` {how}: " + " / ".join(process.output.tail(8))
                    )
            finally:
                await process.end()
        self.was_set_up = True

    async def close(self) -> None:
        """End its servers and proxies and delete its folder."""
        for wire in self.wires.values():
            await wire.proxy.close()
            if wire.valkey is not None:
                await wire.valkey.end()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)


async def make_state(spec: TargetSpec, folder: Path, postgresql: PostgreSQL | None) -> State:
    """Make a fresh state below ``folder``: a copy of the working folder, empty databases, proxies.

    Raises:
        ServerError: a dependency cannot be provided.
    """
    for name in ("home", "tmp", "data"):
        (folder / name).mkdir(parents=True)
    _link_tools(folder / "home")
    copying = asyncio.ensure_future(asyncio.to_thread(copy_work, spec.directory, folder / "work"))
    try:
        work = await asyncio.shield(copying)
    except (
        BaseException
    ):  # the thread cannot be stopped: let it end, so that nothing is written after the folder is gone
        await asyncio.wait([copying])
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        raise
    state = State(spec, folder, work, postgresql=postgresql)
    try:
        for dependency in spec.dependencies:
            state.wires[dependency.name] = await _wire(dependency, folder, postgresql)
    except BaseException:
        await state.close()
        raise
    return state


async def _wire(spec: DependencySpec, folder: Path, postgresql: PostgreSQL | None) -> Wire:
    valkey: Valkey | None = None
    if spec.url:
        address = pointed_at(spec)
    elif spec.kind == "postgresql" and postgresql is not None:
        address = await postgresql.create_database()
    elif spec.kind == "valkey":
        valkey = await Valkey.start(folder)
        address = valkey.address
    else:
        raise ServerError(
            f"dependency {spec.name!r} of kind {spec.kind!r} cannot be provided: give its `url` in roadworthy.toml"
        )
    proxy = Proxy(address.host, address.port)
    await proxy.start()
    return Wire(spec, address, proxy, valkey)


def pointed_at(spec: DependencySpec) -> Address:
    """Read the address out of the URL that a dependency points at.

    Raises:
        ServerError: the URL has no host or port.
    """
    parts = urlsplit(spec.url)
    default = {"postgresql": 5432, "valkey": 6379}.get(spec.kind, 0)
    try:
        port = parts.port or default
    except ValueError:
        port = 0
    if not parts.hostname or not port:
        raise ServerError(
            f"the url of dependency {spec.name!r} has no host and port; expected {spec.kind}://host:port/name"
        )
    user, password, name = (unquote(part or "") for part in (parts.username, parts.password, parts.path.lstrip("/")))
    return Address(parts.hostname, port, user, password, name)


def copy_work(source: Path, destination: Path) -> Path:
    """Copy a working folder, without what is heavy and not state; those folders are linked. Return the copy.

    Raises:
        SetupError: it is too large to copy for every fresh start, or it cannot be read.
    """
    files = size = 0
    linked: list[Path] = []
    for root, folders, names in os.walk(source):
        linked += [Path(root, name) for name in folders if name in LINKED]
        folders[:] = [name for name in folders if name not in NOT_COPIED]
        for name in names:
            with contextlib.suppress(OSError):
                size += (Path(root) / name).lstat().st_size
        files += len(names)
        if files > COPY_FILES or size > COPY_BYTES:
            raise SetupError(
                f"{source} has more than {COPY_FILES} files or {COPY_BYTES // 2**20} MiB: too much to copy for every "
                "fresh start. Give the folder of the service alone: `directory` in roadworthy.toml, or run from there"
            )
    try:
        shutil.copytree(source, destination, symlinks=True, ignore=_ignore)
    except (OSError, shutil.Error) as error:
        raise SetupError(f"{source} cannot be copied: {str(error)[:300]}. Make it readable, or leave it out") from error
    for each in linked:
        (destination / each.relative_to(source)).symlink_to(each)
    return destination


def _ignore(folder: str, names: list[str]) -> set[str]:
    special = {name for name in names if _is_special(Path(folder) / name)}
    return special | {name for name in names if name in NOT_COPIED and (Path(folder) / name).is_dir()}


def _is_special(path: Path) -> bool:
    return not (path.is_symlink() or path.is_file() or path.is_dir())


def _link_tools(home: Path) -> None:
    """Let version managers in the real home be found from the target's own empty one."""
    for name in TOOL_FOLDERS:
        real = Path.home() / name
        if real.is_dir():
            (home / name).symlink_to(real)


def resolved(argv: list[str], directory: Path, work: Path) -> list[str]:
    """Make a relative path to a program absolute, in the copy when it is there."""
    program = argv[0]
    if "/" in program and not Path(program).is_absolute():
        here = work / program if (work / program).exists() else directory / program
        return [str(here), *argv[1:]]
    return argv


def leads_to_a_server(value: str) -> bool:
    """Whether a text is the address of a database, a cache or a queue."""
    return _SERVER.match(value) is not None


def port_is_free(port: int) -> bool:
    """Whether nothing listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
