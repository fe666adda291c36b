"""The picture of endpoints by dependency faults: one row an endpoint, one column a fault, what was seen in between."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from roadworthy.domain.evidence import Answer, Discovery, Evidence, Exchange, FaultWindow, NotRun, Sample
from roadworthy.domain.target import STEP_NAMES
from roadworthy.report.observed import Mood, configurations, first_trials, worst
from roadworthy.report.text import count, duration

_FAULT_EXPERIMENT = "dependency-fault:"


@dataclass(frozen=True)
class Cell:
    """What one endpoint did. ``shown`` is its status or how it failed; ``seconds`` is how long the answer took."""

    mood: Mood
    shown: str
    seconds: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Column:
    """One state of the world: healthy, or one dependency with one fault."""

    name: str
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One transaction step or endpoint, with a cell for each column."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Matrix:
    """The picture in one configuration."""

    configuration: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


NOT_TRIED = Cell(Mood.UNKNOWN, "not tried")


def matrices(evidence: Sequence[Evidence], exchanges: Mapping[str, Exchange]) -> tuple[Matrix, ...]:
    """Draw the matrix of each configuration in which any endpoint was seen."""
    drawn = (_matrix(evidence, exchanges, configuration) for configuration in configurations(evidence))
    return tuple(matrix for matrix in drawn if matrix.rows)


def _matrix(evidence: Sequence[Evidence], exchanges: Mapping[str, Exchange], configuration: str) -> Matrix:
    discoveries = first_trials(evidence, Discovery, configuration)
    windows = first_trials(evidence, FaultWindow, configuration)
    not_run = first_trials(evidence, NotRun, configuration)
    healthy = _healthy(discoveries, windows)
    during = [_during(window) for window in windows]
    names = dict.fromkeys(
        [
            *(step for step in STEP_NAMES if any(step in seen for seen in (healthy, *during))),
            *(f"GET {endpoint.path}" for discovery in discoveries for endpoint in discovery.health),
            *(sample.what for window in windows for sample in window.readiness),
            *(name for seen in (healthy, *during) for name in seen),
        ]
    )
    untried = _untried(discoveries, windows, not_run)
    columns = [Column("healthy"), *(Column(_fault_name(w), _fault_note(w)) for w in windows), *untried]
    rows = (
        Row(
            _row_name(name, (healthy, *during), exchanges),
            (
                _healthy_cell(healthy.get(name, ())),
                *(_fault_cell(name, window, healthy.get(name, ())) for window in windows),
                *(NOT_TRIED for _ in untried),
            ),
        )
        for name in names
    )
    return Matrix(configuration, tuple(columns), tuple(rows))


def _healthy(discoveries: Iterable[Discovery], windows: Iterable[FaultWindow]) -> dict[str, tuple[Sample, ...]]:
    """Return what was seen while nothing was wrong: at discovery, or else just before a fault."""
    first: dict[str, tuple[Sample, ...]] = {}
    for discovery in discoveries:
        for step in discovery.transaction:
            first.setdefault(step.what, (step,))
        for endpoint in discovery.health:
            first.setdefault(f"GET {endpoint.path}", (endpoint.sample,))
    for window in windows:
        for sample in window.before:
            first.setdefault(sample.what, (sample,))
    return first


def _during(window: FaultWindow) -> dict[str, tuple[Sample, ...]]:
    """Return what was seen during a fault, by endpoint."""
    seen: dict[str, list[Sample]] = {}
    for sample in (*window.requests, *window.readiness, *window.endpoints):
        seen.setdefault(sample.what, []).append(sample)
    return {name: tuple(samples) for name, samples in seen.items()}


def _row_name(name: str, seen: Iterable[Mapping[str, Sequence[Sample]]], exchanges: Mapping[str, Exchange]) -> str:
    """Return ``POST create`` for the step ``create``; endpoints carry their method already."""
    for samples in seen:
        for sample in samples.get(name, ()):
            if name in STEP_NAMES and sample.exchange in exchanges:
                return f"{exchanges[sample.exchange].method} {name}"
    return name


def _fault_name(window: FaultWindow) -> str:
    return f"{window.dependency} {window.fault}"


def _fault_note(window: FaultWindow) -> str:
    notes = [f"reached the service {count(window.hits, 'time')}" if window.hits else "did not reach the service"]
    if not window.process_alive:
        notes.append("the process died")
    return ", ".join(notes)


def _untried(
    discoveries: Iterable[Discovery], windows: Iterable[FaultWindow], not_run: Iterable[NotRun]
) -> tuple[Column, ...]:
    """Return a column for each fault that could not be tried, and for each dependency that met none."""
    planned = {
        missing.experiment.removeprefix(_FAULT_EXPERIMENT): missing.explanation
        for missing in not_run
        if missing.experiment.startswith(_FAULT_EXPERIMENT)
    }
    met = {window.dependency for window in windows} | {fault.split(":")[0] for fault in planned}
    known = dict.fromkeys(each.name for discovery in discoveries for each in discovery.dependencies)
    return (
        *(Column(fault.replace(":", " "), f"not run: {why}") for fault, why in planned.items()),
        *(Column(f"{name} faulty", "no fault was tried") for name in known if name not in met),
    )


def _healthy_cell(samples: Sequence[Sample]) -> Cell:
    if not samples:
        return NOT_TRIED
    sample = samples[0]
    return Cell(Mood.GOOD if sample.ok else Mood.BAD, sample.shown, sample.seconds, sample.note)


def _fault_cell(name: str, window: FaultWindow, healthy: Sequence[Sample]) -> Cell:
    samples = _during(window).get(name, ())
    if not samples:
        return NOT_TRIED
    if any(sample.what == name for sample in window.readiness):
        cell = _polled(name, window, healthy)
    else:
        cell = _worst([_requested(sample, window, healthy) for sample in samples])
    if window.hits == 0:  # a fault that reached nobody shows nothing
        return Cell(Mood.UNKNOWN, cell.shown, cell.seconds, "the fault did not reach the service")
    return cell


def _requested(sample: Sample, window: FaultWindow, healthy: Sequence[Sample]) -> Cell:
    """Read one answer to one request during a fault."""

    def cell(mood: Mood, note: str) -> Cell:
        return Cell(mood, sample.shown, sample.seconds, note)

    if sample.answer is not Answer.ANSWERED:
        if sample.answer is Answer.RESET and window.fault == "silent":
            return cell(Mood.NEUTRAL, "the service closed the connection")
        return cell(Mood.BAD, sample.note or "no answer")
    if sample.seconds > window.answer_bound_s:
        return cell(Mood.BAD, f"later than {duration(window.answer_bound_s)}")
    if sample.status is not None and sample.status >= 500:
        return cell(Mood.GOOD, "failed cleanly")
    if healthy and sample.status == healthy[0].status:
        return cell(Mood.NEUTRAL, "the same as when healthy")
    if sample.status is not None and 400 <= sample.status < 500:
        return cell(Mood.BAD if window.fault == "refused" else Mood.NEUTRAL, "blames the caller")
    return cell(Mood.NEUTRAL, sample.note)


def _worst(cells: Sequence[Cell]) -> Cell:
    """Return the cell that matters most of several requests to one endpoint: the worst, then the slowest."""
    mood = worst([cell.mood for cell in cells])
    chosen = max((cell for cell in cells if cell.mood is mood), key=lambda cell: cell.seconds or 0.0)
    if len(cells) == 1:
        return chosen
    notes = [f"worst of {len(cells)} requests", *filter(None, [chosen.note])]
    return Cell(chosen.mood, chosen.shown, chosen.seconds, ", ".join(notes))


def _polled(name: str, window: FaultWindow, healthy: Sequence[Sample]) -> Cell:
    """Read a health endpoint that was asked again and again while the fault lasted."""
    samples = [sample for sample in window.readiness if sample.what == name]
    changed = next((sample for sample in samples if not sample.ok), None)
    liveness = name.removeprefix("GET ") in window.liveness_paths
    if changed is not None:
        told = changed.answer is Answer.ANSWERED and not liveness and all(sample.ok for sample in healthy)
        after = duration(max(0.0, changed.at - window.began_at))
        return Cell(Mood.GOOD if told else Mood.NEUTRAL, changed.shown, changed.seconds, f"after {after}")
    last = samples[-1]
    mood, note = _stayed_up(window, liveness=liveness)
    return Cell(mood, last.shown, last.seconds, note)


def _stayed_up(window: FaultWindow, *, liveness: bool) -> tuple[Mood, str]:
    """Read a health endpoint that stayed 2xx: fine for liveness, not fine if the service called itself ready."""
    all_the_time = f"for {duration(window.waited_s)}"
    if liveness:
        return Mood.GOOD, f"{all_the_time}, as liveness should"
    if not window.requests:
        return Mood.UNKNOWN, "no request was tried beside it"
    if all(sample.ok for sample in window.requests):
        return Mood.NEUTRAL, f"{all_the_time}, and requests worked"
    if any(not sample.ok for sample in window.readiness):
        return Mood.NEUTRAL, f"{all_the_time}, but another endpoint told"
    return Mood.BAD, f"{all_the_time}, while requests failed"
