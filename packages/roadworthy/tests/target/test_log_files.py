"""Which files count as logs."""

import os
import time
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
    assert log_files(tmp_path, time.time()) == (path,)


@pytest.mark.parametrize("name", ["notes.db", "catalogue.txt", "login.html", "blog/post.md", "data.json"])
def test_others_are_not(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a line")
    assert log_files(tmp_path, time.time()) == ()


def test_older_ones_and_links_are_left_out(tmp_path: Path) -> None:
    old, link = tmp_path / "old.log", tmp_path / "link.log"
    old.write_text("long ago")
    os.utime(old, (1, 1))
    link.symlink_to(__file__)
    assert log_files(tmp_path, time.time()) == ()


def test_any_bytes_are_text_and_what_is_gone_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"caf\xe9\n")
    assert text_of(path) == "caf\\xe9\n"
    assert text_of(tmp_path / "gone.log") == ""
