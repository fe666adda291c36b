"""Databases as people write them down: a name, and a file or an address."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from spyne.schema.model import Dialect

NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"
_SUFFIXES: dict[str, Dialect] = {
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db3": "sqlite",
    ".duckdb": "duckdb",
    ".ddb": "duckdb",
}
_SCHEMES: dict[str, Dialect] = {
    "sqlite": "sqlite",
    "duckdb": "duckdb",
    "postgresql": "postgres",
    "postgres": "postgres",
}


@dataclass(frozen=True)
class NamedSource:
    """A database to ask. `location` is the path of a file, or a DSN that may hold a password."""

    name: str
    dialect: Dialect
    location: str

    def __repr__(self) -> str:
        return f"NamedSource({self.name!r}, {self.dialect!r})"


def dialect_of(location: str) -> tuple[Dialect, str]:
    """Tell what kind of database a location is, and return the location as its driver takes it.

    Raises:
        ValueError: it cannot be told; the message does not repeat the location, which may hold a password.
    """
    scheme, separator, rest = location.partition("://")
    if not separator:
        kind = _SUFFIXES.get(Path(location).suffix.lower())
        if kind is None:
            raise ValueError(
                f"expected a file that ends in {', '.join(_SUFFIXES)}, or an address that begins with "
                f"{', '.join(f'{each}://' for each in _SCHEMES)}"
            )
        return kind, location
    kind = _SCHEMES.get(scheme.partition("+")[0].lower())
    if kind is None:
        raise ValueError(f"expected an address that begins with {', '.join(f'{each}://' for each in _SCHEMES)}")
    if kind == "postgres":
        return kind, _postgres(rest)
    path = unquote(rest.removeprefix("/"))
    if not path:
        raise ValueError(f"expected the path of a file: {scheme}:///folder/file.db")
    return kind, path


def _postgres(rest: str) -> str:
    """The address of a PostgreSQL server, once it is clear that it can be taken apart."""
    address = f"postgresql://{rest}"
    try:
        host, port = urlsplit(address).hostname, urlsplit(address).port
    except ValueError:  # what it says may hold the password
        host, port = None, None
        if ":" in rest.rpartition("@")[2]:
            raise ValueError("expected a port from 1 to 65535 after the host, and an IPv6 address in [ ]") from None
    if not host or port == 0:
        raise ValueError("expected an address with a host: postgresql://USER:PASSWORD@HOST:5432/DATABASE")
    return address


def shown(named: NamedSource) -> str:
    """A location without credentials: the host and the database, or the name of the file."""
    if named.dialect != "postgres":
        return Path(named.location).name
    parts = urlsplit(named.location)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    return f"postgresql://{host}{port}{parts.path}"


def warnings_about(sources: Iterable[NamedSource]) -> Iterator[str]:
    """What is likely to be a mistake about files: one line each, for the log and for `spyne check`."""
    for each in sources:
        if each.dialect == "postgres":
            continue
        path = Path(each.location).absolute()
        if not path.exists():
            yield f"SPYNE_DATABASES: {each.name}: there is no file {path}; questions about it are answered 503"
        elif not path.is_file() or not os.access(path, os.R_OK):
            yield f"SPYNE_DATABASES: {each.name}: {path} is no file that can be read; check its permissions"


def parse_sources(text: str) -> tuple[NamedSource, ...]:
    """Read `NAME=LOCATION` items that commas separate; a file without a name is called by its stem.

    Raises:
        ValueError: an item cannot be read, or two have one name.
    """
    found: dict[str, NamedSource] = {}
    for number, item in enumerate(filter(None, (part.strip() for part in text.split(","))), 1):
        match = re.match(r"([A-Za-z][A-Za-z0-9_-]*)=(.+)$", item)
        location = match[2].strip() if match else item
        try:
            dialect, location = dialect_of(location)
        except ValueError as error:
            raise ValueError(f"database {number}: {error}") from None
        name = match[1] if match else re.sub(r"[^A-Za-z0-9_-]", "_", Path(location).stem)
        if not match and dialect == "postgres":
            raise ValueError(f"database {number}: expected NAME=LOCATION")
        if not re.match(NAME, name):
            raise ValueError(f"database {number}: expected a name of letters, digits, _ and -, at most 63")
        if name in found:
            raise ValueError(f"database {number}: expected a name of its own, {name} is there already")
        found[name] = NamedSource(name, dialect, location)
    return tuple(found.values())
