"""A running target: found by the sockets of its own process tree, never by hope."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import psutil

from roadworthy.domain.evidence import Answer, Exchange
from roadworthy.domain.target import TargetSpec, fill
from roadworthy.target.processes import Exit, LogLine, Process
from roadworthy.target.servers import free_port
from roadworthy.target.sockets import Sockets, holder_of, sockets_of
from roadworthy.target.state import State, port_is_free, resolved
from roadworthy.traffic.client import Client

POLL_S = 0.03
IDLE_SAMPLE_S = 0.2
IDLE_SHARE = 0.15  # of one core
PROBE_TIMEOUT_S = 5.0
FLOOD_BYTES = 64 * 1024 * 1024
FORK_GRACE_S = 1.0


class TargetError(RuntimeError):
    """The target could not be run. The message says what was seen and what to do."""


class DidNotStartError(TargetError):
    """The target exited, or never answered, instead of serving."""

    def __init__(self, message: str, exit: Exit | None, tail: tuple[str, ...], seconds: float) -> None:  # noqa: A002
        """Keep what was seen beside the message."""
        super().__init__(message)
        self.exit = exit
        self.tail = tail
        self.seconds = seconds


@dataclass
class Instance:
    """One start of the target. ``port`` is 0 until it listens; times are ``time.monotonic()``."""

    state: State
    process: Process
    client: Client
    offered_port: int = 0  # the port that it was told to listen on
    port: int = 0
    started_at: float = 0.0
    listening_at: float | None = None
    ready_at: float | None = None
    settings: dict[str, str] = field(default_factory=dict)
    label: str = ""
    other_remotes: set[tuple[str, int]] = field(default_factory=set)

    @property
    def running(self) -> bool:
        """Whether the started process is alive."""
        return self.process.running

    def sockets(self) -> Sockets:
        """Read its sockets now, and remember connections that lead to none of its proxies."""
        found = sockets_of(self.process.tree())
        proxies = {wire.proxy.listen_port for wire in self.state.wires.values()}
        self.other_remotes |= {(ip, port) for ip, port in found.remote if port not in proxies}
        return found

    def owns_port(self) -> bool:
        """Whether the socket that answers at ``port`` belongs to the tree that we started."""
        return self.port in self.sockets().ports

    def lines_when_ready(self) -> list[LogLine]:
        """What it wrote after it was ready."""
        return self.process.output.lines(self.ready_at) if self.ready_at is not None else []

    async def until_idle(self, bound_s: float) -> None:
        """Wait until its processes hardly compute any more, at most ``bound_s`` s: workers may still be starting."""
        deadline = time.monotonic() + bound_s
        quiet, before = 0, _cpu_seconds(self.process)
        while quiet < 2 and time.monotonic() < deadline and self.running:
            await asyncio.sleep(IDLE_SAMPLE_S)  # the interval over which the use of the processor is measured
            now = _cpu_seconds(self.process)
            quiet = quiet + 1 if now - before < IDLE_SHARE * IDLE_SAMPLE_S else 0
            before = now

    async def end(self) -> None:
        """End it and everything it started."""
        await self.client.close()
        await self.process.end()


def _cpu_seconds(process: Process) -> float:
    total = 0.0
    for each in process.tree():
        with contextlib.suppress(psutil.Error):
            times = each.cpu_times()
            total += times.user + times.system
    return total


async def launch(
    state: State,
    keep: Callable[[Exchange], None],
    epoch: float,
    *,
    withhold: str = "",
    label: str = "",
    watch: bool = False,
) -> Instance:
    """Start the target's command on this state. It may not listen yet.

    Raises:
        TargetError: its fixed port is taken.
        StartError: the command cannot be run.
    """
    spec: TargetSpec = state.spec
    port = spec.port or free_port()
    if spec.port and not port_is_free(spec.port):
        raise TargetError(
            f"port {spec.port} is already taken by {holder_of(spec.port) or 'another process'}: "
            "stop it, or let the target choose its port (it is told one in the variable PORT)"
        )
    settings = state.settings(port)
    argv = [fill(part, state.placeholders(port)) for part in spec.command]
    environment = state.environment(port, settings, withhold)
    if watch:
        environment = state.watched(environment)
    process = await Process.start(resolved(argv, spec.directory, state.work), cwd=state.work, env=environment)
    client = Client(f"http://127.0.0.1:{port}", keep, epoch, spec.auth_headers)
    given = {key: value for key, value in settings.items() if key != withhold}
    return Instance(state, process, client, port, 0, process.started_at, settings=given, label=label)


async def until_serving(
    instance: Instance,
    bound_s: float,
    rebind: Callable[[int], Client],
    probe: Callable[[Client], Awaitable[bool]],
) -> None:
    """Wait until the instance listens and ``probe`` is true.

    ``rebind`` makes a client for the port it turned out to listen on. The probe is asked again and again; one probe may
    take as long as it likes within the bound.

    Raises:
        DidNotStartError: it exited, forked away, flooded its output, or the bound passed.
    """
    deadline = instance.started_at + bound_s
    offered = instance.offered_port
    pause = POLL_S
    while True:
        _check_alive(instance, bound_s, deadline)
        ports = instance.sockets().ports
        if ports and instance.listening_at is None:
            instance.listening_at = time.monotonic()
        for port in sorted(ports, key=lambda each: each != offered):
            if port != int(instance.client.base.rsplit(":", 1)[1]):
                await instance.client.close()
                instance.client = rebind(port)
            instance.port = port
            if await _asked(probe, instance.client, deadline):
                instance.ready_at = time.monotonic()
                return
            if len(ports) > 1 and not await _speaks_http(instance.client):
                continue
            break
        await asyncio.sleep(pause)  # polling a condition, bounded by the deadline
        pause = min(pause * 1.2, 0.25)


async def _asked(probe: Callable[[Client], Awaitable[bool]], client: Client, deadline: float) -> bool:
    try:
        async with asyncio.timeout(max(deadline - time.monotonic(), 0.1)):
            return await probe(client)
    except TimeoutError:
        return False


async def _speaks_http(client: Client) -> bool:
    exchange = await client.send("GET", "/", timeout=PROBE_TIMEOUT_S, purpose="which port speaks HTTP")
    return exchange.answer is Answer.ANSWERED


def _check_alive(instance: Instance, bound_s: float, deadline: float) -> None:
    process = instance.process
    now = time.monotonic()
    tail = process.output.tail(20)
    waited = now - instance.started_at
    if process.exit is not None:
        _check_forked(instance, tail, waited)
        raise DidNotStartError(
            f"the command ended with status {process.exit.status} after {waited:.1f} s instead of serving. "
            f"Its last words: {_quoted(tail)}",
            process.exit,
            tail,
            waited,
        )
    if process.output.bytes > FLOOD_BYTES and instance.ready_at is None:
        raise DidNotStartError(
            f"the command floods its output: {process.output.bytes // 1_000_000} MB in {waited:.1f} s and it does not "
            f"serve yet. Its last words: {_quoted(tail)}",
            None,
            tail,
            waited,
        )
    if now > deadline:
        if instance.listening_at is None:
            what = "never listened on a TCP port"
        else:
            what = f"listens on {sorted(instance.sockets().ports)}, but no request to it succeeded"
        raise DidNotStartError(
            f"within {bound_s:g} s the command {what}. It was told port {instance.offered_port} in "
            f"{instance.state.spec.port_variable or 'PORT'}. Its last words: {_quoted(tail)}",
            None,
            tail,
            waited,
        )


def _check_forked(instance: Instance, tail: tuple[str, ...], waited: float) -> None:
    """A command that ends while what it started lives on has forked away: a supervisor would lose it."""
    ended = instance.process.exit
    if ended is not None and ended.left and ended.status == 0 and instance.process.tree():
        names = ", ".join(sorted({str(each.pid) for each in instance.process.tree()}))
        raise DidNotStartError(
            f"the command ended with status 0 and left process {names} running: it forks away. "
            "Give the command that stays in the foreground",
            ended,
            tail,
            waited,
        )


def _quoted(tail: tuple[str, ...]) -> str:
    lines = [line for line in tail if line.strip()][-6:]
    return " / ".join(lines) if lines else "(it wrote nothing)"
