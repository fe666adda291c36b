"""Which environment variables source in other languages reads, by the shape of its lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from roadworthy.source.files import SourceFile
from roadworthy.source.setting import Read

_NAME = r"([A-Za-z_][A-Za-z0-9_]*)"
_QUOTED = rf"[\"'`]{_NAME}[\"'`]"
_DEFAULT = r"(?:\s*(?:\|\||\?\?|\?:|,)\s*[\"'`]([^\"'`\n]*)[\"'`])?"  # || "x", ?? "x", ?: "x" or , "x"


@dataclass(frozen=True)
class _Pattern:
    """``required`` is what a read without a default means: True, False, or None for cannot tell."""

    regex: re.Pattern[str]
    how: str
    required: bool | None = None


def _pattern(regex: str, how: str, required: bool | None = None) -> _Pattern:
    return _Pattern(re.compile(regex), how, required)


_SCRIPT = (
    _pattern(rf"process\.env\.{_NAME}\b(?!\s*=[^=]){_DEFAULT}", "process.env"),
    _pattern(rf"process\.env\[\s*{_QUOTED}\s*\](?!\s*=[^=]){_DEFAULT}", "process.env"),
    _pattern(rf"Deno\.env\.get\(\s*{_QUOTED}\s*\){_DEFAULT}", "Deno.env.get"),
    _pattern(rf"Bun\.env\.{_NAME}\b{_DEFAULT}", "Bun.env"),
)
_GO = (
    _pattern(rf"os\.(?:Getenv|LookupEnv)\(\s*{_QUOTED}\s*\)", "os.Getenv"),
    _pattern(rf"\benv:\"{_NAME},required[^\"]*\"", "struct tag", required=True),
    _pattern(rf"\benv:\"{_NAME}[^\"]*\"(?:\s+envDefault:\"([^\"]*)\")?", "struct tag", required=False),
    _pattern(rf"\benvconfig:\"{_NAME}\"(?:\s+default:\"([^\"]*)\")?", "struct tag"),
)
_RUBY = (
    _pattern(rf"ENV\[\s*{_QUOTED}\s*\]{_DEFAULT}", "ENV[...]", required=False),
    _pattern(rf"ENV\.fetch\(\s*{_QUOTED}{_DEFAULT}", "ENV.fetch", required=True),
)
_JVM = (
    _pattern(rf"System\.getenv\(\s*{_QUOTED}\s*\){_DEFAULT}", "System.getenv"),
    _pattern(rf"System\.getenv\(\)\.getOrDefault\(\s*{_QUOTED}{_DEFAULT}", "System.getenv"),
)
_SPRING = (_pattern(r"\$\{([A-Z_][A-Z0-9_]*)(?::([^}\n]*))?\}", "placeholder", required=True),)
_PHP = (
    _pattern(rf"\b(?:getenv|env)\(\s*{_QUOTED}{_DEFAULT}", "getenv"),
    _pattern(rf"\$_ENV\[\s*{_QUOTED}\s*\]{_DEFAULT}", "$_ENV"),
)
_RUST = (_pattern(rf"\benv::var(?:_os)?\(\s*{_QUOTED}\s*\)", "env::var"),)
_CSHARP = (_pattern(rf"GetEnvironmentVariable\(\s*{_QUOTED}\s*\){_DEFAULT}", "GetEnvironmentVariable"),)
_ELIXIR = (
    _pattern(rf"System\.get_env\(\s*{_QUOTED}{_DEFAULT}", "System.get_env", required=False),
    _pattern(rf"System\.fetch_env!\(\s*{_QUOTED}", "System.fetch_env!", required=True),
)
_SHELL = (
    _pattern(r"\$\{([A-Z_][A-Z0-9_]*):?-([^}\n]*)\}", "${...:-...}", required=False),
    _pattern(r"\$\{([A-Z_][A-Z0-9_]*):?\?", "${...:?...}", required=True),
)

_PATTERNS = {
    **dict.fromkeys((".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx"), _SCRIPT),
    ".go": _GO,
    ".rb": _RUBY,
    **dict.fromkeys((".java", ".kt", ".kts", ".scala", ".groovy", ".clj"), _JVM),
    ".properties": _SPRING,
    ".php": _PHP,
    ".rs": _RUST,
    **dict.fromkeys((".cs", ".fs"), _CSHARP),
    **dict.fromkeys((".ex", ".exs"), _ELIXIR),
    **dict.fromkeys((".sh", ".bash"), _SHELL),
}
SUFFIXES = frozenset(_PATTERNS)
NAMES = frozenset({"application.yml", "application.yaml"})

_DESTRUCTURED = re.compile(r"\{([^{}]*)\}\s*=\s*process\.env\b(?!\s*[.\[])")
_OPEN_ENDED = re.compile(
    r"process\.env\s*\[\s*(?![\"'`])|(?<!=\s)process\.env\b(?!\s*[.\[])|\.\.\.process\.env|os\.Environ\(\)"
    r"|os\.Getenv\(\s*(?![\"'`])|\bENV\[\s*(?![\"'`])|ENV\.to_h|System\.getenv\(\)(?!\.getOrDefault)"
    r"|System\.getenv\(\s*(?![\"'`)])|env::vars\(|GetEnvironmentVariables\("
)
_COMMENT = ("//", "#", "*", "/*", ";")


def read_text(file: SourceFile) -> tuple[list[Read], list[str]]:
    """Return the reads in a file, and the places where the variable cannot be told."""
    reads: list[Read] = []
    gaps: list[str] = []
    patterns = _PATTERNS.get(file.suffix, _SPRING)
    for number, line in enumerate(file.text.splitlines(), 1):
        if line.lstrip().startswith(_COMMENT):
            continue
        taken: set[str] = set()
        for pattern in patterns:
            for match in pattern.regex.finditer(line):
                if match[1] not in taken:
                    taken.add(match[1])
                    reads.append(_read(pattern, match, file, number))
        reads += [Read(name, file.name, number, "process.env", None) for name in _destructured(line)]
        if _OPEN_ENDED.search(_DESTRUCTURED.sub("", line)):
            gaps.append(f"{file.name}:{number} reads variables whose names cannot be told")
    return reads, gaps


def _read(pattern: _Pattern, match: re.Match[str], file: SourceFile, number: int) -> Read:
    default = match[2] if match.re.groups > 1 else None
    required = pattern.required if default is None else False
    return Read(match[1], file.name, number, pattern.how, required, default)


def _destructured(line: str) -> Iterator[str]:
    """Yield the names of ``const { A, B: b, C = "d" } = process.env``."""
    for match in _DESTRUCTURED.finditer(line):
        for part in match[1].split(","):
            if name := re.match(rf"\s*{_NAME}", part):
                yield name[1]
