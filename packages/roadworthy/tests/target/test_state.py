"""A state of the target: a copy of its folder, dependencies behind proxies, settings, and nothing left after it."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from roadworthy.domain.target import ConfigurationSpec, DependencySpec, TargetSpec
from roadworthy.faults.refuse import Refuse
from roadworthy.target import state as state_module
from roadworthy.target.servers import PostgreSQL, ServerError
from roadworthy.target.state import SetupError, State, copy_work, make_state, pointed_at, port_is_free, resolved

pytestmark = pytest.mark.usefixtures("leaves_nothing")
DATABASE = DependencySpec("database", "postgresql", "DATABASE_URL", scheme="postgresql+psycopg")
CACHE = DependencySpec("cache", "valkey", "CACHE", value="redis at {cache.host}:{cache.port}")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A target's working folder."""
    folder = tmp_path / "target"
    folder.mkdir()
    (folder / "app.py").write_text("app")
    return folder


def target(work: Path, *dependencies: DependencySpec, **more: object) -> TargetSpec:
    return replace(TargetSpec("target", work, ("serve",), dependencies=dependencies), **more)  # type: ignore[arg-type]


@asynccontextmanager
async def state_of(spec: TargetSpec, scratch: Path, postgresql: PostgreSQL | None = None) -> AsyncIterator[State]:
    made = await make_state(spec, scratch / "state", postgresql)
    try:
        yield made
    finally:
        await made.close()
        assert not made.folder.exists()
        for wire in made.wires.values():
            assert port_is_free(wire.proxy.listen_port)
            assert wire.valkey is None or port_is_free(wire.valkey.address.port)


def tree(folder: Path) -> set[str]:
    """The files below a folder, through links too."""
    return {str((Path(root) / name).relative_to(folder)) for root, _, names in os.walk(folder, followlinks=True)
            for name in names}  # fmt: skip


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_the_copy_holds_what_the_target_needs_and_is_its_own(work: Path, tmp_path: Path) -> None:
    write(work, "data/notes.db", ".env", "package/module.py")
    (work / "link").symlink_to("app.py")
    copy = copy_work(work, tmp_path / "copy")
    assert tree(copy) == {"app.py", "data/notes.db", ".env", "package/module.py", "link"}
    (copy / "data" / "notes.db").write_text("changed")
    assert (work / "data" / "notes.db").read_text() == "data/notes.db"
    assert (copy / "link").readlink() == Path("app.py")


def test_the_copy_leaves_out_history_and_caches_and_links_what_is_heavy(work: Path, tmp_path: Path) -> None:
    write(work, ".git/HEAD", "__pycache__/app.pyc", ".mypy_cache/x", ".venv/bin/python", "node_modules/a/b.js")
    copy = copy_work(work, tmp_path / "copy")
    assert tree(copy) == {"app.py", ".venv/bin/python", "node_modules/a/b.js"}
    assert (copy / ".venv").is_symlink()
    assert (copy / "node_modules").is_symlink()


def test_source_that_is_named_like_something_heavy_is_there_too(work: Path, tmp_path: Path) -> None:
    write(work, "src/app/target/module.py", "src/env/settings.py", "web/node_modules/a.js", "web/build", "tools/dist")
    assert tree(copy_work(work, tmp_path / "copy")) == tree(work)


