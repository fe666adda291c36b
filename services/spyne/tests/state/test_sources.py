"""Databases as people write them down."""

import pytest
from spyne.sources import NamedSource, dialect_of, parse_sources, shown, warnings_about


def test_items_have_names_or_are_called_by_their_file():
    found = parse_sources("shop=/data/shop.sqlite, other.duckdb , sales=postgresql+psycopg://me:pw@db/sales")

    assert found == (
        NamedSource("shop", "sqlite", "/data/shop.sqlite"),
        NamedSource("other", "duckdb", "other.duckdb"),
        NamedSource("sales", "postgres", "postgresql://me:pw@db/sales"),
    )


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("sqlite:///shop.db", ("sqlite", "shop.db")),
        ("sqlite:////data/my%20shop.db", ("sqlite", "/data/my shop.db")),
        ("duckdb:////data/x", ("duckdb", "/data/x")),
        ("postgres://me@db/x", ("postgres", "postgresql://me@db/x")),
    ],
)
def test_an_address_says_what_it_is(location, expected):
    assert dialect_of(location) == expected


@pytest.mark.parametrize(
    "text", ["shop.txt", "a=x.db,a=y.db", "mysql://me:hunter2@db/x", "x=postgresql:///nohost", "1x.db", "x=sqlite:///"]
)
def test_what_cannot_be_read_is_refused_without_repeating_it(text):
    with pytest.raises(ValueError, match="expected") as caught:
        parse_sources(text)

    assert "hunter2" not in str(caught.value)


def test_a_source_does_not_show_its_password():
    assert "pw" not in repr(NamedSource("sales", "postgres", "postgresql://me:pw@db/sales"))


@pytest.mark.parametrize(
    "address",
    ["postgresql://me:hunter2@db:99999/x", "postgresql://me:hunter2@db:port/x", "postgresql://me:hunter2@[::1/x",
     "postgresql://me:hunter2@db:0/x", "postgresql://me:hunter2@one:5432,two:5432/x", "postgresql://me:hunter2@/x"],
)  # fmt: skip
def test_an_address_that_cannot_be_taken_apart_is_refused_before_anybody_asks(address):
    with pytest.raises(ValueError, match=r"expected an? (address|port)") as caught:
        dialect_of(address)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("postgresql://me:pw@[::1]:5433/x", "postgresql://[::1]:5433/x"),
        ("postgresql://me:pw@db/x?sslmode=require", "postgresql://db/x"),
    ],
)
def test_an_address_is_shown_without_what_opens_it(location, expected):
    assert shown(NamedSource("sales", *dialect_of(location))) == expected


def test_a_file_that_is_not_there_is_warned_about_and_not_waited_for(tmp_path):
    (tmp_path / "shop.db").touch()
    text = f"shop={tmp_path / 'shop.db'},gone={tmp_path / 'shup.db'},dir={tmp_path}/x.db"
    (tmp_path / "x.db").mkdir()

    found = list(warnings_about(parse_sources(text)))

    assert [line.split(": ")[1] for line in found] == ["gone", "dir"]
    assert str(tmp_path / "shup.db") in found[0]
