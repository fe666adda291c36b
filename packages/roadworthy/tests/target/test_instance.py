"""Instances of tiny real servers: found by their own sockets, told apart from everything that does not serve."""

import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from roadworthy.domain.evidence import Answer, Exchange
from roadworthy.domain.target import DependencySpec, TargetSpec
from roadworthy.target import instance as instance_module
from roadworthy.target.instance import DidNotStartError, Instance, TargetError, launch, until_serving
from roadworthy.target.processes import StartError
from roadworthy.target.servers import free_port
from roadworthy.target.state import make_state, port_is_free
from roadworthy.traffic.client import Client

pytestmark = pytest.mark.usefixtures("leaves_nothing")
Eventually = Callable[..., Awaitable[None]]

SERVES = """
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(os.environ.get("ANSWER", "200")))
        self.end_headers()
        self.wfile.write(os.environ.get("GREETING", "").encode())

server = ThreadingHTTPServer(("127.0.0.1", int(PORT)), Handler)
print("listening", flush=True)
server.serve_forever()
"""
ON_ITS_PORT = SERVES.replace("PORT", 'os.environ["PORT"]', 1)
ON_A_PORT_OF_ITS_OWN = SERVES.replace("PORT", "0", 1)
ALSO_SPEAKS_SOMETHING_ELSE = (
    """
import os, socket, threading
first = socket.create_server(("127.0.0.1", 0))
def hang_up():
    while True:
        first.accept()[0].close()
threading.Thread(target=hang_up, daemon=True).start()
"""
    + ON_A_PORT_OF_ITS_OWN
)
FORKS_AWAY = (
    """
import os
if os.fork():
    os._exit(0)
os.setsid()
"""
    + ON_ITS_PORT
)


@asynccontextmanager
async def launched(
    folder: Path, text: str, withhold: str = "", watch: bool = False, **more: Any
) -> AsyncIterator[Instance]:
    work = folder / "target"
    work.mkdir()
    (work / "serve.py").write_text(text)
    spec = replace(TargetSpec("target", work, (sys.executable, "-I", "serve.py")), **more)
    state = await make_state(spec, folder / "state", None)
    kept: list[Exchange] = []
    try:
        instance = await launch(state, kept.append, time.monotonic(), withhold=withhold, label="first", watch=watch)
        try:
            yield instance
        finally:
            ports = instance.sockets().ports
            await instance.end()
            assert not instance.running
            assert all(port_is_free(port) for port in ports)
    finally:
        await state.close()


async def answers(client: Client) -> bool:
    return (await client.send("GET", "/", timeout=5)).ok


def client_at(port: int) -> Client:
    return Client(f"http://127.0.0.1:{port}", lambda _: None, time.monotonic(), {})


async def serving(instance: Instance, bound_s: float = 20.0) -> None:
    await until_serving(instance, bound_s, client_at, answers)


async def failure(instance: Instance, bound_s: float = 20.0) -> DidNotStartError:
    with pytest.raises(DidNotStartError) as caught:
        await serving(instance, bound_s)
    return caught.value


async def test_a_server_on_the_port_that_it_was_told_serves(tmp_path: Path) -> None:
    async with launched(tmp_path, ON_ITS_PORT, environment={"GREETING": "on {port}"}) as instance:
        await serving(instance)
        assert instance.port == instance.offered_port
        assert instance.owns_port()
        assert instance.running
        assert (instance.label, instance.settings) == ("first", {"GREETING": f"on {instance.port}"})
        assert instance.listening_at is not None
        assert instance.ready_at is not None
        assert instance.started_at <= instance.listening_at <= instance.ready_at
        answer = await instance.client.send("GET", "/", headers={"X": "y"})
        assert answer.body == f"on {instance.port}"


async def test_a_server_on_a_port_of_its_own_is_found_and_the_client_follows(tmp_path: Path) -> None:
    async with launched(tmp_path, ON_A_PORT_OF_ITS_OWN) as instance:
        await serving(instance)
        assert instance.port not in (0, instance.offered_port)
        assert instance.owns_port()
        assert instance.client.base == f"http://127.0.0.1:{instance.port}"


async def test_among_many_ports_the_one_that_speaks_http_is_found(tmp_path: Path) -> None:
    async with launched(tmp_path, ALSO_SPEAKS_SOMETHING_ELSE) as instance:
        await serving(instance)
        assert len(instance.sockets().ports) == 2
        assert (await instance.client.send("GET", "/")).ok


