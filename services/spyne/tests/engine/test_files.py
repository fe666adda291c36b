"""Files as databases: what the engine alone keeps a query from, and that it reads the file that is there."""

import asyncio
import time
from pathlib import Path

import pytest
from pydantic import SecretStr
from spyne.engine import Engine, QueryFailed, Source, SourceUnreachable

Sources = dict[str, Source]


@pytest.mark.parametrize(
    ("database", "statements"),
    [
        ("sqlite", [
            "DELETE FROM t", "CREATE TABLE u(a)", "PRAGMA query_only = 0", "ATTACH 'other.db' AS other", "REINDEX",
            "VACUUM INTO 'copy.db'", "SELECT load_extension('x')", "SELECT sql FROM sqlite_master", "BEGIN",
            "SELECT 1; DELETE FROM t", "SELECT * FROM pragma_table_info('t')", "",
        ]),
        ("duckdb", [
            "DELETE FROM t", "COPY t TO 'copy.csv'", "ATTACH 'other.duckdb'", "SELECT * FROM '/etc/passwd'",
            "SELECT * FROM read_text('/etc/passwd')", "INSTALL httpfs", "SET enable_external_access = true",
            "PRAGMA database_list", "SELECT 1; SELECT 2", "EXPORT DATABASE 'copy'", "CALL pragma_version()", "",
        ]),
    ],
)  # fmt: skip
async def test_the_engine_alone_refuses_what_is_no_query_of_the_data(
    sources: Sources, tmp_path: Path, database: str, statements: list[str]
) -> None:
    before = _contents(tmp_path)
    async with Engine(sources, workers=1) as engine:
        outcomes = await engine.run_many(database, statements)
        accepted = [
            sql for sql, outcome in zip(statements, outcomes, strict=True) if not isinstance(outcome, QueryFailed)
        ]
        assert not accepted
        assert (await engine.run(database, "SELECT count(*) FROM t")).rows == ((2_000,),)
    assert _contents(tmp_path) == before
    assert not any(map(_exists, ("copy.csv", "copy.db", "other.db", "other.duckdb", "copy")))


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _exists(path: str) -> bool:
    return Path(path).exists()


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
async def test_a_file_that_cannot_be_read_is_not_named(tmp_path: Path, dialect: str) -> None:
    broken = tmp_path / "broken.file"
    broken.write_bytes(b"no database at all, whatever the name of the file may say" * 100)
    sources = {
        "gone": Source(dialect, SecretStr(str(tmp_path / "missing"))),  # type: ignore[arg-type]
        "broken": Source(dialect, SecretStr(str(broken))),  # type: ignore[arg-type]
    }
    async with Engine(sources) as engine:
        for name in sources:
            with pytest.raises(SourceUnreachable, match=f"'{name}' cannot be reached") as caught:
                await engine.run(name, "SELECT 1")
            assert str(tmp_path) not in str(caught.value)
    assert not (tmp_path / "missing").exists()


async def test_a_database_in_write_ahead_mode_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    path = tmp_path / "wal.sqlite"
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE t(n)")
        writer.commit()
        async with Engine({"wal": Source("sqlite", SecretStr(str(path)))}) as engine:
            for number in range(3):
                writer.execute("INSERT INTO t VALUES (1)")
                writer.commit()
                assert (await engine.run("wal", "SELECT count(*) FROM t")).rows == ((number + 1,),)


@pytest.mark.parametrize("database", ["sqlite", "duckdb"])
async def test_a_file_that_took_the_place_of_another_is_the_one_that_is_read(
    sources: Sources, tmp_path: Path, database: str
) -> None:
    path = Path(sources[database].location.get_secret_value())
    async with Engine(sources, workers=1) as engine:
        assert (await engine.run(database, "SELECT count(*) FROM t")).rows == ((2_000,),)
        _replace(database, path, tmp_path / "new")
        assert (await engine.run(database, "SELECT count(*) FROM t")).rows == ((1,),)


def _replace(database: str, path: Path, new: Path) -> None:
    import sqlite3
    from contextlib import closing

    import duckdb

    with closing(sqlite3.connect(new) if database == "sqlite" else duckdb.connect(str(new))) as connection:
        connection.execute("CREATE TABLE t(n INTEGER)")
        connection.execute("INSERT INTO t VALUES (1)")
        connection.commit()
    new.replace(path)


async def test_a_duckdb_file_can_be_written_soon_after_a_query(sources: Sources) -> None:
    path = sources["duckdb"].location.get_secret_value()
    async with Engine(sources, workers=1) as engine:
        await engine.run("duckdb", "SELECT 1")
        deadline = time.monotonic() + 10
        while not _added_to(path):
            assert time.monotonic() < deadline, "the file is still kept open"
            await asyncio.sleep(0.05)  # polling, bounded above
        assert (await engine.run("duckdb", "SELECT count(*) FROM t")).rows == ((2_001,),)


def _added_to(path: str) -> bool:
    import duckdb

    try:
        with duckdb.connect(path) as connection:
            connection.execute("INSERT INTO t VALUES (-1, 'new')")
    except duckdb.IOException:
        return False
    return True
