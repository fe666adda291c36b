import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
import roadworthy.report
from roadworthy.domain.inspection import Inspection
from roadworthy.domain.verdict import Exhibit, Verdict
from roadworthy.report.html import prose, to_html

VOID = {"meta", "link", "input", "br", "img", "hr"}


class Page(HTMLParser):
    """Reads a page as a browser would, and fails on a tag that is closed by another."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def ids(self) -> list[str | None]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]


def test_the_page_has_the_lists_the_pictures_and_every_claim(inspection: Inspection) -> None:
    page = Page(to_html(inspection))
    assert {"gate", "lists", "list-refuted", "list-unproven", "list-proven", "list-absent"} <= set(page.ids)
    assert {"matrix", "lifecycle", "claims", "warnings"} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    for result in inspection.results:
        assert f"claim-{result.claim.id}" in page.ids
        assert {"href": f"#claim-{result.claim.id}"} in page.named("a")


def test_the_matrix_is_a_table_with_row_and_column_headers(inspection: Inspection) -> None:
    headers = [attributes.get("scope") for attributes in Page(to_html(inspection)).named("th")]
    assert set(headers) == {"row", "col"}


def test_a_claim_opens_to_all_that_it_rests_on(inspection: Inspection) -> None:
    page = to_html(inspection)
    body = page[page.index('id="claim-readiness-false-when-dependency-down"') :]
    body = body[: body.index("</details>")]
    for words in (
        "Readiness turns false when a required dependency is down",
        "A balancer sends requests wherever this endpoint says yes.",
        "While the service is healthy",
        "GET /health answered 200 for 15 s while every create failed with 503.",
        "POST /bookings\ncontent-type: application/json",
        "could not connect to server",
        "sqlalchemy.exc.OperationalError: connection refused\n  File",
        "<code>roadworthy replay readiness-false-when-dependency-down --recording",
        "<pre>async with asyncio.timeout(1):\n    await pool.fetchval(&#39;select 1&#39;)</pre>",
        "passed",
        "reached the service 14 times",
        "2 runs, 2 agreeing",
        "1 health endpoint, 30 polls in 15 s",
        "NOT_APPLICABLE",
    ):
        assert words in body


def test_waivers_are_shown_with_their_state(inspection: Inspection) -> None:
    page = to_html(inspection)
    assert "waived until 2026-12-01 by Ana: fixed with the new driver" in page
    assert "waiver EXPIRED on 2026-10-01 by Ben: moving to JSON" in page


def test_an_exchange_that_is_missing_is_said_to_be(inspection: Inspection) -> None:
    assert "x-gone is not in this report." in to_html(inspection)


def test_what_the_service_said_is_inert(inspection: Inspection, hostile: str) -> None:
    said = replace(
        inspection,
        target=hostile,
        command=hostile,
        profile=hostile,
        error=hostile,
        environment={hostile: hostile},
        configurations=(hostile, "default"),
    )
    text = to_html(said)
    page = Page(text)
    assert len(page.named("script")) == 1
    assert page.named("img") == []
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert "{{ 7*7 }}" in text
    assert not set(text) & set("\x1b\x00\ud800\u202e\u2028")


def test_nothing_is_fetched_from_outside(inspection: Inspection) -> None:
    page = Page(to_html(inspection))
    policy = next(each for each in page.named("meta") if each.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
    )
    addresses = [each[name] for _, each in page.tags for name in ("src", "href", "action") if name in each]
    assert all(address and address.startswith(("#", "data:")) for address in addresses)
    assert "url(" not in (files(roadworthy.report) / "report.css").read_text()


def test_the_page_stays_small_whatever_the_service_answers(inspection: Inspection) -> None:
    shout = "<&\"'" * 16_384
    loud = {key: replace(each, body=shout, request_body=shout) for key, each in inspection.exchanges.items()}
    results = []
    for number in range(200):
        result = inspection.results[number % len(inspection.results)]
        exhibits = tuple(Exhibit("exchange", shout, "x-create") for _ in range(50))
        finding = replace(result.judgement.finding or pytest.fail("no finding"), exhibits=exhibits, scope=shout)
        judgement = replace(result.judgement, finding=finding, summary=shout)
        claim = replace(result.claim, id=f"{result.claim.id}-{number}")
        results.append(replace(result, claim=claim, judgement=judgement))
    text = to_html(replace(inspection, results=tuple(results), exchanges=loud, warnings=(shout,) * 5_000))
    assert len(text.encode()) <= 2_000_000
    assert "more characters left out]" in text
    assert "more pieces of evidence: see report.json." in text
    Page(text)


def test_a_target_that_could_not_be_run_says_why(failed: Inspection) -> None:
    text = to_html(failed)
    assert "error" in Page(text).ids
    assert "uvicorn exited with status 1" in text
    assert "exit status 2" in text


def test_an_inspection_without_evidence_has_no_pictures_but_its_lists(without_evidence: Inspection) -> None:
    page = Page(to_html(without_evidence))
    assert "lists" in page.ids
    assert not {"matrix", "lifecycle", "warnings", "environment"} & set(page.ids)


def test_prose_is_paragraphs_and_code() -> None:
    assert prose("Use `a<b`.\n\n    x = 1\n      y\n\nThen:\n```python\nz & z\n```\nDone.") == (
        "<p>Use <code>a&lt;b</code>.</p><pre>x = 1\n  y</pre><p>Then:</p><pre>z &amp; z</pre><p>Done.</p>"
    )


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_that_wcag_asks_for(scheme: str) -> None:
    css = (files(roadworthy.report) / "report.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]
    colours = dict(re.findall(r"--(\w[\w-]*): (#[0-9a-f]{6})", light if scheme == "light" else dark))
    texts = ("ink", "quiet", "link", "refuted", "unproven", "proven", "absent", "good", "bad", "neutral", "unknown")
    pairs = [(text, ground) for text in texts for ground in ("paper", "panel")]
    pairs += [(text, f"{mood}-wash") for mood in ("good", "bad") for text in (mood, "ink", "quiet")]
    for text, ground in pairs:
        darker, lighter = sorted((luminance(colours[text]), luminance(colours[ground])))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, f"{text} on {ground}"


def chromium() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    if found is None:
        pytest.skip("NOT CHECKED: no Chromium or Chrome on PATH, so no browser has read the report")
    return found


def dom(page: Path, profile: Path) -> str:
    """Return the document as a browser sees it after its scripts ran."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic", "--disable-sync"]
    quiet = ["--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}"]
    shown = subprocess.run(
        [chromium(), *flags, *quiet, "--dump-dom", page.as_uri()],
        capture_output=True,
        timeout=60,
        check=True,
        text=True,
    )
    return shown.stdout


