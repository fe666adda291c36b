"""dependency-really-used: what the service says it depends on is really behind its answers."""

from roadworthy.claims._databases import DATABASE
from roadworthy.claims._faults import GIVE_A_TRANSACTION, NAME_IT, not_tried, nothing_was_cut, way_round, worst
from roadworthy.claims._samples import exhibit, exhibits, shown, transaction_steps
from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import Answer, DependencyUse, Discovery, EvidenceSet
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, Severity, absent, undecided


def judge(evidence: EvidenceSet) -> Finding:
    """Judge every dependency that was counted, cut and emptied; the worst decides."""
    uses = evidence.all(DependencyUse)
    if not uses:
        return nothing_was_cut(evidence)
    return worst([*(_judge(use, evidence) for use in uses), *not_tried(evidence, uses)])


def _judge(use: DependencyUse, evidence: EvidenceSet) -> Finding:
    if not use.declared and not use.connections:
        return absent(
            f"It was offered {use.dependency} ({use.found_by}), and never connected to it.",
            established=False,
            decidable_by=f"Say in roadworthy.toml whether the service depends on {use.dependency}.",
            experiment=use.experiment,
        )
    before = transaction_steps(use.transaction_before)
    if not before or not all(step.ok for step in before):
        return undecided(
            Reason.NO_CONTROL if before else Reason.NEEDS_INPUT,
            f"There is no transaction that works, so its use of {use.dependency} cannot be seen.",
            GIVE_A_TRANSACTION,
            exhibits=exhibits(step for step in before if not step.ok),
            experiment=use.experiment,
        )
    return _judge_database(use, evidence) if use.kind == DATABASE else _judge_other(use)


def _judge_other(use: DependencyUse) -> Finding:
    """Judge a cache, or a server of unknown protocol: it need not be required, so being talked to is enough."""
    if not use.bytes_in_transaction and not use.connections:
        return undecided(
            Reason.NEEDS_INPUT,
            f"It never connected to {use.dependency}, and this transaction may not be what needs it.",
            f"{GIVE_A_TRANSACTION} Or take {use.dependency} out of the manifest.",
            experiment=use.experiment,
        )
    required = not all(step.ok for step in transaction_steps(use.transaction_while_cut))
    if use.bytes_in_transaction:
        summary = (
            f"{use.bytes_in_transaction} bytes passed between it and {use.dependency} during one transaction; "
            f"{'it is required' if required else 'it is used and not required: the transaction works without it'}."
        )
    else:
        summary = (
            f"It keeps {use.connections} connections to {use.dependency}, though this transaction does not use it."
        )
    return Finding(
        Outcome.HELD,
        summary,
        control=True,
        exhibits=(_counted(use), *exhibits(step for step in use.transaction_while_cut if not step.ok)),
        # The bytes decide, and they flow without any fault. That it works again afterwards still has to be seen.
        fault_hits=None,
        restored=use.restored,
        scope=_scope(use) if use.bytes_in_transaction else f"{_scope(use)}; connected, though not by the transaction",
        experiment=use.experiment,
    )


def _judge_database(use: DependencyUse, evidence: EvidenceSet) -> Finding:
    cut = transaction_steps(use.transaction_while_cut)
    works_while_cut = bool(cut) and all(step.ok for step in cut)
    bypassed = way_round(evidence, use.dependency, use.hits)
    if works_while_cut and bypassed:
        return undecided(
            Reason.FAULT_NOT_FIRED,
            f"The transaction works while {use.dependency} is cut, and the target also reaches {', '.join(bypassed)}.",
            NAME_IT,
            experiment=use.experiment,
        )
    elsewhere = [other.dependency for other in evidence.all(DependencyUse) if other is not use and _carries(other)]
    if works_while_cut and not use.bytes_in_transaction and elsewhere:
        return undecided(
            Reason.NEEDS_INPUT,
            f"This transaction keeps its data in {', '.join(elsewhere)}; it may not be what needs {use.dependency}.",
            GIVE_A_TRANSACTION,
            experiment=use.experiment,
        )
    pretence = _pretence(use, works_while_cut=works_while_cut)
    return _refuted(use, pretence) if pretence else _supported(use, works_while_cut=works_while_cut)


