"""Spyne as a service: its dependencies, its start, and its application.

`spyne serve` runs it, and so do `python -m spyne serve` and `chassis spyne.application:application serve`.
"""

import asyncio

import chassis

from spyne.api.app import make_app
from spyne.api.asking import Asker
from spyne.api.catalog import Catalog
from spyne.api.measures import Measures
from spyne.api.parts import Parts
from spyne.api.running import Runner
from spyne.api.threads import Threads
from spyne.cache import ResultCache
from spyne.llm.api import CHECKS, POLICY, ModelApi
from spyne.llm.proposer import LlmProposer
from spyne.secrets import Vault
from spyne.settings import Settings
from spyne.state.databases import RegisteredDatabases
from spyne.state.demo import create_demo
from spyne.state.library import Library
from spyne.state.marks import SchemaMarks
from spyne.state.tables import Base, Cancellation, ClarificationSession, HistoryEntry

VERSION = "2.0.0"
PATHS = chassis.HealthPaths(
    live=("/livez", "/api/v1/health/live"),
    ready=("/readyz", "/api/v1/health/ready"),
    health=("/health", "/api/v1/health"),
    detailed=("/health/detailed", "/api/v1/health/detailed"),
)


def _state_address(settings: Settings) -> str:
    """Where the state is; the folder of a SQLite file is made, as SQLite does not."""
    if settings.database_url is None and settings.db_type == "sqlite":
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    return settings.state_url


def _model_address(settings: Settings) -> str | None:
    """Where the language model is; None without a key and an address."""
    return settings.llm_url if settings.openai_api_key or settings.openai_base_url else None


def _model_headers(settings: Settings) -> dict[str, str]:
    key = settings.openai_api_key
    return {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}


service = chassis.Service("spyne", Settings, version=VERSION, paths=PATHS)
state = service.sql("state", _state_address)
valkey = service.valkey("cache", lambda s: s.cache_url, lost="each process keeps results of queries by itself")
llm = service.http(
    "llm",
    _model_address,
    lost="questions are understood by the grammar alone",
    policy=POLICY,
    checks=CHECKS,
    health_path="models",
    headers=_model_headers,
)
service.data.migrations(state, "spyne.state.migrations", Base.metadata)
service.data.retention(state, HistoryEntry.asked_at, days=lambda s: s.history_days)
service.data.retention(state, ClarificationSession.created_at, days=lambda s: s.session_days)
service.data.retention(state, Cancellation.created_at, days=1)


def _vault() -> Vault:
    """What encrypts, by the settings in force."""
    return Vault(service.settings.secret_key, service.settings.previous_secret_key)


measures = Measures(service)
results = ResultCache(valkey, lambda: service.settings.cache_s)
threads = Threads(lambda: service.settings.threads)
catalog = Catalog(lambda: service.settings, RegisteredDatabases(state, _vault), threads, SchemaMarks(state))
runner = Runner(lambda: service.settings, state, catalog, results, measures)
parts = Parts(
    service=service,
    state=state,
    catalog=catalog,
    runner=runner,
    asker=Asker(LlmProposer(ModelApi(llm, lambda: service.settings, measures), measures), threads),
    library=Library(state),
    measures=measures,
    threads=threads,
)
app = make_app(parts)


@service.step("demo database", phase="seed")
async def seed() -> None:
    """Make the demo database, where it is wanted."""
    if service.settings.demo:
        await asyncio.to_thread(create_demo, catalog.demo_path)


@service.step("metrics", phase="services")
async def describe_metrics() -> None:
    """Describe what is measured, so that it is shown before it is first counted."""
    measures.describe()


service.on_stop(runner.close)
service.on_stop(threads.close)


def _metrics(request: chassis.OperationalRequest) -> chassis.OperationalAnswer:
    return service.endpoints["/metrics"].answer(request)


def _metrics_json(_: chassis.OperationalRequest) -> chassis.OperationalAnswer:
    return chassis.OperationalAnswer(200, measures.as_json_bytes())


service.endpoints["/api/v1/metrics"] = chassis.OperationalEndpoint(_metrics_json, in_thread=True)
service.endpoints["/api/v1/metrics/prometheus"] = chassis.OperationalEndpoint(_metrics, in_thread=True)
application = service.asgi(app)
