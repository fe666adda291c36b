"""input-body-limited: a body far above any sensible limit is refused, and never held in memory."""

from roadworthy.claims._samples import exhibit, shown
from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import Answer, EvidenceSet, OversizedBodies, Poured
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, Severity, absent, undecided

_TURNED_AWAY = (401, 403, 404, 405, 407, 408, 421, 425, 429)
_HONEST_REFUSALS = (501, 505)  # "not implemented", as for chunks: speaks of the request
_MIB = 2**20
_SHARE_READ = 0.5
_GIVE_ONE = (
    "Give the inspector an endpoint that takes a body: a [transaction] in roadworthy.toml, or an OpenAPI document."
)


def judge(evidence: EvidenceSet) -> Finding:
    """Look for an oversized body that was accepted, held in memory, or not refused at all."""
    seen = evidence.first(OversizedBodies)
    if not seen.operation:
        return _nothing_to_try(seen)
    gap = _gap(seen)
    if gap is not None:
        return undecided(*gap, scope=_scope(seen), experiment=seen.experiment)
    flaws = [(each, flaw) for each in seen.poured if (flaw := _flaw(seen, each))]
    crashed = not seen.process_alive
    said = "; ".join(f"{each.framing}: {flaw}" for each, flaw in flaws)
    if crashed:
        said = f"The process had ended after a body of {seen.body_bytes // _MIB} MiB"
    return Finding(
        Outcome.VIOLATED if flaws or crashed else Outcome.HELD,
        f"{said}."
        if said
        else f"A body of {seen.body_bytes // _MIB} MiB to {seen.operation} is refused: "
        f"{', '.join(_refusal(each) for each in seen.poured)}.",
        control=True,
        exhibits=(
            *((Exhibit("process", "the process had ended afterwards"),) if crashed else ()),
            *(exhibit(each.sample, f"{each.framing}: {flaw}") for each, flaw in flaws),
        ),
        restored=None if crashed else seen.control_after is not None and seen.control_after.ok,
        scope=_scope(seen),
        experiment=seen.experiment,
    )


def _nothing_to_try(seen: OversizedBodies) -> Finding:
    if seen.operations and not seen.takers:
        said = f"None of its {seen.operations} known operations takes a body."
        return absent(said, established=True, experiment=seen.experiment)
    said = "No endpoint is known that takes a body and could be tried."
    return undecided(Reason.NEEDS_INPUT, said, _GIVE_ONE, experiment=seen.experiment)


def _gap(seen: OversizedBodies) -> tuple[Reason, str, str] | None:
    """Return what keeps the answers from showing anything; None when they do."""
    before = seen.control_before
    if before is None or not before.ok or not seen.poured:
        how = shown(before) if before else "not tried"
        said = f"A body of normal size was not accepted by {seen.operation} ({how})."
        return Reason.NO_CONTROL, said, _GIVE_ONE
    if not seen.process_alive or any(_flaw(seen, each) for each in seen.poured):
        return None
    for each in seen.poured:
        sample = each.sample
        if sample.status in _TURNED_AWAY:
            said = f"The oversized body was turned away for another reason ({shown(sample)})."
            return Reason.NO_CONTROL, said, "Let the inspector in: credentials, and no limit on how often it may ask."
        if sample.answer is Answer.SILENT:
            said = f"No answer within {seen.answer_bound_s:g} s, and only {each.sent_bytes // _MIB} MiB were taken."
            return Reason.NOISY, said, "Run again on a machine with less to do, and look at what the service waits for."
        if sample.answer in (Answer.GARBLED, Answer.REFUSED):
            return Reason.NOISY, f"What came was no answer ({shown(sample)}).", "Run again, and look at its log."
        if sample.ok:
            said = f"{seen.operation} answered {sample.shown} before it had read the body; it may not need one."
            return Reason.NEEDS_INPUT, said, _GIVE_ONE
    return None


def _flaw(seen: OversizedBodies, each: Poured) -> str:
    """Say what is wrong with how an oversized body was taken; "" for a refusal."""
    sample, most = each.sample, f"{each.sent_bytes / _MIB:.0f} MiB were taken"
    read = each.sent_bytes >= _SHARE_READ * seen.body_bytes
    if each.hung_up or (each.grown_bytes >= seen.growth_bound_bytes and sample.answer is not Answer.REFUSED):
        answer = "no answer yet" if each.hung_up else sample.shown
        return f"{most} and {each.grown_bytes / _MIB:.0f} MiB more memory was held, {answer}"
    if sample.answer is Answer.SILENT and read:
        return f"{most} and there was no refusal within {seen.answer_bound_s:g} s"
    if sample.answer is Answer.RESET and each.processes_ended:
        return f"{most}, and {each.processes_ended} of its processes ended"
    if sample.answer is not Answer.ANSWERED or sample.status is None:
        return ""
    if sample.status >= 500 and sample.status not in _HONEST_REFUSALS:
        return f"{most} and the answer was {sample.shown}, which is no refusal"
    return f"{most} and the answer was {sample.shown}" if sample.status < 400 and read else ""


