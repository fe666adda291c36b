"""Databases are registered, looked into, changed and removed; what they are reached with is never shown."""

import contextlib
import sqlite3

import psycopg
import pytest


@pytest.fixture
def shop(postgresql):
    """A database in PostgreSQL, with a table."""
    name = postgresql.create_database()
    with psycopg.connect(postgresql.url(name), autocommit=True) as connection:
        connection.execute("CREATE TABLE boats (id integer PRIMARY KEY, name text NOT NULL)")
        connection.execute("INSERT INTO boats VALUES (1, 'Nina'), (2, 'Pinta')")
    return postgresql.url(name)


def test_a_database_is_registered_asked_changed_and_removed(shared, shop):
    made = shared.client.post("/api/databases", json={"name": "boats", "location": shop, "description": "ships"})
    assert made.status_code == 201, made.text
    assert made.json()["dialect"] == "postgres"

    rows = shared.ask("show me boats", database="boats")["data"]["rows"]
    assert [row[-1] for row in rows] == ["Nina", "Pinta"]
    tables = shared.client.get("/api/databases/boats/schema").json()["tables"]
    assert [table["name"] for table in tables] == ["boats"]
    assert shared.client.post("/api/databases/boats/refresh").json()["tables"] == 1
    assert shared.client.put("/api/databases/boats", json={"description": "vessels"}).json()["description"] == "vessels"
    assert shared.ask("how many boats are there", database="boats")["data"]["rows"] == [[2]]
    assert shared.client.delete("/api/databases/boats").status_code == 204
    assert shared.client.get("/api/databases/boats").status_code == 404


def test_a_password_is_neither_shown_nor_logged_nor_stored_as_it_is(start, shop, postgresql):
    spyne = start()
    password = shop.split(":")[2].split("@")[0]

    answers = [
        spyne.client.post("/api/databases", json={"name": "boats", "location": shop}),
        spyne.client.get("/api/databases"),
        spyne.client.get("/api/databases/boats"),
        spyne.client.post("/api/databases", json={"name": "wrong", "location": shop.replace("@", "WRONG@")}),
        spyne.client.post(
            "/api/databases", json={"name": "nowhere", "location": shop.replace("127.0.0.1", "127.0.0.9")}
        ),
    ]

    assert [answer.status_code for answer in answers] == [201, 200, 200, 422, 422]
    assert not any(password in answer.text for answer in answers)
    assert password not in spyne.log()
    stored = b"".join(path.read_bytes() for path in (spyne.folder / "data").iterdir())
    assert b"boats" in stored
    assert password.encode() not in stored


def test_a_name_is_taken_once(shared, shop):
    sent = {"name": "taken", "location": shop}
    statuses = [shared.client.post("/api/databases", json=sent).status_code for _ in range(2)]

    assert statuses == [201, 409]
    assert shared.client.delete("/api/databases/taken").status_code == 204


@pytest.mark.parametrize("name", ["demo"])
def test_what_the_settings_set_up_is_not_changed_over_the_api(shared, name):
    assert shared.client.delete(f"/api/databases/{name}").status_code == 409
    assert shared.client.put(f"/api/databases/{name}", json={"description": "x"}).status_code == 409


def test_files_are_only_registered_from_their_folder(start, tmp_path):
    folder, secret = tmp_path / "files", tmp_path / "secret.db"
    folder.mkdir()
    for path in (folder / "mine.db", secret):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE things (id INTEGER PRIMARY KEY)")
    (folder / "link.db").symlink_to(secret)
    spyne = start(RCA_FILES_DIR=str(folder))

    def register(location):
        return spyne.client.post("/api/databases", json={"name": "mine", "location": location}).status_code

    refused = [register(each) for each in (str(secret), "../secret.db", "link.db", "none.db", f"sqlite:///{secret}")]
    assert refused == [422] * 5
    assert register("mine.db") == 201
    assert spyne.ask("show me all tables", database="mine")["data"]["rows"] == [["things", "table"]]
    (folder / "mine.db").unlink()
    (folder / "mine.db").symlink_to(secret)
    answer = spyne.client.post("/api/agent/run", json={"query": "show me all tables", "database": "mine"})
    assert (answer.status_code, "RCA_FILES_DIR" in answer.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    "wrong",
    ["?sslkey=/etc/passwd", "?passfile=/etc/passwd", "?service=x", "?sslrootcert=/etc/passwd", "?host=10.0.0.1",
     "?hostaddr=10.0.0.1", "?options=-c%20x=y", "?sslmode=require&SSLKEY=x", "?sslmode=require&sslcert="],
)  # fmt: skip
def test_parameters_that_read_files_or_lead_elsewhere_are_not_registered(shared, shop, wrong):
    answer = shared.client.post("/api/databases", json={"name": "wrong", "location": shop.partition("?")[0] + wrong})

    assert (answer.status_code, "not allowed" in answer.json()["detail"]) == (422, True)


def test_a_socket_is_not_registered(shared):
    answer = shared.client.post("/api/databases", json={"name": "wrong", "location": "postgresql://%2Ftmp/postgres"})

    assert (answer.status_code, "no socket" in answer.json()["detail"]) == (422, True)


def test_with_a_key_to_ask_alone_nobody_registers(start):
    spyne = start(RCA_API_KEY="may-ask")
    new = {"name": "mine", "location": "postgresql://127.0.0.1:1/x"}

    answer = spyne.client.post("/api/databases", json=new, headers={"X-API-Key": "may-ask"})

    assert (answer.status_code, "RCA_ADMIN_KEY" in answer.json()["detail"]) == (403, True)
    assert spyne.client.post("/api/databases", json=new).status_code == 401


def test_without_a_folder_no_file_is_registered(shared):
    answer = shared.client.post("/api/databases", json={"name": "mine", "location": "mine.db"})

    assert answer.status_code == 403


def test_keys_let_in_who_has_them(start):
    spyne = start(RCA_API_KEY="may-ask", RCA_ADMIN_KEY="may-all")
    new = {"name": "mine", "location": "mine.db"}

    def register(key):
        return spyne.client.post("/api/databases", json=new, headers={"X-API-Key": key} if key else {}).status_code

    def find(headers):
        return spyne.client.get("/api/databases", headers=headers).status_code

    assert [find({}), find({"X-API-Key": "no"})] == [401, 401]
    assert find({"X-API-Key": "may-ask"}) == find({"Authorization": "Bearer may-ask"}) == 200
    assert [register(None), register("may-ask")] == [401, 403]
    assert (
        spyne.client.post("/api/databases", json=new, headers={"X-API-Key": "may-all"})
        .json()["detail"]
        .startswith("Files may not be registered")
    )


def test_a_database_that_is_not_there_is_503_and_the_others_go_on(start, tmp_path):
    nobody = "postgresql://me:hunter2@127.0.0.1:1/x"
    spyne = start(SPYNE_DATABASES=f"gone={tmp_path / 'gone.db'},away={nobody}")

    for name in ("gone", "away"):
        answer = spyne.client.post("/api/agent/run", json={"query": "show me customers", "database": name})
        assert (answer.status_code, name in answer.text, "hunter2" in answer.text) == (503, True, False), answer.text
        assert answer.headers["retry-after"] == "1"
        assert spyne.client.get(f"/api/databases/{name}/schema").status_code == 503
    assert spyne.ask("how many customers are there?", database="demo")["data"]["rows"] == [[60]]
    assert f"there is no file {tmp_path / 'gone.db'}" in spyne.log()
