"""A small shop in SQLite, and what asks it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from spyne.ask.grammar import propose
from spyne.ask.outcome import Proposal, Rows
from spyne.schema.model import Schema
from spyne.schema.sqlite import read_sqlite
from spyne.sql.render import render

SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT, state TEXT, joined DATE, is_active BOOLEAN);
CREATE TABLE products (id INTEGER PRIMARY KEY, title TEXT, category TEXT, price REAL, num_reviews INTEGER,
  maker_id INTEGER
  REFERENCES makers(id));
CREATE TABLE makers (id INTEGER PRIMARY KEY, name TEXT, country TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id), product_id INTEGER
  REFERENCES products(id), quantity INTEGER, placed DATE);
CREATE TABLE stores (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE stores_products (store_id INTEGER REFERENCES stores(id), product_id INTEGER REFERENCES products(id),
  PRIMARY KEY (store_id, product_id));
CREATE TABLE chalets (id INTEGER PRIMARY KEY, name TEXT, price_per_night REAL, location TEXT);
CREATE TABLE cabins (id INTEGER PRIMARY KEY, name TEXT, price_per_night REAL, location TEXT);
CREATE TABLE concerts (id INTEGER PRIMARY KEY, title TEXT, city TEXT, concert_hall TEXT, mean_delay REAL,
  median_delay REAL);
INSERT INTO makers VALUES (1,'Acme','Italy'),(2,'Bolt','France');
INSERT INTO customers VALUES (1,'Ada Lovelace','Rome','CA','2020-05-01',1),(2,'Bob Stone','Paris','NY','2021-06-01',0),
  (3,'Cyd Young','Rome','CA','2022-07-01',1),(4,'Dan Cole','Oslo','TX','2022-08-01',0);
INSERT INTO products VALUES (1,'Lamp','Light',20.0,5,1),(2,'Torch','Light',8.0,2,2),(3,'Chair','Furniture',60.0,9,1),
  (4,'Table','Furniture',120.0,4,2);
INSERT INTO orders VALUES (1,1,1,2,'2023-01-05'),(2,1,3,1,'2023-02-05'),(3,2,1,4,'2023-02-20'),(4,3,2,1,'2022-12-31'),
  (5,1,4,1,'2022-03-03');
INSERT INTO stores VALUES (1,'North'),(2,'South');
INSERT INTO stores_products VALUES (1,1),(1,2),(2,1),(2,3);
INSERT INTO chalets VALUES (1,'Aurora',200,'Alps'),(2,'Breeze',300,'Beach');
INSERT INTO cabins VALUES (1,'Creek',200,'Lake'),(2,'Dune',250,'Beach');
INSERT INTO concerts VALUES (1,'Opening','Rome','Arena',3.0,2.0),(2,'Closing','Oslo','Forum',5.0,4.0);
"""

Run = Callable[[str], list[tuple[object, ...]]]


@pytest.fixture(scope="session")
def shop_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop") / "shop.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SHOP)
    return path


@pytest.fixture(scope="session")
def shop(shop_path: Path) -> Schema:
    return read_sqlite(shop_path)


@pytest.fixture(scope="session")
def run(shop_path: Path) -> Run:
    def _run(sql: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(f"{shop_path.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchall()

    return _run


@pytest.fixture(scope="session")
def engine(shop_path: Path) -> Callable[[str], object]:
    async def _run(sql: str) -> Rows:
        with closing(sqlite3.connect(f"{shop_path.as_uri()}?mode=ro", uri=True)) as connection:
            cursor = connection.execute(sql)
            return Rows(columns=tuple(c[0] for c in cursor.description), rows=tuple(cursor.fetchall()))

    return _run


@pytest.fixture
def proposal(shop: Schema) -> Callable[[str], Proposal]:
    return lambda question: propose(question, shop)


@pytest.fixture
def answer(shop: Schema, run: Run) -> Run:
    """The rows of the best reading of a question."""

    def _answer(question: str) -> list[tuple[object, ...]]:
        readings = propose(question, shop).readings
        assert readings, f"no reading of {question!r}"
        return run(render(readings[0].plan, shop))

    return _answer
