"""What a service declares: its dependencies, its start-up steps, and what to do at the stop."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from chassis.dependencies.call import Call
from chassis.dependencies.condition import Checks
from chassis.dependencies.declaration import Dependency
from chassis.dependencies.http_api import HttpApi
from chassis.dependencies.sql import Database
from chassis.dependencies.sql_options import SqlOptions
from chassis.dependencies.valkey import Valkey
from chassis.resilience.policy import Policy
from chassis.settings_reading import Reading, key_read, revealed
from chassis.steps import StartPhase, Step

F = TypeVar("F", bound=Callable[..., Any])
D = TypeVar("D", bound=Dependency)


class Declarations:
    """The declaring half of :class:`chassis.Service`.

    Args:
        name: the service's.
        settings_class: the class of its settings.
        settings: returns the settings, once they are needed.
    """

    def __init__(self, name: str, settings_class: type[Any] | None, settings: Callable[[], Any]) -> None:
        """Begin with nothing declared."""
        self.name = name
        self._settings_class = settings_class
        self._get_settings = settings
        self._dependencies: list[Dependency] = []
        self._steps: list[Step] = []
        self._on_stop: list[Callable[[], Any]] = []

    @property
    def dependencies(self) -> Sequence[Dependency]:
        """What was declared, in its order."""
        return tuple(self._dependencies)

    def sql(
        self,
        name: str,
        url: Reading,
        *,
        lost: str | None = None,
        policy: Policy | None = None,
        checks: Checks | None = None,
        options: SqlOptions | None = None,
    ) -> Database:
        """Declare a SQL database: SQLite or PostgreSQL.

        Args:
            name: what logs, metrics, health and alerts call it.
            url: reads its address from the settings.
            lost: what users miss while it is down; None when the service cannot do without it.
            policy: how getting a connection, and functions, are guarded.
            checks: how it is watched.
            options: pool, time limits, read-only.
        """
        return self._declare(
            Database(
                name,
                lost=lost,
                policy=policy,
                checks=checks,
                options=options,
                application=self.name,
                **self._from_settings(url),
            )
        )

    def valkey(
        self,
        name: str,
        url: Reading,
        *,
        lost: str | None = None,
        policy: Policy | None = None,
        checks: Checks | None = None,
        socket_s: float = 1.0,
        connections: int = 100,
    ) -> Valkey:
        """Declare a Valkey or Redis server.

        Args:
            name: what logs, metrics, health and alerts call it.
            url: reads its address from the settings.
            lost: what users miss while it is down; None when the service cannot do without it.
            policy: how commands are guarded. Its fallback stands for the answer to a command.
            checks: how it is watched.
            socket_s: seconds that connecting, and then an answer, may take.
            connections: connections at most.
        """
        return self._declare(
            Valkey(
                name,
                lost=lost,
                policy=policy,
                checks=checks,
                socket_s=socket_s,
                connections=connections,
                **self._from_settings(url),
            )
        )

    def http(
        self,
        name: str,
        url: Reading,
        *,
        lost: str | None = None,
        policy: Policy | None = None,
        checks: Checks | None = None,
        health_path: str = "",
        headers: Callable[[Any], Mapping[str, str]] | None = None,
    ) -> HttpApi:
        """Declare an API over HTTP.

        Args:
            name: what logs, metrics, health and alerts call it.
            url: reads its address from the settings.
            lost: what users miss while it is down; None when the service cannot do without it.
            policy: how requests are guarded. Its fallback stands for functions under ``guard``.
            checks: how it is watched.
            health_path: what to ask for a sign of life, below the address; any answer below 500 is one, but
                for 401 and 403.
            headers: makes headers for every request from the settings, such as one with a key.
        """
        made = (lambda: headers(self._get_settings())) if headers else dict
        return self._declare(
            HttpApi(
                name,
                lost=lost,
                policy=policy,
                checks=checks,
                health_path=health_path,
                headers=made,
                **self._from_settings(url),
            )
        )

    def call(
        self,
        name: str,
        *,
        check: Callable[[], Any] | None = None,
        lost: str | None = None,
        policy: Policy | None = None,
        checks: Checks | None = None,
        needs: Reading | None = None,
    ) -> Call:
        """Declare a dependency that functions of your own ask.

        Args:
            name: what logs, metrics, health and alerts call it.
            check: a function (sync or async) that raises when it does not work; None to tell from real calls alone.
            lost: what users miss while it is down; None when the service cannot do without it.
            policy: how the functions under ``guard`` are guarded.
            checks: how it is watched.
            needs: reads from the settings what it cannot work without, such as a key; None for nothing.
        """
        return self._declare(
            Call(
                name,
                lost=lost,
                policy=policy,
                checks=checks,
                check=check,
                **(self._from_settings(needs) if needs else {}),
            )
        )

    def _declare(self, dependency: D) -> D:
        if any(each.name == dependency.name for each in self._dependencies):
            raise ValueError(f"{dependency.name}: expected a name of its own, there is a dependency of this name")
        self._dependencies.append(dependency)
        return dependency

    def _from_settings(self, read: Reading) -> dict[str, Any]:
        return {
            "address": lambda: revealed(read(self._get_settings())),
            "setting": key_read(read, self._settings_class),
        }

    def step(
        self, name: str, phase: StartPhase | str = StartPhase.TABLES, *, limit_s: float | None = None
    ) -> Callable[[F], F]:
        """Add a function (sync or async) to the start. It may run again when a dependency was down: make it repeatable.

        Args:
            name: what logs and health call it.
            phase: ``tables``, ``seed`` or ``services``.
            limit_s: seconds that it may take; None for the setting ``start_timeout_s``.
        """

        def add(function: F) -> F:
            self._steps.append(Step(name, StartPhase(phase), function, limit_s))
            return function

        return add

    def on_stop(self, function: F) -> F:
        """Have a function (sync or async) called at the stop, before dependencies are closed; the last one first."""
        self._on_stop.append(function)
        return function
