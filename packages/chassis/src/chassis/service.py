"""The service: its settings, dependencies, steps and endpoints, declared in one place.

::

    service = chassis.Service("notes", Settings)
    database = service.sql("database", lambda s: s.database_url)                                   # required
    cache = service.valkey("cache", lambda s: s.cache_url, lost="notes are read from the database")

    @service.step("create tables")
    async def create_tables() -> None: ...

    application = service.asgi(app)

A declaration reads and opens nothing. Settings are loaded at the start, or when ``service.settings`` is first used.
"""

import logging
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chassis.declarations import Declarations
from chassis.dependencies.alert_rules import metrics_prefix, render_alert_rules
from chassis.dependencies.degrade_table import render_degrade_table
from chassis.errors import ChassisError, SettingsError
from chassis.health import METRICS_PATH, Health, HealthPaths
from chassis.lifecycle import Lifecycle
from chassis.operations import OperationalEndpoint
from chassis.process import Process
from chassis.resilience.adjusting import adjustable, adjusted
from chassis.state import ServiceState
from chassis.validation import answer_validation_errors, refuse_deep_json

if TYPE_CHECKING:
    from chassis.asgi_application import AsgiApplication
    from chassis.checking import CheckReport
    from chassis.data.declared import DeclaredData
    from chassis.edge import Edge
    from chassis.edge.scope import App as AsgiApp
    from chassis.edge.wsgi_exchange import App as WsgiApp
    from chassis.observe.metrics import Metrics
    from chassis.observe.requests import RequestMetrics
    from chassis.wsgi_application import WsgiApplication

_services: list["Service"] = []


def latest_service() -> "Service":
    """Return the service that was made last in this process.

    Raises:
        ChassisError: there is none.
    """
    if not _services:
        raise ChassisError("there is no service yet: import the module that makes it first")
    return _services[-1]


