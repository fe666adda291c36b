"""Read ``roadworthy.toml``: what a person says about the target. All its errors are reported at once.

``manifest_document.py`` says what may be in it, ``manifest_problems.py`` turns its errors into sentences, and
``manifest_writer.py`` goes the other way.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from roadworthy.domain.inspection import Waiver
from roadworthy.domain.target import (
    STEP_NAMES,
    Bounds,
    ConfigurationSpec,
    DependencySpec,
    EndpointsSpec,
    RequestSpec,
    StepSpec,
    TargetSpec,
    TransactionSpec,
)
from roadworthy.target.manifest_document import Document, known_keys
from roadworthy.target.manifest_model import CreateTable, ReadTable, RequestTable, StepTable, TransactionTable
from roadworthy.target.manifest_problems import ManifestError, Problem, from_pydantic
from roadworthy.target.manifest_writer import write_manifest
from roadworthy.target.toml_lines import KeyPath, key_lines, line_of

__all__ = ["MANIFEST_NAME", "Manifest", "ManifestError", "read_manifest", "write_manifest"]

MANIFEST_NAME = "roadworthy.toml"


@dataclass(frozen=True)
class Manifest:
    """What a manifest says. ``claim_lines`` has the line of each waiver, by claim."""

    path: Path
    target: TargetSpec
    profile: str = "standard"
    waivers: tuple[Waiver, ...] = ()
    claim_lines: Mapping[str, int] = field(default_factory=dict)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest, or the one in a folder.

    Raises:
        ManifestError: it is not there, is no TOML, or says something that cannot be; with every error.
    """
    path = path / MANIFEST_NAME if path.is_dir() else path
    text = _read(path)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError([_syntax(path, text, error)]) from None
    except RecursionError:
        raise ManifestError([f"{path.name}:1: nested too deeply. Write it with fewer brackets."]) from None
    lines = key_lines(text)
    try:
        document = Document.model_validate(raw)
    except ValidationError as error:
        problems = [from_pydantic(each, lines, known_keys(each["loc"][:-1])) for each in error.errors()]
    else:
        directory = (path.parent / document.target.directory).resolve()
        if directory.is_dir():
            return _manifest(path, document, directory, lines)
        at = ("target", "directory")
        step = "Write it relative to the manifest."
        problems = [Problem(line_of(lines, at), at, "a folder that exists", repr(document.target.directory), step)]
    shown = sorted(problems, key=lambda each: each.line)
    raise ManifestError(list(dict.fromkeys(each.shown(path.name) for each in shown)))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        step = "Write one with `roadworthy init`, or name the folder that has it."
        raise ManifestError([f"{path}: expected a manifest, found no file. {step}"]) from None
    except UnicodeDecodeError as error:
        raise ManifestError(
            [f"{path.name}:1: expected UTF-8, found other bytes at {error.start}. Save it as UTF-8."]
        ) from None
    except OSError as error:
        raise ManifestError([f"{path}: cannot be read: {error.strerror}. Give a file that can be."]) from None


def _syntax(path: Path, text: str, error: tomllib.TOMLDecodeError) -> str:
    place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", str(error))
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    says = str(error)[: place.start()] if place else str(error)
    return f"{path.name}:{line}: not valid TOML: {says}. Correct this line first."


def _manifest(path: Path, document: Document, directory: Path, lines: Mapping[KeyPath, int]) -> Manifest:
    waivers = tuple(Waiver(each.claim, each.reason, each.owner, each.until) for each in document.waivers)
    return Manifest(
        path=path,
        target=_target(document, directory),
        profile=document.inspection.profile,
        waivers=waivers,
        claim_lines={each.claim: line_of(lines, ("waivers", index)) for index, each in enumerate(waivers)},
    )


def _target(document: Document, directory: Path) -> TargetSpec:
    target, transaction = document.target, document.transaction
    return TargetSpec(
        name=target.name or directory.name or "service",
        directory=directory,
        command=target.command,
        setup=tuple(target.setup),
        port=target.port,
        port_variable=target.port_variable,
        environment=document.environment,
        dependencies=tuple(DependencySpec(name, **each.model_dump()) for name, each in document.dependencies.items()),
        endpoints=EndpointsSpec(**document.endpoints.model_dump()),
        transaction=_transaction(transaction) if transaction else None,
        stateless=transaction.stateless if transaction else False,
        auth_headers=document.auth.headers if document.auth else {},
        slow=_request(document.slow) if document.slow else None,
        exclude=tuple(document.inspection.exclude),
        operations=tuple(document.inspection.operations),
        configurations=tuple(
            ConfigurationSpec(name, each.environment, None if each.dependencies is None else tuple(each.dependencies))
            for name, each in document.configurations.items()
        ),
        bounds=Bounds(**document.bounds.model_dump()),
    )


def _transaction(table: TransactionTable) -> TransactionSpec | None:
    steps = [_step(name, getattr(table, name)) for name in STEP_NAMES if getattr(table, name) is not None]
    return TransactionSpec(tuple(steps)) if steps else None


def _step(name: str, table: StepTable) -> StepSpec:
    contains = ""
    if isinstance(table, ReadTable):
        contains = "{token}" if table.contains is None else table.contains
    capture = table.capture if isinstance(table, CreateTable) else {}
    return StepSpec(name, _request(table), tuple(table.status), capture, contains)


def _request(table: RequestTable) -> RequestSpec:
    return RequestSpec(table.method, table.path, table.headers, table.json_value, table.body)
