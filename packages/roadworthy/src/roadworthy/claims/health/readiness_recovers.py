"""readiness-recovers: when a dependency is back, the service works again by itself."""

from roadworthy.claims._faults import (
    GIVE_A_TRANSACTION,
    failed_steps,
    not_needed,
    not_tried,
    nothing_was_cut,
    windows,
    worked_before,
    worst,
)
from roadworthy.claims._readiness import histories
from roadworthy.claims._samples import exhibits, transaction_steps
from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import Discovery, EvidenceSet, FaultWindow
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, Severity, absent, undecided


def judge(evidence: EvidenceSet) -> Finding:
    """Judge what came after every dependency that refused connections; the worst decides."""
    cut = windows(evidence, "refused")
    if not cut:
        return nothing_was_cut(evidence)
    return worst([*(_judge(window, evidence) for window in cut), *not_tried(evidence, cut)])


def _judge(window: FaultWindow, evidence: EvidenceSet) -> Finding:
    if not worked_before(window):
        return undecided(
            Reason.NO_CONTROL,
            f"The target did not work before {window.dependency} was cut, so nothing can recover.",
            GIVE_A_TRANSACTION,
            exhibits=exhibits(sample for sample in window.before if not sample.ok),
            experiment=window.experiment,
        )
    reprieve = not_needed(window, evidence) or _nothing_to_recover(window, evidence)
    if reprieve is not None:
        return reprieve
    problems = _problems(window)
    after = f"After {window.dependency} was back,"
    return Finding(
        Outcome.VIOLATED if problems else Outcome.HELD,
        f"{after} {' and '.join(problems) if problems else _recovery(window) + ', without a restart'}.",
        control=True,
        exhibits=(_timeline(window), *exhibits(s for s in window.after if not (problems and s.ok))),
        fault_hits=window.hits,
        # That it did not come back is the violation itself, and no reason to distrust it.
        restored=None if problems else all(step.ok for step in transaction_steps(window.after)),
        scope=f"{window.dependency}, cut for {window.waited_s:.0f} s, watched for {window.recovery_waited_s:.0f} s",
        experiment=window.experiment,
    )


def _problems(window: FaultWindow) -> list[str]:
    waited = f"within {window.recovery_waited_s:.0f} s"
    problems = []
    if not window.process_alive:
        problems.append("the process was gone")
    if window.restarted:
        problems.append("the process had been replaced, so it recovered only by a restart")
    if failed_steps(window) and window.transaction_recovered_s is None:
        problems.append(f"the transaction did not work again {waited}")
    if _turned_false(window) and window.readiness_recovered_s is None:
        problems.append(f"readiness was not true again {waited}")
    return problems


def _nothing_to_recover(window: FaultWindow, evidence: EvidenceSet) -> Finding | None:
    if not window.readiness and not any(discovery.health for discovery in evidence.all(Discovery)):
        return absent(
            f"It has no readiness to recover (see health-exists); after the cut, {_recovery(window)}.",
            established=True,
            experiment=window.experiment,
        )
    if failed_steps(window) or _turned_false(window):
        return None
    return undecided(
        Reason.NEEDS_INPUT,
        f"Nothing was seen to fail while {window.dependency} was cut, and there is no transaction.",
        GIVE_A_TRANSACTION,
        experiment=window.experiment,
    )


def _turned_false(window: FaultWindow) -> bool:
    return any(history.turned_false for history in histories(window))


def _recovery(window: FaultWindow) -> str:
    def moment(seconds: float | None) -> str:
        return "not at all" if seconds is None else f"after {seconds:.1f} s"

    said = []
    if failed_steps(window):
        said.append(f"the transaction worked again {moment(window.transaction_recovered_s)}")
    if _turned_false(window):
        said.append(f"readiness was true again {moment(window.readiness_recovered_s)}")
    return " and ".join(said)


def _timeline(window: FaultWindow) -> Exhibit:
    began, restored = window.began_at, window.restored_at
    return Exhibit("timeline", f"cut at {began:.1f} s, back at {restored:.1f} s; {_recovery(window)}")


CLAIM = Claim(
    id="readiness-recovers",
    statement="When a dependency is back, the service works and is ready again within 30 s, without a restart.",
    refuted_title="It does not recover by itself when a dependency comes back",
    severity=Severity.CRITICAL,
    why="""\
Databases fail over, networks blink, caches are restarted. If every instance has to be restarted by hand afterwards, a
blip of ten seconds becomes an outage that lasts until somebody is awake, and the restart of all instances at once is
the next incident.""",
    how_judged="""\
After the cut of readiness-false-when-dependency-down, the dependency is restored. The transaction and the health
endpoints are tried until they work, for 30 s by default.

- Holds: the transaction, and readiness if it had turned false, are good again within that time, in the same process.
- Violated: one of them is not, or the process had ended or been replaced.
- Not applicable: there is no networked dependency, or the transaction was not affected by the cut, or there is no
  health endpoint at all.
- Unproven: the cut reached no connection, or there is no transaction and readiness never turned false.""",
    false_positives="""\
One failed request per pooled connection is allowed: what counts is the first transaction that works within the time.
The dependency is restored at the same address with the same data. Workers that their own parent replaces are no
restart; only a change of the process that was started is.""",
    remedies=(
        Remedy(
            "SQLAlchemy (FastAPI, Flask)",
            "10 minutes",
            """\
Let the pool test a connection before it hands it out, and open a session per request.

```python
engine = create_async_engine(url, pool_pre_ping=True, pool_recycle=1800)
```
A session or connection that is opened once at start and kept in a global never recovers.""",
        ),
        Remedy(
            "Django",
            "5 minutes",
            """\
Let Django check kept connections at the start of each request.

```python
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
```""",
        ),
        Remedy(
            "Node.js",
            "30 minutes",
            """\
Use a pool instead of one client, and handle the pool's own errors, which otherwise end the process.

```js
const pool = new Pool({ connectionTimeoutMillis: 2000 });
pool.on('error', (error) => log.error({ error }, 'idle database connection lost'));
```
With Redis, set `socket.reconnectStrategy` and an `error` listener.""",
        ),
        Remedy(
            "Spring Boot",
            "10 minutes",
            """\
Keep HikariCP's validation on, and its waits short.

```properties
spring.datasource.hikari.validation-timeout=1000
spring.datasource.hikari.connection-timeout=2000
spring.datasource.hikari.initialization-fail-timeout=-1
```""",
        ),
    ),
    requires=(FaultWindow, Discovery),
    judge=judge,
    references=("12-factor IX: disposability", "learnk8s production checklist: the app retries dependent services"),
)
