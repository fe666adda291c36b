"""Which locations may be registered over the API: whoever sends one is trusted less than who sets up the service."""

import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import chassis

from spyne.settings import Settings
from spyne.sources import NamedSource, dialect_of

_NO_FILE = "expected the name of a file in the folder RCA_FILES_DIR"
_HOST = re.compile(r"[A-Za-z0-9._:-]+")
_PARAMETERS = frozenset({
    "application_name", "channel_binding", "connect_timeout", "gssencmode", "keepalives", "keepalives_count",
    "keepalives_idle", "keepalives_interval", "require_auth", "sslmode", "sslnegotiation", "target_session_attrs",
    "tcp_user_timeout",
})  # fmt: skip
"""What may be said about a connection to PostgreSQL. The others read files of this machine, or lead somewhere else."""


def location_of(settings: Settings, name: str, location: str) -> NamedSource:
    """Read a location that a caller sent. Files are only taken from the folder that is meant for that.

    Raises:
        ProblemError: 422 when it cannot be read or is not allowed, 403 when no file may be registered.
    """
    try:
        dialect, place = dialect_of(location)
    except ValueError as error:
        raise chassis.ProblemError(422, f"location: {error}.") from None
    if dialect == "postgres":
        source = NamedSource(name, dialect, place)
    else:
        if settings.files_dir is None:
            raise chassis.ProblemError(
                403,
                "Files may not be registered: set RCA_FILES_DIR to the folder that they lie in, or SPYNE_DATABASES.",
            )
        if Path(place).name != place:
            raise chassis.ProblemError(422, f"location: {_NO_FILE}.")
        source = NamedSource(name, dialect, str((settings.files_dir / place).resolve()))
        if not Path(source.location).is_file():
            raise chassis.ProblemError(422, f"location: {_NO_FILE}.")
    wrong = not_allowed(settings, source)
    if wrong:
        raise chassis.ProblemError(422, f"location: {wrong}.")
    return source


def not_allowed(settings: Settings, source: NamedSource) -> str | None:
    """Say what is against a registered location. It is looked at whenever the database is asked: files are replaced."""
    if source.dialect != "postgres":
        folder, path = settings.files_dir, Path(source.location).resolve()
        is_link = path != Path(source.location)  # since: it was kept without any
        return _NO_FILE if is_link or (folder is not None and not path.is_relative_to(folder.resolve())) else None
    parts = urlsplit(source.location)
    if not _HOST.fullmatch(parts.hostname or ""):
        return "expected the name or the address of a host, and no socket"
    unknown = sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} - _PARAMETERS)
    if unknown:
        shown = ", ".join(each[:40] for each in unknown[:5])
        return f"the parameters {shown} are not allowed; those that are: {', '.join(sorted(_PARAMETERS))}"
    return None
