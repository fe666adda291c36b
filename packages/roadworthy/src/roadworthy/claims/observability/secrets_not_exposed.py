"""secrets-not-exposed: no secret appears in logs, error answers, health or metrics."""

from roadworthy.claims._samples import shown
from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import EvidenceSet, SecretSeen, SecretsSearch
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, Severity, undecided

_MOST_NAMED = 4


def judge(evidence: EvidenceSet) -> Finding:
    """Report every place where a secret was seen; none means something only where there was something to search."""
    found = evidence.first(SecretsSearch)
    if not found.seen:
        gap = _gap(found)
        if gap is not None:
            return undecided(*gap, scope=_scope(found), experiment=found.experiment)
    named = "; ".join(_named(each) for each in found.seen[:_MOST_NAMED])
    more = len(found.seen) - _MOST_NAMED
    return Finding(
        Outcome.VIOLATED if found.seen else Outcome.HELD,
        f"{named}{f'; and {more} more' if more > 0 else ''}."
        if found.seen
        else f"None of {len(found.planted)} secrets is in the {found.log_lines} lines that it wrote during "
        f"{found.requests} requests with secrets, nor in {found.error_answers} error answers.",
        control=True,
        exhibits=tuple(_exhibit(each) for each in found.seen[:5]),
        restored=None if found.seen else found.control_after is not None and found.control_after.ok,
        scope=_scope(found),
        experiment=found.experiment,
    )


def _gap(found: SecretsSearch) -> tuple[Reason, str, str] | None:
    """Return what keeps "none was seen" from meaning anything; None when it means something."""
    before = found.control_before
    if before is None or not before.ok:
        said = f"It did not work before the search ({shown(before) if before else 'not tried'})."
        return Reason.NO_CONTROL, said, "Give the inspector a request that works: a [transaction] in roadworthy.toml."
    if not found.process_alive:
        said = "The process ended during the search, so not every secret was sent."
        return Reason.TARGET_UNHEALTHY, said, "Look at its log for the cause, and run again."
    if not any(status.isdigit() for status in found.statuses):
        said = f"None of {found.requests} requests with secrets was answered."
        return Reason.NO_CONTROL, said, "Make it answer, or see in its log why it does not."
    if not found.endpoints:
        said = "Only health, metrics and paths that are not there could be asked: no other endpoint is known."
        return (
            Reason.NEEDS_INPUT,
            said,
            "Give the inspector a [transaction] in roadworthy.toml, or an OpenAPI document.",
        )
    if not found.log_lines:
        said = f"It logged nothing during {found.requests} requests with secrets, so its log cannot show any."
        return Reason.NO_CONTROL, said, "Make it log its requests to stdout or stderr, or raise its log level to info."
    if found.lines_not_kept:
        said = f"{found.lines_not_kept} lines of its log were too many or too long to be searched."
        return Reason.NOISY, said, "Make it log less, and lines of less than 64 KiB."
    return None


def _named(seen: SecretSeen) -> str:
    place = f"{seen.count} log lines" if seen.place == "log" and seen.count > 1 else f"{seen.place} {seen.where}"
    if seen.place == "log" and seen.count == 1:
        place = f"the log ({seen.where})"
    return f"{seen.secret} is in {place}, {seen.form}"


def _exhibit(seen: SecretSeen) -> Exhibit:
    text = f"{seen.secret}, {seen.form}, in {seen.place}, {seen.where}, at character {seen.offset}: {seen.excerpt}"
    return Exhibit("exchange", text, seen.exchange) if seen.exchange else Exhibit("log", text)


def _scope(found: SecretsSearch) -> str:
    where = [f"{found.log_lines} log lines ({found.marker_lines} of them with a mark from the requests)"]
    where += [f"{len(found.log_files)} log files"] if found.log_files else []
    where += [f"{found.error_answers} error answers", *found.health, *([found.metrics] if found.metrics else [])]
    cut = f", also while {', '.join(found.outages)} refused connections" if found.outages else ""
    plain = f"; not searched for, too plain: {', '.join(found.too_plain)}" if found.too_plain else ""
    asked = f"{len(found.planted)} secrets in {found.requests} requests to {len(found.endpoints)} endpoints{cut}"
    return f"{asked}; searched: {', '.join(where)}{plain}"


