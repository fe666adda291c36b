"""What the README says for the first five minutes is carried out, as it is written there."""

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="NOT CHECKED: no curl on PATH, as the README asks")
SCRIPT = Path(__file__).parents[3] / "benchmarks/spyne/new_user.py"


@pytest.fixture(scope="module")
def new_user():
    """The script that carries it out."""
    spec = importlib.util.spec_from_file_location("new_user", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_five_minutes_are_enough_for_a_file_of_ones_own(new_user, tmp_path):
    new_user.make_file(tmp_path / "ferries.db")

    made = new_user.visit(tmp_path, new_user.OWN, RCA_WORKERS="1", RCA_QUERY_PROCESSES="1")

    assert made.statuses == ["success"] * 4 + ["needs_clarification", "success"]
    assert made.outcomes[1]["data"]["rows"] == [[8]]
    assert made.csv_rows == new_user.CROSSINGS + 1
    assert made.seconds < new_user.BOUND_S


def test_the_questions_of_the_readme_fit_the_demo(new_user, shared, tmp_path):
    made = new_user.Visit()

    new_user.ask(tmp_path, str(shared.port), {}, made)

    assert made.statuses == ["success"] * 4 + ["needs_clarification", "success"]
    assert made.outcomes[1]["data"]["rows"] == [[60]]
    assert made.csv_rows == 61


def test_the_semantic_model_of_the_readme_says_what_people_call_things(new_user, shared, start, tmp_path):
    (model,) = re.findall(r"^```yaml\n(.*?)^```", new_user.README.read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "words").mkdir()
    (tmp_path / "words/demo.yaml").write_text(model)

    spyne = start(SPYNE_SEMANTICS=str(tmp_path / "words"))

    assert shared.ask("how many buyers are there?")["status"] == "refused"
    assert spyne.ask("how many buyers are there?")["data"]["rows"] == [[60]]
