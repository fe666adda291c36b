"""What is deployed beside Spyne fits what it declares and measures."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_the_alert_rules_are_those_of_the_declarations():
    ended = subprocess.run(
        [sys.executable, "-m", "chassis", "spyne.application:application", "describe", "alerts", "--check",
         str(DEPLOY / "alerts.yml")],
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_dashboard_is_that_of_the_script():
    spec = importlib.util.spec_from_file_location("spyne_dashboard", DEPLOY / "dashboard.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert module.PLACE.read_text() == module.text()


def test_every_metric_of_the_dashboard_is_there(shared):
    shared.ask("how many orders are there?")
    text = shared.client.get("/api/v1/metrics/prometheus").text
    known = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)) | {
        f"{name}_bucket" for name in re.findall(r"^# TYPE (\S+) histogram", text, re.MULTILINE)
    }
    quiet = {"spyne_llm_failures_total", "spyne_query_guardrail_triggered_total"}  # shown once they count something
    dashboard = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())
    wanted = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\b(?:spyne|process)_\w+", target["expr"])
    }

    assert wanted - known - quiet == set()


def test_compose_has_the_profiles_and_the_limits_of_the_document():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]

    limits = services["backend"]["deploy"]["resources"]
    assert limits == {"limits": {"memory": "2G", "cpus": "2"}, "reservations": {"memory": "512M", "cpus": "0.5"}}
    profiles = {profile for each in services.values() for profile in each.get("profiles", [])}
    assert {"with-db", "with-cache", "with-monitoring"} <= profiles
    assert all("deploy" in each for each in services.values())
