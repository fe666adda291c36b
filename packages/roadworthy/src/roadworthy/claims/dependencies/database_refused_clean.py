"""database-refused-clean: while the database refuses connections, requests fail quickly and cleanly."""

from collections import Counter
from collections.abc import Sequence

from roadworthy.claims._databases import judge_databases
from roadworthy.claims._faults import while_faulty
from roadworthy.claims._samples import exhibits, shown, transaction_steps
from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import Answer, Discovery, EvidenceSet, FaultWindow, Sample
from roadworthy.domain.verdict import Finding, Outcome, Reason, Severity, undecided

_BROKEN = {
    Answer.REFUSED: "the service itself refused the connection",
    Answer.RESET: "the connection was closed without an answer",
    Answer.GARBLED: "what came back was not HTTP",
    Answer.SILENT: "no answer came in time",
}
_WORST_FIRST = (*_BROKEN.values(), "it was answered too late", "it was called a success", "it was blamed on the caller")


def judge(evidence: EvidenceSet) -> Finding:
    """Judge every database that refused connections; the worst decides."""
    return judge_databases(evidence, "refused", _judge)


def _judge(window: FaultWindow) -> Finding:
    bound_s = window.answer_bound_s
    steps = transaction_steps(window.requests)
    failed = [step for step in steps if not step.ok]
    unclean = sorted(
        (step for step in failed if _fault(step, bound_s)), key=lambda step: _WORST_FIRST.index(_fault(step, bound_s))
    )
    given_up = [step for step in failed if step.answer is Answer.SILENT and step.seconds < bound_s]
    if given_up and not unclean:
        return undecided(
            Reason.BUDGET,
            f"{shown(given_up[0])}: less than the {bound_s:g} s that are allowed were waited for.",
            "Run again with a larger --budget.",
            exhibits=exhibits(given_up),
            experiment=window.experiment,
        )
    return Finding(
        Outcome.VIOLATED if unclean else Outcome.HELD,
        f"{len(unclean)} of {len(steps)} requests failed badly {while_faulty(window)}. "
        f"The worst, {shown(unclean[0])}: {_fault(unclean[0], bound_s)}."
        if unclean
        else _clean(window, failed),
        control=True,
        exhibits=exhibits(unclean or failed),
        fault_hits=window.hits,
        restored=window.transaction_recovered_s is not None,
        scope=f"{window.dependency}, {len(steps)} requests, {len(steps) - len(failed)} of them did not need it",
        experiment=window.experiment,
    )


def _fault(step: Sample, bound_s: float) -> str:
    """Say what is wrong with how a request failed; "" when nothing is."""
    if step.answer is not Answer.ANSWERED:
        return _BROKEN[step.answer] if step.answer is not Answer.SILENT or step.seconds >= bound_s else ""
    if step.seconds > bound_s:
        return "it was answered too late"
    if step.status is None or step.status < 400:
        return "it was called a success"
    return "it was blamed on the caller" if step.status < 500 else ""


def _clean(window: FaultWindow, failed: Sequence[Sample]) -> str:
    statuses = ", ".join(f"{count} x {status}" for status, count in Counter(step.shown for step in failed).items())
    slowest = max(step.seconds for step in failed)
    return f"{statuses} {while_faulty(window)}, the slowest after {slowest:.1f} s, and the process lived."


CLAIM = Claim(
    id="database-refused-clean",
    statement="While the database refuses connections, requests that need it get a 5xx answer within 10 s.",
    refuted_title="Requests hang, break or lie while the database refuses connections",
    severity=Severity.CRITICAL,
    why="""\
A database that refuses is the kindest of its failures: the client knows at once. If the service turns it into a hang,
its threads fill up and everything else stops as well. If it turns it into a dropped connection, a 404 or a 200,
callers retry what they must not, delete what they should keep, or believe that something was stored.""",
    how_judged="""\
The database is cut while the service is healthy: new connections are refused, existing ones are reset. The steps of
the transaction are tried again and again during the fault.

- Holds: every step that fails is answered with a 5xx within 10 s, and the process lives.
- Violated: a step hangs, its connection is reset or refused by the service, or it is answered late, with 2xx but
  without its effect, with 3xx or with 4xx (other than 429); or the process ends.
- Not applicable: there is no database, or the transaction still works without it (dependency-really-used speaks of
  that).
- Unproven: the cut reached no connection, the transaction did not work before, or our own time-out was shorter than
  the 10 s.""",
    false_positives="""\
A step that still works does not need the database at that moment, such as a read from a cache, and is not judged. A
429 comes from a rate limiter and is left out. The first request after the cut may find a dead connection in the pool:
that is a 5xx like any other. Afterwards the transaction must work again before "holds" counts.""",
    remedies=(
        Remedy(
            "FastAPI or Starlette with SQLAlchemy",
            "30 minutes",
            """\
Limit the waits of the driver and of the pool, and answer 503 for every error of the connection.

```python
engine = create_async_engine(
    url, pool_pre_ping=True, pool_timeout=3, connect_args={"timeout": 3}  # asyncpg; psycopg: connect_timeout
)

@app.exception_handler(OperationalError)
@app.exception_handler(OSError)
async def unavailable(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "temporarily unavailable"}, 503, headers={"Retry-After": "5"})
```""",
        ),
        Remedy(
            "Django",
            "20 minutes",
            """\
Set a connect time-out, and turn `OperationalError` into 503 in one middleware.

```python
DATABASES["default"]["OPTIONS"] = {"connect_timeout": 3}

class DatabaseUnavailable:
    def __init__(self, get_response): self.get_response = get_response
    def __call__(self, request): return self.get_response(request)
    def process_exception(self, request, error):
        if isinstance(error, OperationalError):
            return JsonResponse({"detail": "temporarily unavailable"}, status=503)
```""",
        ),
        Remedy(
            "Express",
            "30 minutes",
            """\
Pass rejected promises on, and answer them in one error handler; an unhandled rejection ends the process.

```js
app.get('/items/:id', (req, res, next) => load(req.params.id).then((i) => res.json(i)).catch(next));
app.use((error, req, res, next) => {
  const down = ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT'].includes(error.code);
  res.status(down ? 503 : 500).json({ error: down ? 'temporarily unavailable' : 'internal error' });
});
```
Add `pool.on('error', ...)`, and `connectionTimeoutMillis: 3000`. Express 5 passes rejections on by itself.""",
        ),
        Remedy(
            "Spring Boot",
            "20 minutes",
            """\
Shorten HikariCP's wait of 30 s, and map its exceptions to 503.

```java
@ExceptionHandler({DataAccessResourceFailureException.class, CannotCreateTransactionException.class})
@ResponseStatus(HttpStatus.SERVICE_UNAVAILABLE)
ProblemDetail unavailable() { return ProblemDetail.forStatus(503); }
```
`spring.datasource.hikari.connection-timeout=3000`""",
        ),
    ),
    requires=(FaultWindow, Discovery),
    judge=judge,
    references=("ASVS 5.0 V16.5.2", "ASVS 5.0 V16.5.3", "ASVS 5.0 V13.2.6"),
)
