"""What whoever runs Spyne sees of it: health, metrics, logs, and what goes wrong with the language model."""

import contextlib
import json
import re
import socket
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

DEPLOY = Path(__file__).parents[2] / "deploy"
PAGE = "https://app.example.org"


@pytest.fixture(scope="module")
def spyne(start_for_all, model_for_all, harbour):
    """Spyne with a model, a database, a page of another origin, and reachable at every address of the machine."""
    return start_for_all(
        OPENAI_API_KEY="sk-for-tests-of-operations", OPENAI_BASE_URL=model_for_all.url, RCA_HOST="0.0.0.0",
        SPYNE_DATABASES=f"harbour={harbour}", RCA_CORS_ORIGINS=PAGE,
    )  # fmt: skip


@pytest.fixture
def model(model_for_all):
    """Answer that there are boats, unless a test says otherwise."""
    model_for_all.steps = [model_for_all.answer("boats")]
    return model_for_all


@pytest.mark.parametrize("path", ["/api/v1/health", "/api/v1/health/detailed"])
def test_health_tells_the_version_and_that_all_is_well(spyne, path):
    answer = spyne.client.get(path)

    assert answer.status_code == 200
    told = answer.json()
    assert (told["status"], told["service"], told["version"]) == ("healthy", "spyne", "2.0.0")


def test_detailed_health_tells_of_each_dependency_and_of_the_start(spyne):
    told = spyne.client.get("/api/v1/health/detailed").json()

    assert {name: each["status"] for name, each in told["dependencies"].items()} == {
        "state": "up", "llm": "up", "cache": "not configured"}  # fmt: skip
    assert {step["status"] for step in told["start"]} == {"done"}
    assert spyne.client.get("/api/v1/health/live").status_code == 200
    assert spyne.client.get("/api/v1/health/ready").status_code == 200


def test_the_version_is_that_of_the_document(spyne):
    assert spyne.client.get("/openapi.json").json()["info"]["version"] == "2.0.0"


def test_golden_signals_are_told_as_json(spyne, model):
    before = spyne.client.get("/api/v1/metrics").json()["traffic"]["requests_total"]
    spyne.ask("how many boats are there?")

    told = spyne.client.get("/api/v1/metrics").json()

    assert told["traffic"]["requests_total"] == before + 1
    assert told["traffic"]["requests_per_s"] > 0
    assert told["errors"]["percent"] == 0
    assert 0 < told["latency"]["p50_ms"] <= told["latency"]["p95_ms"] <= told["latency"]["p99_ms"]
    assert told["throughput"]["successful_per_minute"] > 0


def test_prometheus_reads_the_metrics_and_each_question_counts_once(spyne, model, samples):
    answer = spyne.client.get("/api/v1/metrics/prometheus")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert list(text_string_to_metric_families(answer.text))
    before = samples(spyne)
    spyne.ask("how many boats are there?")
    after = samples(spyne)

    counted = [
        'spyne_query_latency_seconds_count{query_type="ask"}', "spyne_llm_latency_seconds_count",
        'spyne_answers_total{source="llm"}', 'spyne_outcomes_total{status="success"}',
        'spyne_requests_total{method="POST",route="/api/agent/run",status="200"}',
    ]  # fmt: skip
    assert {name: after[name] - before.get(name, 0) for name in counted} == dict.fromkeys(counted, 1)
    for name in ("spyne_query_latency_seconds_sum", "spyne_llm_latency_seconds_sum"):
        assert sum(after[each] - before.get(each, 0) for each in after if each.startswith(name)) > 0


def test_the_share_of_questions_asked_back_and_of_those_resolved_is_told(spyne, model):
    def told():
        return spyne.client.get("/api/v1/metrics").json()["clarification"]

    before = told()
    model.steps = [model.answer("boats", "piers")]
    asked = spyne.ask("how many are there?")
    assert asked["status"] == "needs_clarification"
    (question,) = asked["clarification"]["questions"]
    sent = {"session_id": asked["clarification"]["id"], "answers": {question["id"]: question["options"][0]["id"]}}
    assert spyne.client.post("/api/agent/continue", json=sent).json()["status"] == "success"

    after = told()
    grown = {key: after[key] - before[key] for key in ("clarification_needed", "clarification_resolved")}
    assert grown == {"clarification_needed": 1, "clarification_resolved": 1}
    assert after["total_queries"] > before["total_queries"]
    assert after["clarification_rate"] == round(after["clarification_needed"] / after["total_queries"], 4)
    assert after["resolution_rate"] == round(after["clarification_resolved"] / after["clarification_needed"], 4)
    assert after["average_clarification_time_ms"] > 0


