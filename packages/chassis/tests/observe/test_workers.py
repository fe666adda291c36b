"""Metrics of several workers: whichever is asked tells the same, nothing is counted twice, and no counter goes back."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from chassis.observe import workers
from chassis.observe.metrics import Metrics
from chassis.observe.shared import SharedFolder

from .test_metrics import samples

pytestmark = pytest.mark.needs("prometheus-client")

WORKER = """
import json, os, sys
from chassis.observe.golden import GoldenSignals
from chassis.observe.metrics import Family, Metrics
from chassis.observe.requests import RequestMetrics
from chassis.state import ServiceState
metrics = Metrics("notes")
state = ServiceState()
golden = GoldenSignals(metrics)
requests = RequestMetrics(metrics, state, golden, max_in_flight=10)
created = metrics.counter("created_total", "Created", ["kind"])
level = metrics.gauge("level", "Level", merge="max")
calls = 0
metrics.collect(lambda: [Family("calls_total", "counter", "Calls", samples={(): calls})])
metrics.start("notes")
for line in sys.stdin:
    word, number = line.split()
    if word == "count":
        for _ in range(int(number)):
            created.labels("x").inc()
            requests.observe("GET", "/x", 200, 0.01)
        calls += int(number)
    if word == "level":
        level.set(int(number))
    if word == "flight":
        state.in_flight = int(number)
    if word == "publish":
        metrics.publish()
    if word == "golden":
        print(json.dumps(golden.read()), flush=True)
    else:
        print(json.dumps(metrics.render().decode() if word == "read" else "done"), flush=True)
"""


class Worker:
    """A worker process that does what it is told, one line at a time."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        )  # fmt: skip

    def tell(self, word: str, number: int = 0):
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{word} {number}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def value(self, name: str) -> float:
        lines = self.tell("read").splitlines()
        return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        self.process.wait(10)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def start(tmp_path: Path):
    started: list[Worker] = []

    def begin() -> Worker:
        started.append(Worker(tmp_path))
        return started[-1]

    yield begin
    for worker in started:
        if worker.process.poll() is None:
            worker.end()


def test_whichever_worker_is_asked_answers_for_all(start) -> None:
    one, two, three = start(), start(), start()
    for worker, number in ((one, 5), (two, 7), (three, 11)):
        worker.tell("count", number)
        worker.tell("level", number)
        worker.tell("flight", number)
        worker.tell("publish")
    for worker in (one, two, three):
        assert worker.value('created_total{kind="x"}') == 23
        assert worker.value("notes_requests_total") == 23
        assert worker.value("notes_request_duration_seconds_count") == 23
        assert worker.value("calls_total") == 23
        assert worker.value("level") == 11
        assert worker.value("notes_requests_in_flight ") == 23
        signals = worker.tell("golden")
        assert (signals["workers"], signals["traffic"]["requests_total"]) == (3, 23)
        assert signals["saturation"] == {"in_flight": 23, "limit": 30, "percent": 76.667}
        assert signals["latency"]["p99_ms"] == pytest.approx(10.0, rel=0.01)


def test_a_killed_worker_loses_no_count_is_never_counted_twice_and_its_gauges_end(start) -> None:
    one, two = start(), start()
    one.tell("count", 5)
    two.tell("count", 7)
    two.tell("level", 100)
    one.tell("level", 3)
    two.tell("publish")
    two.end()
    for _ in range(3):
        assert one.value('created_total{kind="x"}') == 12
        assert one.value("calls_total") == 12
        assert one.value("level") == 3
    three = start()
    three.tell("count", 1)
    assert one.value('created_total{kind="x"}') == three.value('created_total{kind="x"}') == 13
    assert one.tell("golden")["workers"] == 2


def test_no_counter_ever_goes_back_while_workers_come_and_go(start, tmp_path: Path) -> None:
    asked = start()
    seen = [0.0]
    for round_ in range(6):
        worker = start()
        worker.tell("count", 10)
        seen.append(worker.value("notes_requests_total"))
        worker.end(signal.SIGKILL if round_ % 2 else signal.SIGTERM)
        seen.append(asked.value("notes_requests_total"))
        asked.tell("count", 1)
    assert seen == sorted(seen)
    assert seen[-1] == 65
    assert len(list(tmp_path.glob("*.values"))) == 1


