"""The text format that Prometheus reads, version 0.0.4."""

from itertools import accumulate
from math import inf, isnan

from chassis.observe.store import Children, FamilyInfo, Labels

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_KEPT = 200_000


class Writer:
    """Writes families of metrics. What stands before each number is made once and kept."""

    def __init__(self) -> None:
        """Start with nothing kept."""
        self._starts: dict[tuple[FamilyInfo, Labels], tuple[str, ...]] = {}

    def write(self, info: FamilyInfo, children: Children, *, single: bool = False) -> str:
        """Write one family, with its numbers by labels; ``single`` when each is one number whatever the kind."""
        lines = [f"# HELP {info.name} {_escape_help(info.help)}\n# TYPE {info.name} {info.kind}\n"]
        make = _single if single else {"histogram": _histogram, "summary": _summary}.get(info.kind, _single)
        for labels, numbers in children.items():
            starts = self._starts.get((info, labels))
            if starts is None:
                starts = self._remember(info, labels, single=single)
            lines += make(starts, numbers)
        return "".join(lines)

    def _remember(self, info: FamilyInfo, labels: Labels, *, single: bool) -> tuple[str, ...]:
        if len(self._starts) >= _KEPT:
            self._starts.clear()
        pairs = [f'{name}="{_escape(value)}"' for name, value in zip(info.labels, labels, strict=True)]
        if info.kind == "histogram":
            bounds = [*(number(bound) for bound in info.bounds), "+Inf"]
            starts = tuple(_sample(f"{info.name}_bucket", [*pairs, f'le="{bound}"']) for bound in bounds)
            starts += (_sample(f"{info.name}_count", pairs), _sample(f"{info.name}_sum", pairs))
        elif info.kind == "summary" and not single:
            starts = (_sample(f"{info.name}_count", pairs), _sample(f"{info.name}_sum", pairs))
        else:
            starts = (_sample(info.name, pairs),)
        self._starts[info, labels] = starts
        return starts


def number(value: float) -> str:
    """Write a number as Prometheus does."""
    if value.is_integer():
        return str(int(value))
    if isnan(value):
        return "NaN"
    return ("+Inf" if value > 0 else "-Inf") if abs(value) == inf else repr(value)


def _single(starts: tuple[str, ...], numbers: list[float]) -> list[str]:
    return [f"{starts[0]}{number(numbers[0])}\n"]


def _summary(starts: tuple[str, ...], numbers: list[float]) -> list[str]:
    return [f"{starts[0]}{number(numbers[0])}\n{starts[1]}{number(numbers[1])}\n"]


def _histogram(starts: tuple[str, ...], numbers: list[float]) -> list[str]:
    """Write the buckets, each with those below it, and the count as the last of them: so they always agree."""
    counts = list(accumulate(map(int, numbers[:-1])))
    lines = [f"{start}{count}\n" for start, count in zip(starts, counts, strict=False)]
    lines.append(f"{starts[-2]}{counts[-1]}\n{starts[-1]}{number(numbers[-1])}\n")
    return lines


def _sample(name: str, pairs: list[str]) -> str:
    return f"{name}{{{','.join(pairs)}}} " if pairs else f"{name} "


def _escape(value: str) -> str:
    text = value.encode("utf-8", "backslashreplace").decode()
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _escape_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
