"""logs-structured: every log line is one record that a program can read."""

import json
import re

from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import EvidenceSet, Logs
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, Severity, undecided

_SHARE = 0.98
_ENOUGH_LINES = 10
_PAIR = r'[A-Za-z_@][\w.@/-]*=(?:"(?:[^"\\]|\\.)*"|[^\s"]*)'
_LOGFMT = re.compile(rf"{_PAIR}(?: +{_PAIR})+")


def judge(evidence: EvidenceSet) -> Finding:
    """Count the lines that are one JSON object or one logfmt record, over everything that was logged."""
    logs = evidence.all(Logs)
    lines = [line for log in logs for line in log.lines if line.strip()]
    if len(lines) < _ENOUGH_LINES:
        return undecided(
            Reason.NO_CONTROL,
            f"It wrote {len(lines)} log lines after it was ready; {_ENOUGH_LINES} are needed to tell.",
            "Make it log its requests to stdout or stderr, or raise its log level to info.",
            experiment=logs[0].experiment if logs else "",
        )
    most = max(logs, key=lambda log: len(_offending(log)))
    offending = [*_offending(most), *(line for log in logs if log is not most for line in _offending(log))]
    share = 1 - len(offending) / len(lines)
    return Finding(
        Outcome.HELD if share >= _SHARE else Outcome.VIOLATED,
        f"{len(lines) - len(offending)} of {len(lines)} lines ({share:.1%}) are one JSON object or logfmt record each; "
        f"{_SHARE:.0%} are needed.",
        control=True,
        exhibits=tuple(Exhibit("log", line) for line in offending[:3]),
        scope=f"{len(lines)} lines, during {', '.join(dict.fromkeys(log.during for log in logs))}"
        + (f"; left out: {cut} lines of 64 KiB or more" if (cut := sum(log.cut for log in logs)) else ""),
        experiment=most.experiment,
    )


def is_record(line: str) -> bool:
    """Tell whether a line is one JSON object, or nothing but ``key=value`` pairs, at least two."""
    text = line.strip()
    if not text.startswith("{"):
        return _LOGFMT.fullmatch(text) is not None
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _offending(log: Logs) -> list[str]:
    return [line for line in log.lines if line.strip() and not is_record(line)]


CLAIM = Claim(
    id="logs-structured",
    statement="Every log line is one record that a program can read.",
    refuted_title="Log lines that no program can read",
    severity=Severity.MEDIUM,
    why="""\
During an incident the logs of twenty instances are searched by request, by customer and by error. Free text can only
be guessed at, and a traceback of forty lines arrives as forty records out of order, without the request that caused
it. The lines written when things go wrong are the ones that matter, and the ones most often left unstructured.""",
    how_judged="""\
All lines that the service writes to stdout and stderr after it was ready are read, from every experiment: while it
works, while its dependencies fail, and while it is fed bad input. Empty lines are ignored.

- Holds: at least 98 % of them are one JSON object or one logfmt record (`key=value`, at least two pairs) each.
- Violated: fewer are.
- Unproven: there are fewer than 10 lines.""",
    false_positives="""\
Banners and boot messages come before the service is ready and do not count. A few lines that a runtime writes by
itself are covered by the 2 %. Lines of 64 KiB and more are left out, because their end is not kept. Severity is medium,
because most frameworks do not do this by default.""",
    remedies=(
        Remedy(
            "FastAPI or Starlette with uvicorn",
            "1 hour",
            """\
Give the root logger a JSON formatter, and uvicorn's loggers too: they bring their own.

```python
handler = logging.StreamHandler()
handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))  # python-json-logger
logging.basicConfig(handlers=[handler], level="INFO", force=True)
for name in ("uvicorn", "uvicorn.access", "uvicorn.error"):
    logging.getLogger(name).handlers = []
    logging.getLogger(name).propagate = True
```
Start with `uvicorn.run(app, log_config=None)`. A JSON formatter keeps a traceback on one line.""",
        ),
        Remedy(
            "Django or Flask with gunicorn",
            "1 hour",
            """\
Use one `LOGGING` dictionary for the app, and the same for gunicorn.

```python
# gunicorn.conf.py
logconfig_dict = {"version": 1, "disable_existing_loggers": False,
    "formatters": {"json": {"()": "pythonjsonlogger.json.JsonFormatter"}},
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["out"], "level": "INFO"}}
```
Replace `print` and `warnings` by loggers (`logging.captureWarnings(True)`).""",
        ),
        Remedy(
            "Express",
            "30 minutes",
            """\
Use pino for the app and its requests, and log the error object instead of printing its stack.

```js
const log = pino();
app.use(pinoHttp({ logger: log }));
process.on('uncaughtException', (error) => { log.fatal({ err: error }); process.exit(1); });
```""",
        ),
        Remedy(
            "Spring Boot",
            "5 minutes",
            """\
Switch structured logging on (3.4 and later).

```properties
logging.structured.format.console=ecs
spring.main.banner-mode=off
```""",
        ),
    ),
    requires=(Logs,),
    judge=judge,
    references=("12-factor XI: logs", "ASVS 5.0 V16.2.4"),
)
