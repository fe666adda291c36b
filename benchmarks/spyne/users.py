"""Simulated users of Spyne: what they ask, what the right answers are, and how they ask it all the time.

The data are made from a seed, on SQLite and on PostgreSQL; the right answers are computed here, from the same rows, by
no part of Spyne.
"""

import asyncio
import contextlib
import random
import sqlite3
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

SEED = 20
CITIES = ("Rome", "Oslo", "Lima", "Cairo", "Quito", "Tunis", "Hanoi", "Turin", "Basel", "Ghent", "Porto", "Split")
STATUSES = ("open", "paid", "sent", "returned")
CATEGORIES = ("tools", "books", "toys", "shoes", "lamps")
NAMES = ("Ada", "Bo", "Cleo", "Dan", "Eva", "Finn", "Gil", "Hana", "Ivo", "Jana")
DATABASES = ("files", "server")  # the same data in SQLite and in PostgreSQL
TABLES = {
    "customers": "id INTEGER PRIMARY KEY, first_name TEXT NOT NULL, city TEXT NOT NULL",
    "products": "id INTEGER PRIMARY KEY, category TEXT NOT NULL, price INTEGER NOT NULL",
    "orders": "id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id), status TEXT NOT NULL, "
              "amount INTEGER NOT NULL",
}  # fmt: skip
Row = tuple[Any, ...]
Data = dict[str, list[Row]]


@dataclass(frozen=True)
class Question:
    """A question, where it is asked, and the rows that are right, in any order."""

    text: str
    database: str
    rows: Counter[Row]


def made_data() -> Data:
    """Make the rows of each table."""
    chance = random.Random(SEED)
    customers: list[Row] = [(n, chance.choice(NAMES), chance.choice(CITIES)) for n in range(1, 601)]
    products: list[Row] = [(n, chance.choice(CATEGORIES), chance.randint(1, 500)) for n in range(1, 201)]
    orders: list[Row] = [
        (n, chance.randint(1, 600), chance.choice(STATUSES), chance.randint(1, 900)) for n in range(1, 20_001)
    ]
    return {"customers": customers, "products": products, "orders": orders}


def questions(data: Data) -> list[Question]:
    """Make the simple questions, with their right answers."""
    customers, products, orders = data["customers"], data["products"], data["orders"]
    found: dict[str, Counter[Row]] = {
        "how many customers are there?": Counter([(len(customers),)]),
        "how many orders are there?": Counter([(len(orders),)]),
        "how many products are there?": Counter([(len(products),)]),
        "show me customers": Counter(customers),
        "show me products": Counter(products),
        "what is the total amount of orders?": Counter([(sum(row[3] for row in orders),)]),
        "number of orders per status": Counter(Counter(row[2] for row in orders).items()),
        "number of customers per city": Counter(Counter(row[2] for row in customers).items()),
    }
    for city in CITIES:
        found[f"how many customers are in {city}?"] = Counter([(sum(row[2] == city for row in customers),)])
        found[f"first name of customers in {city}"] = Counter((row[1],) for row in customers if row[2] == city)
    for status in STATUSES:
        found[f"how many orders are {status}?"] = Counter([(sum(row[2] == status for row in orders),)])
    for category in CATEGORIES:
        found[f"how many products have the category {category}?"] = Counter(
            [(sum(r[1] == category for r in products),)]
        )
    return [Question(text, database, rows) for text, rows in found.items() for database in DATABASES]