@pytest.mark.parametrize(("status", "reason"), [(401, "status_401"), (503, "unavailable")])
def test_a_key_that_is_refused_and_an_api_that_is_down_are_told_apart(spyne, model, status, reason):
    def told():
        metrics = spyne.client.get("/api/v1/metrics").json()
        return metrics["answers"].get("grammar", 0), metrics["llm"]["failures"].get(reason, 0)

    answers, failures = told()
    model.steps = [(status, {})]
    assert spyne.ask("how many boats are there?")["source"] == "grammar"

    assert told() == (answers + 1, failures + 1)
    assert any("language model gave no plan" in line and str(status) in line for line in spyne.log().splitlines())


def test_a_result_that_is_kept_is_counted_as_such(spyne, samples):
    sent = {"sql": "SELECT name FROM boats ORDER BY name", "database": "harbour"}
    before = samples(spyne)
    rows = [spyne.client.post("/api/query/execute", json=sent).json()["data"]["rows"] for _ in range(2)]
    after = samples(spyne)

    assert rows == [[["Canaria"], ["Pinta"]]] * 2
    hits = 'spyne_result_cache_total{result="hit"}'
    assert after[hits] - before.get(hits, 0) >= 1


def test_pages_of_the_origins_in_the_settings_may_call_it_and_others_may_not(spyne):
    def preflight(origin):
        return spyne.client.options(
            "/api/agent/run", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
        )

    assert preflight(PAGE).headers["access-control-allow-origin"] == PAGE
    refused = preflight("https://other.example.org")
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers


def test_at_0_0_0_0_it_is_reached_at_every_address_of_the_machine(spyne):
    for address in ("127.0.0.1", "127.0.0.2"):
        assert httpx.get(f"http://{address}:{spyne.port}/livez", timeout=30).status_code == 200


def test_the_health_check_of_the_image_tells_a_service_that_is_ready_from_one_that_is_not(spyne):
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", "")
    python, *arguments = json.loads(re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", text, re.MULTILINE)[1])

    def check(port):
        environment = {**spyne.environment, "RCA_PORT": str(port)}
        command = [sys.executable, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False).returncode

    with socket.create_server(("127.0.0.1", 0)) as taken:
        silent = taken.getsockname()[1]
    assert python == "python"
    assert (check(spyne.port), check(silent)) == (0, 1)


def test_every_metric_of_the_alert_rules_and_the_dashboard_is_told(spyne, model, samples):
    model.steps = [(401, {})]
    spyne.ask("how many boats are there?")
    spyne.client.post("/api/query/execute", json={"sql": "DROP TABLE boats", "database": "harbour"})
    told = {name.partition("{")[0] for name in samples(spyne)}

    rules = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]
    panels = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())["panels"]
    expressions = [rule["expr"] for rule in rules] + [each["expr"] for panel in panels for each in panel["targets"]]
    wanted = {name for each in expressions for name in re.findall(r"\b(?:spyne|process)_\w+", each)}

    assert len(wanted) > 15
    assert wanted - told == set()


def test_drivers_that_no_database_needs_are_not_loaded(spyne):
    loaded = Path(f"/proc/{spyne.process.pid}/maps").read_text()

    assert "_pydantic_core" in loaded
    assert "duckdb" not in loaded
    assert "psycopg" not in loaded


def test_its_state_is_backed_up_while_it_runs_and_restored_elsewhere(spyne, tmp_path):
    sent = {"database": "harbour", "query": "which ships?", "sql": "SELECT name FROM boats", "verified": True}
    made = spyne.client.post("/api/saved-queries", json=sent).json()
    elsewhere = {"RCA_DATABASE_URL": f"sqlite:///{tmp_path}/restored.db"}

    backup = spyne.command("backup", str(tmp_path / "backups"))
    assert backup.returncode == 0, backup.stderr
    (kept,) = (tmp_path / "backups").iterdir()
    restored = spyne.command("restore", str(kept), **elsewhere)

    assert restored.returncode == 0, restored.stderr
    with contextlib.closing(sqlite3.connect(tmp_path / "restored.db")) as connection:
        assert connection.execute("SELECT query FROM saved_queries WHERE id = ?", [made["id"]]).fetchall() == [
            ("which ships?",)
        ]
    assert spyne.client.delete(f"/api/saved-queries/{made['id']}").status_code == 204


def test_the_bundle_for_support_has_logs_metrics_and_health_and_no_secret(spyne, tmp_path):
    made = spyne.command("bundle", str(tmp_path / "help.zip"), "--log", str(spyne.log_file))

    assert made.returncode == 0, made.stderr
    with zipfile.ZipFile(tmp_path / "help.zip") as bundle:
        parts = {name: bundle.read(name).decode() for name in bundle.namelist()}
    assert {"health.json", "metrics.txt", "check.json", "settings.json"} <= {Path(name).name for name in parts}
    assert any("started" in text for name, text in parts.items() if "logs" in name)
    everything = "".join(parts.values())
    assert "spyne_ready 1" in everything
    for secret in (spyne.environment["RCA_SECRET_KEY"], spyne.environment["OPENAI_API_KEY"]):
        assert secret not in everything
