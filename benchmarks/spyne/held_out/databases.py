"""Four databases that Spyne was never tuned on: hospital wards, a library, a freight company, the meters of a city.

    paths = make(Path("/tmp/held-out"))        # {"ward": ..., "library": ..., "freight": ..., "energy": ...}

A fifth, `shop`, is Spyne's own demo database. Their rows are made by a random generator with a fixed seed: they are the
same each time.
"""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from held_out.more import MORE
from held_out.third import THIRD
from spyne.state.demo import create_demo

SEED = 2024
Rows = Iterator[tuple[str, tuple[object, ...]]]
_FIRST = ["Amara", "Bjorn", "Celia", "Dario", "Esra", "Finn", "Gita", "Henk", "Iris", "Joao", "Katya", "Luca"]
_LAST = ["Abbott", "Brandt", "Chen", "Duarte", "Egede", "Fischer", "Gomez", "Hakim", "Ivanov", "Jensen", "Kowalski"]


def make(folder: Path) -> dict[str, Path]:
    """Write all of them into a folder; return their files by name."""
    paths = {}
    for number, (name, (tables, fill)) in enumerate({**DATABASES, **MORE, **THIRD}.items()):
        paths[name] = folder / f"{name}.sqlite"
        with closing(sqlite3.connect(paths[name])) as connection, connection:
            connection.executescript(tables)
            for table, row in fill(random.Random(SEED + number)):
                connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - names of this file
    paths["shop"] = folder / "shop.sqlite"
    create_demo(paths["shop"])
    return paths


def _name(chance: random.Random) -> str:
    return f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"


def _day(chance: random.Random, first: int, last: int) -> date:
    begin = date(first, 1, 1)
    return begin + timedelta(days=chance.randrange((date(last + 1, 1, 1) - begin).days))


def _ward(chance: random.Random) -> Rows:
    wards = [("Maple", 1, 18), ("Birch", 1, 12), ("Cedar", 2, 24), ("Willow", 3, 9), ("Aspen", 4, 16)]
    for number, (name, floor, beds) in enumerate(wards, 1):
        yield "ward", (number, name, floor, beds)
    towns = ["Leiden", "Delft", "Gouda", "Haarlem"]
    for number in range(1, 61):
        yield (
            "patient",
            (
                number, chance.choice(_FIRST), chance.choice(_LAST), f"{_day(chance, 1935, 2015)}",
                chance.choice(["female", "male"]), chance.choice(["A", "B", "AB", "O"]), chance.choice(towns),
            ),
        )  # fmt: skip
    specialties = ["cardiology", "neurology", "oncology", "pediatrics"]
    for number in range(1, 10):
        hired = f"{_day(chance, 2005, 2023)}"
        yield "physician", (number, _name(chance), specialties[number % 4], hired, f"555-01{number:02d}")
    for number in range(1, 21):
        yield (
            "nurse",
            (number, _name(chance), 1 + number % 5, chance.choice(["junior", "senior", "head"]),
             f"{_day(chance, 2008, 2023)}"),
        )  # fmt: skip
    reasons = ["fracture", "pneumonia", "appendicitis", "concussion", "infection"]
    for number in range(1, 121):
        admitted = _day(chance, 2022, 2023)
        left = None if number % 11 == 0 else f"{admitted + timedelta(days=chance.randint(1, 25))}"
        yield (
            "admission",
            (number, chance.randint(1, 52), chance.randint(1, 5), chance.randint(1, 9), f"{admitted}", left,
             chance.choice(reasons), chance.random() < 0.3),
        )  # fmt: skip
    for number, (generic, brand, form, cost) in enumerate(
        [("ibuprofen", "Nuroflex", "tablet", 0.35), ("amoxicillin", "Amoxan", "capsule", 0.8),
         ("morphine", "Morfil", "injection", 4.2), ("salbutamol", "Airway", "inhaler", 6.5),
         ("paracetamol", "Panodin", "tablet", 0.2), ("insulin", "Glycolin", "injection", 7.9)], 1
    ):  # fmt: skip
        yield "medication", (number, generic, brand, form, cost)
    for number in range(1, 181):
        admission = chance.randint(1, 120)
        dose = chance.choice([5, 10, 50, 100, 200, 500])
        yield (
            "prescription",
            (number, admission, 1 + chance.randrange(5), dose, chance.randint(1, 4), f"{_day(chance, 2022, 2023)}"),
        )


