"""readiness-false-when-dependency-down: readiness turns false while a required dependency is gone."""

from collections.abc import Sequence

from roadworthy.claims._faults import (
    GIVE_A_TRANSACTION,
    failed_steps,
    not_needed,
    not_tried,
    nothing_was_cut,
    while_faulty,
    windows,
    worked_before,
    worst,
)
from roadworthy.claims._readiness import History, histories
from roadworthy.claims._samples import exhibit, exhibits, shown
from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import Discovery, EvidenceSet, FaultWindow
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, Severity, absent, undecided

_POLL_GAP_S = 3.0  # the last poll may lie this long before the end of the time that is allowed
_MORE_TIME = "Run again with a larger --budget."


def judge(evidence: EvidenceSet) -> Finding:
    """Judge every dependency that refused connections; the worst decides."""
    cut = windows(evidence, "refused")
    if not cut:
        return nothing_was_cut(evidence)
    return worst([*(_judge(window, evidence) for window in cut), *not_tried(evidence, cut)])


def _judge(window: FaultWindow, evidence: EvidenceSet) -> Finding:
    if not window.readiness:
        return _nobody_asked(window, evidence)
    endpoints = histories(window)
    if not worked_before(window) or not endpoints:
        return undecided(
            Reason.NO_CONTROL,
            f"The target or its health endpoint was not healthy before {window.dependency} was cut.",
            "Make both work while nothing is wrong, or name the right endpoint under [endpoints] in roadworthy.toml.",
            exhibits=exhibits(sample for sample in window.before if not sample.ok),
            experiment=window.experiment,
        )
    reprieve = not_needed(window, evidence)
    if reprieve is not None:
        return reprieve
    turned = [e for e in endpoints if (after := e.turned_false_s) is not None and after <= window.readiness_bound_s]
    stayed_false = [endpoint for endpoint in turned if not endpoint.came_back]
    if stayed_false:
        return _held(window, stayed_false[0])
    return _came_back(window, turned[0]) if turned else _stayed_true(window, endpoints)


def _held(window: FaultWindow, endpoint: History) -> Finding:
    failed = failed_steps(window)
    recovered_s = window.transaction_recovered_s if failed else window.readiness_recovered_s
    return Finding(
        Outcome.HELD,
        f"{_turned(endpoint)} {while_faulty(window)}"
        + (f", and the transaction failed ({shown(failed[0])})." if failed else "; there is no transaction."),
        control=True,
        exhibits=(_last_poll(endpoint), *exhibits(failed, 3)),
        fault_hits=window.hits,
        restored=recovered_s is not None,
        scope=_scope(window, (endpoint,)),
        experiment=window.experiment,
    )


def _came_back(window: FaultWindow, endpoint: History) -> Finding:
    return undecided(
        Reason.NOISY,
        f"{_turned(endpoint)}, but was 2xx again {while_faulty(window)}.",
        "Look at why it came back while the dependency was gone, and run again.",
        exhibits=exhibits(poll for poll in endpoint.polls if not poll.ok),
        experiment=window.experiment,
    )


def _stayed_true(window: FaultWindow, endpoints: Sequence[History]) -> Finding:
    names = " and ".join(endpoint.what for endpoint in endpoints)
    watched_s = min(window.waited_s, *(endpoint.watched_s + _POLL_GAP_S for endpoint in endpoints))
    failed = failed_steps(window)
    stayed = f"{names} stayed 2xx {while_faulty(window)}"
    if not failed:
        return undecided(
            Reason.NEEDS_INPUT,
            f"{stayed}; without a transaction nobody can say whether that is wrong.",
            GIVE_A_TRANSACTION,
            experiment=window.experiment,
        )
    if watched_s < window.readiness_bound_s:
        return undecided(
            Reason.BUDGET,
            f"{stayed}, but was watched for less than {window.readiness_bound_s:g} s.",
            _MORE_TIME,
            experiment=window.experiment,
        )
    if all(endpoint.liveness for endpoint in endpoints):
        return undecided(
            Reason.NEEDS_INPUT,
            f"{stayed}, but its name says that it speaks of liveness only, and there is no other.",
            "Offer a readiness endpoint, or name the one that there is under [endpoints] in roadworthy.toml.",
            experiment=window.experiment,
        )
    late = "".join(f" {_turned(endpoint)}, too late." for endpoint in endpoints if endpoint.turned_false)
    return Finding(
        Outcome.VIOLATED,
        f"{names} stayed 2xx for {window.readiness_bound_s:g} s {while_faulty(window)}, and the transaction failed "
        f"({shown(failed[0])}).{late} Orchestrators read only the status, whatever the body says.",
        control=True,
        exhibits=(*(_last_poll(endpoint) for endpoint in endpoints), *exhibits(failed, 3)),
        fault_hits=window.hits,
        restored=window.transaction_recovered_s is not None,
        scope=_scope(window, endpoints),
        experiment=window.experiment,
    )


