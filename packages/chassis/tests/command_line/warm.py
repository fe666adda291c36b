"""Carries out commands as processes that need not import everything anew: ``python warm.py SOCKET``.

Each connection is one command: its request comes as a line of JSON, and its process id and exit status go back, a line
each. The process has the folder, the environment and the output files that the request names, and nothing but imported
modules in common with others.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from typing import Any

MODULES = (
    "aiosqlite", "chassis.command_line", "chassis.data", "chassis.edge", "chassis.observe.golden", "chassis.settings",
    "gunicorn.app.base", "psycopg", "redis.asyncio", "sqlalchemy.ext.asyncio", "uvicorn",
)  # fmt: skip


def serve(path: str) -> None:
    """Take connections until the process is ended."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                watch(connection)
                return
            connection.close()


def watch(connection: socket.socket) -> None:
    """Start the command of one connection, and tell how it ended."""
    with connection, connection.makefile("rw") as lines:
        request = json.loads(lines.readline())
        pid = os.fork()
        if pid == 0:
            connection.close()
            carry_out(request)
        lines.write(f"{pid}\n")
        lines.flush()
        _, status = os.waitpid(pid, 0)
        lines.write(f"{os.waitstatus_to_exitcode(status)}\n")


def carry_out(request: dict[str, Any]) -> None:
    """Be ``python -m chassis``."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for number, file in enumerate((os.devnull, request["out"], request["err"])):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND), number)
    sys.argv[:] = ["chassis", *request["arguments"]]
    sys.path[0] = request["folder"]
    runpy.run_module("chassis", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for each in MODULES:
        importlib.import_module(each)
    gc.freeze()  # so that what is shared is not copied when a process ends
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that watch
    serve(sys.argv[1])