def _library(chance: random.Random) -> Rows:
    for number, (name, street, city, year) in enumerate(
        [("Central", "Main Street 1", "Dublin", 1932), ("Riverside", "Quay Road 9", "Dublin", 1978),
         ("Hilltop", "Hill Lane 4", "Cork", 1995), ("Harbour", "Dock Street 22", "Galway", 2010)], 1
    ):  # fmt: skip
        yield "Branches", (number, name, street, city, year)
    lands = ["Irish", "French", "Nigerian", "Japanese"]
    for number in range(1, 16):
        yield "Authors", (number, f"{_name(chance)} {'IV'[number % 2]}", lands[number % 4], chance.randint(1920, 1990))
    genres = ["Mystery", "Poetry", "History", "Science Fiction"]
    words = ["Silent", "Golden", "Broken", "Distant", "Hidden"]
    things = ["River", "Garden", "Letter", "Machine", "Winter", "Tower", "Island", "Mirror"]
    for number in range(1, 41):
        title = f"The {words[number % 5]} {things[number % 8]}"
        yield (
            "Books",
            (number, title, chance.randint(1, 13), chance.choice(genres), chance.randint(1950, 2022),
             chance.randint(80, 720), chance.choice(["English", "French", "Irish"])),
        )  # fmt: skip
    for number in range(1, 16):
        yield (
            "Audiobooks",
            (number, f"Voices of the {things[number % 8]} {number}", _name(chance), chance.randint(1, 15),
             chance.choice(genres), chance.randint(120, 900), chance.choice(["English", "French", "Irish"])),
        )  # fmt: skip
    for number in range(1, 101):
        yield (
            "Copies",
            (number, chance.randint(1, 38), 1 + chance.randrange(4), chance.choice(["new", "good", "worn"])),
        )
    kinds = ["adult", "student", "senior"]
    for number in range(1, 51):
        yield (
            "Members",
            (number, _name(chance), f"m{number}@mail.example", chance.choice(["Dublin", "Cork", "Galway", "Sligo"]),
             f"{_day(chance, 2015, 2023)}", chance.choice(kinds)),
        )  # fmt: skip
    for number in range(1, 201):
        lent = _day(chance, 2022, 2023)
        back = None if number % 9 == 0 else f"{lent + timedelta(days=chance.randint(2, 45))}"
        yield (
            "Loans",
            (number, chance.randint(1, 100), chance.randint(1, 45), f"{lent}", f"{lent + timedelta(days=21)}", back),
        )
    for number in range(1, 41):
        paid = None if number % 4 == 0 else f"{_day(chance, 2023, 2023)}"
        yield "Fines", (number, number * 5, chance.randint(2, 60) / 2, paid)
    roles = ["librarian", "archivist", "cleaner", "manager"]
    for number in range(1, 17):
        yield "Staff", (number, _name(chance), roles[number % 4], 1 + number % 3, 28000 + 500 * chance.randrange(60))


