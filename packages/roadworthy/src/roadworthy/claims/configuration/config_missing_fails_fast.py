"""config-missing-fails-fast: without a setting that it needs, the service refuses to start."""

import re
from collections.abc import Sequence

from roadworthy.claims._samples import exhibit, shown
from roadworthy.claims._settings import nothing_withheld
from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import Answer, EvidenceSet, Withheld, WithheldOutcome, WithheldSettings
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, Severity, undecided

# Where the service itself listens; DATABASE_HOST and the like are not among them.
_OWN_ADDRESS = re.compile(
    r"((APP|API|HTTP|WEB|SERVER|SERVICE|UVICORN|GUNICORN|LISTEN|BIND)_)*(PORT|HOST|HOSTNAME|BIND|LISTEN|ADDR|ADDRESS)",
    re.IGNORECASE,
)


def judge(evidence: EvidenceSet) -> Finding:
    """Judge every start with one setting withheld; one that is broken decides."""
    seen = evidence.first(WithheldSettings)
    reprieve = nothing_withheld(seen)
    if reprieve is not None:
        return reprieve
    judged = [start for start in seen.withheld if not _listens_elsewhere(start)]
    broken = [start for start in judged if _fault(start)]
    doubts = [doubt for start in judged if (doubt := _doubt(start, seen.allowed_s))]
    if not broken and (doubts or not judged):
        elsewhere = (Reason.NEEDS_INPUT, "Only settings for its address are known.", "Name its other settings.")
        return undecided(*(doubts or [elsewhere])[0], scope=_scope(seen, judged), experiment=seen.experiment)
    return Finding(
        Outcome.VIOLATED if broken else Outcome.HELD,
        " ".join(f"Without {start.key} {_fault(start)}." for start in broken) or _all_sound(judged),
        control=True,
        exhibits=tuple(_exhibit(start) for start in broken or judged),
        fault_hits=len(judged),
        scope=_scope(seen, judged),
        experiment=seen.experiment,
    )


def _listens_elsewhere(start: Withheld) -> bool:
    """Tell whether silence only means that it now listens where nobody looked: its address was withheld."""
    return start.outcome is WithheldOutcome.HANGS and bool(_OWN_ADDRESS.fullmatch(start.key))


def _caller_refused(start: Withheld) -> bool:
    return start.failed_step is not None and start.failed_step.status in (401, 403)


def _gave_up(start: Withheld) -> bool:
    return start.failed_step is not None and start.failed_step.answer is Answer.SILENT


def _fault(start: Withheld) -> str:
    """Say how a start without the setting is broken; "" when it is not, or when that is in doubt."""
    match start.outcome:
        case WithheldOutcome.HANGS:
            return f"it neither served nor exited within {start.seconds:.0f} s"
        case WithheldOutcome.EXITED:
            return "it exited with status 0, as if all were well" if start.exit_status == 0 else ""
        case WithheldOutcome.SERVES:
            if start.transaction_ok is not False or _caller_refused(start) or _gave_up(start):
                return ""
            said = f" ({shown(start.failed_step)})" if start.failed_step else ""
            return f"it starts, serves, and its transaction fails{said}"


def _doubt(start: Withheld, allowed_s: float) -> tuple[Reason, str, str] | None:
    """Return why a start says nothing; None when it does."""
    key = start.key
    if start.outcome is WithheldOutcome.SERVES and start.transaction_ok is None:
        way_out = "Give the inspector a [transaction] in roadworthy.toml."
        return (
            Reason.NEEDS_INPUT,
            f"Without {key} it serves, and there is no transaction to see whether it works.",
            way_out,
        )
    if start.outcome is WithheldOutcome.SERVES and not start.transaction_ok and _caller_refused(start):
        said = shown(start.failed_step) if start.failed_step else "refused"
        way_out = f"Say in roadworthy.toml how to authenticate when {key} is not set."
        return Reason.NEEDS_INPUT, f"Without {key} it refuses the inspector ({said}); that may be right.", way_out
    if start.outcome is WithheldOutcome.SERVES and not start.transaction_ok and _gave_up(start):
        way_out = "Run again with a larger --budget."
        return Reason.NOISY, f"Without {key} the inspector gave up waiting for the transaction.", way_out
    if start.outcome is WithheldOutcome.EXITED and start.seconds > allowed_s:
        said = f"Without {key} it exited after {start.seconds:.1f} s, a little later than the {allowed_s:g} s allowed."
        return Reason.NOISY, said, "Run again on a machine with less to do."
    if start.outcome is WithheldOutcome.EXITED and start.exit_status is None:
        return Reason.NOISY, f"Without {key} it ended, and its exit status is unknown.", "Run it in the foreground."
    return None


