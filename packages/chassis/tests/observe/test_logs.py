"""Logs: every line is JSON with the same fields, holds no secret, and never gets in the way of the service."""

import contextlib
import json
import logging
import math
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chassis import context
from chassis.errors import StartError
from chassis.observe import logs
from chassis.observe.access import access_logger
from chassis.observe.descriptor import Descriptor
from chassis.observe.lines import line as make_line
from chassis.observe.outputs import RotatedFile
from chassis.redaction import REDACTOR, Redactor

Lines = Callable[[], list[dict[str, Any]]]
FIELDS = ["timestamp", "level", "correlation_id", "message", "context"]
logger = logging.getLogger("tests.notes")


@pytest.fixture
def redactor() -> Redactor:
    redactor = Redactor()
    redactor.learn("NOTES_KEY", "canary-77-in-the-log")
    return redactor


@pytest.fixture
def lines(tmp_path: Path, redactor: Redactor) -> Iterator[Lines]:
    """Log to a file in place of stdout, and read what was logged so far."""
    path = tmp_path / "stdout"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    configured = logs.configure("debug", descriptor=descriptor, prints=False, redactor=redactor)
    try:
        yield lambda: [json.loads(line) for line in path.read_text().splitlines()]
    finally:
        configured.restore()
        os.close(descriptor)


def run(code: str, **environment: str) -> tuple[list[dict[str, Any]], str, int]:
    """Run a program; return its lines on stdout as JSON, its stderr, and its exit status."""
    program = "from chassis.observe import logs\nlogs.configure()\n" + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr, done.returncode


def test_a_line_has_timestamp_level_correlation_id_message_and_context(lines: Lines) -> None:
    token = context.correlation_id.set("0f8fad5b")
    try:
        logger.info("Query generated %s", "successfully", extra={"context": {"latency_ms": 1250}, "query": "select 1"})
    finally:
        context.correlation_id.reset(token)
    (line,) = lines()
    assert list(line) == FIELDS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line["timestamp"])
    assert (line["level"], line["correlation_id"]) == ("INFO", "0f8fad5b")
    assert line["message"] == "Query generated successfully"
    assert line["context"] == {"logger": "tests.notes", "query": "select 1", "latency_ms": 1250}


