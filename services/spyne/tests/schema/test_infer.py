"""Foreign keys that a database does not declare."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from spyne.schema.infer import infer_foreign_keys, singular, words
from spyne.schema.model import ColumnInfo, TableInfo
from spyne.schema.sqlite import read_sqlite


def inferred(folder: Path, script: str) -> set[str]:
    path = folder / "data.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return {
        f"{table.name}.{key.columns[0]}->{key.references}.{key.referenced_columns[0]}"
        for table in read_sqlite(path).tables
        for key in table.foreign_keys
        if key.inferred
    }


@pytest.mark.parametrize(
    ("script", "keys"),
    [
        (("CREATE TABLE customers(id INT PRIMARY KEY, n TEXT);"
          "CREATE TABLE orders(id INT PRIMARY KEY, customer_id INT);"
         "INSERT INTO customers VALUES (7, 'x'); INSERT INTO orders VALUES (1, 7)"),
         {"orders.customer_id->customers.id"}),
        (("CREATE TABLE EventSpaces(id INT PRIMARY KEY); CREATE TABLE Bookings(id INT PRIMARY KEY, EventSpaceId INT);"
         "INSERT INTO EventSpaces VALUES (7); INSERT INTO Bookings VALUES (1, 7)"),
         {"Bookings.EventSpaceId->EventSpaces.id"}),
        (("CREATE TABLE shCustomer(shCustId TEXT PRIMARY KEY, shCustName TEXT);"
         "CREATE TABLE shOrder(shOrdId TEXT PRIMARY KEY, shOrdCustId TEXT);"
         "INSERT INTO shCustomer VALUES ('C7', 'x'); INSERT INTO shOrder VALUES ('O1', 'C7')"),
         {"shOrder.shOrdCustId->shCustomer.shCustId"}),
        (("CREATE TABLE planet(pid INT, name TEXT); CREATE TABLE moon(mid INT, name TEXT);"
         "CREATE TABLE orbits(pid INT, mid INT);"
         "INSERT INTO planet VALUES (1, 'a'), (2, 'b'); INSERT INTO moon VALUES (5, 'c'), (6, 'd');"
         "INSERT INTO orbits VALUES (1, 5), (1, 6)"),
         {"orbits.pid->planet.pid", "orbits.mid->moon.mid"}),
        (("CREATE TABLE person(id INT PRIMARY KEY, name TEXT); "
         "CREATE TABLE letter(id INT PRIMARY KEY, from_person_id INT);"
          "INSERT INTO person VALUES (3, 'x'); INSERT INTO letter VALUES (1, 3)"),
         {"letter.from_person_id->person.id"}),
        (("CREATE TABLE region(city_name TEXT, area TEXT); CREATE TABLE shop(name TEXT, city_name TEXT);"
         "INSERT INTO region VALUES ('A', 'n'), ('B', 'n'); INSERT INTO shop VALUES ('x', 'A'), ('y', 'A')"),
         {"shop.city_name->region.city_name"}),
        (("CREATE TABLE term(term_id INT PRIMARY KEY, y INT); CREATE TABLE course(id INT PRIMARY KEY, term INT);"
         "INSERT INTO term VALUES (3, 2020); INSERT INTO course VALUES (1, 3)"),
         {"course.term->term.term_id"}),
        (("CREATE TABLE shop_visit(visit_id INT, shop TEXT);"
          "CREATE TABLE visit_guide(visit_guide_id INT, visit_id INT);"
          "INSERT INTO shop_visit VALUES (1, 'a'), (2, 'b'); INSERT INTO visit_guide VALUES (1, 2), (2, 2)"),
         {"visit_guide.visit_id->shop_visit.visit_id"}),
        (("CREATE TABLE lake(lid INT, name TEXT); CREATE TABLE lake_boat(lid INT, bid INT);"
          "CREATE TABLE lake_fish(lid INT, fid INT); INSERT INTO lake VALUES (1, 'a'), (2, 'b'), (3, 'c');"
          "INSERT INTO lake_boat VALUES (1, 8), (2, 8); INSERT INTO lake_fish VALUES (1, 9), (2, 9)"),
         {"lake_boat.lid->lake.lid", "lake_fish.lid->lake.lid"}),
    ],
)  # fmt: skip
def test_a_key_is_found_by_name_and_values(tmp_path: Path, script: str, keys: set[str]) -> None:
    assert inferred(tmp_path, script) == keys


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(
            "CREATE TABLE customers(id INT PRIMARY KEY); CREATE TABLE orders(id INT PRIMARY KEY, customer_id INT);"
            "INSERT INTO customers VALUES (7); INSERT INTO orders VALUES (1, 8)", id="a value without its row",
        ),
        pytest.param(
            "CREATE TABLE customers(id INT PRIMARY KEY); CREATE TABLE orders(id INT PRIMARY KEY, customer_id TEXT);"
            "INSERT INTO customers VALUES (7); INSERT INTO orders VALUES (1, '7')", id="another kind of value",
        ),
        pytest.param(
            "CREATE TABLE a(id INT PRIMARY KEY, name TEXT UNIQUE); CREATE TABLE b(id INT PRIMARY KEY, name TEXT);"
            "INSERT INTO a VALUES (1, 'x'); INSERT INTO b VALUES (1, 'x')", id="names that every table has",
        ),
        pytest.param(
            "CREATE TABLE film_projects(project_id INT PRIMARY KEY, t TEXT);"
            "CREATE TABLE project_actors(project_actor_id INT PRIMARY KEY, t TEXT);"
            "INSERT INTO film_projects VALUES (1, 'x'); INSERT INTO project_actors VALUES (1, 'y')", id="its own key",
        ),
        pytest.param(
            "CREATE TABLE home_team(id INT PRIMARY KEY); CREATE TABLE away_team(id INT PRIMARY KEY);"
            "CREATE TABLE game(id INT PRIMARY KEY, team_id INT);"
            "INSERT INTO home_team VALUES (1); INSERT INTO away_team VALUES (1); INSERT INTO game VALUES (1, 1)",
            id="two tables that could be meant",
        ),
    ],
)  # fmt: skip
def test_a_doubtful_key_is_none(tmp_path: Path, script: str) -> None:
    assert inferred(tmp_path, script) == set()


def test_declared_keys_stay_alone(tmp_path: Path) -> None:
    assert inferred(
        tmp_path,
        "CREATE TABLE a(id INT PRIMARY KEY); CREATE TABLE b(id INT PRIMARY KEY, a_id INT REFERENCES a(id));"
        "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1)",
    ) == set()  # fmt: skip


@pytest.mark.parametrize(
    ("name", "parts"),
    [("sbTxCustId", ("sb", "tx", "cust", "id")), ("order_id", ("order", "id")), ("HTTPServer", ("http", "server")),
     ("address2", ("address", "2")), ("prénom_id", ("prénom", "id")), ("客户", ("客户",)), ("_", ("_",))],
)  # fmt: skip
def test_words_of_an_identifier(name: str, parts: tuple[str, ...]) -> None:
    assert words(name) == parts


@pytest.mark.parametrize(
    ("plural", "one"),
    [("customers", "customer"), ("categories", "category"), ("boxes", "box"), ("classes", "class"),
     ("status", "status"), ("address", "address"), ("analysis", "analysis"), ("as", "as")],
)  # fmt: skip
def test_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_names_in_other_scripts_are_names(tmp_path: Path) -> None:
    assert inferred(
        tmp_path,
        "CREATE TABLE 客户(id INT PRIMARY KEY, x TEXT); CREATE TABLE 订单(id INT PRIMARY KEY, 客户_id INT);"
        "CREATE TABLE _(uid INT PRIMARY KEY); INSERT INTO 客户 VALUES (7, 'a'); INSERT INTO 订单 VALUES (1, 7);"
        "INSERT INTO _ VALUES (1)",
    ) == {"订单.客户_id->客户.id"}  # fmt: skip


def test_a_thousand_tables_take_seconds() -> None:
    columns = [
        ColumnInfo(name=name, declared_type="INT", kind="integer", distinct=2, values=(1, 2))
        for name in ("id", "other_part_7_id", "great_thing_id", "some_number", "code")
    ]
    tables = [
        TableInfo(name=f"some_part_{number}", columns=tuple(columns), primary_key=("id",), rows=2)
        for number in range(1_000)
    ]
    tables.append(TableInfo(name="thing", columns=tuple(columns[:1]), primary_key=("id",), rows=2))
    began = time.process_time()
    found = infer_foreign_keys(tables, lambda *_: True)
    assert time.process_time() - began < 5
    assert [key.references for key in found[500].foreign_keys] == ["thing"]
