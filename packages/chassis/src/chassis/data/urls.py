"""Database URLs: what a synchronous connection needs, and what may be shown of them."""

from typing import Any, Protocol

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
_LIBPQ_NAMES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
_LIBPQ_OPTIONS = {
    "application_name": "PGAPPNAME",
    "channel_binding": "PGCHANNELBINDING",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "gssencmode": "PGGSSENCMODE",
    "options": "PGOPTIONS",
    "sslcert": "PGSSLCERT",
    "sslcrl": "PGSSLCRL",
    "sslkey": "PGSSLKEY",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}


class Secret(Protocol):
    """A text that does not show itself, such as pydantic's ``SecretStr``."""

    def get_secret_value(self) -> str:
        """Return the text."""


DatabaseUrl = str | Secret | URL
"""Where a database is, such as ``postgresql+psycopg://user:password@host/name`` or ``sqlite:///notes.db``."""


def synchronous(url: DatabaseUrl) -> URL:
    """Return the URL with a driver that needs no event loop: psycopg 3 or sqlite3.

    Raises:
        ValueError: it is no URL, or of another kind of database. The message does not show it: it may hold a password.
    """
    if not isinstance(url, URL):
        try:
            url = make_url(url if isinstance(url, str) else url.get_secret_value())
        except (ArgumentError, ValueError):
            expected = "postgresql+psycopg://USER:PASSWORD@HOST/NAME or sqlite:///FILE"
            raise ValueError(f"the database URL cannot be read: expected {expected}") from None
    driver = _DRIVERS.get(url.get_backend_name())
    if driver is None:
        kinds = "sqlite and postgresql"
        raise ValueError(f"no support for databases of the kind {url.get_backend_name()!r}: there is {kinds}")
    return url.set(drivername=driver)


def shown(url: URL) -> str:
    """Return what may be shown of a URL: no user, no password, no options."""
    return URL.create(url.get_backend_name(), host=url.host, port=url.port, database=url.database).render_as_string()


def libpq_parameters(url: URL) -> dict[str, str]:
    """Return a PostgreSQL URL as the parameters of libpq, by their names there.

    Raises:
        ValueError: an option of the URL is none that its environment variables know.
    """
    parts: dict[str, Any] = {
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "dbname": url.database,
    }
    parameters = {name: str(value) for name, value in parts.items() if value is not None}
    for name, value in url.query.items():
        if name not in ("host", "port", *_LIBPQ_OPTIONS):
            raise ValueError(f"the option {name!r} of the database URL is not known to PostgreSQL's own programs")
        parameters[name] = value if isinstance(value, str) else ",".join(value)
    return parameters


def libpq_environment(url: URL) -> dict[str, str]:
    """Return the same as environment variables: a command line would show the password to everybody."""
    names = _LIBPQ_NAMES | _LIBPQ_OPTIONS
    return {names[name]: value for name, value in libpq_parameters(url).items()}
