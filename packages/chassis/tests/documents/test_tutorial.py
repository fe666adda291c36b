"""The tutorial: its blocks make the example, and each of its commands gives what the page says."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs" / "chassis" / "tutorial.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "packages" / "chassis" / "examples" / "notes" / "notes.py"
BOUND_S = 30.0


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_blocks_of_the_tutorial_are_the_example() -> None:
    pasted = "\n\n".join(block.strip("\n") for block in blocks("python notes.py"))
    assert _without_blank_lines(pasted) == _without_blank_lines(EXAMPLE.read_text(encoding="utf-8"))


def _without_blank_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


class Shell:
    """Carries out the tutorial's commands in a folder. ``curl`` is done here: not every machine has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        kept = {key: value for key, value in os.environ.items() if not key.startswith("NOTES_")}
        self.environment = {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
            "PORT": str(self.port)}  # fmt: skip
        self.background: subprocess.Popen[bytes] | None = None

    def run(self, command: str) -> str:
        words = shlex.split(command)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            self.environment[name] = value
            return ""
        if words[0] == "curl":
            return self.curl(words[1:])
        if words[:2] == ["kill", "%1"]:
            self.end()
            return ""
        if words[-1] == "&":
            self.serve(words[:-1])
            return ""
        done = subprocess.run(
            command, shell=True, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=BOUND_S,
            check=False,
        )  # fmt: skip
        return done.stdout + done.stderr

    def serve(self, words: list[str]) -> None:
        with (self.folder / "log").open("wb") as log:
            self.background = subprocess.Popen(words, cwd=self.folder, env=self.environment, stdout=log, stderr=log)
        deadline = time.monotonic() + BOUND_S
        while self.background.poll() is None and time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=BOUND_S).close()
            except OSError:
                time.sleep(0.05)  # polling for readiness, bounded by the deadline
            else:
                return
        pytest.fail((self.folder / "log").read_text())

    def curl(self, words: list[str]) -> str:
        method, headers, body, url = "GET", {}, None, ""
        following = iter(words)
        for word in following:
            match word:
                case "-s":
                    pass
                case "-X":
                    method = next(following)
                case "-H":
                    name, _, value = next(following).partition(": ")
                    headers[name] = value
                case "-d":
                    body = next(following).encode()
                case _:
                    url = f"http://{word.replace('localhost:8080', f'127.0.0.1:{self.port}')}"
        request = urllib.request.Request(url, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=BOUND_S) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return error.read().decode()

    def end(self) -> None:
        process, self.background = self.background, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(BOUND_S) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    (hello,) = blocks("python hello.py")
    (tmp_path / "hello.py").write_text(hello)
    (tmp_path / "notes.py").write_text("\n\n".join(block.strip("\n") for block in blocks("python notes.py")))
    shell = Shell(tmp_path)
    yield shell
    if shell.background is not None:
        shell.background.kill()
        shell.background.wait(BOUND_S)


def commands() -> Iterator[tuple[str, list[str]]]:
    """Each command with the lines that the page shows for it."""
    for block in blocks("console")[1:]:  # the first one makes the folder
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *expected = part.splitlines()
            yield command, expected


@pytest.mark.needs("sql", "serve", "fastapi")
def test_every_command_gives_what_the_tutorial_says(shell: Shell) -> None:
    tried = 0
    for command, expected in commands():
        if command.startswith("roadworthy"):  # takes minutes; its own benchmark runs it
            assert (shell.folder / "roadworthy.toml").read_text().count("[dependencies.") >= 2
            continue
        output = shell.run(command)
        tried += 1
        for line in expected:
            pattern = ".*".join(re.escape(piece.strip()) for piece in line.split("..."))
            assert re.search(pattern, output), f"{command}\nexpected: {line}\ngot: {output}"
        if not expected and command.startswith("curl"):
            assert output == "", command
        if output.startswith("{"):
            json.loads(output)
    assert tried > 15