@dataclass
class Seen:
    """What the users saw. Times are seconds; `failed` has the moment and the kind of each request without success."""

    took: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: list[tuple[float, str, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was acknowledged as written: by path, what has to be read there."""


class Users:
    """Users in a closed loop: each asks, waits for the answer, thinks for `think_s` (from, to) and asks again.

    Args:
        port: of Spyne.
        data: what they ask about; each user asks in a random order of its own, from the seed.
        number: of users.
        think_s: shortest and longest time to think, in seconds.
    """

    def __init__(self, port: int, data: Data, number: int = 50, think_s: tuple[float, float] = (1, 5)) -> None:
        self.seen = Seen()
        self.questions = questions(data)
        self._amounts = [row[3] for row in data["orders"]]
        self._number = number
        self._think_s = think_s
        self.began = time.monotonic()
        limits = httpx.Limits(max_connections=number + 10, max_keepalive_connections=number + 10)
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60.0, limits=limits)

    async def run(self, seconds: float) -> None:
        """Let them work for a while; what is under way then is waited for."""
        self.began = time.monotonic()
        until = self.began + seconds
        await asyncio.gather(*(self._one(number, until) for number in range(self._number)))

    async def _one(self, number: int, until: float) -> None:
        chance = random.Random(SEED * 1000 + number)
        await asyncio.sleep(chance.uniform(0, self._think_s[1] or 1.0))
        while time.monotonic() < until:
            await self._turn(chance)
            await asyncio.sleep(chance.uniform(*self._think_s))

    async def _turn(self, chance: random.Random) -> None:
        """Ask a simple question, in 8 of 10 turns; or run SQL, save a query, or begin a session."""
        dice, database = chance.random(), chance.choice(DATABASES)
        if dice < 0.8:
            await self.ask(chance.choice(self.questions))
        elif dice < 0.9:
            await self.execute(database, chance.randint(1, 900))
        elif dice < 0.95:
            await self.save(database, f"{chance.getrandbits(64):x}")
        else:
            question = chance.choice(self.questions)
            sent = {"query": question.text, "database": question.database}
            await self._written("session", "/api/clarification/sessions", sent, ("query", "database", "status"))

    async def ask(self, question: Question) -> bool:
        """Ask a question and compare the answer; return whether it was right."""
        answer = await self._sent("ask", "/api/agent/run", {"query": question.text, "database": question.database})
        return answer is not None and self._right(f"{question.database}: {question.text}", answer, question.rows)

    async def execute(self, database: str, least: int) -> bool:
        """Run SQL: how many orders have this amount at least; return whether the answer was right."""
        sql = f"SELECT count(*) FROM orders WHERE amount >= {least}"  # noqa: S608 - ours
        answer = await self._sent("sql", "/api/query/execute", {"database": database, "sql": sql})
        rows: Counter[Row] = Counter([(sum(amount >= least for amount in self._amounts),)])
        return answer is not None and self._right(f"{database}: {sql}", answer, rows)

    async def save(self, database: str, word: str) -> bool:
        """Save a query; return whether that was acknowledged."""
        sql = f"SELECT count(*) FROM customers WHERE first_name = '{word}'"  # noqa: S608 - ours
        sent = {"database": database, "query": f"saved {word}", "verified": False, "sql": sql}
        return await self._written("save", "/api/saved-queries", sent, ("query", "sql", "database"))

    def _right(self, what: str, answer: dict[str, Any], rows: Counter[Row]) -> bool:
        found = Counter(map(tuple, answer.get("data", {}).get("rows", ())))
        is_right = answer["status"] == "success" and found == rows
        if not is_right:
            self.seen.wrong.append(f"{what}: {answer['status']} {list(found)[:2]}")
        return is_right

    async def _written(self, kind: str, path: str, sent: dict[str, Any], parts: tuple[str, ...]) -> bool:
        made = await self._sent(kind, path, sent)
        if made is not None:
            self.seen.kept[f"{path}/{made['id']}"] = {part: made[part] for part in parts}
        return made is not None

    async def _sent(self, kind: str, path: str, sent: dict[str, Any]) -> dict[str, Any] | None:
        began = time.monotonic()
        try:
            answer = await self.client.post(path, json=sent)
        except httpx.HTTPError as error:
            self.seen.failed.append((time.monotonic() - self.began, kind, type(error).__name__))
            return None
        if not answer.is_success:
            what = f"{answer.status_code} {answer.json().get('title', '')}"
            self.seen.failed.append((time.monotonic() - self.began, kind, what))
            return None
        self.seen.took[kind].append(time.monotonic() - began)
        found: dict[str, Any] = answer.json()
        return found

    async def lost(self) -> list[str]:
        """Read what was acknowledged as written; return what is not there, or is not as it was."""
        gone = []
        for path, was in self.seen.kept.items():
            try:
                answer = await self.client.get(path)
            except httpx.HTTPError as error:
                gone.append(f"{path}: {type(error).__name__}")
                continue
            is_now = answer.json() if answer.is_success else {}
            if any(is_now.get(part) != value for part, value in was.items()):
                gone.append(f"{path}: {answer.status_code}")
        return gone


def put_into_sqlite(path: Path, data: Data) -> None:
    """Make a file with the data."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        for table, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {table} ({columns})")
            marks = ", ".join("?" for _ in data[table][0])
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", data[table])  # noqa: S608 - ours


def put_into_postgresql(url: str, data: Data) -> None:
    """Put the data into an empty database."""
    with psycopg.connect(url) as connection:
        for table, columns in TABLES.items():
            connection.execute(f"CREATE TABLE {table} ({columns})")  # type: ignore[arg-type]
            with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:  # type: ignore[arg-type]
                for row in data[table]:
                    copy.write_row(row)
