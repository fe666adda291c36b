"""In the workspace everything is installed that a test of the chassis needs: none of them is left out here."""

import runpy
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
EXTRAS = runpy.run_path(str(ROOT / "packages" / "chassis" / "tests" / "extras.py"))


def test_no_test_of_the_chassis_is_left_out_after_make_setup() -> None:
    assert EXTRAS["lacking"](tuple(EXTRAS["MODULES"])) == ""


def test_ci_runs_what_the_page_says_about_the_chassis_without_its_extras() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text().partition("## The chassis without its extras")[2]
    commands = page.split("```")[1].replace("\\\n", "").split("\n")
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    steps = workflow["jobs"]["chassis-without-extras"]["steps"]
    ran = [" ".join(step["run"].split()) for step in steps if "run" in step]
    assert [" ".join(each.split()) for each in commands if each] == ran[1:]
