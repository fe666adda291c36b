"""Which files count as logs."""

from pathlib import Path

import pytest
from roadworthy.target.log_files import log_files, text_of


@pytest.mark.parametrize(
    "name", ["app.log", "app.log.1", "error_log", "log.txt", "logs/today", "deep/er/x.jsonl", "a.out"]
)
def test_files_named_like_logs_are_found(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a line")
    assert list(log_files(tmp_path)) == [path]


@pytest.mark.parametrize("name", ["notes.db", "catalogue.txt", "login.html", "blog/post.md", "data.json"])
def test_others_are_not(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a line")
    assert log_files(tmp_path) == {}


def test_links_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "link.log").symlink_to(__file__)
    assert log_files(tmp_path) == {}


def test_a_file_that_is_written_to_is_another(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("a line")
    before = log_files(tmp_path)
    assert log_files(tmp_path) == before
    path.write_text("a line, and more")
    assert log_files(tmp_path) != before


def test_any_bytes_are_text_and_what_is_gone_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"caf\xe9\n")
    assert text_of(path) == "caf\\xe9\n"
    assert text_of(tmp_path / "gone.log") == ""
