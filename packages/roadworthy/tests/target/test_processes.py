"""Commands under guard: they start, obey, are watched, and leave nothing behind, whatever happens."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from roadworthy.target.processes import KEPT_LINES, LINE_LIMIT, Output, Process, StartError

pytestmark = pytest.mark.usefixtures("leaves_nothing")
Eventually = Callable[..., Awaitable[None]]
ENVIRONMENT = {"PATH": os.defpath}

FOREVER = """
import signal
print("up")
while True:
    signal.pause()
"""

STUBBORN_FAMILY = """
import os, signal
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:                # a daemon: its parent is gone, its session is its own
        os.write(1, b"daemon %d\\n" % os.getpid())
        while True:
            signal.pause()
    os._exit(0)
os.wait()
os.write(1, b"main %d\\n" % os.getpid())
while True:
    signal.pause()
"""

FORKS_AWAY = """
import os, signal
if os.fork() == 0:
    os.setsid()
    print("daemon", os.getpid())
    while True:
        signal.pause()
"""

SAYS_GOODBYE = """
import pathlib, signal, sys
signal.signal(signal.SIGQUIT, lambda *_: (pathlib.Path("goodbye").write_text("said"), sys.exit(0)))
print("up")
while True:
    signal.pause()
"""


def script(folder: Path, text: str, name: str = "script.py") -> list[str]:
    (folder / name).write_text(text)
    return [sys.executable, "-I", "-u", str(folder / name)]


@asynccontextmanager
async def running(folder: Path, text: str, **options: Any) -> AsyncIterator[Process]:
    process = await Process.start(script(folder, text), cwd=folder, env=ENVIRONMENT, **options)
    try:
        yield process
    finally:
        await process.end()


def texts(process: Process) -> list[str]:
    return [line.text for line in process.output.lines()]


def pid_of(process: Process, word: str) -> int:
    return next(int(text.split()[1]) for text in texts(process) if text.startswith(word))


async def test_a_command_runs_in_its_folder_with_its_environment_and_nothing_else(tmp_path: Path) -> None:
    text = "import os, sys; print(os.getcwd()); print(sorted(os.environ)); print(repr(sys.stdin.read())); sys.exit(3)"
    process = await Process.start(script(tmp_path, text), cwd=tmp_path, env={"A": "1", "LC_CTYPE": "C.UTF-8"})
    ended = await process.wait(20)
    await process.wait_for_output(5)
    assert ended is not None
    assert (ended.status, ended.left) == (3, ())
    assert process.started_at <= ended.at
    assert texts(process) == [str(tmp_path), "['A', 'LC_CTYPE']", "''"]
    assert process.output.tail(1) == ("''",)
    assert not process.running
    await process.end()


async def test_the_exit_status_of_a_signalled_process_is_the_signal(tmp_path: Path, eventually: Eventually) -> None:
    async with running(tmp_path, FOREVER) as process:
        await eventually(lambda: texts(process) == ["up"])
        assert process.running
        assert await process.wait(0.05) is None
        process.signal(signal.SIGTERM)
        ended = await process.wait(10)
        assert ended is not None
        assert ended.status == -signal.SIGTERM
        process.signal(signal.SIGTERM)  # it is gone: nothing happens
        await process.end()


async def test_a_missing_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"cannot start 'no-such-program': FileNotFoundError"):
        await Process.start(["no-such-program"], cwd=tmp_path, env=ENVIRONMENT)


async def test_a_command_that_may_not_be_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("no program")
    with pytest.raises(StartError, match=r"cannot start '.*data\.txt': PermissionError"):
        await Process.start([str(tmp_path / "data.txt")], cwd=tmp_path, env=ENVIRONMENT)


async def test_a_missing_folder_is_a_start_error(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="gone"):
        await Process.start(["true"], cwd=tmp_path / "gone", env=ENVIRONMENT)


async def test_a_guard_that_dies_at_birth_is_a_start_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "guard.py"
    broken.write_text("raise SystemExit('no')")
    monkeypatch.setattr("roadworthy.target.processes.GUARD", broken)
    with pytest.raises(StartError, match="the guard process ended"):
        await Process.start(["true"], cwd=tmp_path, env=ENVIRONMENT)


async def test_a_guard_that_never_answers_is_a_start_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "guard.py").write_text("import sys; sys.stdin.read()")
    monkeypatch.setattr("roadworthy.target.processes.GUARD", tmp_path / "guard.py")
    monkeypatch.setattr("roadworthy.target.processes.END_BOUND_S", 0.5)
    with pytest.raises(StartError, match="did not answer"):
        await Process.start(["true"], cwd=tmp_path, env=ENVIRONMENT)


async def test_a_start_that_is_cancelled_leaves_no_guard(tmp_path: Path) -> None:
    before = psutil.Process().children()
    starting = asyncio.create_task(Process.start(script(tmp_path, FOREVER), cwd=tmp_path, env=ENVIRONMENT))
    await asyncio.sleep(0)
    assert len(psutil.Process().children()) == len(before) + 1
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert psutil.Process().children() == before


async def test_the_end_takes_stubborn_processes_and_daemons_along(tmp_path: Path, eventually: Eventually) -> None:
    async with running(tmp_path, STUBBORN_FAMILY) as process:
        await eventually(lambda: len(texts(process)) == 2)
        pids = {pid_of(process, "main"), pid_of(process, "daemon")}
        assert {each.pid for each in process.tree()} == pids
        assert process.pid == pid_of(process, "main")
        await process.end()
        assert not any(alive(pid) for pid in pids)
        assert process.tree() == []
        assert not process.running
        await process.end()  # a second time is harmless


async def test_kill_counts_and_ends_the_whole_tree_and_says_so(tmp_path: Path, eventually: Eventually) -> None:
    async with running(tmp_path, STUBBORN_FAMILY) as process:
        await eventually(lambda: len(texts(process)) == 2)
        assert await process.kill() == 2
        assert process.exit is not None
        assert process.exit.status == -signal.SIGKILL
        assert process.tree() == []
        await process.end()


async def test_a_process_that_forks_away_is_found(tmp_path: Path, eventually: Eventually) -> None:
    async with running(tmp_path, FORKS_AWAY) as process:
        ended = await process.wait(20)
        await eventually(lambda: len(texts(process)) == 1)
        daemon = pid_of(process, "daemon")
        assert ended is not None
        assert (ended.status, ended.left) == (0, (daemon,))
        assert [each.pid for each in process.tree()] == [daemon]
        await process.end()
        assert not alive(daemon)


async def test_the_farewell_is_said_before_the_kill(tmp_path: Path, eventually: Eventually) -> None:
    async with running(tmp_path, SAYS_GOODBYE, farewell=signal.SIGQUIT) as process:
        await eventually(lambda: texts(process) == ["up"])
        await process.end()
        assert (tmp_path / "goodbye").read_text() == "said"


async def test_the_folder_is_removed_at_the_end(tmp_path: Path, eventually: Eventually) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    async with running(tmp_path, FOREVER, remove=scratch) as process:
        await eventually(lambda: texts(process) == ["up"])
        (scratch / "file").write_text("x")
        assert scratch.exists()
        await process.end()
        assert not scratch.exists()


async def test_a_guard_without_a_command_only_removes_its_folder(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    (scratch / "below").mkdir(parents=True)
    process = await Process.start([], cwd=tmp_path, env={}, remove=scratch)
    assert (process.pid, process.tree(), process.running) == (0, [], True)
    assert await process.kill() == 0
    await process.end()
    assert not scratch.exists()


SLOW_TO_REMOVE = """
import json, os, shutil, sys, time
spec = json.loads(sys.stdin.readline())
os.write(int(sys.argv[1]), b'{"pid": 1}\\n')
sys.stdin.read()
time.sleep(1.0)  # as long as the deletion of many files may take
shutil.rmtree(spec["remove"])
"""


async def test_a_guard_that_takes_long_to_remove_its_folder_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roadworthy.target.processes.GUARD", Path(script(tmp_path, SLOW_TO_REMOVE)[-1]))
    monkeypatch.setattr("roadworthy.target.processes.END_BOUND_S", 0.3)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = await Process.start(["serve"], cwd=tmp_path, env={}, remove=scratch)
    await process.end()
    assert not scratch.exists()


async def test_a_guard_that_is_killed_takes_its_command_along(tmp_path: Path, eventually: Eventually) -> None:
    async with running(tmp_path, FOREVER) as process:
        await eventually(lambda: texts(process) == ["up"])
        psutil.Process(process.pid).parent().kill()  # type: ignore[union-attr]
        await eventually(lambda: not alive(process.pid))
        assert await process.wait(5) is None
        assert not process.running
        assert process.tree() == []
        process.signal(signal.SIGTERM)
        await process.end()


async def test_a_guard_that_hangs_is_killed(
    tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, FOREVER) as process:
        await eventually(lambda: texts(process) == ["up"])
        monkeypatch.setattr("roadworthy.target.processes.END_BOUND_S", 0.3)
        psutil.Process(process.pid).parent().suspend()  # type: ignore[union-attr]
        assert await process.kill() == 1  # it was told, and nobody obeyed
        await process.end()
        assert not process.running


async def test_a_sigterm_to_the_guard_ends_the_tree(tmp_path: Path, eventually: Eventually) -> None:
    async with running(tmp_path, STUBBORN_FAMILY) as process:
        await eventually(lambda: len(texts(process)) == 2)
        pids = [each.pid for each in process.tree()]
        psutil.Process(process.pid).parent().terminate()  # type: ignore[union-attr]
        await eventually(lambda: not any(alive(pid) for pid in pids))
        await process.end()


INSPECTOR = """
import asyncio, sys
from pathlib import Path
from roadworthy.target.processes import Process

