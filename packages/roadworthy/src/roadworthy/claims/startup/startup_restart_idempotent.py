"""startup-restart-idempotent: the service starts again on the state that it left, and its data are there."""

from roadworthy.claims._samples import exhibit, says_gone, shown
from roadworthy.claims._stored import nothing_to_store
from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import Discovery, EvidenceSet, Restart, Restarts
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, Severity, absent, undecided

_WORDS = {"sigterm": "a stop with SIGTERM", "sigkill": "kill -9"}


def judge(evidence: EvidenceSet) -> Finding:
    """Judge every restart on a state that was left behind."""
    seen = evidence.first(Restarts)
    dead = [restart for restart in seen.restarts if not restart.started]
    if seen.written is None and not dead:
        return nothing_to_store(evidence) or absent(
            "No object was written, so there was nothing to find again.",
            established=False,
            decidable_by="Give the inspector a [transaction] in roadworthy.toml.",
            experiment=seen.experiment,
        )
    gap = _gap(seen)
    if gap is not None and not dead:
        return undecided(*gap, experiment=seen.experiment)
    gone = [restart for restart in seen.restarts if restart.read_back is not None and not restart.read_back.ok]
    failed = dead or gone
    return Finding(
        Outcome.VIOLATED if failed else Outcome.HELD,
        _violation(failed[0]) if failed else _kept(seen.restarts),
        control=seen.written is None or seen.written.ok,
        exhibits=tuple(_exhibit(restart) for restart in failed or seen.restarts),
        fault_hits=len(seen.restarts),
        restored=None if dead else all(restart.started for restart in seen.restarts),
        scope=", ".join(_WORDS.get(restart.how, restart.how) for restart in seen.restarts),
        experiment=seen.experiment,
    )


def _gap(seen: Restarts) -> tuple[Reason, str, str] | None:
    """Return what keeps the reads from showing anything; None when they do."""
    a_write = "Give the inspector a create and a read that work: a [transaction] in roadworthy.toml."
    for control in (seen.written, seen.read_before):
        if control is None or not control.ok:
            said = shown(control) if control else "it was not read"
            return Reason.NO_CONTROL, f"No object was written and read back before the restart: {said}.", a_write
    reads = [(restart, restart.read_back) for restart in seen.restarts]
    if any(read is not None and says_gone(read) for _, read in reads):
        return None
    for restart, read in reads:
        if read is None or not read.ok:
            said = f"After {_WORDS.get(restart.how, restart.how)}, {shown(read) if read else 'nothing was read'}"
            way_out = "Make the read work after a restart: with credentials that outlive it, and without rate limit."
            return Reason.TARGET_UNHEALTHY, f"{said}: that does not say whether the object is there.", way_out
    missing = [words for how, words in _WORDS.items() if how not in {restart.how for restart in seen.restarts}]
    if missing:
        return Reason.NOT_RUN, f"No restart after {' and '.join(missing)} was tried.", "Run with a larger --budget."
    return None


def _violation(restart: Restart) -> str:
    after = f"after {_WORDS.get(restart.how, restart.how)}, on the state that it left"
    if not restart.started:
        last = f" Its last words: {restart.log_tail[-1].strip()}" if restart.log_tail else ""
        return f"It did not start again {after} (waited {restart.seconds:.1f} s).{last}"
    return (
        f"An object that was written before is gone {after}: {shown(restart.read_back) if restart.read_back else '?'}."
    )


def _kept(restarts: tuple[Restart, ...]) -> str:
    times = " and ".join(f"after {_WORDS.get(each.how, each.how)} in {each.seconds:.1f} s" for each in restarts)
    return f"It started again {times}, and the object was there each time."


def _exhibit(restart: Restart) -> Exhibit:
    if restart.read_back is not None:
        return exhibit(restart.read_back, f"after {_WORDS.get(restart.how, restart.how)}: {shown(restart.read_back)}")
    return Exhibit(
        "log", " | ".join(restart.log_tail[-5:]) or f"no output after {_WORDS.get(restart.how, restart.how)}"
    )


CLAIM = Claim(
    id="startup-restart-idempotent",
    statement="After a stop and after a kill, the service starts again on the state that it left, with its data.",
    refuted_title="It does not come back from a restart with its data",
    severity=Severity.HIGH,
    why="""\
Every deploy, every node drain and every crash is a restart on existing state. A service whose migration fails on the
second run, that trips over its own lock file, or that keeps its data in memory turns the most ordinary event there is
into an outage or a loss of data.""",
    how_judged="""\
An object is written and read back. The service is stopped with SIGTERM, started on the same state, and the object is
read. Then its whole process group is killed with SIGKILL, it is started again, and the object is read once more.

- Holds: it starts both times and the object is there both times.
- Violated: it does not start, or it answers that the object is gone or returns something else.
- Not applicable: the service stores nothing (its manifest says so and nothing contradicts it).
- Unproven: nothing could be written, or the read after the restart says nothing about the object (a 5xx, a refusal of
  the caller).""",
    false_positives="""\
A session that does not outlive a restart makes reads fail with 401: that is no loss of data and is reported as
unproven. The restart gets the time of a normal start on top of the bound for starts, and the same address and
databases. A port that the kernel still holds for a moment does not matter: the service may take as long as that to
bind it.""",
    remedies=(
        Remedy(
            "Migrations at start (Alembic, Django)",
            "30 minutes",
            """\
Run versioned migrations instead of creating tables by hand, so that a second run does nothing.

```sh
alembic upgrade head && exec uvicorn app.main:app
python manage.py migrate --noinput && exec gunicorn app.wsgi
```
Seed data with `INSERT ... ON CONFLICT DO NOTHING`.""",
        ),
        Remedy(
            "gunicorn, or anything with a pid file",
            "10 minutes",
            """\
Do not keep a pid file or a socket file across restarts.

Run in the foreground without `--pid`, or put the file where it is emptied at start (`/run`). A socket file is unlinked
before it is bound.""",
        ),
        Remedy(
            "Node.js",
            "1 hour",
            """\
Move state out of the process: into the database, or at least into a file that is written before the answer.

```js
await pool.query('CREATE TABLE IF NOT EXISTS items (id uuid PRIMARY KEY, title text NOT NULL)');
```
`node-pg-migrate` keeps track of what has run.""",
        ),
        Remedy(
            "Spring Boot",
            "15 minutes",
            """\
Never let the schema be created anew at start.

```properties
spring.jpa.hibernate.ddl-auto=validate
spring.flyway.enabled=true
```
`create` and `create-drop` empty the database at every start; `jdbc:h2:mem:` forgets it.""",
        ),
    ),
    requires=(Restarts, Discovery),
    judge=judge,
    references=("12-factor VI: stateless processes", "12-factor IX: disposability"),
)
