"""What is under test: the command, the environment, the set-up and the transaction of each service.

These are the recipes of ../targets/<service>/recipe.md, in the form the hand experiments use.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from _lab import (
    LOOPBACK,
    PASSWORD,
    Answer,
    FaultProxy,
    Postgres,
    Process,
    Transcript,
    Valkey,
    call,
    free_port,
    launch,
    wait_until,
)

TARGETS = Path(__file__).resolve().parent.parent / "targets"


@dataclass(frozen=True)
class Step:
    """One request of the transaction; {token}, {new} and {id} are filled in."""

    method: str
    path: str
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Service:
    """A service in one configuration."""

    name: str
    config: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    setup: tuple[tuple[str, ...], ...] = ()
    create: Step | None = None
    read: Step | None = None
    update: Step | None = None
    delete: Step | None = None
    id_field: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    first: str = "/"  # for a service without a transaction: what must answer


ACCOUNT = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
KINTO_HEADERS = {"Authorization": f"Basic {ACCOUNT}"}
RECORDS = "/v1/buckets/default/collections/items/records"
MODELS = "/api/2.0/mlflow/registered-models"
DSN = "{database.user}:{database.password}@{database.host}:{database.port}/{database.name}"

MLFLOW = Service(
    name="mlflow",
    config="",
    command=("mlflow", "server", "--host", LOOPBACK, "--port", "{port}"),
    create=Step("POST", f"{MODELS}/create", {"name": "rw-{token}", "description": "{token}"}),
    read=Step("GET", f"{MODELS}/get?name={{id}}"),
    update=Step("PATCH", f"{MODELS}/update", {"name": "{id}", "description": "{new}"}),
    delete=Step("DELETE", f"{MODELS}/delete", {"name": "{id}"}),
    id_field=("registered_model", "name"),
    health=("/health",),
)


def _mlflow(config: str, uri: str, needs: tuple[str, ...]) -> Service:
    env = {"MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true"}
    return Service(**{**vars(MLFLOW), "config": config, "env": env, "needs": needs})


SERVICES = (
    Service(
        name="kinto",
        config="postgresql",
        command=("kinto", "start", "--ini", "{files}/kinto.ini", "--port", "{port}"),
        env={
            "KINTO_STORAGE_URL": f"postgresql://{DSN}",
            "KINTO_PERMISSION_URL": f"postgresql://{DSN}",
            "KINTO_CACHE_URL": "redis://{cache.host}:{cache.port}/0",
            "KINTO_USERID_HMAC_SECRET": "lab-hmac-secret",
        },
        setup=(
            ("kinto", "migrate", "--ini", "{files}/kinto.ini"),
            ("kinto", "create-user", "--ini", "{files}/kinto.ini", "-u", "admin", "-p", PASSWORD),
        ),
        create=Step("POST", RECORDS, {"data": {"note": "{token}"}}, KINTO_HEADERS),
        read=Step("GET", f"{RECORDS}/{{id}}", None, KINTO_HEADERS),
        update=Step("PUT", f"{RECORDS}/{{id}}", {"data": {"note": "{new}"}}, KINTO_HEADERS),
        delete=Step("DELETE", f"{RECORDS}/{{id}}", None, KINTO_HEADERS),
        id_field=("data", "id"),
        health=("/v1/__heartbeat__", "/v1/__lbheartbeat__"),
        needs=("database", "cache"),
    ),
    _mlflow("postgresql", f"postgresql+psycopg2://{DSN}", ("database",)),
    _mlflow("sqlite", "sqlite:///{data}/mlflow.db", ()),
    Service(
        name="prefect",
        config="postgresql",
        command=(
            *("prefect", "server", "start", "--host", LOOPBACK, "--port", "{port}"),
            "--analytics-off",
        ),
        env={
            "PREFECT_API_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://{DSN}",
            "PREFECT_HOME": "{data}/prefect",
        },
        create=Step("POST", "/api/variables/", {"name": "rw_{token}", "value": "{token}"}),
        read=Step("GET", "/api/variables/{id}"),
        update=Step("PATCH", "/api/variables/{id}", {"value": "{new}"}),
        delete=Step("DELETE", "/api/variables/{id}"),
        id_field=("id",),
        health=("/api/health", "/api/ready"),
        needs=("database",),
    ),
    Service(
        name="httpbin",
        config="plain",
        command=("gunicorn", "httpbin:app", "--bind", f"{LOOPBACK}:{{port}}"),
        health=(),
        first="/get",
    ),
)


@dataclass
class Outcome:
    """One run of the transaction."""

    steps: list[tuple[str, Answer]] = field(default_factory=list)
    good: bool = False
    ident: str = ""

    def brief(self) -> str:
        said = ", ".join(f"{name} {a.status or a.error}" for name, a in self.steps)
        return f"{'works' if self.good else 'FAILS'} ({said})"


@dataclass
class Bench:
    """One service with its dependencies behind fault proxies."""

    service: Service
    venvs: Path
    postgres: Postgres | None
    valkey: Valkey | None
    proxies: dict[str, FaultProxy]
    transcript: Transcript
    data: Path = Path()
    database: str = ""
    port: int = 0
    process: Process | None = None

    # -- filling in

    def fill(self, text: str, **more: str) -> str:
        values = {"port": str(self.port), "data": str(self.data)}
        values["files"] = str(TARGETS / self.service.name / "files")
        if "database" in self.proxies:
            values |= {"database.host": LOOPBACK, "database.user": Postgres.user}
            values["database.port"] = str(self.proxies["database"].port)
            values |= {"database.password": PASSWORD, "database.name": self.database}
        if "cache" in self.proxies:
            values |= {"cache.host": LOOPBACK, "cache.port": str(self.proxies["cache"].port)}
        for name, value in {**values, **more}.items():
            text = text.replace("{" + name + "}", value)
        return text

    def _argv(self, command: tuple[str, ...]) -> list[str]:
        program, *rest = (self.fill(part) for part in command)
        return [str(self.venvs / self.service.name / "bin" / program), *rest]

    def environment(self, without: str = "") -> dict[str, str]:
        path = f"{self.venvs / self.service.name / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        given = {k: self.fill(v) for k, v in self.service.env.items() if k != without}
        return {"PATH": path, **given}

    # -- life

    def fresh(self) -> None:
        """New scratch folder, new empty database, flushed cache, one-off set-up done."""
        self.stop()
        if self.data != Path():
            shutil.rmtree(self.data, ignore_errors=True)
        self.data = Path(tempfile.mkdtemp(prefix="lab-"))
        for proxy in self.proxies.values():
            proxy.restore()
        if self.postgres and "database" in self.service.needs:
            self.database = self.postgres.fresh_database()
        if self.valkey:
            self.valkey.command("FLUSHALL")
        self.set_up()

    def set_up(self) -> None:
        for command in self.service.setup:
            env = {"HOME": str(self.data), **self.environment()}
            done = subprocess.run(
                self._argv(command), check=False, env=env, cwd=self.data, capture_output=True, timeout=120
            )
            if done.returncode:
                raise RuntimeError(done.stderr.decode()[-2000:])

    def start(self, without: str = "", wait: float = 90.0) -> float | None:
        """Start on the present state; seconds to the first good answer, None if there was none."""
        self.port = free_port()
        log = self.data / f"log-{secrets.token_hex(3)}.txt"
        self.process = launch(self._argv(self.service.command), self.environment(without), self.data, log)
        process = self.process
        if not wait:
            return None
        wait_until(lambda: self.first_step() or not process.alive, wait, 0.1)
        return time.monotonic() - process.begun if process.alive and self.first_step() else None

    def first_step(self) -> bool:
        """The first step of the transaction (create), or any non-error answer without one."""
        if self.service.create is None:
            return 0 < call(self.port, "GET", self.service.first, timeout=5).status < 400
        return self.send(self.service.create, token=secrets.token_hex(6)).good

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill_group()
            self.process = None

    def output(self) -> str:
        return self.process.output() if self.process else ""

    # -- talking

    def send(self, step: Step, timeout: float = 10.0, **values: str) -> Answer:
        body, headers = None, dict(step.headers)
        if step.body is not None:
            text = json.dumps(step.body)
            for name, value in values.items():
                text = text.replace("{" + name + "}", value)
            body = text.encode()
            headers["Content-Type"] = "application/json"
        path = step.path
        for name, value in values.items():
            path = path.replace("{" + name + "}", value)
        return call(self.port, step.method, path, body, headers, timeout)

    def create(self, token: str = "", timeout: float = 10.0) -> tuple[Answer, str]:
        """Create one object; the answer and the object's id."""
        assert self.service.create
        answer = self.send(self.service.create, timeout=timeout, token=token or secrets.token_hex(6))
        found: object = answer.json() if answer.good else None
        for key in self.service.id_field:
            found = found.get(key) if isinstance(found, dict) else None
        return answer, str(found or "")

    def reads(self, ident: str, token: str, timeout: float = 10.0) -> tuple[bool, Answer]:
        assert self.service.read
        answer = self.send(self.service.read, timeout=timeout, id=ident)
        return answer.good and token.encode() in answer.body, answer

    def transaction(self, timeout: float = 10.0) -> Outcome:
        """create, read, update, read, delete; without one: GET of the usual page."""
        outcome, service = Outcome(), self.service
        if not (service.create and service.read and service.update and service.delete):
            answer = call(self.port, "GET", service.first, timeout=timeout)
            outcome.steps.append((f"GET {service.first}", answer))
            outcome.good = 0 < answer.status < 400
            return outcome
        token, new = secrets.token_hex(6), secrets.token_hex(6)
        answer, ident = self.create(token, timeout)
        outcome.ident = ident
        outcome.steps.append(("create", answer))
        if not answer.good:
            return outcome
        same, answer = self.reads(ident, token, timeout)
        outcome.steps.append(("read", answer))
        answer = self.send(service.update, timeout=timeout, id=ident, new=new)
        outcome.steps.append(("update", answer))
        same_again, again = self.reads(ident, new, timeout)
        outcome.steps.append(("read", again))
        gone = self.send(service.delete, timeout=timeout, id=ident)
        outcome.steps.append(("delete", gone))
        outcome.good = same and answer.good and same_again and gone.good
        return outcome

    def wait_healthy(self, seconds: float = 60.0) -> bool:
        return wait_until(lambda: self.transaction().good, seconds, 0.2) is not None

    def bring_up(self) -> float:
        """A fresh, working instance; fails loudly when it does not come."""
        self.fresh()
        seconds = self.start()
        if seconds is None or not self.wait_healthy():
            raise RuntimeError(f"{self.service.name} did not come up:\n{self.output()[-3000:]}")
        return seconds


