"""Options of dependencies' policies that were set by keys such as NOTES_DEPENDENCY_QUOTES_RETRY_ATTEMPTS=2."""

import difflib
import re
from collections.abc import Collection, Mapping

from chassis.errors import SettingsError


def dependency_overrides(
    overrides: Mapping[str, str], dependencies: Collection[str], options: Collection[str], prefix: str = ""
) -> dict[str, dict[str, str]]:
    """Sort overrides by dependency and option: ``{"quotes": {"retry.attempts": "2"}}``.

    Args:
        overrides: what :class:`~chassis.settings.ServiceSettings` gathered in ``dependency_overrides``.
        dependencies: the names that were declared.
        options: those that a policy has, with dots, such as ``retry.attempts``.
        prefix: of the service's keys, for the messages.

    Raises:
        SettingsError: a key fits no dependency or no option; all are listed.
    """
    known = {f"{_key(name)}_{_key(option)}": (name, option) for name in dependencies for option in options}
    sorted_out: dict[str, dict[str, str]] = {}
    problems = []
    for key, value in overrides.items():
        if (fits := known.get(_key(key))) is not None:
            sorted_out.setdefault(fits[0], {})[fits[1]] = value
            continue
        near = difflib.get_close_matches(_key(key), known, 1)
        hint = (
            f"; did you mean {_typed(prefix, near[0])}?" if near else f"; declared: {', '.join(sorted(dependencies))}"
        )
        problems.append(f"{_typed(prefix, key)}: expected the name of a dependency and an option of its policy{hint}")
    if problems:
        raise SettingsError(tuple(problems))
    return sorted_out


def _typed(prefix: str, key: str) -> str:
    return f"{prefix}dependency_{key}".upper()


def _key(name: str) -> str:
    return re.sub(r"\W", "_", name).lower()