def _freight(chance: random.Random) -> Rows:
    depots = [("HAM", "Hamburg", "Germany"), ("LYS", "Lyon", "France"), ("MIL", "Milan", "Italy"),
              ("BCN", "Barcelona", "Spain"), ("MUC", "Munich", "Germany")]  # fmt: skip
    for number, (code, city, country) in enumerate(depots, 1):
        yield "depots", (number, code, city, country, 1000 * chance.randint(3, 12))
    makes = [("Volvo", "FH16"), ("Scania", "R500"), ("MAN", "TGX"), ("Iveco", "Daily")]
    for number in range(1, 46):
        maker, model = chance.choice(makes)
        yield (
            "vehicles",
            (number, f"{'ABCDE'[number % 5]}-{1000 + 37 * number}", maker, model, 40000 + 1000 * chance.randrange(90),
             chance.randint(1, 5), chance.choice([3500, 12000, 24000]), chance.randint(2010, 2023)),
        )  # fmt: skip
    for number in range(1, 19):
        yield (
            "drivers",
            (number, _name(chance), chance.choice(["B", "C", "CE"]), f"{_day(chance, 2009, 2023)}",
             chance.randint(1, 4), 16 + chance.randrange(40) / 4),
        )  # fmt: skip
    firms = ["Nordwind", "Bellaqua", "Terrafix", "Lumina", "Petrel", "Quorum", "Sandpiper", "Velora", "Zenora"]
    for number, firm in enumerate(firms, 1):
        yield (
            "clients",
            (number, firm, _name(chance), f"office@{firm.lower()}.example",
             chance.choice(["Paris", "Vienna", "Turin", "Madrid"]), chance.choice(["retail", "industry", "food"])),
        )  # fmt: skip
    for number in range(1, 301):
        start, end = chance.sample(range(1, 6), 2)
        gross = chance.randint(100, 9000)
        day = _day(chance, 2022, 2023)
        status = chance.choice(["delivered"] * 6 + ["in transit", "lost", "returned"])
        arrived = f"{day + timedelta(days=chance.randint(1, 9))} 16:30:00" if status == "delivered" else None
        yield (
            "shipments",
            (number, chance.randint(1, 9), start, end, chance.randint(1, 42), chance.randint(1, 16), gross,
             gross - chance.randint(5, 90), chance.randint(80, 2400), chance.randint(5, 200), status,
             f"{day} 08:00:00", arrived),
        )  # fmt: skip


def _energy(chance: random.Random) -> Rows:
    kinds = ["school", "office", "library", "swimming pool"]
    labels = ["Alder", "Basalt", "Cobalt", "Dune", "Ember", "Fjord", "Grove", "Heron", "Indigo", "Jade", "Kelp", "Lark"]
    districts = ["Northgate", "Old Town", "Harbor", "Westfield"]
    for number, label in enumerate(labels, 1):
        yield (
            "building",
            (number, f"{label} House", districts[number % 4], kinds[(number // 2) % 4],
             500 + 250 * chance.randrange(20), chance.randint(1890, 2020)),
        )  # fmt: skip
    for number in range(1, 31):
        yield (
            "meter",
            (number, 1 + number % 12, f"SN{40000 + 91 * number}",
             "electricity" if number <= 12 else chance.choice(["water", "gas"]),
             f"{_day(chance, 2005, 2022)}"),
        )  # fmt: skip
    number = 0
    for meter in range(1, 29):
        for month in range(1, 13):
            number += 1
            yield "meter_reading", (number, meter, f"2023-{month:02d}-01", round(chance.uniform(20, 900), 1))
    for person in range(1, 10):
        yield "technician", (person, _name(chance), chance.choice(["blue", "green"]), person % 3 != 0)
    for skill, name in enumerate(["wiring", "plumbing", "welding", "metering"], 1):
        yield "skill", (skill, name)
    for person in range(1, 10):
        for skill in sorted({4, *chance.sample([1, 2, 3], chance.randint(0, 2))}):
            yield "technician_skill", (person, skill)
    for visit in range(1, 61):
        yield (
            "inspection",
            (visit, chance.randint(1, 11), chance.randint(1, 8), f"{_day(chance, 2021, 2023)}", chance.randint(1, 10),
             chance.choice(["ok", "leak found", "follow-up needed"])),
        )  # fmt: skip


_HERE = Path(__file__).parent
DATABASES: dict[str, tuple[str, Callable[[random.Random], Rows]]] = {
    name: ((_HERE / f"{name}.sql").read_text(), fill)
    for name, fill in (("ward", _ward), ("library", _library), ("freight", _freight), ("energy", _energy))
}
