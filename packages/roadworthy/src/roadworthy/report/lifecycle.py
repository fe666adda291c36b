"""The picture of a service's life: start, ready, fault, restore, SIGTERM, restart, each with what was seen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from roadworthy.domain.evidence import Drain, Durability, Evidence, FaultWindow, Restarts, StartsAndStops
from roadworthy.report.observed import Mood, configurations, first_trials, worst
from roadworthy.report.text import count, duration


@dataclass(frozen=True)
class Entry:
    """One observation in a stage. ``seconds`` is None when it has no duration, or never came."""

    label: str
    shown: str
    mood: Mood
    seconds: float | None = None
    detail: str = ""


@dataclass(frozen=True)
class Stage:
    """One stage of the life of a service."""

    name: str
    entries: tuple[Entry, ...]

    @property
    def mood(self) -> Mood:
        """The mood of its worst entry."""
        return worst([entry.mood for entry in self.entries])


@dataclass(frozen=True)
class Lifecycle:
    """The strip in one configuration. Its stages are always the same, so that a gap shows."""

    configuration: str
    stages: tuple[Stage, ...]


_SHOWN = (StartsAndStops, FaultWindow, Restarts, Drain, Durability)


def lifecycles(evidence: Sequence[Evidence]) -> tuple[Lifecycle, ...]:
    """Draw the strip of each configuration in which a service was started, disturbed or stopped."""
    shown = [item for item in evidence if isinstance(item, _SHOWN)]
    return tuple(Lifecycle(name, _stages(shown, name)) for name in configurations(shown))


def _stages(evidence: Sequence[Evidence], configuration: str) -> tuple[Stage, ...]:
    runs = first_trials(evidence, StartsAndStops, configuration)
    windows = first_trials(evidence, FaultWindow, configuration)
    return (
        _stage("start", (_listening(run) for run in runs if run.starts)),
        _stage("ready", (_ready(run) for run in runs if run.starts)),
        _stage("fault", (_fault(window) for window in windows)),
        _stage("restore", (_restore(window) for window in windows)),
        _stage(
            "SIGTERM",
            [
                *(_idle_stop(run) for run in runs if run.stops),
                *(_drain(drain) for drain in first_trials(evidence, Drain, configuration)),
            ],
        ),
        _stage(
            "restart",
            [
                *(entry for each in first_trials(evidence, Restarts, configuration) for entry in _restarts(each)),
                *(_durability(each) for each in first_trials(evidence, Durability, configuration)),
            ],
        ),
    )


def _stage(name: str, entries: Iterable[Entry]) -> Stage:
    return Stage(name, tuple(entries) or (Entry("", "not tried", Mood.UNKNOWN),))


def _listening(run: StartsAndStops) -> Entry:
    times = [start.listening_s for start in run.starts if start.listening_s is not None]
    return _median("listens", times, len(run.starts), run.start_bound_s)


def _ready(run: StartsAndStops) -> Entry:
    times = [start.ready_s for start in run.starts if start.ready_s is not None]
    return _median(f"by {run.starts[0].ready_by}", times, len(run.starts), run.start_bound_s)


def _idle_stop(run: StartsAndStops) -> Entry:
    times = [stop.exited_s for stop in run.stops if stop.exited_s is not None]
    entry = _median("idle: exits", times, len(run.stops), run.stop_bound_s)
    left_over = [process for stop in run.stops for process in stop.left_over]
    if left_over:
        return Entry(entry.label, entry.shown, Mood.BAD, entry.seconds, f"left behind: {', '.join(left_over)}")
    return entry


def _median(label: str, times: Sequence[float], tries: int, bound_s: float) -> Entry:
    """Summarise several tries of the same thing; one that never came is worse than any that did."""
    if len(times) < tries:
        return Entry(label, "never", Mood.BAD, None, f"{tries - len(times)} of {count(tries, 'time')}")
    middle = median(times)
    mood = Mood.GOOD if middle <= bound_s else Mood.BAD
    return Entry(label, duration(middle), mood, middle, f"median of {tries}" if tries > 1 else "once")


def _fault(window: FaultWindow) -> Entry:
    label = f"{window.dependency} {window.fault}"
    if not window.process_alive:
        return Entry(label, "the process died", Mood.BAD, window.waited_s)
    if window.hits == 0:
        return Entry(label, duration(window.waited_s), Mood.UNKNOWN, window.waited_s, "did not reach the service")
    reached = f"reached the service {count(window.hits, 'time')}"
    return Entry(label, duration(window.waited_s), Mood.NEUTRAL, window.waited_s, reached)


def _restore(window: FaultWindow) -> Entry:
    label = f"after {window.dependency} {window.fault}"
    seconds = window.transaction_recovered_s
    if seconds is None:
        return Entry(label, "not restored", Mood.BAD, None, f"within {duration(window.recovery_waited_s)}")
    if window.restarted:
        return Entry(label, duration(seconds), Mood.BAD, seconds, "by a new process")
    if window.hits == 0:
        return Entry(label, duration(seconds), Mood.UNKNOWN, seconds, "the fault did not reach the service")
    if not window.readiness:
        return Entry(label, duration(seconds), Mood.GOOD, seconds)
    if window.readiness_recovered_s is None:
        never = f"health not within {duration(window.recovery_waited_s)}"
        return Entry(label, duration(seconds), Mood.BAD, seconds, never)
    return Entry(label, duration(seconds), Mood.GOOD, seconds, f"health after {duration(window.readiness_recovered_s)}")


def _drain(drain: Drain) -> Entry:
    label = "in flight"
    exited = "still running" if drain.exited_s is None else f"exits after {duration(drain.exited_s)}"
    if not drain.in_flight or drain.request is None:
        return Entry(label, "not shown to be in flight", Mood.UNKNOWN, None, exited)
    mood = Mood.GOOD if drain.request.ok else Mood.BAD
    shown = f"answered {drain.request.shown}" if drain.request.ok else drain.request.shown
    return Entry(label, shown, mood, drain.request.seconds, exited)


_HOW = {"sigterm": "after SIGTERM", "sigkill": "after kill -9"}


def _restarts(evidence: Restarts) -> list[Entry]:
    entries = []
    for restart in evidence.restarts:
        label = _HOW.get(restart.how, f"after {restart.how}")
        if not restart.started:
            entries.append(Entry(label, "did not start", Mood.BAD, None, f"in {duration(restart.seconds)}"))
        elif restart.read_back is None:
            entries.append(Entry(label, duration(restart.seconds), Mood.GOOD, restart.seconds, "stores nothing"))
        else:
            kept = restart.read_back.ok
            told = "the object is there" if kept else f"reading the object: {restart.read_back.shown}"
            mood = Mood.GOOD if kept else Mood.BAD
            entries.append(Entry(label, duration(restart.seconds), mood, restart.seconds, told))
    return entries


def _durability(evidence: Durability) -> Entry:
    label = "killed while writing"
    if not evidence.restarted:
        return Entry(label, "did not start again", Mood.BAD)
    if evidence.acknowledged == 0:
        return Entry(label, "nothing was acknowledged", Mood.UNKNOWN)
    shown = f"{evidence.found:,} of {count(evidence.acknowledged, 'acknowledged write')} found"
    if evidence.lost:
        return Entry(label, shown, Mood.BAD, None, f"{len(evidence.lost):,} lost")
    if evidence.unreadable:
        return Entry(label, shown, Mood.UNKNOWN, None, f"{evidence.unreadable:,} could not be read")
    return Entry(label, shown, Mood.GOOD)
