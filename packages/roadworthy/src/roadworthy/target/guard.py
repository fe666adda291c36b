"""Keep one command and everything it starts on a leash. Run as a script, by itself: it imports nothing of ours.

The guard is the reaper of its whole tree (``PR_SET_CHILD_SUBREAPER``), so a process that forks away is still found. It
ends the tree when it is told to, and also when its standard input closes, which happens whatever kills the inspector.

Standard input: a line of JSON ``{argv, cwd, env, uid, gid, farewell, remove}``, then commands, a line each:
``signal N`` (to the process started), ``kill`` (SIGKILL to the whole tree). The file descriptor named by the first
argument: a line of JSON an event: ``{"pid": n}``, ``{"error": text}``, ``{"exit": status, "left": [pid, ...]}``
(negative status: the signal), ``{"killed": n}``. ``farewell`` is a signal to send before the tree is killed at the end,
for servers that clean up after themselves. ``remove`` is a folder to delete at the end. ``argv`` may be empty: then
only that is done.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import sys
import time
from typing import Any

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
STATUS = int(sys.argv[1]) if len(sys.argv) > 1 else 2
PATIENCE_S = 4.0
FAREWELL_S = 1.5
ENDED: dict[int, int] = {}


def report(**event: object) -> None:
    """Tell the inspector, if it is still there."""
    try:
        os.write(STATUS, (json.dumps(event) + "\n").encode())
    except OSError:
        pass


def descendants() -> list[int]:
    """Return the pids below this process, zombies not counted, by walking /proc."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if fields[0] != b"Z":
                children.setdefault(int(fields[1]), []).append(int(name))
    found: list[int] = []
    queue = [os.getpid()]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def kill_tree() -> int:
    """SIGKILL every descendant until none is left. Return how many were killed."""
    killed: set[int] = set()
    deadline = time.monotonic() + PATIENCE_S
    while (alive := descendants()) and time.monotonic() < deadline:
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
            except OSError:
                pass
        reap()
        select.select([], [], [], 0.005)
    reap()
    return len(killed)


def reap() -> None:
    """Collect every child that has ended; its status goes to ``ENDED``."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        ENDED[pid] = os.waitstatus_to_exitcode(status)


def spawn(spec: dict[str, Any], libc: ctypes.CDLL) -> int | None:
    """Start the command in a session of its own. Return its pid, or None after reporting why not."""
    read_end, write_end = os.pipe()
    guard = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            if spec.get("uid") is not None:
                os.setgroups([])
                os.setgid(spec["gid"])
                os.setuid(spec["uid"])
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != guard:
                os._exit(127)
            os.chdir(spec["cwd"])
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.execvpe(spec["argv"][0], spec["argv"], spec["env"])
        except BaseException as error:
            os.write(write_end, f"{type(error).__name__}: {error}".encode())
            os._exit(127)
    os.close(write_end)
    problem = os.read(read_end, 4096).decode(errors="replace")  # ends at exec: the pipe is close-on-exec
    os.close(read_end)
    if problem:
        report(error=problem)
        return None
    report(pid=pid)
    return pid


def obey(command: str, main: int | None) -> None:
    """Carry out one command from the inspector."""
    word, _, rest = command.partition(" ")
    if word == "signal" and main is not None and main not in ENDED:
        try:
            os.kill(main, int(rest))
        except OSError:
            pass
    elif word == "kill":
        report(killed=kill_tree())


def watch(main: int | None, wakeup: int) -> None:
    """Relay commands and the exit until standard input closes or a signal ends the guard."""
    pending = b""
    told = False
    while True:
        ready, _, _ = select.select([0, wakeup], [], [])
        if wakeup in ready and any(number != signal.SIGCHLD for number in os.read(wakeup, 4096)):
            return
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                obey(line.decode(), main)
        reap()
        if main in ENDED and not told:
            report(exit=ENDED[main], left=descendants())
            told = True


def say_farewell(main: int, number: int) -> None:
    """Send the process a signal and give it a moment to clean up."""
    deadline = time.monotonic() + FAREWELL_S
    obey(f"signal {number}", main)
    while main not in ENDED and time.monotonic() < deadline:
        select.select([], [], [], 0.005)
        reap()


def remove_folder(folder: str) -> None:
    """Delete the folder, waiting a while for other guards to end what still writes into it."""
    waited = 0.0  # deleting takes as long as it takes: only the waiting is bounded
    while os.path.exists(folder) and waited < PATIENCE_S:
        shutil.rmtree(folder, ignore_errors=True)
        select.select([], [], [], 0.05)
        waited += 0.05


def main() -> None:
    """Run the guard."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    wakeup_read, wakeup_write = os.pipe()
    os.set_blocking(wakeup_write, False)
    signal.set_wakeup_fd(wakeup_write)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return
        line += byte
    spec = json.loads(line)
    os.set_inheritable(STATUS, False)
    started = spawn(spec, libc) if spec["argv"] else None
    for stream in (1, 2):  # the log must end when the tree ends, not when the guard does
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    try:
        if started is not None or not spec["argv"]:
            watch(started, wakeup_read)
    finally:
        if started is not None and spec.get("farewell"):
            say_farewell(started, spec["farewell"])
        kill_tree()
        if spec.get("remove"):
            remove_folder(spec["remove"])


if __name__ == "__main__":
    main()
    sys.exit(0)
