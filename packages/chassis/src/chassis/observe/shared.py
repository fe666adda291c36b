"""Numbers of several workers in one folder, so that whichever is asked answers for all of them.

Each worker has two files: ``.values``, its block of numbers, mapped into its memory, and ``.keys``, which says what
stands where. A worker that is killed loses nothing: what it counted is in its file. It holds a lock on that file as
long as it lives. When it is gone, its counts are added to those of the dead, so that no counter ever goes back; its
gauges end.
"""

import contextlib
import fcntl
import json
import mmap
import os
from array import array
from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from chassis.observe.store import CAPACITY, NUMBER, Entry, FamilyInfo, Labels, Snapshot

_TRANSIENT = ("gauge", "window")
"""Kinds whose numbers say how things are, and mean nothing once their process is gone."""


class SharedFolder:
    """The files of this process in the folder, and the reading of those of others.

    Args:
        folder: the same for all workers of one service.

    Attributes:
        values: the numbers of this process.
    """

    def __init__(self, folder: Path) -> None:
        """Make the files, and lock them for as long as this process lives."""
        self._folder = folder
        self._read: dict[str, _Keys] = {}
        self._name = f"{os.getpid()}-{os.urandom(4).hex()}"
        with _locked(folder / "lock"):  # without a lock of its own yet, the new file would be taken for one of the dead
            self._descriptor = os.open(self._path(".values"), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        os.ftruncate(self._descriptor, CAPACITY * NUMBER)  # takes up only what is written
        self._keys = os.open(self._path(".keys"), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.values = memoryview(mmap.mmap(self._descriptor, CAPACITY * NUMBER)).cast("d")

    def describe(self, info: FamilyInfo) -> None:
        """Write down a metric."""
        os.write(self._keys, orjson.dumps({"family": asdict(info)}) + b"\n")

    def place(self, name: str, labels: Labels, at: int, size: int) -> None:
        """Write down where numbers are."""
        os.write(self._keys, orjson.dumps({"name": name, "labels": labels, "at": at, "size": size}) + b"\n")

    def let_go(self) -> None:
        """Leave the files to the parent, which still holds the lock."""
        os.close(self._descriptor)
        os.close(self._keys)

    def others(self) -> tuple[int, Iterator[Entry]]:
        """Return how many other workers live, and the numbers of the living and of the dead."""
        living: list[Entry] = []
        count = 0
        with _locked(self._folder / "lock"):
            dead = _Dead(self._folder / "dead.json")
            for path in sorted(self._folder.glob("*.values")):
                if path.stem == self._name or path.stem in dead.folded:
                    continue
                keys = self._read.setdefault(path.stem, _Keys(path.with_suffix(".keys")))
                if _is_alive(path):
                    count += 1
                    living += keys.entries(path)
                else:
                    dead.fold(path, keys.entries(path))
                    del self._read[path.stem]
            dead.bury()
        return count, chain(living, dead.entries())

    def _path(self, suffix: str) -> Path:
        return self._folder / f"{self._name}{suffix}"


class _Keys:
    """What stands where in the file of another worker. Only what was added since the last time is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._families: dict[str, FamilyInfo] = {}
        self._places: list[tuple[FamilyInfo, Labels, int, int]] = []
        self._read = 0
        self._used = 0

    def entries(self, values: Path) -> Iterator[Entry]:
        self._read_on()
        block = array("d")
        with values.open("rb") as file:
            block.frombytes(file.read(self._used * NUMBER))
        for info, labels, at, size in self._places:
            yield info, labels, block[at : at + size].tolist()

    def _read_on(self) -> None:
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):  # its writer is at it
                    break
                self._read += len(line)
                entry = orjson.loads(line)
                if "family" in entry:
                    info = _info(entry["family"])
                    self._families[info.name] = info
                    continue
                info = self._families[entry["name"]]
                self._places.append((info, tuple(entry["labels"]), entry["at"], entry["size"]))
                self._used = max(self._used, entry["at"] + entry["size"])


class _Dead:
    """The counts of workers that are gone, in one file. It is changed by replacing it, under the folder's lock."""

    def __init__(self, path: Path) -> None:
        content = json.loads(path.read_bytes()) if path.exists() else {"folded": [], "families": [], "numbers": []}
        self._path = path
        self._changed = False
        self._all = Snapshot({}, {})
        self.folded: set[str] = set(content["folded"])
        families = {entry["name"]: _info(entry) for entry in content["families"]}
        for name, labels, numbers in content["numbers"]:
            self._all.add(families[name], tuple(labels), numbers)

    def entries(self) -> Iterator[Entry]:
        for name, children in self._all.children.items():
            for labels, numbers in children.items():
                yield self._all.families[name], labels, numbers

    def fold(self, path: Path, entries: Iterator[Entry]) -> None:
        """Add the counts of one worker. Its name is kept while its files are there: it must never be added twice."""
        for info, labels, numbers in entries:
            if info.kind not in _TRANSIENT:
                self._all.add(info, labels, numbers)
        self.folded = {name for name in self.folded if self._file(name, ".values").exists()} | {path.stem}
        self._changed = True

    def bury(self) -> None:
        """Save what changed, and only then delete the files of the dead."""
        if self._changed:
            content = {
                "folded": sorted(self.folded),
                "families": [asdict(info) for info in self._all.families.values()],
                "numbers": [(info.name, labels, numbers) for info, labels, numbers in self.entries()],
            }
            new = self._path.with_suffix(".new")
            new.write_text(json.dumps(content))  # this module writes infinity, which orjson does not
            new.replace(self._path)
        for name in self.folded:
            for suffix in (".keys", ".values"):
                self._file(name, suffix).unlink(missing_ok=True)

    def _file(self, name: str, suffix: str) -> Path:
        return self._path.with_name(f"{name}{suffix}")


def _info(entry: dict[str, Any]) -> FamilyInfo:
    return FamilyInfo(
        entry["name"], entry["kind"], entry["help"], tuple(entry["labels"]), tuple(entry["bounds"]), entry["merge"]
    )


def _is_alive(path: Path) -> bool:
    """Tell whether the process that a file belongs to still holds its lock."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