def test_a_line_within_a_trace_names_it(lines: Lines) -> None:
    token = context.traceparent.set("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    try:
        logger.info("x")
    finally:
        context.traceparent.reset(token)
    assert lines()[0]["context"]["trace_id"] == "0af7651916cd43dd8448eb211c80319c"


def test_an_exception_is_logged_with_its_traceback_and_without_variables(lines: Lines) -> None:
    hidden = "canary-in-a-variable"
    try:
        int(f"not a number{hidden[:0]}")
    except ValueError:
        logger.exception("could not count")
    error = lines()[0]["context"]["error"]
    assert error["type"] == "ValueError"
    assert error["message"] == "invalid literal for int() with base 10: 'not a number'"
    assert "test_an_exception_is_logged" in error["traceback"]
    assert "canary" not in error["traceback"].replace('hidden = "canary', "").replace("{hidden", "")


def _log_in(key: str) -> None:
    raise RuntimeError(f"cannot log in with {key}")


def test_secrets_are_hidden_in_message_context_and_traceback(lines: Lines) -> None:
    try:
        _log_in("canary-77-in-the-log")
    except RuntimeError:
        logger.exception(
            "key %s, Authorization: Bearer canary-1234", "canary-77-in-the-log",
            extra={"password": "canary", "headers": {"Cookie": "canary"}, "dsn": "redis://:canary@h", "size": 3},
        )  # fmt: skip
    text = json.dumps(lines()[0])
    assert "canary-77" not in text
    assert lines()[0]["context"]["headers"] == {"Cookie": "[redacted]"}
    assert lines()[0]["context"]["size"] == 3
    assert "canary" not in text.replace("canary-77-in-the-log", "")


def test_whatever_is_in_the_context_is_written_as_valid_json(lines: Lines) -> None:
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    odd = {"surrogate": "\udcff", "nan": math.nan, "huge": 2**80, "cycle": cycle, "set": {1}, "bytes": b"x", 5: "key",
           "path": Path("/x"), "deep": json.loads("[" * 300 + "]" * 300)}  # fmt: skip
    logger.info("odd \ud800 %s", "\x00\n", extra={"context": odd})
    (line,) = lines()
    assert list(line) == FIELDS
    assert line["context"]["huge"] == str(2**80)
    assert line["context"]["5"] == "key"


class Untellable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("arguments", [("%d notes", "many"), ("%s", Untellable()), ("%s %s", 1)])
def test_a_record_that_cannot_be_made_into_a_line_is_logged_all_the_same(arguments: Any, lines: Lines, capsys) -> None:
    handler = next(each for each in logging.root.handlers if isinstance(each, logs.JsonHandler))  # not pytest's own
    handler.handle(logger.makeRecord("n", logging.INFO, "f", 1, arguments[0], arguments[1:], None))
    handler.handle(logger.makeRecord("n", logging.INFO, "f", 1, "fine", (), None, extra={"value": Untellable()}))
    assert [line["message"] for line in lines()] == [arguments[0], "fine"]
    assert all(line["context"]["format_error"] for line in lines())
    assert capsys.readouterr() == ("", "")


def test_a_message_that_has_no_text_is_no_error(lines: Lines) -> None:
    handler = next(each for each in logging.root.handlers if isinstance(each, logs.JsonHandler))  # not pytest's own
    handler.handle(logging.makeLogRecord({"msg": Untellable()}))
    assert [line["context"]["format_error"] for line in lines()] == ["RuntimeError"]


@pytest.mark.parametrize("character", ["\x01", "\U0001f600", '"'])
def test_no_line_is_longer_than_256_kib_whatever_json_makes_of_it(character: str) -> None:
    error = dict.fromkeys(("type", "message", "traceback"), character * 300000)
    written = make_line(REDACTOR, "ERROR", character * 300_000, {"error": error, character * 300_000: 1}, at=0.0)
    assert len(written) <= 256 * 1024
    assert json.loads(written)["message"].startswith(character * 100)


def test_the_rest_of_a_secret_whose_beginning_was_cut_is_hidden() -> None:
    redactor = Redactor()
    redactor.learn("KEY", "Qm7.xVt2-pLz9-aRk4-wNs8-hJd3-cFb6-yGe1")
    trace = "x" * 300_000 + "Qm7.xVt2-pLz9-aRk4-wNs8-hJd3-cFb6-yGe1" + "z" * (64 * 1024 - 28)
    written = make_line(redactor, "ERROR", "failed", {"error": {"traceback": trace}}, at=0.0)
    assert b"[redacted:KEY]zzz" in written
    assert b"hJd3" not in written


def test_a_line_has_a_largest_size(lines: Lines) -> None:
    logger.info("x" * 1_000_000, extra={"blob": "y" * 1_000_000})
    (line,) = lines()
    assert line["context"] == {"cut": True, "names": "logger, blob"}
    assert 10_000 < len(json.dumps(line)) < 256 * 1024


def test_a_secret_cut_by_the_largest_size_is_hidden(lines: Lines) -> None:
    logger.info("%s", "x" * (64 * 1024 - 12) + "canary-77-in-the-log" + "y" * 300_000)
    assert "canary-7" not in lines()[0]["message"]


def test_the_level_is_kept_and_debug_of_others_stays_out(lines: Lines) -> None:
    logging.getLogger().setLevel("WARNING")
    logger.info("not this")
    logger.warning("this")
    assert [line["message"] for line in lines()] == ["this"]


def test_the_access_log_has_the_same_fields(lines: Lines) -> None:
    access = access_logger()
    access("GET", "/notes/7", 200, 0.0012345, "id-1", "127.0.0.1", "/notes/{id}", 12)
    access("GET", "/notes/canary-77-in-the-log", 500, 0.5, "id-2")
    access("GET", "/\udcff", 404, 0.5)
    first, second, third = lines()
    assert list(first) == FIELDS
    assert first["context"] == {
        "logger": "chassis.access", "method": "GET", "path": "/notes/7", "route": "/notes/{id}", "status": 200,
        "duration_ms": 1.234, "client": "127.0.0.1", "bytes": 12,
    }  # fmt: skip
    assert (first["level"], first["correlation_id"], second["level"]) == ("INFO", "id-1", "ERROR")
    assert second["context"]["path"] == "/notes/[redacted:NOTES_KEY]"
    assert third["context"]["path"] == "/\\udcff"


@pytest.mark.parametrize(("level", "shown"), [("info", ["slow"]), ("debug", ["GET /models", "slow"])])
def test_calls_of_other_services_are_lines_only_when_debugging(level: str, shown: list[str], tmp_path: Path) -> None:
    client = logging.getLogger("httpx")
    path = tmp_path / "out"
    with path.open("wb") as file:
        configured = logs.configure(level, descriptor=file.fileno(), prints=False)
        try:
            client.info("GET /models")
            client.warning("slow")
        finally:
            configured.restore()
    assert [json.loads(line)["message"] for line in path.read_text().splitlines()] == shown
    assert client.level == logging.NOTSET


def test_the_access_log_is_silent_above_its_level_and_a_logger_without_configuration(tmp_path: Path, caplog) -> None:
    with caplog.at_level(logging.INFO):
        access_logger()("GET", "/x", 200, 0.5)
    assert caplog.records[-1].context["path"] == "/x"  # type: ignore[attr-defined]
    path = tmp_path / "out"
    with path.open("wb") as file:
        configured = logs.configure("warning", descriptor=file.fileno(), prints=False)
        access_logger()("GET", "/x", 200, 0.5)
        configured.restore()
    assert path.read_bytes() == b""


def test_everything_that_a_process_says_is_a_json_line() -> None:
    said, stderr, status = run(
        """
        import asyncio, logging, os, sys, threading, warnings
        print("printed")
        print("in two", end=" "); print("parts")
        print("to stderr", file=sys.stderr)
        sys.stdout.buffer.write(b"as bytes\\n")
        warnings.warn("deprecated thing", DeprecationWarning)
        logging.getLogger("uvicorn.error").info("from a server")
        logging.getLogger("uvicorn.access").info("never")
        thread = threading.Thread(target=lambda: 1 / 0, name="worker-1"); thread.start(); thread.join()
        async def main():
            asyncio.get_running_loop().call_soon(lambda: 1 / 0)
            await asyncio.sleep(0)
            async def lost(): raise ValueError("in a task")
            task = asyncio.create_task(lost()); await asyncio.sleep(0); del task
        asyncio.run(main())
        class Bad:
            def __del__(self): raise OSError("while deleting")
        bad = Bad(); del bad
        print("no line break", end="")
        raise SystemError("the end")
        """,
        PYTHONWARNINGS="always",
    )
    messages = [(line["level"], line["message"], line["context"]["logger"]) for line in said]
    assert stderr == ""
    assert status == 1
    assert messages[:4] == [
        ("INFO", "printed", "stdout"), ("INFO", "in two parts", "stdout"), ("WARNING", "to stderr", "stderr"),
        ("INFO", "as bytes", "stdout"),
    ]  # fmt: skip
    assert "deprecated thing" in messages[4][1]
    assert messages[5] == ("INFO", "from a server", "uvicorn.error")
    assert messages[6] == ("CRITICAL", "uncaught exception in thread worker-1", "chassis")
    errors = {line["context"]["error"]["message"] for line in said if "error" in line["context"]}
    assert errors == {"division by zero", "in a task", "while deleting", "the end"}
    assert ("CRITICAL", "uncaught exception", "chassis") in messages
    assert ("INFO", "no line break", "stdout") in messages
    assert all(list(line) == FIELDS for line in said)


APP = """
from chassis.observe import logs
logs.configure()

async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        logs.take_over()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["type"] == "http":
        raise RuntimeError("unhandled")
"""


SERVE = """
import uvicorn
from chassis.observe import logs

if __name__ == "__main__":
    logs.configure()
    uvicorn.run("app:application", port=0, workers=2, log_config=None)
"""


@pytest.mark.needs("serve", "gunicorn")
@pytest.mark.parametrize(
    "command",
    [
        ["-m", "uvicorn", "app:application", "--port", "0"],
        ["serve.py"],
        ["-m", "gunicorn", "app:application", "--bind", "127.0.0.1:0", "-k", "uvicorn_worker.UvicornWorker",
         "--logger-class", "chassis.observe.gunicorn_logger.JsonLogger"],
    ],
    ids=["uvicorn", "uvicorn with workers", "gunicorn"],
)  # fmt: skip
def test_all_lines_of_a_server_that_is_ready_are_json(command: list[str], tmp_path: Path, until) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "serve.py").write_text(SERVE)
    out = tmp_path / "out"
    with out.open("wb") as file:
        server = subprocess.Popen([sys.executable, *command], cwd=tmp_path, stdout=file, stderr=file)
    try:
        until(lambda: re.search(r"127\.0\.0\.1:\d+", out.read_text()) or server.poll() is not None, 20.0)
        port = int(re.findall(r"127\.0\.0\.1:(\d+)", out.read_text())[0])
        until(lambda: _asked(port), 20.0)
        until(lambda: "unhandled" in out.read_text(), 10.0)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
    said = out.read_text().splitlines()
    parsed = [json.loads(line) for line in said]
    assert any(line["context"].get("error", {}).get("message") == "unhandled" for line in parsed)
    assert all(list(line) == FIELDS for line in parsed)


