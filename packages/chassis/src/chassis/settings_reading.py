"""What a declaration reads from the settings: ``lambda s: s.database_url``, as a plain text and with its key."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

Reading = Callable[[Any], Any]


def revealed(value: Any) -> str | None:
    """Return a setting as a plain text; None when it is not set, or empty."""
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    return None if value is None or value == "" else str(value)


def key_read(read: Reading, settings: type[Any] | None) -> str:
    """Return the environment variable of the setting that a declaration reads first; "" when that cannot be told."""
    fields = getattr(settings, "model_fields", {})
    seen: list[str] = []
    with suppress(Exception):  # it is called with something that is no settings at all, to see what it asks for
        read(_Seen(seen))
    name = next((each for each in seen if each in fields), None)
    if name is None or settings is None:
        return ""
    from chassis.settings_fields import key_of  # noqa: PLC0415 - imports pydantic, which the settings have done by now

    return key_of(str(settings.model_config.get("env_prefix", "")), name, fields[name])


class _Seen:
    """Stands for the settings, and takes down the name of each attribute that is read."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def __getattr__(self, name: str) -> "_Seen":
        self._names.append(name)
        return self

    def __call__(self, *_: Any) -> "_Seen":
        return self