async def test_a_server_that_answers_but_not_well_is_asked_again_until_the_bound(tmp_path: Path) -> None:
    async with launched(tmp_path, ON_ITS_PORT, environment={"ANSWER": "503"}) as instance:
        error = await failure(instance, 1.5)
        assert f"within 1.5 s the command listens on [{instance.offered_port}], but no request to it succeeded" in str(
            error
        )
        assert "Its last words:" in str(error)
        assert (error.exit, instance.ready_at) == (None, None)
        assert instance.lines_when_ready() == []


async def test_a_probe_takes_no_longer_than_the_bound(tmp_path: Path) -> None:
    async def never(client: Client) -> bool:
        exchange = await client.send("GET", "/hangs", timeout=600)
        return exchange.answer is Answer.REFUSED

    listens = (
        "import os, socket, time\ns = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\ntime.sleep(600)"
    )
    async with launched(tmp_path, listens) as instance:
        began = time.monotonic()
        with pytest.raises(DidNotStartError, match="no request to it succeeded"):
            await until_serving(instance, 1.0, client_at, never)
        assert time.monotonic() - began < 10


async def test_a_command_that_ends_is_reported_with_its_status_and_last_words(tmp_path: Path) -> None:
    text = "import sys\nprint('first\\n\\nDATABASE_URL is required', file=sys.stderr)\nsys.exit(7)"
    async with launched(tmp_path, text) as instance:
        error = await failure(instance)
        assert "the command ended with status 7 after" in str(error)
        assert "Its last words: first / DATABASE_URL is required" in str(error)
        assert error.exit is not None
        assert error.exit.status == 7
        assert error.tail == ("first", "", "DATABASE_URL is required")
        assert 0 < error.seconds < 20


async def test_a_command_that_ends_silently_is_reported_as_such(tmp_path: Path) -> None:
    async with launched(tmp_path, "") as instance:
        assert "status 0" in str(error := await failure(instance))
        assert "(it wrote nothing)" in str(error)


async def test_a_command_that_never_listens_is_reported_with_the_port_that_it_was_told(tmp_path: Path) -> None:
    async with launched(tmp_path, "import time; time.sleep(600)", port_variable="LISTEN") as instance:
        error = await failure(instance, 0.5)
        assert "within 0.5 s the command never listened on a TCP port" in str(error)
        assert f"It was told port {instance.offered_port} in LISTEN" in str(error)


async def test_a_command_that_forks_away_is_reported_with_what_it_left_running(tmp_path: Path) -> None:
    async with launched(tmp_path, FORKS_AWAY) as instance:
        await instance.process.wait(20)
        (daemon,) = instance.process.tree()
        assert f"left process {daemon.pid} running: it forks away" in str(await failure(instance))
    assert not daemon.is_running() or daemon.status() == psutil.STATUS_ZOMBIE


async def test_a_command_that_floods_its_output_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance_module, "FLOOD_BYTES", 1_000_000)
    async with launched(tmp_path, "while True: print('flood ' * 50)") as instance:
        error = await failure(instance)
        assert "the command floods its output" in str(error)
        assert "Its last words: flood" in str(error)


async def test_a_fixed_port_that_is_taken_is_an_error_that_names_its_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(TargetError, match=f"port {port} is already taken by process {os.getpid()} .*PORT"):
            async with launched(tmp_path, ON_ITS_PORT, port=port):
                pytest.fail("it was launched")


async def test_a_fixed_port_is_the_one_offered(tmp_path: Path) -> None:
    port = free_port()
    async with launched(tmp_path, SERVES.replace("PORT", str(port), 1), port=port) as instance:
        await serving(instance)
        assert instance.port == port


async def test_a_command_that_cannot_be_run_is_a_start_error(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="no-such-program"):
        async with launched(tmp_path, "", command=("no-such-program", "{port}")):
            pytest.fail("it was launched")


async def test_a_setting_can_be_withheld(tmp_path: Path) -> None:
    environment = {"GREETING": "hello", "ANSWER": "201"}
    async with launched(tmp_path, ON_ITS_PORT, withhold="GREETING", environment=environment) as instance:
        await serving(instance)
        answer = await instance.client.send("GET", "/")
        assert (answer.status, answer.body) == (201, "")
        assert instance.settings == {"ANSWER": "201"}


