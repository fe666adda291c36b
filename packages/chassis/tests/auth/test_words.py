"""One person, one login: however it is typed."""

import pytest
from chassis.auth import normalise_login
from chassis.errors import ProblemError
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.needs("auth", "sql")


def normalised(login: str) -> str | None:
    try:
        return normalise_login(login)
    except ProblemError:
        return None


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ada@Example.ORG", "ada@example.org"), (" ada ", "ada"), ("\uff21\uff24\uff21", "ada"),
        ("Jose\u0301", "jos\u00e9"), ("STRASSE", "strasse"), ("stra\u00dfe", "strasse"), ("\ufb01n", "fin"),
        ("x" * 254, "x" * 254),
    ],
)  # fmt: skip
def test_spellings_of_one_login_are_one(typed: str, kept: str) -> None:
    assert normalise_login(typed) == kept


@pytest.mark.parametrize(
    "login", ["", "  ", "a b", "a\u00a0b", "a\x00b", "a\u200bb", "a\u202eb", "x" * 255, "\ud800", "x" * 10**6]
)
def test_logins_that_cannot_be_told_apart_by_eye_are_refused(login: str) -> None:
    with pytest.raises(ProblemError) as refused:
        normalise_login(login)
    assert refused.value.status == 422


@given(st.text())
def test_normalising_again_changes_nothing(login: str) -> None:
    once = normalised(login)
    assert once is None or normalise_login(once) == once


@given(st.text())
def test_upper_and_lower_case_are_the_same(login: str) -> None:
    if (once := normalised(login)) is not None:
        assert normalised(login.lower()) == once == normalised(login.casefold())
