"""Does a service drop a request when it is told to stop under load?

    python benchmarks/chassis/shutdown.py [--runs 20] [--server NAME ...] [--json]

In each run clients send requests as a load balancer does: over connections that stay open, until ``/readyz`` says 503.
One request takes 3 s and is under way when SIGTERM comes. A run is good when a client saw the 503 before the port
closed, every request was answered, and the process ended with the status that its server ends with. Exit status 1 if
any run was not.
"""

import argparse
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON = sys.executable
BIN = Path(PYTHON).parent
CLIENTS = 4
SLOW_S = 3.0
BOUND_S = 30.0
POLL_S = 0.05

SERVERS = {
    "serve": ([PYTHON, "shutdown_app.py", "application"], 0),
    "serve, 2 workers": ([PYTHON, "shutdown_app.py", "application"], 0),
    "serve, WSGI": ([PYTHON, "shutdown_app.py", "wsgi_application"], 0),
    "uvicorn": ([f"{BIN}/uvicorn", "shutdown_app:application", "--port", "{port}"], -signal.SIGTERM),
    "gunicorn, uvicorn worker": (
        [f"{BIN}/gunicorn", "-k", "uvicorn_worker.UvicornWorker", "-b", "127.0.0.1:{port}", "shutdown_app:application"],
        0,
    ),
    "gunicorn, threads": (
        [f"{BIN}/gunicorn", "--threads", "8", "-b", "127.0.0.1:{port}", "shutdown_app:wsgi_application"],
        0,
    ),
}
"""How each server is started, and the status that it ends with: uvicorn by itself ends with the signal."""


@dataclass
class Run:
    """What was seen in one run. Times are seconds after SIGTERM."""

    server: str
    answered: int = 0
    dropped: int = 0
    slow: int = 0
    unready_s: float | None = None
    closed_s: float | None = None
    ended_s: float = 0.0
    status: int | None = None
    good: bool = False


class Clients:
    """Clients behind a load balancer: they stop once the balancer saw that the service is not ready."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.statuses: Counter[int | str] = Counter()
        self.slow_status: int | str = 0
        self.unready_at = self.closed_at = 0.0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(CLIENTS)]
        self._balancer = threading.Thread(target=self._poll, daemon=True)
        self._slow = threading.Thread(target=self._send_slow, daemon=True)

    def start(self) -> None:
        """Begin to send, and to ask for readiness."""
        for each in (*self._threads, self._balancer, self._slow):
            each.start()

    def join(self) -> None:
        """Wait until all are done."""
        for each in (*self._threads, self._balancer, self._slow):
            each.join(BOUND_S)

    def _send(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while not self._stop.is_set():
            try:
                connection.request("GET", "/slow/0.01")
                answer = connection.getresponse()
                answer.read()
                self.statuses[answer.status] += 1
            except (OSError, http.client.HTTPException) as error:
                self.statuses[type(error).__name__] += 1
                connection.close()
        connection.close()

    def _send_slow(self) -> None:
        self.slow_status = asked(self.port, f"/slow/{SLOW_S}", timeout=BOUND_S)

    def _poll(self) -> None:
        until = time.monotonic() + BOUND_S
        while not self.closed_at and time.monotonic() < until:
            status = asked(self.port, "/readyz", timeout=5)
            if status == "ConnectionRefusedError":
                self.closed_at = time.monotonic()
            elif status != 200 and not self.unready_at:
                self.unready_at = time.monotonic()
                self._stop.set()
            time.sleep(POLL_S)
        self._stop.set()


def asked(port: int, path: str, timeout: float) -> int | str:
    """Send one request over a connection of its own; return its status, or what went wrong."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(server: str) -> Run:
    """Start the server, put load on it, stop it, and say what was seen."""
    command, expected = SERVERS[server]
    port = free_port()
    environment = {
        **os.environ,
        "PORT": str(port),
        "SHUTDOWN_WORKERS": "2" if "2 workers" in server else "1",
        "SHUTDOWN_THREADS": "8",
        "SHUTDOWN_RATE_LIMIT_RPM": "0",
        "SHUTDOWN_RATE_LIMIT_RPH": "0",
        "PYTHONPATH": str(HERE),
    }
    seen = Run(server)
    with tempfile.TemporaryFile() as log:
        argv = [part.format(port=port) for part in command]
        process = subprocess.Popen(argv, cwd=HERE, env=environment, stdout=log, stderr=log)
        try:
            until = time.monotonic() + BOUND_S
            while asked(port, "/readyz", timeout=5) != 200:
                if process.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    raise SystemExit(f"{server} did not start:\n{log.read().decode()}")
                time.sleep(POLL_S)
            clients = Clients(port)
            clients.start()
            time.sleep(0.5)  # load, and the slow request, are under way
            process.send_signal(signal.SIGTERM)
            told = time.monotonic()
            seen.status = process.wait(BOUND_S)
            seen.ended_s = time.monotonic() - told
            clients.join()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    seen.answered = clients.statuses[200]
    seen.dropped = clients.statuses.total() - seen.answered
    seen.slow = clients.slow_status if isinstance(clients.slow_status, int) else 0
    seen.unready_s = clients.unready_at - told if clients.unready_at else None
    seen.closed_s = clients.closed_at - told if clients.closed_at else None
    in_order = seen.unready_s is not None and (seen.closed_s is None or seen.unready_s < seen.closed_s)
    seen.good = in_order and not seen.dropped and seen.slow == 200 and seen.status == expected and seen.answered > 0
    return seen


def main() -> int:
    """Carry out the runs, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--server", action="append", choices=SERVERS)
    parser.add_argument("--json", action="store_true", help="a line of JSON for each run")
    arguments = parser.parse_args()
    bad = 0
    for server in arguments.server or SERVERS:
        runs = [run(server) for _ in range(arguments.runs)]
        bad += sum(not each.good for each in runs)
        if arguments.json:
            for each in runs:
                print(json.dumps(asdict(each)))
        else:
            print(summary(server, runs))
    return 1 if bad else 0


def summary(server: str, runs: list[Run]) -> str:
    """Write one line about all runs with a server."""
    unready = [each.unready_s for each in runs if each.unready_s is not None]
    ended = [each.ended_s for each in runs]
    return (
        f"{server}: {sum(each.good for each in runs)} of {len(runs)} good; "
        f"{sum(each.answered for each in runs)} answered, {sum(each.dropped for each in runs)} dropped; "
        f"503 seen after {max(unready, default=float('nan')):.2f} s at most; "
        f"ended after {min(ended):.1f} to {max(ended):.1f} s with {sorted({each.status or 0 for each in runs})}"
    )


if __name__ == "__main__":
    sys.exit(main())
