"""A real browser, driven over the pipe of its DevTools protocol; no driver and no further package."""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BOUND_S = 100.0
KEYS = {"Enter": ("Enter", 13, "\r"), "Escape": ("Escape", 27, ""), "ArrowUp": ("ArrowUp", 38, "")}
CONTROL = 2


class Browser:
    """One page of a headless Chromium."""

    def __init__(self, chromium: str, profile: Path) -> None:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        flags = (
            "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync "
            "--disable-component-update --remote-debugging-pipe --window-size=1280,900"
        )
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" {flags} --user-data-dir="$1" 3<&{to_browser} 4>&{from_browser}',
             chromium, str(profile)],
            pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self._number = 0
        self._buffer = b""
        self._session = ""
        self._context = ""
        self.complaints: list[str] = []
        self.asked: list[str] = []

    def renew(self) -> None:
        """Begin with a page that shares nothing with the one before."""
        self._session = ""
        if self._context:
            self._call("Target.disposeBrowserContext", browserContextId=self._context)
        self._context = self._call("Target.createBrowserContext")["browserContextId"]
        target = self._call("Target.createTarget", url="about:blank", browserContextId=self._context)["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        self.complaints, self.asked = [], []

    def visit(self, url: str) -> None:
        """Go to a page."""
        self._call("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def open(self, url: str) -> None:
        """Go to a page of Spyne, and wait until it is ready."""
        self.visit(url)
        self.until("document.body && document.body.dataset.ready === 'true'")

    def evaluate(self, script: str) -> Any:
        """Return what a script gives."""
        result = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def until(self, script: str) -> None:
        """Wait until a script gives true."""
        deadline = time.monotonic() + BOUND_S
        while not self.evaluate(f"!!({script})"):
            assert time.monotonic() < deadline, f"never true: {script}\n{self.evaluate('document.body.innerText')}"
            time.sleep(0.05)  # polling a condition, bounded above

    def type(self, text: str) -> None:
        """Type at the keyboard."""
        for character in text:
            self._call("Input.dispatchKeyEvent", type="keyDown", text=character, key=character)
            self._call("Input.dispatchKeyEvent", type="keyUp", key=character)

    def press(self, key: str, modifiers: int = 0) -> None:
        """Press one key."""
        name, code, text = KEYS[key]
        common = {"key": name, "code": name, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        self._call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self._call("Input.dispatchKeyEvent", type="keyUp", **common)

    def emulate(self, scheme: str) -> None:
        """Prefer a colour scheme."""
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def resize(self, width: int, height: int) -> None:
        """Have the window of a phone."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=True)

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + BOUND_S
        while True:
            answer = self._next(deadline)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(deadline - time.monotonic(), 0))
            chunk = os.read(self._read, 1 << 16) if ready else b""
            assert chunk, "the browser does not answer"
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    def _note(self, event: dict[str, Any]) -> None:
        method, parameters = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.complaints.append(str(parameters["entry"]))
        elif method == "Network.requestWillBeSent":
            self.asked.append(parameters["request"]["url"])

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # the group that we started: it has helpers
        self.process.wait(10)
        os.close(self._write)
        os.close(self._read)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser; what needs it is skipped, and says so, where there is none."""
    command = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    if command is None:
        pytest.skip("NOT CHECKED: no Chromium or Chrome on PATH, so no browser has seen the page")
    made = Browser(command, tmp_path_factory.mktemp("profile"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """A page of its own in the browser."""
    chromium.renew()
    return chromium


@pytest.fixture
def page(shared: Any, browser: Browser) -> Browser:
    """The page of the shared Spyne."""
    browser.open(str(shared.client.base_url))
    return browser
