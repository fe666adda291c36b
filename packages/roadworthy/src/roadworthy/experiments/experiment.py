"""What an experiment is to the runner, and how experiments are found."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import roadworthy.experiments
from roadworthy.domain.evidence import Evidence
from roadworthy.experiments.bench import Baseline, Bench


@dataclass(frozen=True)
class Experiment:
    """One thing to do to the target.

    Args:
        id: what a replay takes, such as ``dependency-fault:database:refused``.
        label: what people read while it runs.
        makes: the kinds of evidence that it records.
        run: carries it out.
        expected_s: about how long it takes when all is well, for the progress display.
        alone: whether time is a fact it measures, so that nothing else may run beside it.
    """

    id: str
    label: str
    makes: tuple[type[Evidence], ...]
    run: Callable[[Bench], Awaitable[None]]
    expected_s: float
    alone: bool = False


Planner = Callable[[Baseline], Sequence[Experiment]]


def plan(baseline: Baseline) -> tuple[Experiment, ...]:
    """Ask every experiment module what it would do with this target. Modules are discovered; each has ``plan``."""
    planned: list[Experiment] = []
    for module in sorted(pkgutil.iter_modules(roadworthy.experiments.__path__), key=lambda each: each.name):
        planner: Planner | None = getattr(
            importlib.import_module(f"roadworthy.experiments.{module.name}"), "plan_for", None
        )
        if planner is not None:
            planned += planner(baseline)
    return tuple(planned)
