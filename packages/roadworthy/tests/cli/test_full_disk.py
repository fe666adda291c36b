"""A disk that takes no more, in the middle of an inspection."""

import shlex
import subprocess
import sys

BOUND_S = 60
BLOCKS = 24  # of 512 bytes: enough for the header and a few exchanges


def test_an_inspection_whose_recording_does_not_fit_says_so(roadworthy, tiny) -> None:
    """The kernel refuses to let any file grow beyond the limit: for the recording that is a full disk."""
    command = shlex.join([sys.executable, "-m", "roadworthy", "inspect", "--out", "out", "--", *tiny])
    ran = subprocess.run(
        ["/bin/sh", "-c", f"ulimit -f {BLOCKS}; exec {command}"],
        cwd=roadworthy.home,
        # Python would write its compiled modules, cut them at the limit without noticing, and load them ever after.
        env={
            "PATH": "/usr/bin:/bin",
            "TMPDIR": str(roadworthy.scratch),
            "TEST_MARK": roadworthy.mark,
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    said = ran.stdout + ran.stderr
    assert ran.returncode == 2, said
    assert f"cannot write the recording in {roadworthy.home / 'out' / 'recording'}: File too large" in ran.stderr
    assert "Free some space there, or name another folder with --out" in ran.stderr
    assert "Traceback" not in said
    header = (roadworthy.home / "out" / "recording" / "events.jsonl").read_text().partition("\n")[0]
    assert '"kind": "header"' in header
