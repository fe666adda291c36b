"""sigterm-drains: a request that is in flight when the service is stopped is still answered."""

from roadworthy.claims._samples import exhibit, shown
from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import Answer, Drain, EvidenceSet
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, Severity, undecided

_A_SLOW_ONE = "Name a slow request as [slow] in roadworthy.toml, or a dependency whose answers can be delayed."
_NOT_IN_FLIGHT = (
    Reason.NO_CONTROL,
    "It could not be verified that the request was in flight at SIGTERM.",
    _A_SLOW_ONE,
)


def judge(evidence: EvidenceSet) -> Finding:
    """See how the request ended that was in flight at the signal."""
    seen = evidence.first(Drain)
    request = seen.request
    gap = _gap(seen)
    if request is None or gap is not None:
        return undecided(*(gap or _NOT_IN_FLIGHT), scope=seen.stimulus, experiment=seen.experiment)
    return Finding(
        Outcome.HELD if request.ok else Outcome.VIOLATED,
        f"The request in flight at SIGTERM was answered: {shown(request)}."
        if request.ok
        else f"The request in flight at SIGTERM was dropped: {shown(request)}; without the signal it is answered "
        f"{seen.control.shown if seen.control else '2xx'}.",
        control=True,
        exhibits=(
            exhibit(request),
            Exhibit("timeline", f"SIGTERM {seen.signalled_after_s:.1f} s into the request; {_exit(seen)}"),
            Exhibit("proxy", f"in flight at the signal: {seen.verified_by}"),
        ),
        scope=seen.stimulus,
        experiment=seen.experiment,
    )


def _gap(seen: Drain) -> tuple[Reason, str, str] | None:
    """Return what keeps the request from showing anything; None when it does."""
    if seen.control is None or not seen.control.ok:
        said = shown(seen.control) if seen.control else "there is none"
        return Reason.NO_CONTROL, f"The slow request does not work without a signal either: {said}.", _A_SLOW_ONE
    if not seen.in_flight or seen.request is None:
        return _NOT_IN_FLIGHT
    if seen.request.ok and not seen.noticed:
        said = (
            f"SIGTERM changed nothing: it still listens, and {_exit(seen)}. The request was answered, as any would be."
        )
        way_out = "Make the signal reach the server: start it with exec, or forward signals in the wrapper."
        return Reason.FAULT_NOT_FIRED, said, way_out
    if seen.request.answer is Answer.SILENT:
        said = f"{_exit(seen)}, and the request had no answer after {seen.request.seconds:.1f} s"
        return (
            Reason.NOISY,
            f"After SIGTERM, {said}.",
            "Run again with a larger --budget, or give a shorter slow request.",
        )
    return None


def _exit(seen: Drain) -> str:
    if seen.exited_s is None:
        return "the process had not exited"
    return f"the process exited with {seen.exit_status} after {seen.exited_s:.1f} s"


CLAIM = Claim(
    id="sigterm-drains",
    statement="A request that is in flight at SIGTERM is still answered.",
    refuted_title="Requests in flight are dropped when it is stopped",
    severity=Severity.CRITICAL,
    why="""\
Every deploy stops every instance. If stopping drops what is in flight, each deploy shows errors to users, and callers
cannot know whether their payment was taken before the connection broke. Teams that live with that deploy at night.""",
    how_judged="""\
A request is made slow: by holding back the answers of a dependency until the service has seen the signal, or by
using one that is slow by nature, or by sending half of its body and the rest after the signal. It is tried once without
a signal. Then SIGTERM is sent while it is verified to be in flight (what it asked of the dependency is held at the
proxy, or the server has read it). The answers are let go, or the rest is sent, once the service stops listening, after
1 s at the latest.

- Holds: it is answered 2xx.
- Violated: its connection is refused or reset, or it is answered with an error, although it works without the signal.
- Unproven: there is no such request, it could not be verified to be in flight, or neither an answer nor an end came
  within our own time-out.""",
    false_positives="""\
A request that had not reached the service, or that was over, says nothing: being in flight is verified at the moment
of the signal. The same slow request has to work without the signal. Refusing new connections after SIGTERM is right,
and is not looked at here.""",
    remedies=(
        Remedy(
            "FastAPI or Starlette with uvicorn",
            "10 minutes",
            """\
Make sure that uvicorn gets the signal itself, and give it longer than your slowest request.

```sh
exec uvicorn app.main:app --timeout-graceful-shutdown 25
```
Close the database in the lifespan, after `yield`: by then every request has ended.""",
        ),
        Remedy(
            "Flask or Django with gunicorn",
            "10 minutes",
            """\
Send SIGTERM to the master, and set the grace period; the development servers drop what is in flight.

```sh
exec gunicorn app.wsgi --workers 4 --graceful-timeout 25 --timeout 30
```
In Kubernetes, `terminationGracePeriodSeconds` must be longer than that.""",
        ),
        Remedy(
            "Express",
            "15 minutes",
            """\
Stop accepting, wait for what is in flight, then close the pool; the default action of SIGTERM ends the process at once.

```js
process.on('SIGTERM', () => server.close(async () => { await pool.end(); process.exit(0); }));
```""",
        ),
        Remedy(
            "Spring Boot",
            "5 minutes",
            """\
Keep graceful shutdown on (before 3.4 it is off by default) and set its time.

```properties
server.shutdown=graceful
spring.lifecycle.timeout-per-shutdown-phase=25s
```""",
        ),
    ),
    requires=(Drain,),
    judge=judge,
    references=(
        "12-factor IX: disposability",
        "learnk8s production checklist: the app shuts down gracefully on SIGTERM",
    ),
)
