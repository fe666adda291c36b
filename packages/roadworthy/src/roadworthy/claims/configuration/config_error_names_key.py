"""config-error-names-key: a service that refuses to start says which setting is missing."""

import re

from roadworthy.claims._settings import nothing_withheld
from roadworthy.domain.claim import Claim, Remedy
from roadworthy.domain.evidence import EvidenceSet, Withheld, WithheldOutcome, WithheldSettings
from roadworthy.domain.verdict import Exhibit, Finding, Outcome, Reason, Severity, absent, undecided

_OUTPUT_KEPT = 16 * 1024


def judge(evidence: EvidenceSet) -> Finding:
    """Look for the name of the setting in what the service wrote when it refused."""
    seen = evidence.first(WithheldSettings)
    reprieve = nothing_withheld(seen)
    if reprieve is not None:
        return reprieve
    refused = [start for start in seen.withheld if start.outcome is WithheldOutcome.EXITED]
    if not refused:
        return absent(
            f"It never refuses to start for want of a setting ({len(seen.withheld)} withheld, one at a time).",
            established=True,
            experiment=seen.experiment,
        )
    silent = [start for start in refused if not names_key(start.output, start.key)]
    cut_off = [start.key for start in silent if len(start.output.encode()) >= _OUTPUT_KEPT]
    if silent and len(cut_off) == len(silent):
        return undecided(
            Reason.NOISY,
            f"Without {', '.join(cut_off)} it wrote so much that the name may have been cut off.",
            "Make it write less when it refuses to start.",
            experiment=seen.experiment,
        )
    return Finding(
        Outcome.VIOLATED if silent else Outcome.HELD,
        f"It refused to start without {', '.join(s.key for s in silent)}, and its output does not name it."
        if silent
        else f"Each of the {len(refused)} refusals named its setting: {', '.join(s.key for s in refused)}.",
        control=True,
        exhibits=tuple(_exhibit(start) for start in silent or refused),
        fault_hits=len(refused),
        scope=f"{len(refused)} refusals of {len(seen.withheld)} settings withheld",
        experiment=seen.experiment,
    )


def names_key(output: str, key: str) -> bool:
    """Tell whether an output names a setting, in any of the ways in which configuration libraries write one.

    That is its own name in any case, with any of ``_``, ``-`` and ``.`` (or none) between its words; the same without
    leading words, which may be a prefix that the library adds; and its last word alone, where that is set apart as a
    name: quoted, as an option, or on a line of its own. Source lines that a traceback quotes do not count: they are
    written for the program, and a word such as "url" stands in many of them.
    """
    output = _without_quoted_source(output)
    words = [word for word in re.split(r"[^A-Za-z0-9]+", key) if word]
    if len(words) == 1 and re.search(rf"(?<![A-Za-z0-9]){re.escape(key)}(?![A-Za-z0-9])", output):
        return True
    if any(_appears(words[start:], output) for start in range(len(words) - 1)):
        return True
    last = re.escape(words[-1]) if words else ""
    alone = rf"(?im)^\s*{last}\s*$|--{last}(?![A-Za-z0-9-])|(['\"`]){last}\1"
    return bool(last) and bool(re.search(alone, output))


def _without_quoted_source(output: str) -> str:
    """Leave out what a Python traceback quotes: its File lines, and the indented source and carets below them."""
    return re.sub(r'(?m)^ *File ".*", line \d+(, in .*)?\n(?: {4,}.*(?:\n|$))*', "", output)


def _appears(words: list[str], output: str) -> bool:
    name = r"[_.\-]{0,2}".join(re.escape(word) for word in words)
    return bool(re.search(rf"(?i)(?<![A-Za-z0-9]){name}(?![A-Za-z0-9])", output))


def _exhibit(start: Withheld) -> Exhibit:
    lines = [line.strip() for line in start.output.splitlines() if line.strip()] or ["(no output)"]
    telling = next((line for line in lines if names_key(line, start.key)), lines[-1])
    return Exhibit("log", f"without {start.key}: {telling}")


CLAIM = Claim(
    id="config-error-names-key",
    statement="When it refuses to start for want of a setting, it says which one.",
    refuted_title="It refuses to start without saying which setting is missing",
    severity=Severity.MEDIUM,
    why="""\
At three in the morning the difference between `KeyError: 'DATABASE_URL'` and `connection failed` is half an hour. The
person who reads the message did not write the service, and has only its log.""",
    how_judged="""\
For each setting whose absence made the service exit (see config-missing-fails-fast), its output is searched for the
name.

- Holds: every refusal names its setting: as the variable is called, with other case, dashes or dots, as a nested
  field, or as a command line option.
- Violated: at least one does not.
- Not applicable: it never refuses to start for want of a setting.
- Unproven: nothing could be withheld, or the output was too long to be kept whole.""",
    false_positives="""\
Libraries leave out the prefix of a variable and print the path of a field: both are accepted. A single word such as
`url` or `token` only counts where it is set apart as a name, because it also appears in ordinary sentences.""",
    remedies=(
        Remedy(
            "FastAPI or any Python",
            "20 minutes",
            """\
Use pydantic-settings: it lists every missing field at once.

```python
try:
    settings = Settings()
except ValidationError as error:
    names = ", ".join("APP_" + "_".join(map(str, e["loc"])).upper() for e in error.errors())
    sys.exit(f"missing or invalid settings: {names}")
```""",
        ),
        Remedy(
            "Django",
            "10 minutes",
            """\
Raise `ImproperlyConfigured` with the name, or read with `os.environ[...]`.

```python
def required(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise ImproperlyConfigured(f"set the environment variable {name}") from None
```""",
        ),
        Remedy(
            "Node.js",
            "10 minutes",
            """\
Print the names before you exit.

```js
const missing = ['DATABASE_URL', 'SIGNING_KEY'].filter((name) => !process.env[name]);
if (missing.length) { console.error(`missing settings: ${missing.join(', ')}`); process.exit(1); }
```""",
        ),
        Remedy(
            "Go",
            "15 minutes",
            """\
Collect all that is missing and name it.

```go
for _, name := range []string{"DATABASE_URL", "SIGNING_KEY"} {
    if os.Getenv(name) == "" { missing = append(missing, name) }
}
if len(missing) > 0 { log.Fatalf("missing settings: %s", strings.Join(missing, ", ")) }
```""",
        ),
    ),
    requires=(WithheldSettings,),
    judge=judge,
    references=("12-factor III: config",),
)
