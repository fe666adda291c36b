"""What the page says about defaults and audit events is what the code does."""

import dataclasses
import re
from pathlib import Path

import pytest
from chassis.auth import AuthPolicy

pytestmark = pytest.mark.needs("auth", "sql")

ROOT = next(parent for parent in Path(__file__).parents if (parent / "docs" / "chassis").is_dir())
PAGE = (ROOT / "docs" / "chassis" / "auth.md").read_text(encoding="utf-8")


def test_the_table_of_defaults_is_the_policys() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (?:`(.*?)`)? ?\|", PAGE.partition("## Defaults")[2], re.MULTILINE)
    policy = AuthPolicy("notes")
    fields = {field.name: repr(getattr(policy, field.name)) for field in dataclasses.fields(policy)}
    assert dict(rows) == fields | {"issuer": ""}


def test_every_audit_event_is_on_the_page() -> None:
    source = "".join(path.read_text() for path in (ROOT / "packages/chassis/src/chassis/auth").glob("*.py"))
    recorded = set(re.findall(r'(?:record|_record)\(\s*connection, "([\w.]+)"', source)) - {"note.shared"}
    assert {"login", "api_key.revoked", "user.disabled"} < recorded
    listed = PAGE.partition("## Telemetry")[2].partition("\n## ")[0]
    assert {event for event in recorded if f"`{event}`" not in listed} == set()