async def test_credentials_are_sent_with_every_request(tmp_path: Path, eventually: Eventually) -> None:
    echoes = ON_ITS_PORT.replace('os.environ.get("GREETING", "")', 'self.headers["Authorization"]')
    async with launched(tmp_path, echoes, auth_headers={"Authorization": "Bearer x"}) as instance:
        await eventually(lambda: instance.sockets().ports)
        assert (await instance.client.send("GET", "/")).body == "Bearer x"


async def test_what_it_wrote_when_it_was_ready_is_told_apart(tmp_path: Path, eventually: Eventually) -> None:
    async with launched(tmp_path, ON_ITS_PORT) as instance:
        await serving(instance)
        written = len(instance.lines_when_ready())
        await instance.client.send("GET", "/later")
        await eventually(lambda: len(instance.lines_when_ready()) > written)
        assert "listening" in [line.text for line in instance.process.output.lines()]
        assert "listening" not in [line.text for line in instance.lines_when_ready()]
        assert "/later" in instance.lines_when_ready()[-1].text


BUSY = """
import os, signal, socket, threading, time
s = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
end = time.process_time() + float(os.environ["CPU_S"])
while time.process_time() < end:
    pass
print("idle", flush=True)
signal.pause()
"""


async def test_an_instance_is_idle_when_its_processes_have_stopped_computing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance_module, "IDLE_SHARE", 0.01)  # a loaded machine may not give it more
    async with launched(tmp_path, BUSY, environment={"CPU_S": "0.5"}) as instance:
        await instance.until_idle(60)
        assert "idle" in [line.text for line in instance.process.output.lines()]


async def test_an_instance_that_never_stops_computing_is_waited_for_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance_module, "IDLE_SHARE", 0.01)  # a loaded machine may not give it more
    async with launched(tmp_path, BUSY, environment={"CPU_S": "600"}) as instance:
        began = time.monotonic()
        await instance.until_idle(1.0)
        assert 1.0 <= time.monotonic() - began < 10
        assert instance.running


async def test_an_instance_that_has_ended_is_not_waited_for(tmp_path: Path) -> None:
    async with launched(tmp_path, "") as instance:
        await instance.process.wait(20)
        began = time.monotonic()
        await instance.until_idle(60)
        assert time.monotonic() - began < 10


async def test_a_watched_instance_tells_which_variables_it_read(tmp_path: Path) -> None:
    text = "import os\nos.environ.get('FIRST')\nos.getenv('SECOND')\n'THIRD' in os.environ\nos.environ.get('FIRST')"
    command = (sys.executable, "serve.py")
    async with launched(tmp_path, text, watch=True, command=command) as instance:
        assert await instance.process.wait(20) is not None
        reads = instance.state.reads()
        assert [each for each in reads if each in ("FIRST", "SECOND")] == ["FIRST", "SECOND"]
        instance.state.reads_file.unlink()
        assert instance.state.reads() == ()


async def test_connections_past_the_proxies_are_remembered(tmp_path: Path) -> None:
    text = """
import os, socket, sys
through = socket.create_connection(("127.0.0.1", int(os.environ["DEPENDENCY"].rpartition(":")[2].strip("/"))))
past = socket.create_connection(("127.0.0.1", int(os.environ["PAST"])))
""" + ON_ITS_PORT  # fmt: skip
    with socket.create_server(("127.0.0.1", 0)) as dependency, socket.create_server(("127.0.0.1", 0)) as other:
        url = f"tcp://127.0.0.1:{dependency.getsockname()[1]}"
        past = other.getsockname()[1]
        spec = DependencySpec("dependency", "tcp", "DEPENDENCY", url=url)
        async with launched(tmp_path, text, dependencies=(spec,), environment={"PAST": str(past)}) as instance:
            await serving(instance)
            proxy = instance.state.wires["dependency"].proxy
            assert instance.other_remotes == {("127.0.0.1", past)}
            assert ("127.0.0.1", proxy.listen_port) in instance.sockets().remote


async def test_a_server_that_is_gone_owns_no_port(tmp_path: Path) -> None:
    async with launched(tmp_path, ON_ITS_PORT) as instance:
        await serving(instance)
        instance.process.signal(signal.SIGTERM)
        assert await instance.process.wait(10) is not None
        assert not instance.owns_port()
        assert not instance.running
