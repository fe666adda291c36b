"""error-no-5xx-on-bad-input: the caller's mistakes are never answered as the service's failures."""

from roadworthy.claims._samples import exhibit, shown
from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import Answer, BadAnswer, BadInput, EvidenceSet, Sample
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, Severity, undecided

_HONEST_REFUSALS = (501, 505)  # "not implemented" and "HTTP version not supported" speak of the request
_TURNED_AWAY = ("401", "403", "405", "429")
_HOLLOW_SHARE = 0.9
_ENDS_IT = "A hostile input ends the process"


def judge(evidence: EvidenceSet) -> Finding:
    """Look for hostile requests that are answered 5xx each time, while good requests work."""
    seen = evidence.first(BadInput)
    # Nothing is sent once the process has ended, so the last connection that broke is the one that ended it.
    broken = [bad for bad in seen.bad if bad.sample.answer is Answer.RESET]
    crashed = broken[-1:] if not seen.process_alive else []
    repeated = [bad for bad in seen.bad if _is_failure(bad.sample) and any(_is_failure(again) for again in bad.again)]
    gap = _gap(seen, repeated, crashed=bool(crashed))
    if gap is not None:
        return undecided(
            *gap, exhibits=tuple(_exhibit(b) for b in seen.bad[:5]), scope=_scope(seen), experiment=seen.experiment
        )
    guilty = crashed or repeated
    operations = sorted({bad.operation for bad in guilty})
    return Finding(
        Outcome.VIOLATED if guilty else Outcome.HELD,
        f"{_ENDS_IT if crashed else f'{len(guilty)} hostile inputs are answered 5xx each time'}, "
        f"on {', '.join(operations)}; {guilty[0].case}: {guilty[0].sample.shown}."
        if guilty
        else f"None of {seen.requests} hostile requests was answered 5xx.",
        control=True,
        exhibits=(
            *((Exhibit("process", "the process had ended afterwards"),) if crashed else ()),
            *(_exhibit(bad) for bad in guilty[:5]),
        ),
        restored=None if crashed else seen.control_after is not None and seen.control_after.ok,
        scope=_scope(seen),
        experiment=seen.experiment,
    )


def _is_failure(sample: Sample) -> bool:
    return sample.status is not None and sample.status >= 500 and sample.status not in _HONEST_REFUSALS


def _gap(seen: BadInput, repeated: list[BadAnswer], *, crashed: bool) -> tuple[Reason, str, str] | None:
    """Return what keeps the answers from showing anything; None when they do."""
    give_one = "Give the inspector operations to try: an OpenAPI document, or a [transaction] in roadworthy.toml."
    if not seen.requests:
        return Reason.NEEDS_INPUT, "No operation is known that takes input.", give_one
    if seen.control_before is None or not seen.control_before.ok:
        return Reason.NO_CONTROL, "A good request did not work before the hostile ones.", give_one
    if crashed:
        return None
    if not seen.process_alive:
        way_out = "Run again; if it ends again, look at its log for the cause."
        return Reason.TARGET_UNHEALTHY, "The process ended, and no single request was seen to end it.", way_out
    if seen.control_after is None or not seen.control_after.ok:
        said = shown(seen.control_after) if seen.control_after else "was not tried"
        way_out = "Make the service survive the hostile requests, or see why it stopped working."
        return Reason.NO_CONTROL, f"Afterwards a good request did not work either ({said}).", way_out
    if repeated:
        return None
    once = [bad for bad in seen.bad if _is_failure(bad.sample)]
    if once:
        said = f"{once[0].operation}, {once[0].case}: {once[0].sample.shown}, but not when it was sent again."
        return Reason.NOISY, said, "Run again, and look at the service's log for that request."
    return _partial(seen)


def _partial(seen: BadInput) -> tuple[Reason, str, str] | None:
    """Return what keeps "none was answered 5xx" from meaning much; None when it does not."""
    if seen.cut_short:
        said = f"Only {seen.requests} hostile requests were sent before time ran out; none of them was answered 5xx."
        return Reason.BUDGET, said, "Name fewer operations, or leave slow ones out: `exclude` in [inspection]."
    silent = seen.statuses.get(Answer.SILENT.value, 0)
    if silent:
        said = f"{silent} of {seen.requests} hostile requests had no answer at all within 10 s."
        return (
            Reason.NOISY,
            said,
            "Find out what they wait for, or leave that operation out: `exclude` in [inspection].",
        )
    turned_away = sum(count for status, count in seen.statuses.items() if status in _TURNED_AWAY)
    if turned_away >= _HOLLOW_SHARE * sum(seen.statuses.values()) > 0:
        said = f"{turned_away} of {sum(seen.statuses.values())} requests were turned away before they were read."
        return Reason.NO_CONTROL, said, "Give the inspector credentials: auth_headers in roadworthy.toml."
    return None