def _carries(use: DependencyUse) -> bool:
    """Tell whether the transaction demonstrably needs this one."""
    failed_while_cut = any(not step.ok for step in transaction_steps(use.transaction_while_cut))
    return bool(use.bytes_in_transaction) and failed_while_cut


def _pretence(use: DependencyUse, *, works_while_cut: bool) -> str:
    """Say what shows that the answers do not come from the database; "" when nothing does."""
    steps_that_work = {step.what for step in transaction_steps(use.transaction_while_cut) if step.ok}
    if works_while_cut and not use.bytes_in_transaction:
        return (
            f"the transaction sends it no byte and works all the same while it is cut ({use.connections} connections)"
        )
    if {"create", "read"} <= steps_that_work:
        return "an object was created and read back while it was cut"
    if use.read_after_wipe is not None and use.read_after_wipe.ok:
        return "an object written before is still there after a restart on an empty database"
    return ""


def _refuted(use: DependencyUse, pretence: str) -> Finding:
    if not use.declared:
        return undecided(
            Reason.NEEDS_INPUT,
            f"It was offered {use.dependency} ({use.found_by}), but {pretence}.",
            f"Say in roadworthy.toml whether the service depends on {use.dependency}.",
            experiment=use.experiment,
        )
    never_asked = not use.bytes_in_transaction
    wiped = use.read_after_wipe if use.read_after_wipe is not None and use.read_after_wipe.ok else None
    return Finding(
        Outcome.VIOLATED,
        f"It declares {use.dependency} ({use.kind}), but {pretence}.",
        control=True,
        exhibits=(
            _counted(use),
            *((exhibit(wiped, f"{shown(wiped)}, after the wipe"),) if wiped else ()),
            *exhibits(use.transaction_while_cut),
        ),
        # Where nothing is asked of it there is nothing for the cut to hit, and a wipe is no cut: hits prove nothing.
        fault_hits=None if never_asked or wiped else use.hits,
        restored=use.restored,
        scope=_scope(use),
        experiment=use.experiment,
    )


def _supported(use: DependencyUse, *, works_while_cut: bool) -> Finding:
    gap = _not_shown(use, works_while_cut=works_while_cut)
    if gap is not None:
        return undecided(*gap, exhibits=exhibits(use.transaction_while_cut), experiment=use.experiment)
    failed = next(step for step in transaction_steps(use.transaction_while_cut) if not step.ok)
    after_wipe = use.read_after_wipe.shown if use.read_after_wipe else "?"
    return Finding(
        Outcome.HELD,
        f"{use.bytes_in_transaction} bytes passed between it and {use.dependency} during one transaction, which failed "
        f"while it was cut ({shown(failed)}); on an empty database the old object was gone ({after_wipe}).",
        control=True,
        exhibits=(_counted(use), exhibit(failed)),
        fault_hits=use.hits,
        restored=use.restored,
        scope=_scope(use),
        experiment=use.experiment,
    )


def _not_shown(use: DependencyUse, *, works_while_cut: bool) -> tuple[Reason, str, str] | None:
    """Return which part of the claim the evidence does not show; None when it shows all three."""
    larger = "Run again with a larger --budget."
    name = use.dependency
    if not transaction_steps(use.transaction_while_cut):
        return Reason.NOT_RUN, f"The transaction was not tried while {name} was cut.", larger
    if works_while_cut:
        return Reason.NEEDS_INPUT, f"The transaction writes nothing, and works while {name} is cut.", GIVE_A_TRANSACTION
    if not use.bytes_in_transaction:
        return Reason.NOISY, f"The transaction fails while {name} is cut, but sends it no byte.", GIVE_A_TRANSACTION
    if use.read_after_wipe is None:
        way_out = (
            "Let the inspector provide it (without url in roadworthy.toml), with what creates its tables as setup."
        )
        return Reason.NOT_RUN, f"The service was not seen to work on an empty {name}.", way_out
    if use.read_after_wipe.answer is not Answer.ANSWERED:
        way_out = "Make the service start and answer on an empty database."
        return Reason.TARGET_UNHEALTHY, f"On an empty {name}: {shown(use.read_after_wipe)}.", way_out
    return None