def _asked(port: int) -> bool:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 500
    except OSError:
        return False
    finally:
        connection.close()


def test_a_stalled_reader_holds_up_nobody_and_gets_every_line_later(until) -> None:
    reading, writing = os.pipe()
    output = Descriptor(writing)
    numbered = [b'{"n":%06d,"text":"%s"}\n' % (number, b"x" * 100) for number in range(20_000)]
    longest = 0.0
    for line in numbered:
        began = time.perf_counter()
        output.write(line)
        longest = max(longest, time.perf_counter() - began)
    assert longest < 1.0
    with open(reading, "rb") as file:  # noqa: PTH123 - a descriptor
        for line in numbered:
            assert file.readline() == line
    assert output.lost == 0
    output.close()
    os.close(writing)


def test_more_than_can_be_held_is_counted_and_told() -> None:
    reading, writing = os.pipe()
    output = Descriptor(writing, held_bytes=10_000)
    for _ in range(2_000):
        output.write(b'{"text":"' + b"x" * 100 + b'"}\n')
    assert output.lost > 0
    with open(reading, "rb") as file:  # noqa: PTH123 - a descriptor
        for line in iter(lambda: json.loads(file.readline()), None):
            if line.get("message") == "log lines were lost":
                assert line["context"]["lines"] == output.lost
                break
    output.close()
    os.close(writing)