def test_what_collectors_say_is_published_to_the_other_workers_without_being_asked(start, until) -> None:
    one, two = start(), start()
    two.tell("count", 7)
    until(lambda: one.value("calls_total") == 7)


def test_a_crash_between_saving_and_deleting_counts_nobody_twice(tmp_path: Path) -> None:
    store = Metrics("notes")
    store.store.share(SharedFolder(tmp_path))
    dead = tmp_path / "1-abc.values"
    keys = [
        {"family": {"name": "c_total", "kind": "counter", "help": "", "labels": [], "bounds": [], "merge": "sum"}},
        {"name": "c_total", "labels": [], "at": 0, "size": 1},
    ]
    content = b"\0\0\0\0\0\0\x14\x40"  # 5.0
    for _ in range(2):  # the second time, its files are there again, as if they had not been deleted
        dead.write_bytes(content)
        dead.with_suffix(".keys").write_text("".join(json.dumps(line) + "\n" for line in keys))
        assert samples(store)["c_total", ()] == 5.0
    assert samples(store)["c_total", ()] == 5.0


def test_a_half_written_line_of_another_worker_waits_until_it_is_whole(tmp_path: Path) -> None:
    writer, reader = Metrics("notes"), Metrics("notes")
    writer.store.share(SharedFolder(tmp_path))
    reader.store.share(SharedFolder(tmp_path))
    writer.counter("a_total", "A").inc()
    keys = max(tmp_path.glob("*.keys"), key=lambda path: path.stat().st_size)
    whole = keys.read_bytes()
    keys.write_bytes(whole[:-10])
    assert ("a_total", ()) not in samples(reader)
    keys.write_bytes(whole)
    assert samples(reader)["a_total", ()] == 1.0


def test_workers_that_describe_a_metric_in_another_way_do_not_break_each_other(tmp_path: Path) -> None:
    old, new = Metrics("notes"), Metrics("notes")
    old.store.share(SharedFolder(tmp_path))
    new.store.share(SharedFolder(tmp_path))
    old.histogram("h", "H", buckets=[1, 2]).observe(1)
    new.histogram("h", "H", buckets=[1, 2, 3]).observe(1)
    assert samples(new)["h_count", ()] == 1.0


def test_infinity_counted_by_a_worker_that_is_gone_stays_infinity(tmp_path: Path) -> None:
    code = """
        from pathlib import Path
        import sys
        from chassis.observe.metrics import Metrics
        from chassis.observe.shared import SharedFolder
        metrics = Metrics("notes")
        metrics.store.share(SharedFolder(Path(sys.argv[1])))
        metrics.histogram("h", "H", buckets=[1]).observe(float("inf"))
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], timeout=30, check=True)
    metrics = Metrics("notes")
    metrics.store.share(SharedFolder(tmp_path))
    for _ in range(2):
        assert samples(metrics)["h_sum", ()] == float("inf")
        assert samples(metrics)["h_count", ()] == 1


FORK = """
import os, sys
from chassis.observe.metrics import Metrics
metrics = Metrics("notes")
counter = metrics.counter("c_total", "C")
counter.inc(100)
reading, writing = os.pipe()
children = []
for amount in (1, 2):
    child = os.fork()
    if child == 0:
        metrics.start("notes")
        counter.inc(amount)
        os.write(writing, b"x")
        sys.stdin.read()  # until the parent is done
        os._exit(0)
    children.append(child)
os.read(reading, 1), os.read(reading, 1)
asker = os.fork()
if asker == 0:
    metrics.start("notes")
    os.write(1, metrics.render())
    os._exit(0)
