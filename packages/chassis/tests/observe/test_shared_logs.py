"""Log lines of several processes that share one pipe, one socket or one file: each whole, and none lost."""

import os
import resource
import socket
import subprocess
import sys
import textwrap
import threading
from collections import Counter
from pathlib import Path

import pytest
from chassis.observe.descriptor import Descriptor
from chassis.observe.outputs import RotatedFile

LINES = 150
WRITES = f"""
def write(output, mark):
    for number in range({LINES}):
        size = 30_000 if number % 3 == 0 else 200  # such as a traceback, and others
        output.write(mark * size + b"\\n")
    output._thread and output._thread.join(60)
    assert output.lost == 0
"""
FORKED = f"""
import os
from chassis.observe.descriptor import Descriptor
{WRITES}
output = Descriptor(1)
children = []
for mark in (b"a", b"b", b"c"):
    child = os.fork()
    if not child:
        write(output, mark)
        os._exit(0)
    children.append(child)
write(output, b"d")
assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
"""
SPAWNED = f"""
import multiprocessing
from chassis.observe.descriptor import Descriptor
{WRITES}
def work(mark):
    write(Descriptor(1), mark)

if __name__ == "__main__":
    spawn = multiprocessing.get_context("spawn")
    children = [spawn.Process(target=work, args=(mark,)) for mark in (b"a", b"b", b"c", b"d")]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0, 0, 0]
"""


@pytest.mark.parametrize("program", [FORKED, SPAWNED], ids=["forked", "spawned"])
def test_long_lines_of_several_workers_stay_whole_when_the_reader_is_slow(program: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(textwrap.dedent(program))
    seen: Counter[bytes] = Counter()
    with subprocess.Popen([sys.executable, str(tmp_path / "program.py")], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        rest = b""
        while chunk := os.read(process.stdout.fileno(), 1000):  # little at a time: the pipe is nearly always full
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                assert len({*line}) == 1, "two lines were mixed"
                assert len(line) in (200, 30_000)
                seen[line[:1]] += 1
    assert process.returncode == 0
    assert rest == b""
    assert seen == dict.fromkeys((b"a", b"b", b"c", b"d"), LINES)


def test_a_stalled_reader_of_a_socket_holds_up_nobody() -> None:
    """As under systemd. A line larger than what is free would wait."""
    ours, theirs = socket.socketpair()
    output = Descriptor(ours.fileno())
    done = threading.Event()

    def write() -> None:
        for number in range(10):
            output.write(b"%d%s\n" % (number, b"x" * 200_000))
        done.set()

    threading.Thread(target=write, daemon=True).start()
    assert done.wait(10), "the reader held the writer up"
    with theirs.makefile("rb") as file:
        assert [file.readline()[:1] for _ in range(10)] == [b"%d" % number for number in range(10)]
    output.flush()
    assert output.lost == 0
    output.close()
    ours.close()
    theirs.close()


def test_a_worker_that_wrote_nothing_for_many_rotations_writes_to_the_file_of_now(tmp_path: Path) -> None:
    path = tmp_path / "notes.log"
    idle, busy = RotatedFile(path, 1000, 2), RotatedFile(path, 1000, 2)
    idle.write(b"first\n")
    for number in range(60):
        busy.write(b"%099d\n" % number)
    idle.write(b"late\n")
    assert path.read_bytes().endswith(b"late\n")
    idle.close()
    busy.close()


def test_lines_go_on_into_a_file_that_cannot_be_rotated(tmp_path: Path) -> None:
    path = tmp_path / "notes.log"
    (tmp_path / "notes.log.lock").mkdir()
    file = RotatedFile(path, 1000, 2)
    for number in range(30):
        file.write(b"%099d\n" % number)
    assert len(path.read_bytes().splitlines()) == 30
    assert file.lost == 0
    file.close()


def test_a_line_that_the_disk_cut_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "notes.log"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    file = RotatedFile(path, 10**6, 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (250, before[1]))  # Python ignores the signal
    try:
        for number in range(4):
            file.write(b"%099d\n" % number)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    file.write(b"after\n")
    file.close()
    lines = path.read_bytes().splitlines()
    assert [int(line) for line in lines[:2]] == [0, 1]
    assert lines[-1] == b"after"
    assert file.lost == 2
