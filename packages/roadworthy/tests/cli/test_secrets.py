"""No secret of a real inspection is in any file that it leaves, however the target wrote it."""

import base64
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus


def forms(secret: str) -> Iterator[str]:
    yield secret
    yield from (quote(secret), quote(secret, safe=""), quote_plus(secret))
    yield base64.b64encode(secret.encode()).decode().rstrip("=")
    yield from (json.dumps(secret)[1:-1], json.dumps(json.dumps(secret)[1:-1])[1:-1])
    yield html.escape(secret)


def test_no_file_and_no_output_holds_a_secret(inspected) -> None:
    files = [path for path in inspected.out.rglob("*") if path.is_file()]
    texts = {str(path.relative_to(inspected.out)): path.read_text(errors="replace") for path in files}
    texts["stdout"], texts["stderr"] = inspected.ran.out, inspected.ran.err
    assert {"report.html", "report.json", "junit.xml", "results.sarif", "recording/events.jsonl"} <= set(texts)
    leaks = {
        (kind, form, name)
        for kind, secret in inspected.secrets.items()
        for form in forms(secret)
        for name, text in texts.items()
        if form in text
    }
    assert not leaks


def test_the_target_did_tell_them(inspected) -> None:
    """Otherwise the test above would find nothing whatever the redactor does."""
    events = (inspected.out / "recording" / "events.jsonl").read_text()
    blobs = "".join(path.read_text() for path in (inspected.out / "recording" / "blobs").iterdir())
    hidden = set(re.findall(r"\[redacted:(\w+)\]", events + blobs))
    assert {"SIGNING_KEY", "REPORTS_DSN", "DATABASE_URL", "Authorization"} <= hidden
