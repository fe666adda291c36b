"""durable-acked-writes: what the service has acknowledged survives the death of its processes."""

from roadworthy.claims._samples import exhibit, exhibits, says_gone
from roadworthy.claims._stored import nothing_to_store
from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import Discovery, Durability, EvidenceSet
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, Severity, undecided

_NOT_POWER_LOSS = "Killing a process proves nothing about power loss: what it wrote was still in the system's memory."


def judge(evidence: EvidenceSet) -> Finding:
    """Compare what was acknowledged before the kill with what can be read after it."""
    reprieve = nothing_to_store(evidence)
    if reprieve is not None and not evidence.all(Durability):
        return reprieve
    seen = evidence.first(Durability)
    gap = _gap(seen)
    if gap is not None:
        return undecided(*gap, exhibits=exhibits(seen.lost), scope=_counts(seen), experiment=seen.experiment)
    return Finding(
        Outcome.VIOLATED if seen.lost else Outcome.HELD,
        f"{_missing(seen)} of {seen.acknowledged} acknowledged writes were gone after kill -9 ({_counts(seen)})."
        if seen.lost
        else f"All {seen.acknowledged} acknowledged writes were there after kill -9 ({_counts(seen)}).",
        control=True,
        exhibits=(
            *(exhibit(read, f"{read.shown} for an object that was acknowledged") for read in seen.lost[:5]),
            Exhibit("process", f"{seen.killed} processes killed with SIGKILL while {seen.writers} writers wrote"),
        ),
        fault_hits=seen.killed,
        restored=seen.restarted,
        scope=f"{seen.writers} writers, {seen.killed} processes killed. {_NOT_POWER_LOSS}",
        experiment=seen.experiment,
    )


def _gap(seen: Durability) -> tuple[Reason, str, str] | None:
    """Return what keeps the counts from showing anything; None when they do."""
    a_write = "Give the inspector a create and a read that work: a [transaction] in roadworthy.toml."
    if seen.control is None or not seen.control.ok or not seen.acknowledged:
        return Reason.NO_CONTROL, f"No write was acknowledged and read back before the kill ({_counts(seen)}).", a_write
    if not seen.restarted:
        ended = "; ".join(seen.log_tail[-1:])
        way_out = "See startup-restart-idempotent: it has to start again first."
        return (
            Reason.TARGET_UNHEALTHY,
            f"It did not start again after kill -9, so nothing could be read. {ended}",
            way_out,
        )
    if any(says_gone(read) for read in seen.lost):
        return None
    if seen.lost:
        way_out = "Give the inspector credentials that outlive a restart: auth_headers in roadworthy.toml."
        return (
            Reason.NEEDS_INPUT,
            f"After the restart, reads were refused ({seen.lost[0].shown}), not answered.",
            way_out,
        )
    if seen.found < seen.acknowledged:
        way_out = "Make reads work after a restart, and run again."
        return Reason.TARGET_UNHEALTHY, f"Not every acknowledged write could be read ({_counts(seen)}).", way_out
    return None


def _missing(seen: Durability) -> int:
    """Return how many were lost; the reads that are kept as evidence may be fewer."""
    return max(len(seen.lost), seen.acknowledged - seen.found - seen.unreadable)


def _counts(seen: Durability) -> str:
    lost = _missing(seen) if seen.lost else 0
    return (
        f"{seen.acknowledged} acknowledged, {seen.found} found, {lost} lost, {seen.unreadable} unreadable, "
        f"{seen.unknown} unknown, {seen.failed} refused"
    )


CLAIM = Claim(
    id="durable-acked-writes",
    statement="Every write that was acknowledged is still there after all processes were killed.",
    refuted_title="Acknowledged writes are lost when the process is killed",
    severity=Severity.CRITICAL,
    why="""\
An answer of 201 is a promise. Processes are killed all the time: out of memory, evicted, a node lost. A service that
answers before it has written breaks that promise exactly then, without an error anywhere, and it is found out weeks
later by the customer whose order does not exist.""",
    how_judged="""\
Four writers create objects. After about 2 s every process of the service is killed with SIGKILL in the middle of it.
It is started again on the same state, and each object whose create was acknowledged is read.

- Holds: every acknowledged object is found.
- Violated: the service answers that an acknowledged object does not exist, or returns something else.
- Not applicable: the service stores nothing.
- Unproven: no write was acknowledged, it did not start again, or some objects could not be read at all.

Killing a process proves nothing about power loss: what the process had written was still in the memory of the
operating system.""",
    false_positives="""\
A create that got no answer is unknown: it is neither missed nor counted. A read that is answered with a 5xx, a
time-out or a refusal of the caller does not say that the object is gone. The object is read by its own id, with what
was written in it, and reads are repeated until the answer is clear.""",
    remedies=(
        Remedy(
            "SQLAlchemy (FastAPI, Flask)",
            "30 minutes",
            """\
Commit before you answer; a background task or a commit after `yield` runs too late.

```python
@app.post("/bookings", status_code=201)
async def create(booking: Booking, session: Session) -> Booking:
    session.add(row := BookingRow(**booking.model_dump()))
    await session.commit()
    return Booking.model_validate(row)
```""",
        ),
        Remedy(
            "Django",
            "15 minutes",
            """\
Let the request be one transaction, and do not hand writes to a thread or an in-process queue.

```python
DATABASES["default"]["ATOMIC_REQUESTS"] = True
```
With Celery, answer 202 and publish in `transaction.on_commit`, to a broker that stores messages.""",
        ),
        Remedy(
            "Node.js",
            "30 minutes",
            """\
Await the write before the answer.

```js
await pool.query('INSERT INTO items (id, title) VALUES ($1, $2)', [id, title]);
res.status(201).json({ id });
```
A `Map`, a batch that is flushed by `setInterval`, and a missing `await` all lose data.""",
        ),
        Remedy(
            "Files",
            "1 hour",
            """\
Write to a temporary file, flush it to the disk, then rename it over the old one, and only then answer.

```python
with open(temporary, "wb") as file:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())
os.replace(temporary, path)
```
SQLite in WAL mode does this for you.""",
        ),
    ),
    requires=(Durability, Discovery),
    judge=judge,
    references=("12-factor VI: stateless processes", "12-factor IX: disposability"),
)
