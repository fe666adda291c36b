"""database-silent-bounded: while the database never answers, every request is still answered in bounded time."""

from roadworthy.claims._databases import judge_databases
from roadworthy.claims._faults import while_faulty
from roadworthy.claims._samples import exhibits, shown, transaction_steps
from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import Answer, Discovery, EvidenceSet, FaultWindow, Sample
from roadworthy.domain.verdict import Finding, Outcome, Reason, Severity, undecided


def judge(evidence: EvidenceSet) -> Finding:
    """Judge every database that stopped answering; the worst decides."""
    return judge_databases(evidence, "silent", _judge)


def _judge(window: FaultWindow) -> Finding:
    steps = transaction_steps(window.requests)
    bound_s = window.answer_bound_s
    hanging = [step for step in steps if _hangs(step, bound_s)]
    given_up = [step for step in steps if step.answer is Answer.SILENT and step not in hanging]
    if given_up and not hanging:
        return undecided(
            Reason.BUDGET,
            f"{shown(given_up[0])}: less than the {bound_s:g} s that are allowed were waited for.",
            "Run again with a larger --budget.",
            exhibits=exhibits(given_up),
            experiment=window.experiment,
        )
    slowest = max(steps, key=lambda step: step.seconds)
    return Finding(
        Outcome.VIOLATED if hanging else Outcome.HELD,
        f"{len(hanging)} of {len(steps)} requests had no answer within {bound_s:g} s {while_faulty(window)}."
        if hanging
        else f"All {len(steps)} requests ended {while_faulty(window)}, the slowest: {shown(slowest)}.",
        control=True,
        exhibits=exhibits(hanging or [slowest]),
        fault_hits=window.hits,
        restored=window.transaction_recovered_s is not None,
        scope=f"{window.dependency}, {len(steps)} requests, {window.bytes_swallowed} bytes swallowed",
        experiment=window.experiment,
    )


def _hangs(step: Sample, bound_s: float) -> bool:
    return step.seconds >= bound_s if step.answer is Answer.SILENT else step.seconds > bound_s


CLAIM = Claim(
    id="database-silent-bounded",
    statement="While the database accepts connections but never answers, every request ends within 30 s.",
    refuted_title="Requests hang when the database stops answering",
    severity=Severity.CRITICAL,
    why="""\
A database that is overloaded, failing over or behind a dead network path does not refuse: it says nothing. Without a
time limit each request holds a worker, a connection and its caller until TCP gives up, which takes minutes to hours.
A handful of users is enough to stop the whole service, health endpoint included, and the incident spreads to
everybody who calls it.""",
    how_judged="""\
The proxy in front of the database goes on accepting connections and bytes, on existing connections too, and passes
nothing on. First one request is sent, then twenty at once.

- Holds: each of them ends within 30 s by default, with any status or by a closed connection, and the process lives.
- Violated: one of them does not, or the process ends.
- Not applicable: there is no database, or no byte was sent to it and the transaction still worked.
- Unproven: the silence swallowed nothing, the transaction did not work before, or our own time-out was shorter than
  the bound.""",
    false_positives="""\
Silence counts only when the target was seen to send bytes that were swallowed. The time is measured by the client,
which waits for the full bound before it gives up; a shorter wait of ours is never held against the service. What the
answer says is not judged here: a 500 after 5 s is fine.""",
    remedies=(
        Remedy(
            "SQLAlchemy with psycopg or asyncpg",
            "20 minutes",
            """\
Give every wait a limit on the client's side: `statement_timeout` alone does not help when the server is silent.

```python
# asyncpg: limits each call
create_async_engine(url, pool_timeout=5, connect_args={"timeout": 5, "command_timeout": 10})
# psycopg: the kernel gives up on bytes that nobody acknowledges; wrap calls in asyncio.timeout(10) for the rest
create_async_engine(url, pool_timeout=5, connect_args={"connect_timeout": 5, "tcp_user_timeout": 10_000})
```
`pool_pre_ping=True` without a limit only moves the hang.""",
        ),
        Remedy(
            "Django or Flask with gunicorn",
            "20 minutes",
            """\
Let the worker be stopped when a request takes too long, and keep that below the caller's patience.

```
gunicorn app.wsgi --workers 4 --timeout 20 --graceful-timeout 20
```
`--timeout` ends a sync worker that is stuck in a read. With threads it does not: there the time-outs of the driver
are the only ones. Add `OPTIONS = {"connect_timeout": 5, "tcp_user_timeout": 10000}`.""",
        ),
        Remedy(
            "Node.js",
            "10 minutes",
            """\
Set the time-outs of the client, which are all off by default.

```js
new Pool({ connectionTimeoutMillis: 3000, query_timeout: 10000, statement_timeout: 10000 });
```
`query_timeout` is counted by the client, so it works when the server is silent.""",
        ),
        Remedy(
            "Spring Boot",
            "10 minutes",
            """\
Set the driver's socket time-out, which PostgreSQL's driver leaves at "for ever".

```properties
spring.datasource.url=jdbc:postgresql://host/db?connectTimeout=3&socketTimeout=10
spring.datasource.hikari.connection-timeout=3000
```""",
        ),
    ),
    requires=(FaultWindow, Discovery),
    judge=judge,
    references=("ASVS 5.0 V13.1.3", "ASVS 5.0 V13.2.6", "ASVS 5.0 V16.5.2"),
)
