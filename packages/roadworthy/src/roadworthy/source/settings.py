"""Which environment variables a service's source reads, and what its authors give as examples for them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roadworthy.source import examples, text_settings
from roadworthy.source.files import Shipped, SourceFile
from roadworthy.source.pydantic_settings import settings_class_names, settings_reads
from roadworthy.source.python_module import Module, parse
from roadworthy.source.python_settings import environment_reads, helpers_made
from roadworthy.source.setting import Example, Read, SettingKind, guess_kind

_PYTHON = ".py"
_READING = re.compile(
    r"environ|getenv|BaseSettings|decouple|starlette\.config|env_?var|from_prefixed_env|from_envvar|ynaconf|LazySettings"
    r"|dj_database_url"
)
"""What a Python file that reads variables contains, unless it uses what another such file made."""


@dataclass(frozen=True)
class Setting:
    """One variable that the source reads, all its reads together.

    ``file``, ``line`` and ``how`` are those of the read that asks the most. ``required`` is True when some read fails
    without it, None when no read says.
    """

    name: str
    file: str
    line: int
    how: str
    required: bool | None
    default: str | None
    kind: SettingKind
    example: Example | None = None

    @property
    def place(self) -> str:
        """Where it is read, for people."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class SettingsFound:
    """What was found, in the order of names.

    ``gaps`` say where reads may have been missed; ``complete`` is True when there are none. ``examples`` also has those
    of variables that no source was seen to read.
    """

    settings: tuple[Setting, ...]
    examples: Mapping[str, Example] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()
    files: int = 0

    @property
    def complete(self) -> bool:
        """Whether every place that could read a variable was seen and understood."""
        return not self.gaps

    def of_kind(self, *kinds: SettingKind) -> tuple[Setting, ...]:
        """Return the settings of these kinds."""
        return tuple(each for each in self.settings if each.kind in kinds)

    def named(self, name: str) -> Setting | None:
        """Return the setting of this name, if it was found."""
        return next((each for each in self.settings if each.name == name), None)


def find_settings(directory: Path) -> SettingsFound:
    """Read the shipped source under a folder; nothing is executed or changed."""
    shipped = Shipped(directory)
    suffixes = frozenset({_PYTHON}) | text_settings.SUFFIXES
    files = list(shipped.read(suffixes, examples.NAMES | text_settings.NAMES))
    example_files = [file for file in files if file.base in examples.NAMES]
    sources = [file for file in files if file.base not in examples.NAMES]
    reads, gaps = _read(sources)
    if not sources:
        gaps = ["no source file was found in the folder"]
    found = examples.read_examples(example_files)
    settings = tuple(_merged(name, each, found.get(name)) for name, each in sorted(_by_name(reads).items()))
    return SettingsFound(settings, found, tuple(dict.fromkeys([*shipped.gaps, *gaps])), len(sources))


def _read(sources: Sequence[SourceFile]) -> tuple[list[Read], list[str]]:
    reads: list[Read] = []
    gaps: list[str] = []
    for file in sources:
        if file.suffix != _PYTHON:
            more, missed = text_settings.read_text(file)
            reads += more
            gaps += missed
    modules, broken = _modules([file for file in sources if file.suffix == _PYTHON])
    gaps += [f"{file.name} is not valid Python" for file in broken]
    for reader in (environment_reads, settings_reads):
        more, missed = reader(modules)
        reads += more
        gaps += missed
    return reads, gaps


def _modules(files: Sequence[SourceFile]) -> tuple[list[Module], list[SourceFile]]:
    """Parse the files that can read variables: those with a word that does, or that names what was found so far."""
    words = _READING
    modules: list[Module] = []
    broken: list[SourceFile] = []
    rest = {file.name: file for file in files}
    while chosen := [file for file in rest.values() if words.search(file.text)]:
        for file in chosen:
            del rest[file.name]
            module = parse(file)
            if module is not None:
                modules.append(module)
            else:
                broken.append(file)
        names = settings_class_names(modules).union(*(helpers_made(module) for module in modules))
        if not names:
            break
        words = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(names)))})\b")
    return modules, broken


def _by_name(reads: Iterable[Read]) -> dict[str, list[Read]]:
    by_name: dict[str, list[Read]] = {}
    for read in reads:
        by_name.setdefault(read.name, []).append(read)
    return by_name


def _merged(name: str, reads: Sequence[Read], example: Example | None) -> Setting:
    strongest = max(reads, key=lambda each: {True: 2, None: 1, False: 0}[each.required])
    default = next((each.default for each in reads if each.default is not None), None)
    annotation = next((each.annotation for each in reads if each.annotation), "")
    known = default if default is not None else example.value if example else None
    return Setting(
        name,
        strongest.file,
        strongest.line,
        strongest.how,
        strongest.required,
        default,
        guess_kind(name, known, annotation),
        example,
    )