async def main():
    folder = Path(sys.argv[1])
    janitor = await Process.start([], cwd=folder, env={}, remove=folder / "scratch")
    family = [sys.executable, "-I", "-u", str(folder / "family.py")]
    process = await Process.start(family, cwd=folder / "scratch", env={})
    async with asyncio.timeout(20):
        while len(process.output.lines()) < 2:
            await asyncio.sleep(0.01)
    print(*(each.pid for each in process.tree()), process._guard.pid, janitor._guard.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_kill_9_of_the_inspector_leaves_nothing_alive_five_seconds_later(
    tmp_path: Path, eventually: Eventually
) -> None:
    (tmp_path / "scratch").mkdir()
    script(tmp_path, STUBBORN_FAMILY, "family.py")
    (tmp_path / "inspector.py").write_text(INSPECTOR)
    argv = [sys.executable, str(tmp_path / "inspector.py"), str(tmp_path)]
    inspector = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    assert inspector.stdout is not None
    try:
        pids = [int(word) for word in (await inspector.stdout.readline()).split()]
        assert len(pids) == 4
        assert all(alive(pid) for pid in pids)
    finally:
        inspector.kill()
        await inspector.wait()
    await eventually(lambda: not any(alive(pid) for pid in pids), within=5)
    await eventually(lambda: not (tmp_path / "scratch").exists(), within=5)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process as somebody else")
async def test_root_runs_a_command_as_the_account_it_is_told(tmp_path: Path) -> None:
    process = await Process.start(["id", "-un"], cwd=Path("/"), env=ENVIRONMENT, user="nobody")
    ended = await process.wait(20)
    await process.wait_for_output(5)
    assert (ended and ended.status, texts(process)) == (0, ["nobody"])
    await process.end()


async def test_a_flood_is_counted_and_its_last_lines_are_kept(tmp_path: Path) -> None:
    text = "import sys\nfor n in range(200_000): sys.stdout.write(f'{n}\\n')\nsys.stdout.write('no end of line')"
    async with running(tmp_path, text) as process:
        ended = await process.wait(30)  # it ends, so it was never blocked by a full pipe
        await process.wait_for_output(10)
        assert ended is not None
        assert process.output.count == 200_001
        assert process.output.bytes == sum(len(str(n)) + 1 for n in range(200_000)) + len("no end of line")
        kept = texts(process)
        assert KEPT_LINES <= len(kept) <= 2 * KEPT_LINES
        assert kept[-2:] == ["199999", "no end of line"]
        assert process.output.tail(2) == ("199999", "no end of line")
        await process.end()


async def test_stdout_and_stderr_come_in_order(tmp_path: Path) -> None:
    async with running(tmp_path, "import os\nfor n in range(4): os.write(1 + n % 2, b'%d\\r\\n' % n)") as process:
        await process.wait(20)
        await process.wait_for_output(5)
        assert texts(process) == ["0", "1", "2", "3"]
        await process.end()


async def test_the_log_ends_with_the_tree_although_the_guard_lives(tmp_path: Path) -> None:
    async with running(tmp_path, "print('last words')") as process:
        await process.wait(20)
        await process.wait_for_output(20)
        assert not process._reader.is_alive()  # type: ignore[union-attr]
        assert process._guard.poll() is None
        await process.end()


def read(*chunks: bytes) -> Output:
    """Hand chunks to an output as a pipe would."""
    output = Output()
    read_end, write_end = os.pipe()
    for chunk in chunks:
        os.write(write_end, chunk)
    os.close(write_end)
    output.read_from(read_end)
    return output


def test_bytes_that_are_not_utf_8_are_shown_and_not_lost() -> None:
    assert read(b"caf\xe9\n").tail() == (r"caf\xe9",)


def test_a_long_line_is_cut_and_the_next_one_is_whole() -> None:
    output = Output()
    output._take(b"x" * 70_000 + b"\nnext\n")
    assert [len(line.text) for line in output.lines()] == [LINE_LIMIT, 4]
    assert [line.cut for line in output.lines()] == [True, False]
    assert output.bytes == 70_006


def test_a_line_that_never_ends_takes_no_memory() -> None:
    output = Output()
    for _ in range(100):
        output._take(b"x" * 65_536)
    assert output.count == 0
    assert len(output._partial) == LINE_LIMIT


def test_the_first_and_the_last_lines_of_a_flood_are_kept() -> None:
    output = Output()
    for start in range(0, 40_000, 20_000):  # more lines in a chunk than are kept
        output._take(b"".join(b"%d\n" % n for n in range(start, start + 20_000)))
    kept = [line.text for line in output.lines()]
    assert output.count == 40_000
    assert kept[0] == "0"
    assert kept[-1] == "39999"
    assert len(kept) == 2 * KEPT_LINES


def test_lines_can_be_asked_for_from_a_moment_on() -> None:
    output = Output()
    output._take(b"early\n")
    early = output.lines()[0]
    output._take(b"late\n")
    late = output.lines()[1]
    assert [line.text for line in output.lines(since=late.at)][-1] == "late"
    assert early.at <= late.at
    assert output.lines(since=late.at + 1) == []


def test_the_guard_imports_nothing_of_ours() -> None:
    guard = Path(__file__).parents[2] / "src" / "roadworthy" / "target" / "guard.py"
    assert not re.search(r"^\s*(from|import) roadworthy", guard.read_text(), re.MULTILINE)
