"""Words that people add to a schema."""

from pathlib import Path

import pytest
from spyne.schema.model import ColumnInfo, Schema, TableInfo
from spyne.schema.semantics import SemanticError, parse_semantics, read_semantics, with_semantics

SCHEMA = Schema(
    dialect="sqlite",
    version="1",
    tables=(
        TableInfo(
            name="Customer",
            description="from the database",
            synonyms=("client",),
            columns=(
                ColumnInfo(name="joined_on", declared_type="DATE", kind="date"),
                ColumnInfo(name="name", declared_type="TEXT", kind="text"),
            ),
        ),
        TableInfo(name="other", columns=(ColumnInfo(name="id", declared_type="INT", kind="integer"),)),
    ),
)  # fmt: skip
MODEL = """
tables:
  customer:
    synonyms: [client, buyer]
    columns:
      joined_on: {synonyms: [sign-up date], description: The day of the first order}
"""


def test_words_are_added_and_none_is_taken_away() -> None:
    schema = with_semantics(SCHEMA, parse_semantics(MODEL))
    customer = schema.table("customer")
    assert (customer.synonyms, customer.description) == (("client", "buyer"), "from the database")
    assert customer.column("joined_on").synonyms == ("sign-up date",)
    assert customer.column("joined_on").description == "The day of the first order"
    assert customer.column("name") == SCHEMA.table("customer").column("name")
    assert schema.table("other") == SCHEMA.table("other")
    assert schema.version == SCHEMA.version


@pytest.mark.parametrize("text", ["", "tables: {}"])
def test_an_empty_model_changes_nothing(text: str) -> None:
    assert with_semantics(SCHEMA, parse_semantics(text)) == SCHEMA


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tables: {nobody: {}}", "'nobody'"),
        ("tables: {customer: {columns: {age: {}}}}", "Customer.age"),
    ],
)
def test_what_the_database_does_not_have_is_named(text: str, said: str) -> None:
    with pytest.raises(SemanticError, match=said):
        with_semantics(SCHEMA, parse_semantics(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tables: {customer: {synonym: [a]}}", r"tables\.customer\.synonym"),
        ("tables: [a", "line 1"),
        ("- a", "the top"),
        ("tables: !!python/object/apply:os.getcwd []", "expected YAML"),
        ("a: &a [x, x]\ntables: {b: {synonyms: *a}}", "aliases are not allowed"),
    ],
)
def test_a_model_that_cannot_be_used_says_where(text: str, said: str) -> None:
    with pytest.raises(SemanticError, match=said):
        parse_semantics(text)


def test_it_is_read_from_a_file_of_bounded_size(tmp_path: Path) -> None:
    file = tmp_path / "words.yaml"
    file.write_text(MODEL)
    assert read_semantics(file) == parse_semantics(MODEL)
    file.write_text("#" * 1_000_001)
    with pytest.raises(SemanticError, match="larger"):
        read_semantics(file)
