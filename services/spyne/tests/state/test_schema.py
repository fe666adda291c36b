"""The state's own schema, and the demo."""

import contextlib
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from threading import Barrier

import pytest
import sqlalchemy as sa
from chassis.data import Migrations
from spyne.state.demo import create_demo
from spyne.state.questions import key_of
from spyne.state.tables import Base


def test_the_revisions_make_what_the_models_say(tmp_path):
    migrations = Migrations("spyne.state.migrations", f"sqlite:///{tmp_path / 'state.db'}", Base.metadata)

    assert migrations.upgrade() is True
    assert migrations.drift() == []


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_was_saved_before_questions_had_keys_is_found_by_them(kind, tmp_path, request):
    url = f"sqlite:///{tmp_path / 'state.db'}"
    if kind == "postgresql":
        server = request.getfixturevalue("postgresql")
        url = server.url(server.create_database())
    first = tmp_path / "first"
    first.mkdir()
    shutil.copy(files("spyne.state.migrations").joinpath("0001_first_tables.py"), first)
    Migrations(first, url, Base.metadata).upgrade()
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.text(
            "INSERT INTO saved_queries (id, database, query, sql, verified, created_at, updated_at) VALUES"
            " ('1', 'shop', 'Show me customers!', 'SELECT 1', true, '2026-01-01', '2026-01-01')"
        ))  # fmt: skip

    assert Migrations("spyne.state.migrations", url, Base.metadata).upgrade() is True
    with engine.begin() as connection:
        found = connection.execute(sa.select(*(Base.metadata.tables["saved_queries"].c[n] for n in ("key", "answers"))))
        rows = [tuple(row) for row in found]
    engine.dispose()

    assert rows == [(key_of("shop", "customers", {}), {})]


def test_the_demo_is_the_same_each_time_and_whole(tmp_path):
    dumps = []
    for name in ("one.db", "two.db"):
        create_demo(tmp_path / name)
        with contextlib.closing(sqlite3.connect(tmp_path / name)) as connection:
            dumps.append(list(connection.iterdump()))
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []

    assert dumps[0] == dumps[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.db", "two.db"]


def test_a_demo_that_is_there_stays(tmp_path):
    (tmp_path / "demo.db").write_text("mine")

    create_demo(tmp_path / "demo.db")

    assert (tmp_path / "demo.db").read_text() == "mine"


def test_a_demo_that_is_made_by_several_at_once_is_whole(tmp_path):
    """Such as by a step of a start that took too long, and by the same one when it is tried again."""
    together = Barrier(4)

    def make():
        together.wait(30)
        create_demo(tmp_path / "demo.db")

    with ThreadPoolExecutor(4) as threads:
        for each in [threads.submit(make) for _ in range(4)]:
            each.result(60)

    with contextlib.closing(sqlite3.connect(tmp_path / "demo.db")) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchall() == [(400,)]
    assert [path.name for path in tmp_path.iterdir()] == ["demo.db"]
