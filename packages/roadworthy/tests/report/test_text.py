import pytest
from roadworthy.report.text import count, cut, duration, moment, printable


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "<1 ms"),
        (0.0123, "12 ms"),
        (0.9996, "1.0 s"),
        (1.04, "1.0 s"),
        (9.96, "10 s"),
        (119.4, "119 s"),
        (192.4, "3 min 12 s"),
        (3600, "60 min"),
    ],
)
def test_a_duration_has_the_precision_that_a_reader_needs(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_text_cannot_command_a_terminal_reorder_its_surroundings_or_fail_to_be_written(hostile: str) -> None:
    shown = printable(hostile)
    shown.encode("utf-8")
    assert not set(shown) & set("\x1b\x00\ud800\u202e\u2028\uffff")
    assert "\\x1b[31mred" in shown
    assert "\\ud800" in shown


def test_lines_and_tabs_stay_and_carriage_returns_show() -> None:
    assert printable("a\r\nb\tc\rd") == "a\nb\tc\\x0dd"


def test_text_that_is_cut_says_so() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("x" * 2_000, 10) == "xxxxxxxxxx… [1,990 more characters left out]"


def test_a_number_agrees_with_its_noun() -> None:
    assert (count(1, "claim"), count(1200, "claim")) == ("1 claim", "1,200 claims")


def test_a_time_is_written_for_people_and_anything_else_stays() -> None:
    assert moment("2026-11-22T05:43:10.123Z") == "2026-11-22 05:43 UTC"
    assert moment("2026-11-22T05:43:10+00:00") == "2026-11-22 05:43 UTC"
    assert moment("yesterday") == "yesterday"
