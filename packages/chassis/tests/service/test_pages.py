"""The pages about dependencies and the lifecycle say what the code does."""

from dataclasses import fields
from pathlib import Path

import pytest
from chassis import Checks, ServiceSettings, SqlOptions

PAGES = Path(__file__).parents[4] / "docs" / "chassis"
DEPENDENCIES = (PAGES / "dependencies.md").read_text(encoding="utf-8")
LIFECYCLE = (PAGES / "lifecycle.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["every_s", "every_s_when_down", "again_s", "timeout_s"])
def test_the_schedule_of_checks_is_the_one_in_use(name: str) -> None:
    assert f"| `{name}` | {getattr(Checks(), name)} |" in DEPENDENCIES


def test_the_promised_times_follow_from_the_schedule() -> None:
    assert f"within {Checks().bound_s:g} s when nobody calls" in DEPENDENCIES.replace("\n", " ")
    assert f"a return within {Checks().return_bound_s:g} s" in DEPENDENCIES.replace("\n", " ")


def test_every_option_of_databases_is_there_with_its_default() -> None:
    shown = {
        f"`{option.name}={option.default:g}`"
        for option in fields(SqlOptions)
        if option.type in ("int", "float", int, float)
    }
    assert {text for text in shown if text not in DEPENDENCIES} == set()


@pytest.mark.parametrize("name", ["start_timeout_s", "pre_drain_s", "drain_s"])
def test_every_setting_of_the_lifecycle_is_there_with_its_default(name: str) -> None:
    assert f"| `{name}` | {ServiceSettings.model_fields[name].default:g} |" in LIFECYCLE
