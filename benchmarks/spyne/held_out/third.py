"""Three more databases for questions to be looked at: an airline, a museum, rented bicycles."""

import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

Rows = Iterator[tuple[str, tuple[object, ...]]]


def _day(chance: random.Random, first: int, last: int) -> date:
    begin = date(first, 1, 1)
    return begin + timedelta(days=chance.randrange((date(last + 1, 1, 1) - begin).days))


def _airline(chance: random.Random) -> Rows:
    airports = [("LIS", "Portela", "Lisbon", "Portugal"), ("OPO", "Sa Carneiro", "Porto", "Portugal"),
                ("MAD", "Barajas", "Madrid", "Spain"), ("FRA", "Rhein-Main", "Frankfurt", "Germany"),
                ("ZRH", "Kloten", "Zurich", "Switzerland"), ("KEF", "Keflavik", "Reykjavik", "Iceland")]  # fmt: skip
    for row in airports:
        yield "airports", row
    for number in range(1, 11):
        model, seats = chance.choice([("A320", 180), ("A321", 220), ("E190", 100)])
        yield "aircraft", (f"CS-T{number:02d}", model, seats, f"{_day(chance, 2004, 2021)}")
    for number in range(1, 151):
        start, end = chance.sample(airports[:5], 2)
        day = _day(chance, 2022, 2023)
        hour = chance.randint(6, 20)
        late = chance.choice([0, 0, 0, 5, 15, 40, 95])
        yield "flights", (
            number, f"TP{100 + number % 40}", start[0], end[0], f"CS-T{chance.randint(1, 9):02d}",
            f"{day} {hour:02d}:00:00", f"{day} {hour + 2:02d}:30:00", late, chance.random() < 0.08,
        )  # fmt: skip
    names = ["Abel", "Beatriz", "Cem", "Dora", "Elio", "Freya", "Goran", "Hana", "Ivo", "Jana"]
    for number in range(1, 61):
        land = chance.choice(["Portuguese", "Spanish", "German", "Icelandic"])
        yield "passengers", (number, f"{names[number % 10]} Silva{number}", land, chance.random() < 0.3)
    for number in range(1, 301):
        cabin = chance.choice(["economy", "economy", "economy", "business"])
        fare = round(chance.uniform(39, 900), 2)
        yield "tickets", (number, chance.randint(1, 145), chance.randint(1, 55), cabin, fare)


def _museum(chance: random.Random) -> Rows:
    artists = ["Ansel Roy", "Bianca Duval", "Cosmo Reni", "Daria Holm", "Egon Falk", "Flora Mendes", "Gil Aubert"]
    for number, name in enumerate(artists, 1):
        born = chance.randint(1820, 1960)
        died = None if born > 1930 else born + chance.randint(40, 85)
        yield "artist", (number, name, ["French", "Italian", "Danish"][number % 3], born, died)
    for number, name in enumerate(["Blue Hall", "Long Gallery", "Rotunda", "Attic"], 1):
        yield "gallery_room", (number, name, (number + 1) // 2)
    for number in range(1, 61):
        title = f"{['Study', 'Portrait', 'View', 'Dream'][number % 4]} No. {number}"
        kind = chance.choice(["oil", "watercolour", "bronze", "print"])
        room = None if number % 10 == 0 else chance.randint(1, 3)
        yield "artwork", (number, title, chance.randint(1, 6), kind, chance.randint(1850, 2010),
                          1000 * chance.randint(1, 400), room)  # fmt: skip
    for number, title in enumerate(["Light and Stone", "After Dark", "Northern Shores", "Hidden Hands", "Echoes"], 1):
        opens = _day(chance, 2022, 2023)
        yield "exhibition", (number, title, f"{opens}", f"{opens + timedelta(days=90)}", 5 + 3 * number)
        for artwork in sorted({7, *chance.sample(range(1, 55), 9)}):
            yield "exhibition_artwork", (number, artwork)
    for number in range(1, 81):
        yield "visit", (number, chance.randint(1, 4), f"{_day(chance, 2022, 2023)}", chance.randint(10, 400))


def _bikes(chance: random.Random) -> Rows:
    names = ["Castle", "Harbour", "Market", "University", "Station Square", "Zoo", "Museum", "Riverside"]
    for number, name in enumerate(names, 1):
        yield "stations", (number, name, ["North", "South", "Centre"][number % 3], 10 + 2 * number)
    for number in range(1, 41):
        bought = f"{_day(chance, 2018, 2022)}"
        yield "bikes", (number, chance.choice(["City", "Cargo", "Sport"]), number % 4 == 0, bought)
    for number in range(1, 51):
        plan = chance.choice(["monthly", "yearly", "pay as you go"])
        yield "riders", (number, f"rider{number:02d}", plan, f"{_day(chance, 2019, 2023)}", chance.randint(1955, 2006))
    for number in range(1, 401):
        minutes = chance.randint(4, 120)
        yield "trips", (
            number, chance.randint(1, 37), chance.randint(1, 46), chance.randint(1, 8), chance.randint(1, 8),
            f"{_day(chance, 2022, 2023)} {chance.randint(5, 23):02d}:{chance.randint(0, 59):02d}:00", minutes,
            round(minutes * 0.21, 2), round(1 + minutes * 0.15, 2),
        )  # fmt: skip
    for number in range(1, 61):
        part = chance.choice(["brake", "tyre", "chain", "light"])
        yield "repairs", (number, chance.randint(1, 38), f"{_day(chance, 2022, 2023)}", part, 5 * chance.randint(1, 30))


THIRD: dict[str, tuple[str, Callable[[random.Random], Rows]]] = {
    name: ((Path(__file__).parent / f"{name}.sql").read_text(), fill)
    for name, fill in (("airline", _airline), ("museum", _museum), ("bikes", _bikes))
}
