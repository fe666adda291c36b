"""startup-time-bounded: the service is ready soon after it is started."""

from statistics import median

from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import EvidenceSet, Start, StartsAndStops
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, Severity, undecided

_ENOUGH = 3


def judge(evidence: EvidenceSet) -> Finding:
    """Compare the median of the fresh starts with the bound."""
    seen = evidence.first(StartsAndStops)
    starts, bound_s = seen.starts, seen.start_bound_s
    times = [start.ready_s for start in starts if start.ready_s is not None]
    never = [start for start in starts if start.ready_s is None]
    too_slow = bool(times) and median(times) > bound_s
    never_ready = bool(starts) and 2 * len(never) >= len(starts)
    if len(starts) < _ENOUGH:
        return undecided(
            Reason.BUDGET,
            f"Only {len(starts)} of {_ENOUGH} starts were timed.",
            "Run again with a larger --budget.",
            experiment=seen.experiment,
        )
    if never and not never_ready:
        return undecided(
            Reason.NOISY,
            f"{len(never)} of {len(starts)} fresh starts never became ready, the others did.",
            "Find out why some starts fail, and run again.",
            exhibits=tuple(_exhibit(start) for start in never),
            experiment=seen.experiment,
        )
    return Finding(
        Outcome.VIOLATED if never_ready or too_slow else Outcome.HELD,
        f"{len(never)} of {len(starts)} fresh starts were not ready within {bound_s:g} s."
        if never_ready
        else f"Median of {len(times)} fresh starts: {median(times):.1f} s until the first success, of {bound_s:g} s "
        f"allowed (fastest {min(times):.1f} s, slowest {max(times):.1f} s).",
        control=True,  # the stimulus is the start itself; that it can serve at all is what discovery saw
        exhibits=tuple(_exhibit(start) for start in never or starts),
        scope=f"{len(starts)} fresh starts, ready by {', '.join(sorted({start.ready_by for start in starts}))}",
        experiment=seen.experiment,
    )


def _exhibit(start: Start) -> Exhibit:
    if start.ready_s is None:
        last = start.log_tail[-1].strip() if start.log_tail else "no output"
        status = "" if start.exit_status is None else f", exit status {start.exit_status}"
        return Exhibit("log", f"never ready{status}: {last}")
    listening = "" if start.listening_s is None else f"listening after {start.listening_s:.1f} s, "
    return Exhibit("timeline", f"{listening}{start.ready_by} worked after {start.ready_s:.1f} s")


CLAIM = Claim(
    id="startup-time-bounded",
    statement="A fresh instance is ready within 30 s.",
    refuted_title="It takes too long to start",
    severity=Severity.MEDIUM,
    why="""\
The time to start is the time to roll back, to scale out under load and to recover from a crash. Orchestrators give up
on instances that take too long and start them again, for ever.""",
    how_judged="""\
The service is started three times, each on a fresh state with an empty database, one after the other with nothing
else running. The clock stops at the first successful step of the transaction, or else the first good health answer,
or else the first answer that is no error.

- Holds: the median is within 30 s by default.
- Violated: it is not, or at least half of the starts never became ready.
- Unproven: fewer than three starts were timed, or a minority of them failed.""",
    false_positives="""\
One slow start says little on a busy machine, hence the median of three. Migrations on the first start are part of the
time: that is what a new environment waits for. The fastest and the slowest are shown.""",
    remedies=(
        Remedy(
            "Any",
            "1 hour",
            """\
Move work out of the start: migrations, downloads, warming of caches, training of models.

Run migrations as a step of the deploy, bake models and assets into the image, and fill caches after readiness.""",
        ),
        Remedy(
            "Python (FastAPI, Django, Flask with gunicorn)",
            "1 hour",
            """\
Look at what is imported, and load the heavy parts when they are first needed.

```sh
python -X importtime -c "import app.main" 2>&1 | sort -t'|' -k2 -n | tail -20
gunicorn app.wsgi --preload   # import once, then fork the workers
```""",
        ),
        Remedy(
            "Spring Boot",
            "2 hours",
            """\
Use class data sharing and lazy initialisation, or build a native image.

```properties
spring.main.lazy-initialization=true
```
`java -XX:SharedArchiveFile=app.jsa -jar app.jar`""",
        ),
    ),
    requires=(StartsAndStops,),
    judge=judge,
    references=("12-factor IX: disposability",),
)
