"""Checks of option objects: each says what was expected, with an example, and all problems come at once."""

import math
from typing import Any


class Check:
    """Collects what is wrong with the fields of one object; :meth:`done` raises it all as one ``ValueError``."""

    def __init__(self, options: Any) -> None:
        """Name the object by its class."""
        self._options = options
        self._problems: list[str] = []

    def whole(self, name: str, *, least: int, example: int, most: float = math.inf, optional: bool = False) -> None:
        """Expect a whole number."""
        self._range(name, int, "a whole number", least, most, example, optional=optional)

    def number(
        self,
        name: str,
        *,
        example: float,
        least: float = -math.inf,
        most: float = math.inf,
        over: float = -math.inf,
        optional: bool = False,
    ) -> None:
        """Expect a finite number, at least ``least``, and more than ``over``."""
        self._range(name, (int, float), "a number", least, most, example, over=over, optional=optional)

    def that(self, fine: bool, problem: str) -> None:
        """Expect anything else."""
        if not fine:
            self._problems.append(problem)

    def done(self) -> None:
        """Raise what was found.

        Raises:
            ValueError: something is wrong.
        """
        if self._problems:
            raise ValueError(f"{type(self._options).__name__}: {'; '.join(self._problems)}")

    def _range(
        self,
        name: str,
        kind: type | tuple[type, ...],
        words: str,
        least: float,
        most: float,
        example: float,
        *,
        over: float = -math.inf,
        optional: bool,
    ) -> None:
        value = getattr(self._options, name)
        if value is None and optional:
            return
        number = isinstance(value, kind) and not isinstance(value, bool)
        if number and math.isfinite(value) and least <= value <= most and value > over:
            return
        limits = [f"of at least {least:g}"] * math.isfinite(least) + [f"over {over:g}"] * math.isfinite(over)
        limits += [f"at most {most:g}"] * math.isfinite(most)
        expected = f"{words} {' and '.join(limits)}".rstrip() + (", or None" if optional else "")
        self._problems.append(f"{name}: expected {expected}, such as {example:g}, not {value!r}")
