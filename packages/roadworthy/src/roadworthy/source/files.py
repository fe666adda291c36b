"""The files of a folder that ship: neither tests nor installed packages nor build outputs."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MAX_BYTES = 1024 * 1024
MAX_FILES = 5_000
MAX_FOLDERS = 20_000

_SKIPPED_FOLDERS = {
    "tests", "test", "spec", "__tests__", "venv", "node_modules", "site-packages",
    "dist-packages", "build", "dist", "vendor", "__pycache__", "htmlcov",
}  # fmt: skip
_TEST_FILES = ("test_", "conftest.")
_TEST_ENDINGS = ("_test", "_tests", ".test", ".spec", "_spec")


@dataclass(frozen=True)
class SourceFile:
    """A file that was read. ``name`` is its path relative to the folder, with slashes."""

    name: str
    text: str

    @property
    def suffix(self) -> str:
        """Its ending, such as ``.py``."""
        return PurePosixPath(self.name).suffix.lower()

    @property
    def base(self) -> str:
        """Its name without the folders."""
        return self.name.rsplit("/", 1)[-1]


class Shipped:
    """Reads the shipped files of a folder, within bounds; ``gaps`` then says what was not read, and why."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.gaps: list[str] = []

    def read(self, wanted: frozenset[str], names: frozenset[str] = frozenset()) -> Iterator[SourceFile]:
        """Yield the files with these endings or names."""
        count = 0
        for path in self._paths():
            if path.suffix.lower() not in wanted and path.name not in names:
                continue
            name = path.relative_to(self._folder).as_posix()
            count += 1
            if count > MAX_FILES:
                self.gaps.append(f"more than {MAX_FILES} files; the rest was not read")
                return
            try:
                if path.stat().st_size > MAX_BYTES:
                    self.gaps.append(f"{name} is larger than 1 MiB")
                    continue
                yield SourceFile(name, path.read_text(encoding="utf-8-sig", errors="replace"))
            except OSError as error:
                self.gaps.append(f"{name} cannot be read: {error.strerror}")

    def _paths(self) -> Iterator[Path]:
        for visited, (folder, folders, files) in enumerate(os.walk(self._folder)):
            if visited >= MAX_FOLDERS:
                self.gaps.append(f"more than {MAX_FOLDERS} folders; the rest was not read")
                return
            folders[:] = sorted(each for each in folders if not _skipped(Path(folder, each)))
            for name in sorted(files):
                path = Path(folder, name)
                if not _is_test(path) and path.is_file():
                    yield path


def _skipped(folder: Path) -> bool:
    name = folder.name
    if name in _SKIPPED_FOLDERS or name.startswith(".") or name.endswith(".egg-info"):
        return True
    if name == "target":  # where Cargo and Maven build; elsewhere an ordinary name
        return any((folder.parent / each).exists() for each in ("Cargo.toml", "pom.xml"))
    return (folder / "pyvenv.cfg").exists()


def _is_test(path: Path) -> bool:
    return path.name.startswith(_TEST_FILES) or path.stem.endswith(_TEST_ENDINGS)