CLAIM = Claim(
    id="secrets-not-exposed",
    statement="No secret appears in logs, error answers, health or metrics.",
    refuted_title="Secrets can be read in logs or answers",
    severity=Severity.CRITICAL,
    why="""\
Logs are copied to other machines, kept for months and read by people who have no business with passwords. A token in
one is as good as stolen, and nobody notices when it is used. Error answers end up in the logs of clients and in
screenshots of tickets, and health and metrics are mostly open to the whole network. Changing a secret that has leaked
costs a day; changing those of all users costs their trust.""",
    how_judged="""\
Requests carry secrets that nobody else has: in Authorization (bearer and Basic), Cookie and X-API-Key, in the query
string, and as a password in JSON bodies, good ones, bad ones and broken ones. They go to the transaction, to other
operations, to a path that is not there, to health and metrics, and once more while every dependency refuses
connections. Then everything that the service wrote to stdout and stderr from its start to its end, the log files below
its folders, its error answers, health and metrics are searched for these secrets, for its own (settings whose names say
so, passwords in URLs) and for what URLs, JSON, HTML and base64 make of them. The secrets go into no recording.

- Violated: one is found, whole or half of it. The evidence says which, where, in which form and how often.
- Holds: none is found, it had logged something during these requests, and it works afterwards.
- Unproven: nothing is found, and no endpoint is known, it logged nothing, answered nothing, or more than could
  be searched.""",
    false_positives="""\
Each secret is random and made for this run, so that a match is no coincidence. Values of settings that look like words
are not searched for, and the scope names them. A mask that keeps a few characters, and a hash, are no match: it takes
half of a secret. An answer of 2xx may return what was stored, so only errors, health and metrics are searched. An error
that repeats to its sender what was sent counts: clients log the bodies of errors. So does a query string in an access
log, which is the default of most servers: links with tokens in them are common, and the service cannot know who sends
them. Log files whose names do not say so are not found.""",
    remedies=(
        Remedy(
            "FastAPI or Starlette with uvicorn",
            "30 minutes",
            """\
Take the query string out of the access log, and the input out of the answers to invalid requests.

```python
class NoQuery(logging.Filter):
    def filter(self, record):
        client, method, path, *rest = record.args
        record.args = (client, method, path.partition("?")[0], *rest)
        return True

logging.getLogger("uvicorn.access").addFilter(NoQuery())

@app.exception_handler(RequestValidationError)
async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    wrong = [{"loc": each["loc"], "msg": each["msg"]} for each in error.errors()]
    return JSONResponse({"detail": wrong}, 422)
```
Declare secrets as `SecretStr`, which prints as asterisks.""",
        ),
        Remedy(
            "Flask or Django with gunicorn",
            "30 minutes",
            """\
Choose an access log format without the query string, and never log `request.headers` or a whole body.

```python
# gunicorn.conf.py
access_log_format = '%(h)s "%(m)s %(U)s" %(s)s %(b)s %(D)s'
```
Django hides settings named like secrets in its error reports: keep `DEBUG = False`, and mark what it cannot know with
`@sensitive_post_parameters("password")`.""",
        ),
        Remedy(
            "Express",
            "15 minutes",
            """\
Let pino take the fields out, and log the path instead of the address.

```js
app.use(pinoHttp({
  redact: ['req.headers.authorization', 'req.headers.cookie', 'req.headers["x-api-key"]', '*.password'],
  serializers: { req: (req) => ({ method: req.method, path: req.url.split('?')[0] }) },
}));
```""",
        ),
        Remedy(
            "Spring Boot",
            "15 minutes",
            """\
Keep `CommonsRequestLoggingFilter` from headers, payload and query, and values out of `/actuator/env`.

```properties
server.tomcat.accesslog.pattern=%h "%m %U" %s %b %D
management.endpoint.env.show-values=never
management.endpoint.configprops.show-values=never
```""",
        ),
    ),
    requires=(SecretsSearch,),
    judge=judge,
    references=("CWE-532", "CWE-209", "ASVS 5.0 V16.2.5", "ASVS 5.0 V14.2.1"),
)
