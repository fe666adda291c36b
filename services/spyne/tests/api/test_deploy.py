"""What is deployed beside Spyne fits what it declares and measures."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from spyne.settings import Settings

DEPLOY = Path(__file__).parents[2] / "deploy"
ROOT = DEPLOY.parents[2]
SECRET_KEY = "kJ8-aa0Pq_zz81mNvB72hsXc4uTe9RwYd"
PORT = 8080


def compose(**variables):
    """The services, with variables as Docker Compose puts them in: an empty one counts as not set."""

    def value(match):
        name, default = re.fullmatch(r"(\w+):[-?](.*)", match[1], re.DOTALL).groups()
        assert variables.get(name) or ":?" not in match[1], f"{name} has to be set"
        return variables.get(name) or default

    text = (DEPLOY / "compose.yaml").read_text()
    return yaml.safe_load(re.sub(r"\$\{([^}]+)\}", value, text))["services"]


def settings_in_compose(monkeypatch, tmp_path, **variables):
    """The settings that Spyne has in its container."""
    monkeypatch.chdir(tmp_path)
    for name in [each for each in os.environ if each.startswith(("RCA_", "SPYNE_", "OPENAI_")) or each == "PORT"]:
        monkeypatch.delenv(name)
    image = re.search(r"^ENV (.*)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)[1]
    inside = dict(each.split("=", 1) for each in image.split() if each.startswith("RCA_"))
    environment = compose(RCA_SECRET_KEY=SECRET_KEY, **variables)["backend"]["environment"]
    for name, text in {**inside, **environment}.items():
        monkeypatch.setenv(name, "" if text is None else str(text))
    return Settings()


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


def test_in_compose_spyne_has_the_settings_that_its_container_is_for(monkeypatch, tmp_path):
    settings = settings_in_compose(monkeypatch, tmp_path)

    assert (settings.host, settings.port) == ("0.0.0.0", PORT)
    assert settings.state_url == "sqlite:////var/lib/spyne/spyne.db"
    assert (settings.api_key, settings.cache_url, settings.llm_url) == (None, None, None)
    assert not [line for line in settings.load_warnings if "RCA_API_KEY" not in line]  # no name that means nothing


def test_the_profiles_are_reached_by_what_their_comments_say(monkeypatch, tmp_path):
    text = (DEPLOY / "compose.yaml").read_text()
    said = {
        "RCA_DB_TYPE": "postgresql",
        "RCA_REDIS_URL": "redis://redis:6379/0",
        "RCA_TRUSTED_PROXIES": "172.16.0.0/12",
    }
    assert all(f"{name}={value}" in text for name, value in said.items())

    settings = settings_in_compose(monkeypatch, tmp_path, **said, RCA_DB_PASSWORD="hidden")

    services = compose(RCA_SECRET_KEY=SECRET_KEY, RCA_DB_PASSWORD="hidden")
    database = services["postgres"]["environment"]
    user, name = database["POSTGRES_USER"], database["POSTGRES_DB"]
    assert settings.state_url == f"postgresql://{user}:{database['POSTGRES_PASSWORD']}@postgres:5432/{name}"
    assert settings.cache_url.get_secret_value().split("/")[2].split(":")[0] in services
    assert settings.limits_url == settings.cache_url


def test_what_is_copied_and_mounted_is_there():
    copied = re.findall(r"^COPY (?!--from)(\S+)", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    mounted = [
        volume.split(":")[0]
        for each in compose(RCA_SECRET_KEY=SECRET_KEY).values()
        for volume in each.get("volumes", [])
        if volume.startswith("./") and not volume.startswith("./databases:")  # of which Docker makes a folder
    ]

    assert copied
    assert all((ROOT / each / "pyproject.toml").is_file() and f"!{each}" in ignored for each in copied)
    assert len(mounted) == 5
    assert all((DEPLOY / each).exists() for each in mounted)
    build = compose(RCA_SECRET_KEY=SECRET_KEY)["backend"]["build"]
    assert (DEPLOY / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).samefile(DEPLOY / "Dockerfile")


def test_ports_agree():
    services = compose(RCA_SECRET_KEY=SECRET_KEY)
    scraped = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"][0]
    source = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"][0]

    assert f"EXPOSE {PORT}" in (DEPLOY / "Dockerfile").read_text()
    assert services["backend"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert f"server backend:{PORT};" in (DEPLOY / "nginx.conf").read_text()
    assert scraped["static_configs"] == [{"targets": [f"backend:{PORT}"]}]
    assert (source["url"], "prometheus" in services) == ("http://prometheus:9090", True)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_the_health_check_of_the_image_works(shared, host, tmp_path):
    dockerfile = (DEPLOY / "Dockerfile").read_text().replace("\\\n", "")
    command = json.loads(re.search(r"^HEALTHCHECK .* CMD (\[.*\])$", dockerfile, re.MULTILINE)[1])
    program = Path(sys.executable).with_name(command[0])

    ended = subprocess.run(
        [program, *command[1:]], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "RCA_SECRET_KEY": SECRET_KEY, "RCA_HOST": host, "RCA_PORT": str(shared.port)},
    )  # fmt: skip

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_nginx_lets_through_what_spyne_takes_and_waits_as_long(monkeypatch, tmp_path):
    text = (DEPLOY / "nginx.conf").read_text()
    settings = settings_in_compose(monkeypatch, tmp_path)

    megabytes = int(re.search(r"client_max_body_size (\d+)m;", text)[1])
    assert megabytes * 2**20 == settings.max_content_length
    assert int(re.search(r"proxy_read_timeout (\d+)s;", text)[1]) > settings.request_timeout_s
    assert text.count("{") == text.count("}")