def _refusal(each: Poured) -> str:
    how = each.sample.shown if each.sample.answer is Answer.ANSWERED else "the connection was closed"
    return f"{how} ({each.framing}, after {each.sample.seconds:.1f} s)"


def _scope(seen: OversizedBodies) -> str:
    grown = max((each.grown_bytes for each in seen.poured), default=0)
    return (
        f"{seen.operation}, {' and '.join(each.framing for each in seen.poured) or 'nothing sent'}; "
        f"at most {grown / _MIB:.0f} MiB more memory meanwhile"
    )


CLAIM = Claim(
    id="input-body-limited",
    statement="A request body far above any sensible limit is refused, and not held in memory.",
    refuted_title="A body of any size is taken in",
    severity=Severity.HIGH,
    why="""\
Whoever can reach the service can end it with one request, when it keeps whatever is sent to it: the kernel kills the
process that holds the most memory, and every other request dies with it. A few clients with large bodies are enough
where one is not. Checks of the fields do not help: they run when the whole body is already there.""",
    how_judged="""\
An endpoint that takes a body gets one that it accepts, and the same body with 256 MiB of white space that its format
allows: once with its length told, once in chunks without it. The anonymous memory of the whole process tree is
measured meanwhile, and the inspector hangs up as soon as it has grown by 128 MiB.

- Violated: the oversized body is accepted, 128 MiB of it are held, it is answered 5xx, at least half of it is taken
  and there is no refusal within 30 s, or a process ends.
- Holds: each time it is refused with a 4xx (such as 413, 411 or 400), with 501, or by closing the connection, the
  memory stays bounded, and a body of normal size is accepted before and after. How much is read and thrown away before
  the refusal does not matter.
- Unproven: no endpoint is known that takes a body, it did not accept one of normal size, or the oversized one was
  turned away for another reason (401, 403, 404, 405, 429).
- Not applicable: operations are known, and none of them takes a body.""",
    false_positives="""\
An endpoint for uploads may well take 256 MiB: only one that takes JSON, or the transaction of the manifest, is tried.
A 400 for a strange body is no limit: the body is a valid one, and the same with a little white space is accepted. A
server that reads to the end so that its client sees the 413 holds nothing, and that is measured. A runtime that lets
its heap grow before it collects (the JVM, without `-Xmx`) can look as if it held what it threw away. A limit that a
proxy in front sets is not seen when the proxy is not part of the start command.""",
    remedies=(
        Remedy(
            "FastAPI or Starlette",
            "30 minutes",
            """\
Count while the body comes, in one ASGI middleware; neither uvicorn nor Starlette has a limit of its own.

```python
class BodyLimit:
    def __init__(self, app, most=2**20):
        self.app, self.most = app, most

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        told = int(dict(scope["headers"]).get(b"content-length", b"0"))
        if told > self.most:
            return await PlainTextResponse("body too large", 413)(scope, receive, send)
        taken = 0

        async def counted():
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.most:
                raise HTTPException(413, "body too large")
            return message

        await self.app(scope, counted, send)
```
A proxy in front can do it too (`client_max_body_size` of nginx), for all that comes through it.""",
        ),
        Remedy(
            "Flask",
            "5 minutes",
            """\
Set one option; Werkzeug then answers 413, also for bodies in chunks.

```python
app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024
```""",
        ),
        Remedy(
            "Django",
            "5 minutes",
            """\
Keep `DATA_UPLOAD_MAX_MEMORY_SIZE` (2.5 MB by default), and read the body only through `request.body` or `request.POST`.

With Django REST framework, a parser that reads `stream` by itself has to count by itself.""",
        ),
        Remedy(
            "Express",
            "5 minutes",
            """\
Name the limit of the parser, and read no body without one.

```js
app.use(express.json({ limit: '1mb' }));
```""",
        ),
        Remedy(
            "Spring Boot",
            "1 hour",
            """\
The limits for forms do not cover JSON: count in a filter, before the message converter reads.

```java
if (request.getContentLengthLong() > MOST) { response.sendError(413); return; }
chain.doFilter(new CountingRequest(request, MOST), response);  // whose stream throws when MOST is passed
```""",
        ),
    ),
    requires=(OversizedBodies,),
    judge=judge,
    references=("CWE-770", "OWASP API4:2023", "ASVS 5.0 V4.1"),
)
