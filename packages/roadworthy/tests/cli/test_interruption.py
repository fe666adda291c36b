"""Whatever ends the inspector, and whenever: nothing that it started outlives it by five seconds."""

import json
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SPECIMENS = Path(__file__).resolve().parents[2] / "specimens"
MOMENT_BOUND_S = 60.0
END_BOUND_S = 20.0

MOMENTS = [
    pytest.param(signal.SIGINT, "database refused: started", id="SIGINT during experiments side by side"),
    pytest.param(signal.SIGTERM, "sending hostile input: started", id="SIGTERM during experiments side by side"),
    pytest.param(signal.SIGKILL, "discovering (default): started", id="SIGKILL while its own server is being made"),
    pytest.param(signal.SIGKILL, "database refused: started", id="SIGKILL during experiments side by side"),
]


@pytest.fixture(autouse=True)
def ctrl_c_is_noticed() -> Iterator[None]:
    """Shells have background jobs ignore SIGINT, and what they start inherits that; what has a handler does not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def until_it_says(process: "subprocess.Popen[str]", text: str) -> str:
    """Read its output until it says this, for a bounded time."""
    assert process.stdout is not None
    said = ""
    deadline = time.monotonic() + MOMENT_BOUND_S
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while text not in said:
            assert selector.select(deadline - time.monotonic()), f"it never said {text!r}: {said}"
            chunk = process.stdout.buffer.raw.read(65_536)  # type: ignore[union-attr]
            assert chunk, f"it ended before it said {text!r}: {said}"
            said += chunk.decode()
    return said


def begin(roadworthy) -> "subprocess.Popen[str]":
    """Start the inspection of a specimen on PostgreSQL."""
    roadworthy.manifest(f"""
[target]
command = ["{sys.executable}", "error_no_stack_trace/keeps.py"]
directory = "{SPECIMENS}"
[environment]
SIGNING_KEY = "a key of some length"
[dependencies.database]
kind = "postgresql"
variable = "DATABASE_URL"
""")
    return roadworthy.start("inspect", ".", "--out", "out", "--only", "error-no-stack-trace")


@pytest.mark.parametrize(("number", "moment"), MOMENTS)
def test_nothing_outlives_an_interrupted_inspection(roadworthy, number: signal.Signals, moment: str) -> None:
    with begin(roadworthy) as process:
        until_it_says(process, moment)
        assert roadworthy.alive()
        process.send_signal(number)
        _, err = process.communicate(timeout=END_BOUND_S)
    roadworthy.until_nothing_is_left()
    if number is signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 130
        assert "interrupted; everything that was started has been ended" in err
        assert "Traceback" not in err
    judged = roadworthy("judge", "out", "--out", "judged")
    assert judged.status == 3
    assert "cut short" in judged.out
    report = json.loads((roadworthy.home / "judged" / "report.json").read_text())
    assert [claim["verdict"] for claim in report["claims"]] == ["UNPROVEN"]


def test_an_impatient_second_ctrl_c_leaves_nothing_either(roadworthy) -> None:
    with begin(roadworthy) as process:
        until_it_says(process, "database refused: started")
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=END_BOUND_S)
    roadworthy.until_nothing_is_left()
    assert process.returncode == 130
    assert "Traceback" not in err


def test_one_that_is_interrupted_before_it_began_leaves_nothing(roadworthy) -> None:
    with begin(roadworthy) as process:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=END_BOUND_S)
    roadworthy.until_nothing_is_left()
    assert process.returncode != 0
    assert not (roadworthy.home / "out" / "report.html").exists()