def _exhibit(bad: BadAnswer) -> Exhibit:
    again = ", ".join(sample.shown for sample in bad.again)
    return exhibit(
        bad.sample, f"{bad.operation}, {bad.case}: {bad.sample.shown}" + (f", again {again}" if again else "")
    )


def _scope(seen: BadInput) -> str:
    statuses = ", ".join(f"{count} x {status}" for status, count in sorted(seen.statuses.items()))
    left_out = f"; left out: {', '.join(seen.excluded)}" if seen.excluded else ""
    return f"{len(seen.operations)} operations, {seen.requests} requests ({statuses}){left_out}"


CLAIM = Claim(
    id="error-no-5xx-on-bad-input",
    statement="No input makes a healthy service answer 5xx.",
    refuted_title="Bad input is answered with a 5xx",
    severity=Severity.HIGH,
    why="""\
A 5xx says "we are broken". It wakes somebody, counts against the objective, makes clients retry and load balancers
take instances out. If anybody can cause one with a NUL character, the alert loses its meaning and an attacker has a
switch. Behind most of them is input that reached the database or the parser without a check.""",
    how_judged="""\
With healthy dependencies, each known operation gets malformed JSON, wrong JSON types at the top and in each field,
NUL, control characters and lone surrogates, huge numbers, nesting 20,000 deep, and bad values in path and query. Each
5xx is sent again, to a fresh instance that no other hostile input has touched.

- Violated: the same request is answered 5xx again, or it ends the process, and good requests work before and after.
- Holds: no request is answered 5xx.
- Unproven: no operation is known, a good request did not work, nearly all requests were turned away (401, 403, 405,
  429), some had no answer in 10 s, not all could be sent in time, or a 5xx did not come again.""",
    false_positives="""\
A 5xx that is caused by the environment also hits good requests: these are tried before and after. 501 and 505 speak
of the request and do not count. Operations whose purpose is to return a status, such as `/status/500`, are excluded.
A connection that is closed on malformed bytes is no 5xx, as long as the process lives.""",
    remedies=(
        Remedy(
            "FastAPI with pydantic",
            "1 hour",
            """\
Bound every field, and reject characters that the database cannot store.

```python
Text = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\\x00]*$")]

class Item(BaseModel):
    title: Text
    quantity: Annotated[int, Field(ge=0, le=2**31 - 1)]
```
Do the same for path and query: `id: Annotated[int, Path(ge=1, le=2**63 - 1)]`. Map SQLAlchemy's `DataError` to 422.""",
        ),
        Remedy(
            "Django or Django REST framework",
            "1 hour",
            """\
Validate with forms or serializers, and catch what the parser raises.

`CharField` rejects NUL; set `max_length`, `min_value` and `max_value`. Read JSON with `json.loads` inside
`except (ValueError, RecursionError)` and answer 400; map `DataError` to 400 in one middleware.""",
        ),
        Remedy(
            "Flask",
            "1 hour",
            """\
Check the type before you index, and answer what the parser raises.

```python
@app.errorhandler(RecursionError)
@app.errorhandler(UnicodeError)
def bad_request(error):
    return {"error": "bad request"}, 400

data = request.get_json()
if not isinstance(data, dict):
    abort(400, "a JSON object is expected")
```""",
        ),
        Remedy(
            "Express",
            "1 hour",
            """\
Validate body, path and query with a schema, and pass the parser's status on.

```js
const Item = z.object({
  title: z.string().max(500).regex(/^[^\\u0000]*$/),
  quantity: z.number().int().min(0).max(2147483647),
});
app.use((error, req, res, next) => res.status(error.status ?? 500).json({ error: 'bad request' }));
```
Express decodes the path itself: `URIError` has the status 400.""",
        ),
    ),
    requires=(BadInput,),
    judge=judge,
    references=("WFC 100", "ASVS 5.0 V2.2.1"),
)