def _all_sound(judged: Sequence[Withheld]) -> str:
    refused = [start for start in judged if start.outcome is WithheldOutcome.EXITED]
    optional = [start.key for start in judged if start.outcome is WithheldOutcome.SERVES]
    said = []
    if refused:
        slowest = max(start.seconds for start in refused)
        said.append(f"without {', '.join(s.key for s in refused)} it refused to start, within {slowest:.1f} s")
    if optional:
        said.append(f"without {', '.join(optional)} it went on working")
    return f"Of {len(judged)} settings, each withheld once: {'; '.join(said)}."


def _exhibit(start: Withheld) -> Exhibit:
    if start.failed_step is not None:
        return exhibit(start.failed_step, f"without {start.key}: {shown(start.failed_step)}")
    last = start.output.strip().splitlines()[-1:] or ["no output"]
    status = "" if start.exit_status is None else f", status {start.exit_status}"
    return Exhibit("log", f"without {start.key}: {start.outcome.value} after {start.seconds:.1f} s{status}: {last[0]}")


def _scope(seen: WithheldSettings, judged: Sequence[Withheld]) -> str:
    left_out = [start.key for start in seen.withheld if start not in judged]
    more = f"; left out, because it says where to listen: {', '.join(left_out)}" if left_out else ""
    return f"{len(judged)} settings from {seen.searched}{'' if seen.complete else ' (there may be more)'}{more}"


CLAIM = Claim(
    id="config-missing-fails-fast",
    statement="Without a setting that it needs, the service refuses to start, soon and with a non-zero exit status.",
    refuted_title="It starts broken when a setting is missing",
    severity=Severity.HIGH,
    why="""\
A missing variable is the most common mistake of a deploy. A service that refuses to start is stopped by the rollout,
and the old version goes on serving. One that starts all the same passes its first checks, takes over the traffic, and
fails with the first request that needs the setting: now the mistake is an outage, found by users.""",
    how_judged="""\
Each environment variable that the run configuration gives the service is withheld, one at a time, on a fresh state.

- Holds: each time it either exits with a non-zero status within 15 s (or twice its normal start, if that is longer),
  or goes on working: then the setting is optional.
- Violated: it serves and its transaction fails, or it neither serves nor exits, or it exits with status 0, which
  supervisors take for a success.
- Not applicable: there is no setting to withhold, and every place where it could read one was seen.
- Unproven: with all settings it did not work either, there is no transaction to tell whether it works, or it refuses
  the inspector's credentials once the setting is gone.""",
    false_positives="""\
A setting with a good default is not required: what counts is a start that is broken, not a start. The setting that
says where to listen makes the service look dead when it only listens elsewhere; silence is then not judged. A 401 or
403 may be the right answer without a key, and our own time-out is no failure of the service: both are unproven.""",
    remedies=(
        Remedy(
            "FastAPI or any Python",
            "30 minutes",
            """\
Declare the settings in one class without defaults, and build it before the app.

```python
class Settings(BaseSettings):
    database_url: PostgresDsn
    signing_key: SecretStr

settings = Settings()  # at import: a missing one ends the process with status 1
```
`os.getenv("DATABASE_URL")` gives None and fails much later.""",
        ),
        Remedy(
            "Django",
            "15 minutes",
            """\
Read required settings so that their absence raises in `settings.py`.

```python
SECRET_KEY = os.environ["SECRET_KEY"]
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=60)}
```
Run `python manage.py check --deploy` before gunicorn in the start command. With `--preload`, gunicorn ends when the
app does not load.""",
        ),
        Remedy(
            "Node.js",
            "20 minutes",
            """\
Validate the environment in the first module that is loaded.

```js
const env = z.object({ DATABASE_URL: z.string().url(), SIGNING_KEY: z.string().min(32) }).safeParse(process.env);
if (!env.success) { console.error(z.prettifyError(env.error)); process.exit(1); }
```""",
        ),
        Remedy(
            "Spring Boot",
            "15 minutes",
            """\
Bind settings to a validated class, and give placeholders no default.

```java
@Validated @ConfigurationProperties("app")
record AppSettings(@NotBlank String signingKey, @NotNull URI upstream) {}
```
`${APP_SIGNING_KEY}` fails the start; `${APP_SIGNING_KEY:changeme}` does not.""",
        ),
    ),
    requires=(WithheldSettings,),
    judge=judge,
    references=("12-factor III: config", "learnk8s production checklist: containers crash when there is a fatal error"),
)
