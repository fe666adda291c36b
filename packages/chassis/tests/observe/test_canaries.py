"""Twenty secrets are planted in a real process, in settings, files, headers, bodies, addresses and variables.

None of them may be in anything that it writes or answers. The same process without redaction gives most of them away:
so the search finds what is there to be found.
"""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

CANARIES = {
    "NOTES_DATABASE_URL": "pw-c01/odd#chars?and@sign",
    "NOTES_REPLICA_URL": "pwc02%21percent",
    "NOTES_CACHE_URL": "c03onlypass",
    "NOTES_SIGNING_KEY": "c04-Zx9_kQ7vLm2pWt8RyB4nHc6JdF1gSa3",
    "NOTES_API_TOKEN": "c05.token.in.a.plain.text",
    "NOTES_PASSPHRASE": "c06 with spaces and 'quotes'",
    "NOTES_WEBHOOK_URL": "c07/services/T000/B000/abcdef",
    "NOTES_FILE_KEY_FILE": "c08-read-from-a-file-Qw8eRt6yUi2oPa",
    "NOTES_LEGACY_DSN": "c09keyvaluepw",
    "authorization": "c10-bearer-abc.def",
    "cookie": "c11%3Dsession",
    "x-api-key": "c12apikey12",
    "basic": "c13 basic pw",
    "body": "c14-body-password",
    "nested": "c15-refresh-token",
    "query": "c16querykey",
    "jwt": "c17payload",
    "argument": "c18-in-an-exception",
    "variable": "c19-in-a-variable",
    "validation": "c20-input-value",
}

SERVICE = Path(__file__).with_name("canary_service.py")


def planted(tmp_path: Path) -> dict[str, str]:
    """Return the environment of the service, with the secrets in it."""
    (tmp_path / "file_key").write_text(CANARIES["NOTES_FILE_KEY_FILE"] + "\n")
    return {
        "NOTES_DATABASE_URL": f"postgresql+asyncpg://app:{CANARIES['NOTES_DATABASE_URL']}@db.internal:5432/notes",
        "NOTES_REPLICA_URL": f"postgresql://app:{CANARIES['NOTES_REPLICA_URL']}@[::1]/notes",
        "NOTES_CACHE_URL": f"redis://:{CANARIES['NOTES_CACHE_URL']}@cache:6379/0",
        "NOTES_WEBHOOK_URL": f"https://hooks.example.org/{CANARIES['NOTES_WEBHOOK_URL']}",
        "NOTES_LEGACY_DSN": f"host=db user=app password={CANARIES['NOTES_LEGACY_DSN']}",
        "NOTES_FILE_KEY_FILE": str(tmp_path / "file_key"),
        **{name: CANARIES[name] for name in ("NOTES_SIGNING_KEY", "NOTES_API_TOKEN", "NOTES_PASSPHRASE")},
        "NOTES_UNKNOWN": CANARIES["NOTES_API_TOKEN"],
    }


def written(tmp_path: Path, **more: str) -> dict[str, str]:
    """Run the service and return all that it wrote, by where."""
    done = subprocess.run(
        [sys.executable, str(SERVICE), str(tmp_path / "out")], input=json.dumps(CANARIES), text=True,
        capture_output=True, timeout=60, check=False, cwd=tmp_path,
        env={**os.environ, **planted(tmp_path), **more, "PYTHONWARNINGS": "always"},
    )  # fmt: skip
    assert "uncaught exception" in done.stdout, done.stdout[-2000:] + done.stderr
    files = {path.suffix: path.read_text() for path in tmp_path.glob("out.*") if path.suffix != ".lock"}
    assert set(files) >= {".start", ".log", ".answers"}
    return {"stdout": done.stdout, "stderr": done.stderr, **files}


def found(canary: str, text: str) -> bool:
    """Tell whether a secret is there, in any of the forms that programs write it in, or its first half."""
    raw = canary.encode()
    encoded = base64.b64encode(raw).decode().rstrip("=")[:-2]
    forms = {canary, quote(canary, safe=""), repr(canary)[1:-1], encoded, canary[: max(len(canary) // 2, 8)]}
    return any(form in text for form in forms)


def test_none_of_twenty_secrets_is_in_anything_that_a_process_writes_or_answers(tmp_path: Path) -> None:
    everything = written(tmp_path)
    leaks = [
        (name, where) for name, canary in CANARIES.items() for where, text in everything.items() if found(canary, text)
    ]
    assert leaks == []
    assert everything["stderr"] == ""
    assert everything["stdout"].count("[redacted") > 40


def test_the_search_finds_secrets_where_nothing_is_redacted(tmp_path: Path) -> None:
    everything = "".join(written(tmp_path, WITHOUT_REDACTION="1").values())
    hidden = [name for name, canary in CANARIES.items() if not found(canary, everything)]
    assert hidden in ([], ["variable"])  # tracebacks have no variables in any case
    assert len(CANARIES) == 20