def test_a_pipe_that_cannot_be_opened_anew_is_asked_before_each_line() -> None:
    import socket

    ours, theirs = socket.socketpair()
    output = Descriptor(ours.fileno())
    for number in range(5_000):
        output.write(b"%06d %s\n" % (number, b"x" * 200))
    with theirs.makefile("rb") as file:
        for number in range(5_000):
            assert file.readline().startswith(b"%06d " % number)
    output.close()
    ours.close()
    theirs.close()


def test_a_reader_that_is_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    output = Descriptor(writing)
    output.write(b"x\n")
    assert output.lost == 1
    output.close()
    os.close(writing)


def test_lines_of_many_threads_stay_whole() -> None:
    reading, writing = os.pipe()
    output = Descriptor(writing)
    threads = [
        threading.Thread(target=lambda mark=mark: [output.write(mark * 3000 + b"\n") for _ in range(200)])
        for mark in (b"a", b"b", b"c", b"d")
    ]
    for thread in threads:
        thread.start()
    with open(reading, "rb") as file:  # noqa: PTH123 - a descriptor
        seen = [file.readline() for _ in range(800)]
    for thread in threads:
        thread.join(20)
    output.flush()
    output.close()
    os.close(writing)
    assert {frozenset(line) for line in seen} == {frozenset({10, ord(mark)}) for mark in "abcd"}
    assert {len(line) for line in seen} == {3001}


