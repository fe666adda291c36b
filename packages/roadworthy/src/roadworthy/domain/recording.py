"""A recording, read back: everything a judge needs, whoever made it and whenever. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from roadworthy.domain.evidence import Evidence, Exchange
from roadworthy.domain.inspection import Waiver

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Header:
    """What was inspected, with what, and how it was to be judged. The first line of a recording."""

    schema_version: int
    tool_version: str
    target: str
    command: str
    directory: str
    started: str  # ISO 8601, UTC
    profile: str
    seed: int
    configurations: tuple[str, ...]
    environment: Mapping[str, str]  # of the machine: a fingerprint, no settings of the target
    waivers: tuple[Waiver, ...] = ()
    manifest: str = ""  # the manifest's file name, "" when there was none
    manifest_path: str = ""  # where it was, so that a replay finds the secrets that the recording does not hold
    claim_lines: Mapping[str, int] | None = None
    only: tuple[str, ...] = ()  # claims asked for; all of them when empty


@dataclass(frozen=True)
class Recording:
    """The header, the evidence in the order in which it was made, and the exchanges that evidence refers to."""

    header: Header
    evidence: tuple[Evidence, ...]
    exchanges: Mapping[str, Exchange]
    seconds: float
    complete: bool
    error: str = ""  # why the target could not be run at all
    warnings: tuple[str, ...] = ()
    spec: Mapping[str, Any] | None = None  # the target as it was run, for a replay