def test_what_is_no_file_is_not_copied(work: Path, tmp_path: Path) -> None:
    os.mkfifo(work / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(work)  # the path of a socket may have 107 characters
        try:
            listener.bind("control.sock")
        finally:
            os.chdir(here)
        assert tree(copy_work(work, tmp_path / "copy")) == {"app.py"}


@pytest.mark.parametrize(("limit", "value"), [("COPY_FILES", 3), ("COPY_BYTES", 20)])
def test_a_folder_that_is_too_large_is_refused(
    limit: str, value: int, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, limit, value)
    write(work, "node_modules/1", "node_modules/2", "node_modules/3", ".git/a large file")  # these do not count
    assert copy_work(work, tmp_path / "copy") == tmp_path / "copy"
    write(work, "one more file", "two more", "and three")
    with pytest.raises(SetupError, match="too much to copy for every fresh start"):
        copy_work(work, tmp_path / "another")
    assert not (tmp_path / "another").exists()


def test_a_folder_that_cannot_be_read_is_refused(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "app.py")

    monkeypatch.setattr("shutil.copytree", denied)  # root, who may run the tests, can read everything
    with pytest.raises(SetupError, match=r"cannot be copied: .*Permission denied.*Make it readable"):
        copy_work(work, tmp_path / "copy")


def test_what_was_built_is_copied_because_it_may_be_state(work: Path, tmp_path: Path) -> None:
    write(work, "dist/app.js", "build/app", "target/release/app")
    copy = copy_work(work, tmp_path / "copy")
    assert tree(copy) == tree(work)
    for name in ("dist", "build", "target"):
        assert not (copy / name).is_symlink()


def test_a_relative_program_is_the_one_in_the_copy(work: Path, tmp_path: Path) -> None:
    write(work, "bin/serve", "bin/built")
    write(tmp_path / "copy", "bin/serve")
    copy = tmp_path / "copy"
    assert resolved(["./bin/serve", "-x"], work, copy) == [str(copy / "bin/serve"), "-x"]
    assert resolved(["bin/built"], work, copy) == [str(work / "bin/built")]
    assert resolved(["python", "./bin/serve"], work, copy) == ["python", "./bin/serve"]
    assert resolved(["/usr/bin/env"], work, copy) == ["/usr/bin/env"]


async def test_a_state_without_dependencies_has_folders_and_settings_of_its_own(work: Path, tmp_path: Path) -> None:
    spec = target(work, environment={"UPLOADS": "{data}/uploads", "PORT_AGAIN": "{port}", "BRACES": "{{a}}"})
    async with state_of(spec, tmp_path) as state:
        assert {each.name for each in state.folder.iterdir()} == {"home", "tmp", "data", "work"}
        assert state.settings(8000) == {
            "UPLOADS": f"{state.folder}/data/uploads",
            "PORT_AGAIN": "8000",
            "BRACES": "{a}",
        }


async def test_the_environment_is_ours_with_a_home_ports_and_settings_of_the_targets_own(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INHERITED", "yes")
    monkeypatch.setenv("SECRET", "ours")
    monkeypatch.setenv("WITHHELD", "ours")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write(tmp_path / "home" / ".cargo", "bin/cargo")
    async with state_of(target(work, port_variable="LISTEN"), tmp_path / "scratch") as state:
        given = state.environment(8000, {"SECRET": "theirs", "WITHHELD": "theirs"}, withhold="WITHHELD")
        assert given["INHERITED"] == "yes"
        assert given["SECRET"] == "theirs"
        assert "WITHHELD" not in given
        assert given["HOME"] == str(state.folder / "home")
        assert given["TMPDIR"] == str(state.folder / "tmp")
        assert (Path(given["HOME"]) / ".cargo" / "bin" / "cargo").exists()
        assert {given[name] for name in ("LISTEN", "UVICORN_PORT", "FLASK_RUN_PORT", "SERVER_PORT")} == {"8000"}
        assert "LISTEN" not in state.environment(8000, {}, withhold="LISTEN")


SERVERS = {
    "DATABASE_URL": "postgresql+psycopg://me:secret@db.example.com/live",
    "CACHE": "rediss://cache.example.com",
    "BROKER": "AMQP://queue.example.com",
}


async def test_the_address_of_a_server_is_never_inherited(
    work: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**SERVERS, "SITE": "https://example.com"}.items():
        monkeypatch.setenv(name, value)
    variants = ConfigurationSpec("with"), ConfigurationSpec("without", dependencies=())
    spec = target(work, CACHE, configurations=variants)
    async with state_of(spec.configured(variants[0]), scratch / "one") as state:
        given = state.environment(8000, state.settings(8000))
        assert given["CACHE"].startswith("redis at 127.0.0.1:")
        assert SERVERS.keys() & given.keys() == {"CACHE"}
        assert "CACHE" not in state.environment(8000, state.settings(8000), withhold="CACHE")
    async with state_of(spec.configured(variants[1]), scratch / "two") as state:
        given = state.environment(8000, state.settings(8000))
        assert not SERVERS.keys() & given.keys()
        assert given["SITE"] == "https://example.com"


async def test_the_address_of_a_server_is_passed_on_where_it_was_given(work: Path, scratch: Path) -> None:
    async with state_of(target(work, environment=SERVERS), scratch) as state:
        assert SERVERS.items() <= state.environment(8000, state.settings(8000)).items()


async def test_a_database_and_a_cache_are_reached_through_their_proxies(
    work: Path, scratch: Path, postgresql: PostgreSQL
) -> None:
    async with state_of(target(work, DATABASE, CACHE), scratch, postgresql) as state:
        database, cache = state.wires["database"], state.wires["cache"]
        settings = state.settings(8000)
        assert settings["CACHE"] == f"redis at 127.0.0.1:{cache.proxy.listen_port}"
        assert settings["DATABASE_URL"].startswith("postgresql+psycopg://postgres:")
        assert f"@127.0.0.1:{database.proxy.listen_port}/state_" in settings["DATABASE_URL"]
        url = settings["DATABASE_URL"].replace("+psycopg", "")
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute("CREATE TABLE things (id integer)")
        assert database.proxy.counts.connections == 1
        assert database.proxy.counts.bytes > 100
        await state.wipe("database")
        async with await psycopg.AsyncConnection.connect(url) as connection:
            found = await connection.execute("SELECT 1 FROM pg_tables WHERE tablename = 'things'")
            assert await found.fetchall() == []
        await state.wipe("cache")  # not through the proxy
        assert cache.proxy.counts.connections == 0
        await database.proxy.apply(Refuse())
        with pytest.raises(psycopg.OperationalError):
            await psycopg.AsyncConnection.connect(url)


async def test_two_states_share_nothing(work: Path, scratch: Path, postgresql: PostgreSQL) -> None:
    spec = target(work, DATABASE, CACHE)
    async with state_of(spec, scratch / "one", postgresql) as one, state_of(spec, scratch / "two", postgresql) as two:
        assert one.wires["database"].address.name != two.wires["database"].address.name
        assert one.wires["cache"].address.port != two.wires["cache"].address.port
        assert one.work != two.work


async def test_an_existing_server_is_pointed_at_and_never_wiped(
    work: Path, tmp_path: Path, postgresql: PostgreSQL
) -> None:
    theirs = await postgresql.create_database()
    spec = DependencySpec("database", "postgresql", "DATABASE_URL", url=theirs.url("postgresql"))
    async with state_of(target(work, spec), tmp_path, postgresql) as state:
        wire = state.wires["database"]
        assert wire.address == theirs
        assert wire.seen_by_target.port == wire.proxy.listen_port
        assert wire.seen_by_target.password == theirs.password
        with pytest.raises(ServerError, match="'database' is not ours to wipe"):
            await state.wipe("database")


@pytest.mark.parametrize(
    ("kind", "url", "expected"),
    [
        ("postgresql", "postgresql://me:secret@db.example.com/app", ("db.example.com", 5432, "me", "secret", "app")),
        ("postgresql", "postgresql://me%40home:a%2Fb@h:5/a%20b", ("h", 5, "me@home", "a/b", "a b")),
        ("valkey", "redis://:secret@[::1]/3", ("::1", 6379, "", "secret", "3")),
        ("tcp", "tcp://127.0.0.1:1025", ("127.0.0.1", 1025, "", "", "")),
    ],
)
def test_an_address_is_read_out_of_a_url(kind: str, url: str, expected: tuple[object, ...]) -> None:
    found = pointed_at(DependencySpec("it", kind, url=url))
    assert (found.host, found.port, found.user, found.password, found.name) == expected


@pytest.mark.parametrize("url", ["tcp://127.0.0.1", "tcp://:25", "tcp://h:port", "h:25", "postgresql:///app"])
def test_a_url_without_a_server_is_an_error_that_shows_no_secret(url: str) -> None:
    with pytest.raises(ServerError, match="the url of dependency 'it' has no host and port; expected tcp://host:port"):
        pointed_at(DependencySpec("it", "tcp", url=url))


async def test_a_dependency_that_cannot_be_provided_takes_the_others_down_with_it(work: Path, scratch: Path) -> None:
    mail = DependencySpec("mail", "tcp", "SMTP")
    with pytest.raises(ServerError, match="dependency 'mail' of kind 'tcp' cannot be provided: give its `url`"):
        await make_state(target(work, CACHE, mail), scratch / "state", None)
    assert not exists(scratch / "state")


def exists(path: Path) -> bool:
    return path.exists()


async def test_set_up_commands_run_once_in_the_copy_with_the_settings(work: Path, scratch: Path) -> None:
    text = "import os, sys; open('log', 'a').write(' '.join([os.environ['CACHE'], *sys.argv[1:]]) + '\\n')"
    setup = ((sys.executable, "-c", text, "{data}"), (sys.executable, "-c", text, "second"))
    async with state_of(target(work, CACHE, setup=setup), scratch) as state:
        await state.set_up()
        await state.set_up()
        cache = state.settings(0)["CACHE"]
        assert lines(state.work / "log") == [f"{cache} {state.folder}/data", f"{cache} second"]
    assert not exists(work / "log")


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


async def test_a_set_up_command_that_fails_is_named_with_its_last_words(work: Path, tmp_path: Path) -> None:
    setup = ((sys.executable, "-c", "print('no table'); raise SystemExit(3)"),)
    async with state_of(target(work, setup=setup), tmp_path) as state:
        with pytest.raises(SetupError, match=r"the set-up command `.*` ended with status 3: no table"):
            await state.set_up()
        assert not state.was_set_up


async def test_a_set_up_command_that_takes_too_long_is_ended(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, "SETUP_BOUND_S", 0.3)
    async with state_of(target(work, setup=(("sleep", "600"),)), tmp_path) as state:
        with pytest.raises(SetupError, match=r"`sleep 600` took over 0\.3 s"):
            await state.set_up()


async def test_a_state_that_is_cancelled_while_it_is_made_leaves_nothing(work: Path, scratch: Path) -> None:
    making = asyncio.create_task(make_state(target(work, CACHE, replace(CACHE, name="other")), scratch / "state", None))
    async with asyncio.timeout(20):
        while not exists(scratch / "state" / "work"):
            await asyncio.sleep(0.005)
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert not exists(scratch / "state")


def test_a_port_is_free_when_nothing_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert not port_is_free(port)
    assert port_is_free(port)
