"""Serve an application: on uvicorn, or on gunicorn with several processes or for WSGI.

This is the path on which the promises about the stop are kept: "not ready" first, then a bounded drain, then exit 0.
"""

import gc
import importlib
import math
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chassis.asgi_application import AsgiApplication
from chassis.errors import ChassisError, SettingsError
from chassis.extras import extra
from chassis.stopping import CLOSE_S
from chassis.wsgi_application import WsgiApplication

if TYPE_CHECKING:
    from collections.abc import Callable

KEEP_ALIVE_S = 75
"""How long an idle connection stays open: longer than load balancers keep theirs, so that they close first."""


class ServeStatus(IntEnum):
    """The exit status of :func:`serve`."""

    STOPPED = 0
    SETTINGS_WRONG = 1
    NOT_STARTED = 2


def serve(application: AsgiApplication | WsgiApplication | str) -> ServeStatus:
    """Serve it until SIGTERM or SIGINT. Call this in the main thread; it returns the exit status of the process.

    Args:
        application: what :meth:`chassis.Service.asgi` or :meth:`chassis.Service.wsgi` returned, or where to import it
            from, such as ``notes:application``.

    Raises:
        ChassisError: there is no such application, or a package is missing.
    """
    found = imported(application) if isinstance(application, str) else application
    service = found.service
    service.process.configure_logs()
    try:
        service.lifecycle.validate()
    except SettingsError as error:
        for problem in error.problems:
            service.log.critical("not started: %s", problem)
        return ServeStatus.SETTINGS_WRONG
    if isinstance(found, AsgiApplication) and service.settings.workers == 1:
        return _on_uvicorn(found)
    return _on_gunicorn(found)


def imported(place: str) -> AsgiApplication | WsgiApplication:
    """Import an application from ``module:attribute``; the working folder comes first.

    Raises:
        ChassisError: there is none.
    """
    module, _, attribute = place.partition(":")
    if not module or not attribute:
        raise ChassisError(f"{place}: expected module:attribute, such as notes:application")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    with _objects_that_stay():
        found: Any = importlib.import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, (AsgiApplication, WsgiApplication)):
        raise ChassisError(
            f"{place}: expected what service.asgi() or service.wsgi() returned, not {type(found).__name__}"
        )
    return found


@contextmanager
def _objects_that_stay() -> Iterator[None]:
    """Keep the collector from looking, again and again, at what modules are made of: none of it is ever garbage.

    A service with a few hundred modules is imported with a quarter less time, and later collections are shorter.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def _on_uvicorn(application: AsgiApplication) -> ServeStatus:
    with extra("serve"):
        import uvicorn  # noqa: PLC0415 - an extra
    settings = application.service.settings
    config = uvicorn.Config(
        application,
        host=settings.host,
        port=settings.port,
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_S,
        **_uvicorn_options(settings),
    )
    server = uvicorn.Server(config)

    def stop(*_: object) -> None:
        server.should_exit = True

    # uvicorn ends with the signal that stopped it, for whoever had a handler before. With one that only repeats the
    # wish, the process ends with its own status instead.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        server.run()
    except SystemExit:  # its start failed, and it said why
        return ServeStatus.NOT_STARTED
    return ServeStatus.STOPPED


def _uvicorn_options(settings: Any) -> "dict[str, Any]":
    return {
        "interface": "asgi3",
        "lifespan": "on",
        "access_log": False,  # the edge writes one
        "proxy_headers": False,  # the edge believes only trusted proxies
        "server_header": False,
        "timeout_graceful_shutdown": math.ceil(settings.drain_s),
    }


def _on_gunicorn(application: AsgiApplication | WsgiApplication) -> ServeStatus:
    with extra("gunicorn"):
        from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # noqa: PLC0415
    settings = application.service.settings
    host = settings.host.strip("[]")
    options = {
        "bind": f"{f'[{host}]' if ':' in host else host}:{settings.port}",
        "workers": settings.workers,
        "graceful_timeout": math.ceil(settings.pre_drain_s + settings.drain_s + CLOSE_S),
        "keepalive": KEEP_ALIVE_S,
        "accesslog": None,
        "logger_class": "chassis.observe.gunicorn_logger.JsonLogger",
        **(
            {"worker_class": _uvicorn_worker(settings)}
            if isinstance(application, AsgiApplication)
            else {"worker_class": "gthread", "threads": settings.threads, "post_worker_init": _starter(application)}
        ),
    }

    class Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
        """gunicorn, configured by the service's settings."""

        def load_config(self) -> None:
            for name, value in options.items():
                self.cfg.set(name, value)
            if "control_socket_disable" in self.cfg.settings:  # since 25: whoever may write to it can stop the service
                self.cfg.set("control_socket_disable", True)

        def load(self) -> AsgiApplication | WsgiApplication:
            return application

    parent = os.getpid()
    try:
        Gunicorn().run()
    except SystemExit as end:
        if os.getpid() != parent:  # a worker: its status tells the parent why it ended
            raise
        return ServeStatus.NOT_STARTED if end.code else ServeStatus.STOPPED
    return ServeStatus.STOPPED


def _starter(application: WsgiApplication) -> "Callable[[Any], None]":
    def start(worker: Any) -> None:
        def close_connections() -> None:
            worker.max_keepalived = 0  # each answer from now on ends its connection, so that clients go elsewhere

        application.on_drain = close_connections
        application.start()

    return start


def _uvicorn_worker(settings: Any) -> type[Any]:
    with extra("gunicorn"):
        from uvicorn_worker import UvicornWorker  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra
    return type("Worker", (UvicornWorker,), {"CONFIG_KWARGS": _uvicorn_options(settings)})