def options(description: str, claims: tuple[str, ...]) -> argparse.Namespace:
    """The command line that every hand experiment takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--service", required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("--venvs", required=True, type=Path)
    parser.add_argument("--only", nargs="*", default=list(claims), choices=claims)
    transcripts = TARGETS.parent / "transcripts"
    parser.add_argument("--transcripts", type=Path, default=transcripts)
    return parser.parse_args()


@contextlib.contextmanager
def bench(arguments: argparse.Namespace) -> Iterator[Bench]:
    """The dependencies up, the proxies before them, and all of it gone afterwards."""
    wanted = (arguments.service, arguments.config)
    (service,) = (s for s in SERVICES if (s.name, s.config) == wanted)
    postgres = Postgres.start(arguments.venvs) if "database" in service.needs else None
    valkey = Valkey.start(arguments.venvs) if "cache" in service.needs else None
    proxies = {}
    if postgres:
        proxies["database"] = FaultProxy(postgres.port)
    if valkey:
        proxies["cache"] = FaultProxy(valkey.port)
    name = f"{service.name}-{service.config}"
    transcript = Transcript(arguments.transcripts / f"{name}.md", name, arguments.venvs)
    stand = Bench(service, arguments.venvs, postgres, valkey, proxies, transcript)
    try:
        yield stand
    finally:
        stand.stop()
        for proxy in proxies.values():
            proxy.stop()
        if postgres:
            postgres.stop()
        if valkey:
            valkey.stop()
        if stand.data != Path():
            shutil.rmtree(stand.data, ignore_errors=True)
