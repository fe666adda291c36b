"""Databases as people write them down."""

import pytest
from spyne.sources import NamedSource, dialect_of, parse_sources


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
