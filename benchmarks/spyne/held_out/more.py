"""Three more databases for questions to be looked at: the staff of a company, hotels, a football league."""

import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

Rows = Iterator[tuple[str, tuple[object, ...]]]
_FIRST = ["Anton", "Berit", "Carla", "Diego", "Emma", "Farid", "Grace", "Hugo", "Ida", "Jakub", "Karin", "Leo"]
_LAST = ["Adler", "Berg", "Conti", "Dubois", "Eklund", "Ferrari", "Gruber", "Horvat", "Ilves", "Jonsson", "Klein"]


def _name(number: int) -> str:
    return f"{_FIRST[number % 12]} {_LAST[number * 7 % 11]}"


def _day(chance: random.Random, first: int, last: int) -> date:
    begin = date(first, 1, 1)
    return begin + timedelta(days=chance.randrange((date(last + 1, 1, 1) - begin).days))


def _staff(chance: random.Random) -> Rows:
    for number, (name, place) in enumerate(
        [("Sales", "Vienna"), ("Research", "Graz"), ("Finance", "Vienna"), ("Support", "Linz"), ("Legal", "Graz")], 1
    ):
        yield "departments", (number, name, place, 100_000 * number)
    titles = ["engineer", "accountant", "consultant", "clerk"]
    for number in range(1, 51):
        hired = f"{_day(chance, 2010, 2023)}"
        boss = None if number <= 4 else 1 + number % 4
        salary = 30_000 + 731 * chance.randrange(90)
        yield "employees", (number, _name(number), titles[number % 4], salary, hired, 1 + number * 5 % 4, boss)
    for number, title in enumerate(["Atlas", "Beacon", "Comet", "Drift", "Echo", "Falcon", "Glacier"], 1):
        begin = _day(chance, 2020, 2022)
        end = None if number % 3 == 0 else f"{begin + timedelta(days=chance.randint(60, 500))}"
        yield "projects", (number, title, f"{begin}", end, 20_000 * chance.randint(1, 12))
    for number in range(1, 46):
        for project in sorted(chance.sample(range(1, 7), chance.randint(0, 3))):
            yield "assignments", (number, project, chance.randint(5, 300))


def _hotels(chance: random.Random) -> Rows:
    for number, (name, city) in enumerate(
        [
            ("Sunrise", "Rimini"),
            ("Lakeside", "Como"),
            ("Grand Palace", "Rome"),
            ("Pinewood", "Como"),
            ("Marina", "Bari"),
        ],
        1,
    ):
        yield "hotel", (number, name, city, 2 + number % 4)
    for number in range(1, 41):
        kind = chance.choice(["single", "double", "suite"])
        yield (
            "room",
            (number, 1 + number % 5, f"{100 + number}", kind, 40 + chance.randrange(260), chance.randint(1, 5)),
        )
    lands = ["Italy", "Germany", "Canada", "Japan"]
    for number in range(1, 71):
        born = f"{_day(chance, 1950, 2003)}"
        yield "guest", (number, _FIRST[number % 12], _LAST[number * 5 % 11], chance.choice(lands), born)
    for number in range(1, 221):
        begin = _day(chance, 2022, 2023)
        nights = chance.randint(1, 9)
        status = chance.choice(["confirmed", "confirmed", "cancelled", "no-show"])
        yield "booking", (
            number, chance.randint(1, 62), chance.randint(1, 37), f"{begin}", f"{begin + timedelta(days=nights)}",
            status, nights * chance.randint(50, 250),
        )  # fmt: skip
    for number in range(1, 101):
        yield "review", (number, number * 2, chance.randint(1, 5), f"{_day(chance, 2022, 2023)} 12:00:00")


def _league(chance: random.Random) -> Rows:
    for number, (name, city) in enumerate(
        [("Rovers", "Leeds"), ("Harriers", "York"), ("Wanderers", "Hull"), ("Albion", "York"), ("Thistle", "Perth")], 1
    ):
        yield "Team", (number, name, city, 1880 + 9 * number)
    for number in range(1, 61):
        place = chance.choice(["goalkeeper", "defender", "midfielder", "striker"])
        born = f"{_day(chance, 1988, 2005)}"
        worth = 50_000 * chance.randint(1, 120)
        yield "Player", (number, _name(number), place, born, chance.randint(165, 203), 1 + number % 4, worth)
    for number in range(1, 61):
        home, away = chance.sample(range(1, 6), 2)
        yield "Game", (number, home, away, f"{_day(chance, 2022, 2023)}", 500 * chance.randint(2, 60))
    for number in range(1, 161):
        yield "Goal", (number, chance.randint(1, 57), chance.randint(1, 55), chance.randint(1, 90))


MORE: dict[str, tuple[str, Callable[[random.Random], Rows]]] = {
    name: ((Path(__file__).parent / f"{name}.sql").read_text(), fill)
    for name, fill in (("staff", _staff), ("hotels", _hotels), ("league", _league))
}