@contextmanager
def listener() -> Iterator[tuple[str, list[object]]]:
    """Listen on a free port, and collect who connects."""
    callers: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, caller = server.accept()
                except OSError:
                    return
                callers.append(caller)
                connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", callers
        finally:
            with suppress(OSError):  # not every system lets a listening socket be shut down
                server.shutdown(socket.SHUT_RDWR)
            server.close()
            thread.join(timeout=5)


def test_a_browser_shows_everything_and_asks_nobody(inspection: Inspection, tmp_path: Path) -> None:
    chromium()
    with listener() as (address, callers):
        calling = (
            f'</pre><img src="{address}/i"><script src="{address}/s"></script><link rel=stylesheet href="{address}/c">'
        )
        exchanges = {key: replace(each, body=calling) for key, each in inspection.exchanges.items()}
        report = tmp_path / "report.html"
        report.write_text(to_html(replace(inspection, exchanges=exchanges, warnings=(calling,))))
        seen = dom(report, tmp_path / "profile")
        asked = len(callers)
        bare = tmp_path / "bare.html"
        bare.write_text(f"<!DOCTYPE html><title>bare</title><pre>{calling}")
        dom(bare, tmp_path / "profile")
        assert callers, "the control page called nobody, so that the report calls nobody shows nothing"
    assert asked == 0
    assert "<title>bookings: Roadworthy report</title>" in seen
    for part in ("list-refuted", "list-unproven", "list-proven", "list-absent", "matrix", "lifecycle", "claims"):
        assert f'id="{part}"' in seen
    assert seen.count('class="claim ') == len(inspection.results)
    assert '<button type="button" class="copy">' in seen  # its script ran: without it the button is hidden


def test_every_verdict_can_be_filtered_for(inspection: Inspection) -> None:
    page = Page(to_html(inspection))
    assert {"show-all", "show-refuted", "show-unproven", "show-proven", "show-absent"} <= set(page.ids)
    assert len([each for each in page.named("input") if each.get("type") == "radio"]) == len(Verdict) + 1
