"""The values that a service's authors give as examples: ``.env.example``, compose files and Dockerfiles."""

import re
import shlex
from collections.abc import Iterable, Iterator

import yaml

from roadworthy.source.files import SourceFile
from roadworthy.source.setting import Example

DOTENV_NAMES = frozenset(
    {
        ".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults", "env.example", "env.sample",
        "example.env", "sample.env",
    }
)  # fmt: skip
COMPOSE_NAMES = frozenset({"docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml"})
DOCKERFILE_NAMES = frozenset({"Dockerfile", "Containerfile"})
NAMES = DOTENV_NAMES | COMPOSE_NAMES | DOCKERFILE_NAMES

_ASSIGNMENT = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")
_WITH_DEFAULT = re.compile(r"\$\{\w+:?-([^}]*)\}")


def read_examples(files: Iterable[SourceFile]) -> dict[str, Example]:
    """Return the example of each variable; ``.env.example`` goes before compose files, these before Dockerfiles."""
    found: dict[str, Example] = {}
    for file in sorted(files, key=lambda each: (_rank(each), each.name)):
        reader = (_dotenv, _compose, _dockerfile)[_rank(file)]
        for name, value, line in reader(file.text):
            found.setdefault(name, Example(name, value, file.name, line))
    return found


def _rank(file: SourceFile) -> int:
    return 0 if file.base in DOTENV_NAMES else 1 if file.base in COMPOSE_NAMES else 2


def _dotenv(text: str) -> Iterator[tuple[str, str, int]]:
    for number, line in enumerate(text.splitlines(), 1):
        if match := _ASSIGNMENT.match(line):
            yield match[1], _unquoted(match[2]), number


def _unquoted(value: str) -> str:
    for quote in "\"'":
        if value.startswith(quote) and (end := value.find(quote, 1)) > 0:
            return value[1:end]
    return re.split(r"(?:^|\s)#", value)[0].strip()


def _compose(text: str) -> Iterator[tuple[str, str, int]]:
    """The environment of the services that are built here; the others are somebody else's images."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return
    services = document.get("services") if isinstance(document, dict) else None
    for service in (services or {}).values() if isinstance(services, dict) else ():
        if not isinstance(service, dict) or "build" not in service:
            continue
        environment = service.get("environment")
        if isinstance(environment, list):
            pairs = [str(each).partition("=")[::2] for each in environment if "=" in str(each)]
        else:
            pairs = [(str(key), str(value)) for key, value in (environment or {}).items() if value is not None]
        for key, value in pairs:
            yield key, _WITH_DEFAULT.sub(r"\1", value), _line_of(text, key)


def _line_of(text: str, key: str) -> int:
    pattern = re.compile(rf"(?:^|[^\w.$]){re.escape(key)}[\"']?\s*[:=]")
    return next((number for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)), 1)


def _dockerfile(text: str) -> Iterator[tuple[str, str, int]]:
    joined, start = "", 1
    for number, line in enumerate(text.splitlines(), 1):
        start = start if joined else number
        joined += line.rstrip().removesuffix("\\") + " "
        if line.rstrip().endswith("\\"):
            continue
        yield from ((name, value, start) for name, value in _env_instruction(joined.strip()))
        joined = ""


def _env_instruction(instruction: str) -> Iterator[tuple[str, str]]:
    word, _, rest = instruction.partition(" ")
    if word.upper() != "ENV":
        return
    try:
        parts = shlex.split(rest)
    except ValueError:
        return
    if parts and "=" not in parts[0]:  # the old form: ENV KEY the rest of the line
        yield parts[0], " ".join(parts[1:])
        return
    for part in parts:
        key, separator, value = part.partition("=")
        if separator:
            yield key, value
