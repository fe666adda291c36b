"""sigterm-exits: an idle service ends when it is asked to."""

from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import EvidenceSet, StartsAndStops, Stop
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, Severity, undecided


def judge(evidence: EvidenceSet) -> Finding:
    """Compare the time from SIGTERM to the exit with the bound, for every stop."""
    seen = evidence.first(StartsAndStops)
    bound_s = seen.stop_bound_s
    stayed = [stop for stop in seen.stops if _stayed(stop, bound_s)]
    not_waited = [stop for stop in seen.stops if stop.exited_s is None and stop.waited_s < bound_s]
    if not seen.stops:
        return undecided(
            Reason.NOT_RUN,
            "No running instance was sent SIGTERM.",
            "See startup-time-bounded: it has to become ready first.",
            experiment=seen.experiment,
        )
    if not_waited and not stayed:
        return undecided(
            Reason.BUDGET,
            f"It had not exited {not_waited[0].waited_s:.0f} s after SIGTERM, of {bound_s:g} s that are allowed.",
            "Run again with a larger --budget.",
            experiment=seen.experiment,
        )
    slowest = max((stop.exited_s for stop in seen.stops if stop.exited_s is not None), default=None)
    return Finding(
        Outcome.VIOLATED if stayed else Outcome.HELD,
        f"{len(stayed)} of {len(seen.stops)} idle instances had not exited {bound_s:g} s after SIGTERM."
        if stayed
        else f"All {len(seen.stops)} idle instances exited after SIGTERM, the slowest after {slowest:.1f} s.",
        control=any(start.ready_s is not None for start in seen.starts),
        exhibits=tuple(_exhibit(stop) for stop in stayed or seen.stops),
        scope=f"{len(seen.stops)} idle instances; only the process that was started, not its children",
        experiment=seen.experiment,
    )


def _stayed(stop: Stop, bound_s: float) -> bool:
    return stop.waited_s >= bound_s if stop.exited_s is None else stop.exited_s > bound_s


def _exhibit(stop: Stop) -> Exhibit:
    ended = "still there" if stop.exited_s is None else f"exited with {stop.exit_status} after {stop.exited_s:.1f} s"
    left = f"; still alive then: {', '.join(stop.left_over)}" if stop.left_over else ""
    return Exhibit("process", f"{ended}, {stop.waited_s:.1f} s after SIGTERM at the latest{left}")


CLAIM = Claim(
    id="sigterm-exits",
    statement="An idle instance exits within 30 s of SIGTERM.",
    refuted_title="It ignores SIGTERM",
    severity=Severity.HIGH,
    why="""\
SIGTERM is how orchestrators, init systems and developers stop a service. One that ignores it is killed when the grace
period ends: every deploy and every scale-down takes that much longer, and each instance dies in the middle of
whatever it was doing. Most often a shell is the first process and does not pass the signal on.""",
    how_judged="""\
An instance that is ready and idle gets SIGTERM, as a supervisor would send it: to the process that was started. That
is done three times.

- Holds: that process is gone within 30 s by default, each time.
- Violated: it is still there once.
- Unproven: no instance became ready, or the wait was cut short.

The exit status and children that outlive it for a moment are shown, and do not decide.""",
    false_positives="""\
No request is in flight and no fault is on: a service that waits for its clients or its database is another matter.
Exit status 143 or -15 after a clean stop is normal.""",
    remedies=(
        Remedy(
            "Container or shell wrapper",
            "5 minutes",
            """\
Let the server replace the shell, so that it gets the signal itself.

```dockerfile
CMD ["uvicorn", "app.main:app", "--host", "0.0.0.0"]
```
In a script, end with `exec uvicorn ...`. In `npm start` the server is a child of npm and sh: call `node server.js`.""",
        ),
        Remedy(
            "FastAPI or Starlette with uvicorn",
            "10 minutes",
            """\
Bound the wait for open connections, and end your own tasks in the lifespan.

```sh
uvicorn app.main:app --timeout-graceful-shutdown 20
```
Threads that you start need `daemon=True`, or an event that tells them to stop.""",
        ),
        Remedy(
            "Express",
            "15 minutes",
            """\
Close the server, its idle connections and the pool; as process 1, Node ignores SIGTERM unless you handle it.

```js
process.on('SIGTERM', () => {
  server.close(() => pool.end().then(() => process.exit(0)));
  server.closeIdleConnections();
  setTimeout(() => process.exit(1), 20000).unref();
});
```""",
        ),
        Remedy(
            "Go",
            "15 minutes",
            """\
Shut the server down when the context of the signal ends.

```go
ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
defer stop()
go server.ListenAndServe()
<-ctx.Done()
limit, cancel := context.WithTimeout(context.Background(), 20*time.Second)
defer cancel()
server.Shutdown(limit)
```""",
        ),
    ),
    requires=(StartsAndStops,),
    judge=judge,
    references=(
        "12-factor IX: disposability",
        "learnk8s production checklist: the app shuts down gracefully on SIGTERM",
    ),
)
