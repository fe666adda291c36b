"""error-no-stack-trace: no error answer shows the inside of the service."""

from collections import Counter
from collections.abc import Iterable

from roadworthy.claims._traces import Trace, find_trace
from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import ErrorAnswers, EvidenceSet, Exchange
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, Severity, undecided


def judge(evidence: EvidenceSet) -> Finding:
    """Search every error answer for a stack trace."""
    kept = evidence.all(ErrorAnswers)
    evidence.first(ErrorAnswers)  # with none at all, no experiment has provoked an error
    errors = [(answers, exchange) for answers in kept for exchange in answers.exchanges if _is_error(exchange)]
    if not errors:
        return undecided(
            Reason.NO_CONTROL,
            "No error answer was seen, so none could show a stack trace.",
            "Give the inspector an operation that takes input, in an OpenAPI document or as a [transaction].",
            experiment=kept[0].experiment,
        )
    shown = [(a, exchange, trace) for a, exchange in errors if (trace := find_trace(exchange.body)) is not None]
    return Finding(
        Outcome.VIOLATED if shown else Outcome.HELD,
        f"{len(shown)} of {len(errors)} error answers carry a stack trace: {_kinds(t for _, _, t in shown)}."
        if shown
        else f"None of {len(errors)} error answers carries a stack trace.",
        control=True,
        exhibits=tuple(_exhibit(exchange, trace) for _, exchange, trace in shown[:5]),
        scope=_scope(exchange for _, exchange in errors),
        experiment=(shown[0] if shown else errors[0])[0].experiment,
    )


def _is_error(exchange: Exchange) -> bool:
    return exchange.status is not None and exchange.status >= 400


def _kinds(traces: Iterable[Trace]) -> str:
    return ", ".join(f"{count} x {language}" for language, count in Counter(t.language for t in traces).items())


def _exhibit(exchange: Exchange, trace: Trace) -> Exhibit:
    frames = f", {trace.frames} frames" if trace.frames else ""
    text = f"{exchange.method} {exchange.path} {exchange.status}: {trace.language}{frames}: {trace.excerpt[:200]}"
    return Exhibit("exchange", text, exchange.id)


def _scope(exchanges: Iterable[Exchange]) -> str:
    classes = Counter(f"{(exchange.status or 0) // 100}xx" for exchange in exchanges)
    return ", ".join(f"{count} answers {name}" for name, count in sorted(classes.items()))


CLAIM = Claim(
    id="error-no-stack-trace",
    statement="No error answer carries a stack trace.",
    refuted_title="Error answers carry stack traces",
    severity=Severity.CRITICAL,
    why="""\
A stack trace tells a stranger which frameworks and versions run, where the code lies, and which line failed on which
input: the map for the next attempt. Interactive debuggers run code for whoever asks. And users who are shown a trace
cannot do anything with it; it belongs in the log, with an id that the answer can name.""",
    how_judged="""\
Every error answer that any experiment receives is searched: unknown paths, wrong methods, hostile input, and answers
while a dependency is down.

- Violated: one carries at least two frames of a Python, JavaScript, Java or Kotlin, Go, Ruby, PHP, .NET or Rust
  trace, plain or escaped inside JSON or HTML, or is the page of a debugger.
- Holds: none does. The scope says how many answers of 4xx and 5xx were seen.
- Unproven: no error answer was seen.""",
    false_positives="""\
One line that looks like a frame is not enough. Only error answers are searched, so that documentation may show
traces. File names and line numbers alone, as validation messages have them, are no frames.""",
    remedies=(
        Remedy(
            "FastAPI or Starlette",
            "15 minutes",
            """\
Never set `debug=True` in production, and never put `traceback.format_exc()` or `str(error)` into an answer.

```python
app = FastAPI(debug=False)

@app.exception_handler(Exception)
async def unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected error", exc_info=error, extra={"request_id": request.state.request_id})
    return JSONResponse({"detail": "internal error", "request_id": request.state.request_id}, 500)
```""",
        ),
        Remedy(
            "Django",
            "5 minutes",
            """\
Set `DEBUG = False` by default, and only ever switch it on by a setting.

```python
DEBUG = os.environ.get("DJANGO_DEBUG") == "1"
```
`python manage.py check --deploy` warns about it. With Django REST framework, keep the default exception handler.""",
        ),
        Remedy(
            "Flask with gunicorn",
            "10 minutes",
            """\
Run gunicorn instead of `flask run --debug` or `app.run(debug=True)`, and answer errors in one place.

```python
@app.errorhandler(Exception)
def unexpected(error):
    if isinstance(error, HTTPException):
        return {"error": error.description}, error.code
    app.logger.exception("unexpected error")
    return {"error": "internal error"}, 500
```""",
        ),
        Remedy(
            "Express",
            "10 minutes",
            """\
Set `NODE_ENV=production` and add an error handler: the default one prints the stack.

```js
app.use((error, req, res, next) => {
  req.log.error({ err: error });
  res.status(error.status ?? 500).json({ error: error.expose ? error.message : 'internal error' });
});
```""",
        ),
        Remedy(
            "Spring Boot",
            "5 minutes",
            """\
Keep traces out of the error page, and do not ship devtools: they switch them on.

```properties
server.error.include-stacktrace=never
server.error.include-message=never
```""",
        ),
    ),
    requires=(ErrorAnswers,),
    judge=judge,
    references=("WFC 309", "ASVS 5.0 V16.5.1", "ASVS 5.0 V13.4.2"),
)
