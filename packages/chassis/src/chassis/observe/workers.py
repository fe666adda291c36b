"""Which processes are workers of the same service: those that one supervisor started to serve the same port."""

import contextlib
import os
import re
import shutil
import stat
import sys
import tempfile
from pathlib import Path


def shared_folder(service: str) -> Path | None:
    """Return a folder for what the workers of a service have in common; None when this process is the only one.

    It is ``PROMETHEUS_MULTIPROC_DIR`` if that is set. Otherwise it is made below the folder for temporary files, by the
    name of the service and the process that started the workers: gunicorn's, uvicorn's with ``--workers``, and whatever
    else starts them by ``multiprocessing``. Folders of supervisors that are gone are deleted.

    Args:
        service: its name.

    Raises:
        PermissionError: another user made the folder.
    """
    given = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if given:
        folder = Path(given)
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    parent = supervisor()
    if parent is None:
        return None
    home = Path(tempfile.gettempdir()) / f"chassis-metrics-{os.getuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    there = home.lstat()
    if there.st_uid != os.getuid() or not stat.S_ISDIR(there.st_mode) or there.st_mode & 0o077:
        raise PermissionError(f"{home} belongs to another user, or others may write there; delete it")
    _delete_abandoned(home)
    name = re.sub(r"[^\w.-]", "_", service)
    folder = home / f"{name}-{parent}-{_started_at(parent)}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def supervisor() -> int | None:
    """Return the process that started this one as a worker; None when this one serves by itself."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    parent = multiprocessing.parent_process() if multiprocessing is not None else None
    if parent is not None and parent.pid is not None:
        return int(parent.pid)
    by_gunicorn = "gunicorn" in sys.modules and os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn")
    return os.getppid() if by_gunicorn or "uwsgi" in sys.modules else None


def _started_at(process: int) -> str:
    """Return when a process started, in the kernel's own unit, or "0" when it is gone: numbers are used again."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "0"
    return fields[19]


def _delete_abandoned(home: Path) -> None:
    for folder in home.iterdir():
        _, supervisor, started = folder.name.rsplit("-", 2)
        if _started_at(int(supervisor)) != started:
            with contextlib.suppress(OSError):
                shutil.rmtree(folder)
