"""The demo database: a fictional shop, the same each time."""

import contextlib
import random
import sqlite3
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

_TABLES = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY, first_name TEXT NOT NULL, last_name TEXT NOT NULL, email TEXT NOT NULL UNIQUE,
    city TEXT NOT NULL, country TEXT NOT NULL, joined_on DATE NOT NULL);
CREATE TABLE products (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL, price REAL NOT NULL, stock INTEGER NOT NULL);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id), ordered_on DATE NOT NULL,
    status TEXT NOT NULL);
CREATE TABLE order_items (
    id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders(id),
    product_id INTEGER NOT NULL REFERENCES products(id), quantity INTEGER NOT NULL, unit_price REAL NOT NULL);
CREATE INDEX orders_of_customer ON orders(customer_id);
CREATE INDEX items_of_order ON order_items(order_id);
"""
_FIRST = ("Ada", "Bruno", "Chiara", "Dmitri", "Elif", "Femi", "Greta", "Hiro", "Ines", "Jonas", "Kemal", "Lucia",
          "Mara", "Nils", "Olga", "Priya")  # fmt: skip
_LAST = ("Abara", "Bianchi", "Castillo", "Dahl", "Eriksen", "Farouk", "Grant", "Haas", "Ito", "Jansen", "Kaya",
         "Lindqvist", "Moreau", "Novak")  # fmt: skip
_PLACES = [("Lisbon", "Portugal"), ("Porto", "Portugal"), ("Oslo", "Norway"), ("Bergen", "Norway"),
           ("Lyon", "France"), ("Nantes", "France"), ("Graz", "Austria"), ("Linz", "Austria")]  # fmt: skip
_PRODUCTS = {
    "Kitchen": [("Bread knife", 24.5), ("Cast iron pan", 59.0), ("Tea kettle", 38.0), ("Wooden spoon", 4.9)],
    "Garden": [("Watering can", 19.9), ("Pruning shears", 32.0), ("Seed tray", 7.5)],
    "Office": [("Desk lamp", 45.0), ("Notebook", 6.4), ("Fountain pen", 28.0), ("Paper clips", 2.1)],
    "Travel": [("Backpack", 89.0), ("Travel pillow", 17.5), ("Water bottle", 14.9)],
}
_STATUSES = ["delivered"] * 7 + ["shipped"] * 2 + ["cancelled"]


def create_demo(path: Path) -> None:
    """Make the demo database, unless it is there; several processes and threads may do it at once.

    Raises:
        OSError: the folder cannot be written to.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with contextlib.closing(sqlite3.connect(made)) as connection, connection:
            _fill(connection)
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)


def _fill(connection: sqlite3.Connection) -> None:
    chance = random.Random(7)
    connection.executescript(_TABLES)
    begin = date(2023, 1, 1)
    for number in range(1, 61):
        first, last = chance.choice(_FIRST), chance.choice(_LAST)
        joined = begin + timedelta(days=chance.randrange(500))
        connection.execute(
            "INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?)",
            (number, first, last, f"{first}.{last}.{number}@example.org".lower(), *chance.choice(_PLACES), f"{joined}"),
        )
    products = [(name, category, price) for category, items in _PRODUCTS.items() for name, price in items]
    for number, (name, category, price) in enumerate(products, 1):
        connection.execute(
            "INSERT INTO products VALUES (?, ?, ?, ?, ?)", (number, name, category, price, chance.randrange(200))
        )
    item = 0
    for number in range(1, 401):
        ordered = begin + timedelta(days=chance.randrange(730))
        connection.execute(
            "INSERT INTO orders VALUES (?, ?, ?, ?)",
            (number, chance.randint(1, 55), f"{ordered}", chance.choice(_STATUSES)),
        )
        for product in chance.sample(range(len(products)), chance.randint(1, 4)):
            item += 1
            connection.execute(
                "INSERT INTO order_items VALUES (?, ?, ?, ?, ?)",
                (item, number, product + 1, chance.randint(1, 5), products[product][2]),
            )
