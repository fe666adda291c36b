"""Keeps startup-restart-idempotent: it always leaves a lock file behind, and only a lock that is held stops a start."""

import fcntl
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _service import Service


class Specimen(Service):
    def run(self) -> None:
        with Path("notes.lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                sys.exit(f"Process {file.read()} already serves these notes. Stop it first.")
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            super().run()


if __name__ == "__main__":
    Specimen().run()
