"""Whether a connection refuses writes is found out by trying one."""

import pytest
from chassis.data import ReadOnlyError, verify_read_only
from chassis.data.urls import synchronous
from chassis.dependencies.sql_engines import sync_engine
from chassis.dependencies.sql_options import SqlOptions
from sqlalchemy import create_engine, inspect, text

pytestmark = pytest.mark.needs("sql")


def test_a_connection_that_refuses_writes_passes(database_url: str) -> None:
    url = synchronous(database_url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE notes (id INTEGER)"))
    engine.dispose()
    guarded = sync_engine(url, SqlOptions(read_only=True), "test")
    with guarded.connect() as connection:
        verify_read_only(connection)
        assert connection.execute(text("SELECT count(*) FROM notes")).scalar() == 0  # it is of use afterwards
    guarded.dispose()


def test_a_connection_that_accepts_writes_is_found_out_and_nothing_is_kept(database_url: str) -> None:
    engine = create_engine(synchronous(database_url))
    with engine.connect() as connection, pytest.raises(ReadOnlyError, match="accepted a write"):
        verify_read_only(connection)
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def test_a_failure_for_another_reason_proves_nothing(database_url: str) -> None:
    engine = create_engine(synchronous(database_url))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE chassis_read_only_probe (id INTEGER)"))
    with engine.connect() as connection, pytest.raises(ReadOnlyError, match="could not be found out"):
        verify_read_only(connection)
    engine.dispose()