def _counted(use: DependencyUse) -> Exhibit:
    return Exhibit(
        "proxy",
        f"{use.dependency}: {use.connections} connections, {use.bytes_in_transaction} bytes in one transaction, "
        f"{use.hits} connections cut",
    )


def _scope(use: DependencyUse) -> str:
    return f"{use.dependency} ({use.kind}), known from {use.found_by}"


CLAIM = Claim(
    id="dependency-really-used",
    statement="The service really uses the dependencies that it declares: its answers come from them.",
    refuted_title="The answers do not come from the database that it declares",
    severity=Severity.CRITICAL,
    why="""\
A service that quietly falls back to memory, to a file or to invented answers looks perfectly healthy: every request
is answered 2xx. What users store is gone with the next restart, two instances disagree about it, and backups of the
database are backups of nothing. Stubs that were left in and fallbacks that swallow every error both look like this.""",
    how_judged="""\
For each dependency: the bytes that pass through the proxy during one transaction are counted; the dependency is cut
and the transaction is tried again; and a database is replaced by an empty one, the service restarted, and an object
that was written before is read.

- Holds, for a database: bytes flow, the transaction fails while it is cut, and the old object is gone afterwards. For
  a cache or another server: bytes flow during the transaction (the result says whether it is required), or at least
  it stays connected.
- Violated, for a declared database: no byte flows and the transaction works while it is cut; or an object can be
  created and read back while it is cut; or the old object is still there on an empty database.
- Not applicable: the service opened no connection to anything.
- Unproven: there is no transaction, traffic goes round the proxy, the transaction keeps its data in another
  dependency, or a dependency was offered that the service may not want. A cache that is never connected to is
  unproven, because this transaction may not be what needs it.""",
    false_positives="""\
A cache may answer reads while the database is cut: reading alone violates nothing, creating and reading back does.
Only a dependency that the service itself asks for (its manifest names it, or it was seen to read the variable) can be
violated. When the target has connections that do not go through the proxy, nothing is concluded from a cut that hit
nothing. Where no byte is ever sent, the cut has nothing to hit; then the count itself is the evidence.""",
    remedies=(
        Remedy(
            "Any",
            "30 minutes",
            """\
Remove the fallback: let a failed connection be an error.

Look for a store in memory that is chosen when connecting fails (`except Exception: db = InMemory()`), for a default
such as `sqlite:///:memory:`, and for handlers that return examples. A demo mode may stay when a setting asks for it
by name.""",
        ),
        Remedy(
            "FastAPI or Flask with SQLAlchemy",
            "20 minutes",
            """\
Take the address from one setting without a default, and connect once at start.

```python
class Settings(BaseSettings):
    database_url: PostgresDsn  # no default: its absence stops the start

with engine.connect() as connection:  # in the lifespan, before the first request
    connection.execute(text("SELECT 1"))
```""",
        ),
        Remedy(
            "Django",
            "10 minutes",
            """\
Do not let a missing variable select SQLite.

```python
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}  # a KeyError is better than db.sqlite3
```
Check that `SESSION_ENGINE` and `CACHES` do not keep in memory what should be in the database.""",
        ),
        Remedy(
            "Express",
            "30 minutes",
            """\
Pass the pool to the routes instead of an array or a Map, and end the process when the first query fails.

```js
await pool.query('SELECT 1').catch((error) => { log.fatal({ error }, 'no database'); process.exit(1); });
```""",
        ),
    ),
    requires=(DependencyUse, Discovery),
    judge=judge,
    references=("12-factor IV: backing services", "12-factor VI: stateless processes"),
)