class Service(Declarations):
    """A service.

    Args:
        name: what logs, metrics, health and alerts call it.
        settings: the class of its settings; :class:`chassis.ServiceSettings` by default.
        version: what health tells; "" for none.
        paths: where the health endpoints are.
        edge: further options of :class:`chassis.EdgePolicy`; they win over the settings.
        logs: whether the logs of the process are written as the settings say. Off where others do it, as in tests.
    """

    def __init__(
        self,
        name: str,
        settings: type[Any] | None = None,
        *,
        version: str = "",
        paths: HealthPaths | None = None,
        edge: Mapping[str, Any] | None = None,
        logs: bool = True,
    ) -> None:
        """Make it, with nothing declared yet."""
        super().__init__(name, settings, lambda: self.settings)
        self.version = version
        self.paths = paths or HealthPaths()
        self.logs = logs
        self.log = logging.getLogger(name)
        self.state = ServiceState()
        self._edge_options = dict(edge or {})
        self._loading = threading.RLock()
        self._given: Any = None
        self._loaded: Any = None
        self.process = Process(self)
        self.lifecycle = Lifecycle(self.state, self._dependencies, self._steps, self._on_stop, self._load, self._forget)
        self.health = Health(name, version, self.state, self._dependencies, self.lifecycle.report)
        self.endpoints: dict[str, OperationalEndpoint] = dict(self.health.endpoints(self.paths))
        _services.append(self)

    # -- settings

    @property
    def settings(self) -> Any:
        """The settings, loaded at first use and anew at each start. Tests may set them.

        Raises:
            SettingsError: they are wrong; all problems at once.
        """
        with self._loading:
            if self._given is not None:
                return self._given
            if self._loaded is None:
                self._loaded = self.settings_class()
            return self._loaded

    @settings.setter
    def settings(self, settings: Any) -> None:
        self._given = settings
        self._forget()

    @property
    def settings_class(self) -> type[Any]:
        """The class of the settings."""
        if self._settings_class is None:
            from chassis.settings import ServiceSettings  # noqa: PLC0415 - imports pydantic

            self._settings_class = ServiceSettings
        return self._settings_class

    def _load(self) -> tuple[float, bool]:
        """Load the settings and adjust the policies to them; for the lifecycle."""
        from chassis.settings_overrides import dependency_overrides  # noqa: PLC0415 - only starts need it

        settings = self.settings
        prefix = str(self.settings_class.model_config.get("env_prefix", ""))
        by_name = {each.name: each for each in self._dependencies}
        changes = dependency_overrides(settings.dependency_overrides, by_name, adjustable(), prefix)
        problems: list[str] = []
        for name, change in changes.items():
            try:
                by_name[name].adjust(adjusted(by_name[name].declared_policy, change))
            except SettingsError as error:
                problems += [_with_key(f"{prefix}dependency_{name}", problem) for problem in error.problems]
        if problems:
            raise SettingsError(tuple(problems))
        return settings.start_timeout_s, settings.exit_when_not_started

    def _forget(self) -> None:
        """Have the next start load the settings anew."""
        self._loaded = None
        for each in self._dependencies:
            each.forget_address()

    # -- applications

    @cached_property
    def metrics(self) -> "Metrics":
        """The metrics of this service. Make your own with ``service.metrics.counter(...)`` and the like."""
        from chassis.dependencies.measures import measures  # noqa: PLC0415 - only processes that serve need it
        from chassis.observe.error_tracking import get_error_tracker  # noqa: PLC0415 - see above
        from chassis.observe.metrics import Metrics  # noqa: PLC0415 - see above
        from chassis.observe.process import process_metrics  # noqa: PLC0415 - see above

        metrics = Metrics(metrics_prefix(self.name))
        metrics.collect(measures(metrics.prefix, self._dependencies, lambda: self.health.ready))
        metrics.collect(process_metrics)
        metrics.collect(get_error_tracker().collector(metrics.prefix))
        return metrics

    @cached_property
    def _requests(self) -> "RequestMetrics":
        """What records requests; its endpoints are added to the others."""
        from chassis.observe.golden import GoldenSignals  # noqa: PLC0415 - only processes that serve need it
        from chassis.observe.requests import RequestMetrics  # noqa: PLC0415 - see above

        golden = GoldenSignals(self.metrics)
        self.endpoints.setdefault(METRICS_PATH, self.metrics.endpoint())
        self.endpoints.setdefault(f"{METRICS_PATH}.json", golden.endpoint())
        return RequestMetrics(self.metrics, self.state, golden, max_in_flight=self.settings.max_in_flight)

    def make_edge(self) -> "Edge":
        """Make the edge of this service, as the settings say."""
        from chassis.edge import Edge, EdgePolicy  # noqa: PLC0415 - only applications need it

        options = {"limits_prefix": f"{self.name}:limits:", **self._edge_options}
        policy = EdgePolicy.from_settings(self.settings, **options)
        return Edge(policy, state=self.state, endpoints=self.endpoints, recorder=self._requests)

    def asgi(self, app: "AsgiApp") -> "AsgiApplication":
        """Put the service round an ASGI application, such as one of FastAPI: its life, and the edge."""
        from chassis.asgi_application import AsgiApplication  # noqa: PLC0415 - one of the two is needed

        answer_validation_errors(app)
        return AsgiApplication(self, app)

    def wsgi(self, app: "WsgiApp") -> "WsgiApplication":
        """Put the service round a WSGI application, such as one of Flask: its life, and the edge."""
        from chassis.wsgi_application import WsgiApplication  # noqa: PLC0415 - one of the two is needed

        refuse_deep_json(app)
        return WsgiApplication(self, app)

    @cached_property
    def data(self) -> "DeclaredData":
        """What is declared about data: migrations, and for how long rows are kept."""
        from chassis.data.declared import DeclaredData  # noqa: PLC0415 - an extra

        return DeclaredData(self)

    # -- documents and checks

    def degrade_table(self) -> str:
        """Return, as Markdown, what becomes of the service while each dependency is down."""
        return render_degrade_table(self._dependencies)

    def alert_rules(self) -> str:
        """Return alert rules for Prometheus, as a file for its ``rule_files``."""
        return render_alert_rules(self.name, self._dependencies)

    def describe_manifest(self, command: list[str]) -> str:
        """Return the inspector's manifest, ``roadworthy.toml``.

        Args:
            command: starts the service; ``{port}`` stands for the port, if it is not read from ``PORT``.
        """
        from chassis.manifest import render_manifest  # noqa: PLC0415 - a command needs it

        return render_manifest(self, command)

    def check(self) -> "CheckReport":
        """Load the settings, and ask every dependency for a sign of life. Nothing is started."""
        from chassis.checking import check  # noqa: PLC0415 - a command needs it

        return check(self)


def _with_key(start: str, problem: str) -> str:
    """Put the environment variable in place of the option that a problem begins with."""
    option, _, rest = problem.partition(":")
    return f"{start}_{option}".replace(".", "_").upper() + f":{rest}"
