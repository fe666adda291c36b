"""Tables that change, and schemas that somebody wants to be read again, are soon known to every process."""

import contextlib
import sqlite3

import psycopg
import pytest

TABLES = ("CREATE TABLE boats (id INTEGER PRIMARY KEY, name TEXT)", "INSERT INTO boats VALUES (1, 'Nina')")
SOON_S = 20.0  # much less than the 300 s after which a schema is read anyway


@pytest.fixture(scope="module")
def places(tmp_path_factory, postgresql):
    """A file and a database, by name."""
    return {
        "files": str(tmp_path_factory.mktemp("files") / "files.db"),
        "server": postgresql.url(postgresql.create_database()),
    }


@pytest.fixture(scope="module")
def execute(places):
    """Execute statements in one of them."""

    def executed(name, *statements):
        if name == "files":
            with contextlib.closing(sqlite3.connect(places[name])) as connection, connection:
                for each in statements:
                    connection.execute(each)
        else:
            with psycopg.connect(places[name]) as connection:
                for each in statements:
                    connection.execute(each)

    return executed


@pytest.fixture(scope="module")
def pair(start_for_all, tmp_path_factory, places, execute):
    """Two Spynes with one state, that know both."""
    for name in places:
        execute(name, *TABLES)
    settings = {
        "RCA_DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('state') / 'state.db'}",
        "SPYNE_DATABASES": ",".join(f"{name}={place}" for name, place in places.items()),
    }
    made = [start_for_all(folder=tmp_path_factory.mktemp("one"), **settings) for _ in range(2)]
    for spyne in made:
        for name in places:
            assert spyne.ask("how many boats are there?", database=name)["data"]["rows"] == [[1]]
    return made


def names(spyne, database):
    columns = spyne.client.get(f"/api/databases/{database}/schema").json()["tables"][0]["columns"]
    return next(column["values"] for column in columns if column["name"] == "name")


@pytest.mark.parametrize("name", ["files", "server"])
def test_a_new_table_can_be_asked_soon_in_every_process(pair, execute, name):
    execute(name, "CREATE TABLE harbours (id INTEGER PRIMARY KEY)", "INSERT INTO harbours VALUES (1), (2)")

    for spyne in pair:
        spyne.until(
            lambda s=spyne: s.ask("how many harbours are there?", database=name).get("data", {}).get("rows") == [[2]],
            within=SOON_S,
        )

    execute(name, "DROP TABLE harbours")
    sent = {"database": name, "sql": "SELECT * FROM harbours"}
    for spyne in pair:
        spyne.until(
            lambda s=spyne: s.client.post("/api/query/execute", json=sent).json().get("rule") == "unknown-table",
            within=SOON_S,
        )


@pytest.mark.parametrize("name", ["files", "server"])
def test_sql_on_a_table_that_was_made_just_now_is_run_at_once(pair, execute, name):
    for number in range(3):  # so often that the last look is not long ago
        execute(name, f"CREATE TABLE new_{number} (n INTEGER)", f"INSERT INTO new_{number} VALUES ({number})")
        for spyne in pair:
            sent = {"database": name, "sql": f"SELECT n FROM new_{number}"}
            assert spyne.client.post("/api/query/execute", json=sent).json()["data"]["rows"] == [[number]]
    execute(name, *(f"DROP TABLE new_{number}" for number in range(3)))


@pytest.mark.parametrize("name", ["files", "server"])
def test_a_refresh_reaches_every_process(pair, execute, name):
    before = [names(spyne, name) for spyne in pair]
    execute(name, "INSERT INTO boats VALUES (2, 'Pinta')")

    assert pair[0].client.post(f"/api/databases/{name}/refresh").status_code == 200

    assert before == [["Nina"], ["Nina"]]
    assert names(pair[0], name) == ["Nina", "Pinta"]
    pair[1].until(lambda: names(pair[1], name) == ["Nina", "Pinta"], within=SOON_S)
