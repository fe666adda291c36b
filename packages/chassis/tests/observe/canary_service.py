"""A service that writes down everything it was given: test_canaries.py runs it, and searches what it wrote."""

import base64
import json
import logging
import os
import sys
import traceback
import warnings
from pathlib import Path
from urllib.parse import quote

from chassis import settings as chassis_settings
from chassis.errors import SettingsError
from chassis.observe import logs
from chassis.observe.error_tracking import get_error_tracker
from chassis.observe.golden import GoldenSignals
from chassis.observe.metrics import Metrics
from chassis.observe.performance import get_performance_metrics, timer
from chassis.observe.requests import RequestMetrics
from chassis.redaction import REDACTOR, RequestSecrets, request_secrets
from chassis.settings_describe import render_env_example, render_markdown, settings_values
from chassis.state import ServiceState
from pydantic import BaseModel, SecretStr

if os.environ.get("WITHOUT_REDACTION"):
    REDACTOR.clean = REDACTOR.clean_known = lambda text: text
    REDACTOR.clean_data = lambda data, _depth=0: data


class Settings(chassis_settings.ServiceSettings):
    model_config = chassis_settings.settings_config(prefix="NOTES_")
    database_url: SecretStr
    replica_url: str = "postgresql://app:c01-as-a-default@h/d"
    cache_url: SecretStr | None = None
    signing_key: chassis_settings.Secret
    api_token: str
    passphrase: str
    webhook_url: SecretStr
    file_key: chassis_settings.Secret
    legacy_dsn: str


given = json.loads(sys.stdin.read())
out = Path(sys.argv[1])
try:  # a start-up that fails
    Settings(port="c18-not-a-port", signing_key="c04-too-weak")
except SettingsError as error:
    out.with_suffix(".start").write_text("".join(traceback.format_exception(error)) + repr(error))
settings = Settings()
logs.configure("debug", file=str(out.with_suffix(".log")))
log = logging.getLogger("notes")
metrics = Metrics("notes")
golden = GoldenSignals(metrics)
requests = RequestMetrics(metrics, ServiceState(), golden)
metrics.collect(get_error_tracker().collector("notes"))

log.info("settings %r", settings)
log.debug("environment %s", dict(os.environ))
addresses = ("database_url", "replica_url", "cache_url", "webhook_url", "legacy_dsn")
for name in (*addresses, "api_token", "passphrase", "file_key"):
    value = getattr(settings, name)
    text = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    log.warning("cannot use %s: %s", name, text)
    log.warning(
        "encoded",
        extra={
            "quoted": quote(text, safe=""),
            "encoded": base64.b64encode(text.encode()).decode(),
            "shown": repr(text),
        },
    )
    print("printed", text)  # noqa: T201 - prints become log lines
    warnings.warn(f"deprecated {text}", stacklevel=1)
log.info("the key is %s", settings.signing_key.get_secret_value())
log.info("cut to %s", settings.signing_key.get_secret_value()[:20])

headers = [
    (b"authorization", b"Bearer " + given["authorization"].encode()),
    (b"proxy-authorization", b"Basic " + base64.b64encode(b"anna:" + given["basic"].encode())),
    (b"cookie", b"theme=dark; session=" + given["cookie"].encode()),
    (b"x-api-key", given["x-api-key"].encode()),
]
request_secrets.set(RequestSecrets(headers))
log.info("headers %s", headers)
log.info("headers", extra={"headers": {name.decode(): value.decode() for name, value in headers}})
log.info("user says %s %s %s %s", given["authorization"], given["cookie"], given["x-api-key"], given["basic"])
body = {"user": "anna", "password": given["body"], "session": {"refresh_token": given["nested"]}}
log.info("body %s", json.dumps(body))
log.info("body", extra={"body": body})
log.info("GET https://api.example.org/?api_key=%s&limit=5", given["query"])
jwt = "eyJhbGciOiJIUzI1NiJ9.eyJ" + given["jwt"] + ".abc"
log.info("token is %s", jwt)


class Form(BaseModel):
    password: int


def fails(value):
    hidden = given["variable"]  # noqa: F841 - a debugger would show it
    with timer("login"):
        raise RuntimeError(f"no login with password={value}")


for call in (lambda: fails(given["argument"]), lambda: Form(password=given["validation"])):
    try:
        call()
    except Exception as error:
        log.exception("failed")
        get_error_tracker().record_error("login", error, context={"body": body, "dsn": settings.legacy_dsn})
        requests.observe("POST", "/login", 500, 0.1)
logs.access_logger()("GET", f"/reset/{settings.api_token}", 500, 0.1, "id", "", "/reset/{token}")

sys.stdout.flush()
answers = {
    "describe": render_markdown(Settings) + render_env_example(Settings),
    "bundle": settings_values(settings),
    "metrics": metrics.render().decode(),
    "golden": golden.read(),
    "errors": get_error_tracker().get_error_summary(),
    "performance": get_performance_metrics().get_summary(),
    "warnings": settings.load_warnings,
    "repr": repr(settings),
}
out.with_suffix(".answers").write_text(json.dumps(answers))
fails(given["argument"])