def _nobody_asked(window: FaultWindow, evidence: EvidenceSet) -> Finding:
    if any(discovery.health for discovery in evidence.all(Discovery)):
        return undecided(
            Reason.NOT_RUN,
            f"Nobody asked the health endpoints {while_faulty(window)}.",
            _MORE_TIME,
            experiment=window.experiment,
        )
    return absent(
        "It has no health endpoint that could tell the truth (see health-exists).",
        established=True,
        experiment=window.experiment,
    )


def _turned(endpoint: History) -> str:
    poll = endpoint.turned_false
    return f"{endpoint.what} turned {poll.shown if poll else '?'} after {endpoint.turned_false_s or 0:.1f} s"


def _last_poll(endpoint: History) -> Exhibit:
    last = endpoint.polls[-1]
    return exhibit(last, f"{endpoint.what} {last.shown}, {last.at - endpoint.began_at:.1f} s into the fault")


def _scope(window: FaultWindow, endpoints: Sequence[History]) -> str:
    polls = sum(len(endpoint.polls) for endpoint in endpoints)
    return f"{window.dependency}, {' and '.join(e.what for e in endpoints)}, {polls} polls in {window.waited_s:.0f} s"


CLAIM = Claim(
    id="readiness-false-when-dependency-down",
    statement="Readiness turns false while a dependency that the service cannot work without is down.",
    refuted_title="Readiness stays true although the service cannot work",
    severity=Severity.CRITICAL,
    why="""\
Traffic goes wherever readiness is true. An instance that has lost its database and still says ready keeps its share
of the requests and fails every one of them, the deploy that broke the connection is reported as a success, and no
alert that watches readiness fires. It is the most common thing found wrong with health endpoints, because the
endpoint that a template writes answers 200 without looking.""",
    how_judged="""\
While the service is healthy, one dependency after the other is cut: new connections are refused, existing ones are
reset. The transaction is tried and every health endpoint is polled, for 15 s by default.

- Holds: the transaction fails, and at least one readiness or health endpoint stops answering 2xx within that time and
  stays so. No answer at all counts as not ready.
- Violated: the transaction fails and every such endpoint answers 2xx all the time. Only the status counts: 200 with
  `"status": "down"` in its body is read as ready by every orchestrator.
- Not applicable: there is no networked dependency, or the transaction still works without it, or there is no health
  endpoint at all.
- Unproven: the cut reached no connection, there is no transaction, the only endpoint is one for liveness, or the time
  was cut short.""",
    false_positives="""\
A dependency that the transaction does not need may well be down while the service is ready: the transaction has to
fail first. Health checks that are cached get 15 s. An endpoint named for liveness is not expected to look at
dependencies. Readiness that merely blinks is reported as noisy, and polls that a rate limiter turned away are
ignored. The cut counts the connections that it reset or refused; if there were none, nothing is concluded.""",
    remedies=(
        Remedy(
            "FastAPI or Starlette with SQLAlchemy",
            "30 minutes",
            """\
Ask the database in the readiness endpoint, with a time limit, and answer 503 when it does not answer.

```python
@app.get("/readyz", include_in_schema=False)
async def readyz() -> Response:
    try:
        async with asyncio.timeout(2):
            async with engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError, TimeoutError):
        return JSONResponse({"status": "unavailable"}, status_code=503)
    return JSONResponse({"status": "ok"})
```
Leave `/livez` without it: a restart does not repair a database.""",
        ),
        Remedy(
            "Django",
            "30 minutes",
            """\
Query the database in a readiness view and turn its errors into 503.

```python
def readyz(request):
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "unavailable"}, status=503)
    return JsonResponse({"status": "ok"})
```
Set `OPTIONS = {"connect_timeout": 2}` in `DATABASES`, so that the view itself answers in time.""",
        ),
        Remedy(
            "Express",
            "30 minutes",
            """\
Await the query, and let a failure decide the status.

```js
app.get('/readyz', async (req, res) => {
  try { await pool.query('SELECT 1'); res.json({ status: 'ok' }); }
  catch { res.status(503).json({ status: 'unavailable' }); }
});
```
Create the pool with `connectionTimeoutMillis: 2000` and `query_timeout: 2000`.""",
        ),
        Remedy(
            "Spring Boot",
            "10 minutes",
            """\
Put the database into the readiness group: by default it is only in the general health.

```properties
management.endpoint.health.probes.enabled=true
management.endpoint.health.group.readiness.include=readinessState,db
spring.datasource.hikari.connection-timeout=2000
```""",
        ),
    ),
    requires=(FaultWindow, Discovery),
    judge=judge,
    references=(
        "learnk8s production checklist: containers have readiness probes",
        "ASVS 5.0 V16.5.2",
    ),
)