def test_a_log_file_is_rotated_at_its_size_and_the_oldest_is_deleted(tmp_path: Path) -> None:
    file = RotatedFile(tmp_path / "notes.log", 1000, 2)
    for number in range(50):
        file.write(b"%099d\n" % number)
    file.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["notes.log", "notes.log.1", "notes.log.2", "notes.log.lock"]
    kept = [int(line) for name in names[2:0:-1] + names[:1] for line in (tmp_path / name).read_text().splitlines()]
    assert kept == list(range(20, 50))
    assert all((tmp_path / name).stat().st_size <= 1000 for name in names)


def test_several_processes_share_a_rotated_file_and_lose_no_line(tmp_path: Path) -> None:
    code = f"""
        from pathlib import Path
        from chassis.observe.outputs import RotatedFile
        import sys
        file = RotatedFile(Path({str(tmp_path / "notes.log")!r}), 20_000, 100)
        for number in range(1000):
            file.write(b"%s %06d %s\\n" % (sys.argv[1].encode(), number, b"x" * 80))
        assert file.lost == 0
    """
    workers = [subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), name]) for name in "abcd"]
    assert [worker.wait(30) for worker in workers] == [0, 0, 0, 0]
    seen = [line for path in tmp_path.glob("notes.log*") for line in path.read_bytes().splitlines()]
    assert len(seen) == 4000
    assert len(set(seen)) == 4000
    assert len(list(tmp_path.glob("notes.log.*"))) > 10


def test_a_log_file_that_cannot_be_written_is_told_at_start(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"cannot write to the log file .*No such file or directory"):
        logs.configure(file=str(tmp_path / "missing" / "notes.log"))


def test_lines_go_to_the_file_as_well(tmp_path: Path) -> None:
    said, stderr, _ = run(
        f"""
        logs.configure(file={str(tmp_path / "notes.log")!r})
        print("both")
        logs.access_logger()("GET", "/", 200, 0.1)
        """
    )
    in_file = [json.loads(line) for line in (tmp_path / "notes.log").read_text().splitlines()]
    assert in_file == said
    assert [line["message"] for line in said] == ["both", "request"]
    assert stderr == ""


def test_a_forked_child_writes_its_own_lines_and_none_of_its_parents() -> None:
    said, _, _ = run(
        """
        import os
        print("parent")
        child = os.fork()
        if child == 0:
            print("child")
            os._exit(0)
        os.waitpid(child, 0)
        print("parent again")
        """,
        PYTHONWARNINGS="ignore",
    )
    assert [line["message"] for line in said] == ["parent", "child", "parent again"]


def test_what_was_taken_over_is_given_back(tmp_path: Path) -> None:
    before = (logging.root.handlers[:], sys.stdout, sys.excepthook, threading.excepthook)
    with (tmp_path / "out").open("wb") as file, contextlib.ExitStack() as stack:
        configured = logs.configure(descriptor=file.fileno())
        stack.callback(configured.restore)
        assert sys.stdout is not before[1]
    assert (logging.root.handlers[:], sys.stdout, sys.excepthook, threading.excepthook) == before