os.waitpid(asker, 0)
sys.stdin.close(); os.close(0)
"""


def test_a_forked_worker_counts_from_zero_and_not_what_its_parent_counted(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK], input="", capture_output=True, text=True, timeout=30, check=True,
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
    )  # fmt: skip
    assert "c_total 3\n" in done.stdout


def test_a_process_that_serves_alone_keeps_its_numbers_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROMETHEUS_MULTIPROC_DIR", "SERVER_SOFTWARE"):
        monkeypatch.delenv(name, raising=False)
    assert workers.shared_folder("notes") is None
    metrics = Metrics("notes")
    metrics.start("notes")
    assert not metrics.store.shared
    metrics.stop()


SERVED = """
from chassis.observe.metrics import Metrics
metrics = Metrics("notes")
served = metrics.counter("served_total", "Served")

async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        metrics.start("notes")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        metrics.stop()
        await send({"type": "lifespan.shutdown.complete"})
        return
    served.inc()
    body = metrics.render()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
    await send({"type": "http.response.body", "body": body})
"""


@pytest.mark.needs("serve", "gunicorn")
@pytest.mark.parametrize(
    "command",
    [
        ["uvicorn", "app:application", "--port", "0", "--workers", "3"],
        ["gunicorn", "app:application", "-b", "127.0.0.1:0", "-k", "uvicorn_worker.UvicornWorker", "-w", "3"],
        [
            "gunicorn",
            "app:application",
            "-b",
            "127.0.0.1:0",
            "-k",
            "uvicorn_worker.UvicornWorker",
            "-w",
            "3",
            "--preload",
        ],
    ],
    ids=["uvicorn", "gunicorn", "gunicorn preloaded"],
)
def test_a_counter_never_jumps_between_the_workers_of_a_real_server(command, tmp_path: Path, until) -> None:
    import http.client
    import re

    (tmp_path / "app.py").write_text(SERVED)
    out = tmp_path / "out"
    environment = {key: value for key, value in os.environ.items() if key != "PROMETHEUS_MULTIPROC_DIR"}
    with out.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=tmp_path, stdout=file, stderr=file,
            env={**environment, "TMPDIR": str(tmp_path)},
        )  # fmt: skip
    try:
        until(lambda: out.read_text().count("Application startup complete") == 3, 30.0)
        port = int(re.findall(r"127\.0\.0\.1:(\d+)", out.read_text())[0])
        seen = []
        for _ in range(60):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/")
            seen.append(
                float(re.findall(r"^served_total (\d+)", connection.getresponse().read().decode(), re.MULTILINE)[0])
            )
            connection.close()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
    assert seen == [float(number) for number in range(1, 61)]
    assert len(list(tmp_path.glob("chassis-metrics-*/notes-*/*.values"))) >= 2


def test_folders_of_servers_that_are_gone_are_deleted_and_others_stay(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    monkeypatch.setattr(workers.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(workers, "supervisor", os.getppid)
    home = tmp_path / f"chassis-metrics-{os.getuid()}"
    gone = home / "notes-4194305-12345"
    gone.mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    folder = workers.shared_folder("my notes")
    assert folder is not None
    assert folder.is_dir()
    assert folder.name.startswith(f"my_notes-{os.getppid()}-")
    assert not gone.exists()
    assert workers.shared_folder("my notes") == folder


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    monkeypatch.setattr(workers.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(workers, "supervisor", os.getppid)
    (tmp_path / f"chassis-metrics-{os.getuid()}").mkdir()
    (tmp_path / f"chassis-metrics-{os.getuid()}").chmod(0o777)
    with pytest.raises(PermissionError, match="delete it"):
        workers.shared_folder("notes")


def test_a_scrape_of_eight_workers_with_a_thousand_routes_takes_a_bounded_time(tmp_path: Path) -> None:
    others = []
    for _ in range(8):
        metrics = Metrics("notes")
        metrics.store.share(SharedFolder(tmp_path))
        histogram = metrics.histogram("h", "H", ["route"])
        for number in range(1000):
            histogram.labels(f"/r{number}").observe(0.1)
        others.append(metrics)
    others[0].render()
    began = time.process_time()
    text = others[0].render()
    assert time.process_time() - began < 1.0
    assert b'h_count{route="/r999"} 8\n' in text
