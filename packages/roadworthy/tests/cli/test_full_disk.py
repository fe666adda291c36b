"""A disk that takes no more, in the middle of an inspection."""

import resource
import subprocess
import sys

BOUND_S = 60


def test_an_inspection_whose_recording_does_not_fit_says_so(roadworthy, tiny) -> None:
    """The kernel refuses to let any file grow beyond the limit: the same error path as a full disk."""
    limit = 12_000
    arguments = ("inspect", "--out", "out", "--", *tiny)
    shell = f"ulimit -f {limit // 512}; exec {sys.executable} -m roadworthy {' '.join(arguments)}"
    assert limit < resource.RLIM_INFINITY or resource.RLIM_INFINITY == -1
    ran = subprocess.run(
        ["/bin/sh", "-c", shell],
        cwd=roadworthy.home,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(roadworthy.scratch), "TEST_MARK": roadworthy.mark, "COLUMNS": "400"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    assert ran.returncode == 2, ran.stdout + ran.stderr
    assert f"cannot write the recording in {roadworthy.home / 'out' / 'recording'}: File too large" in ran.stderr
    assert "Free some space there, or name another folder with --out" in ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
