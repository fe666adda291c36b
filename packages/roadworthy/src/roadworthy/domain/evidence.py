"""What experiments observe, as frozen data. Observations only: no field here says whether a claim holds.

Times are seconds. ``at`` counts from the start of the recording; durations end in ``_s`` or are named ``seconds``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar


class Answer(StrEnum):
    """How an HTTP request ended, as its client saw it."""

    ANSWERED = "answered"  # a complete HTTP answer
    REFUSED = "refused"  # no connection could be made
    RESET = "reset"  # the connection was closed or reset before a complete answer
    SILENT = "silent"  # our own time-out: nothing, or not all of it, came in the time allowed
    GARBLED = "garbled"  # what came was not HTTP


@dataclass(frozen=True)
class Exchange:
    """One request and what came back. Bodies are text, cut at 64 KiB; secrets are already redacted."""

    id: str
    at: float
    method: str
    path: str
    request_headers: dict[str, str]
    request_body: str
    answer: Answer
    status: int | None
    headers: dict[str, str]
    body: str
    seconds: float
    purpose: str = ""
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether a complete 2xx answer came."""
        return self.answer is Answer.ANSWERED and self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True)
class Sample:
    """One attempt, reduced to what judges compare. ``exchange`` is the id of the full exchange.

    ``what`` names the attempt: ``create``, ``read``, ``update``, ``delete`` for transaction steps, otherwise
    ``GET /path``. ``ok`` is stricter than the status: a read must also have returned what was written.
    """

    what: str
    at: float
    ok: bool
    answer: Answer
    status: int | None
    seconds: float
    exchange: str
    note: str = ""

    @property
    def shown(self) -> str:
        """The answer in a word: the status, or how it failed."""
        return str(self.status) if self.answer is Answer.ANSWERED else self.answer.value


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What every piece of evidence carries: which experiment made it, in which trial and configuration.

    ``experiment`` is the id that a replay takes, such as ``dependency-fault:database:refused``.
    ``trial`` is 1 for the first run and counts up with each replay from a fresh start.
    """

    experiment: str
    trial: int
    configuration: str


@dataclass(frozen=True)
class HealthEndpoint:
    """A health endpoint that differs from what the target answers for paths that do not exist.

    ``role`` is ``readiness``, ``liveness`` or ``health`` (its name does not say which), read from its path or declared.
    """

    path: str
    role: str
    source: str  # "manifest", "openapi" or "usual path"
    sample: Sample
    content_type: str
    excerpt: str

    @property
    def machine_readable(self) -> bool:
        """Whether a program can use it: a 2xx answer that is not a web page."""
        return self.sample.ok and "html" not in self.content_type.lower()


@dataclass(frozen=True)
class DependencyFacts:
    """One dependency and how it is wired.

    ``kind`` is ``postgresql``, ``valkey`` or ``tcp``. ``found_by`` says how the inspector knows of it. ``declared`` is
    True when the service itself is known to ask for it: its manifest names it, or it was seen reading the variable.
    ``bytes_in_transaction`` counts both directions through the proxy during one transaction.
    """

    name: str
    kind: str
    variable: str
    found_by: str
    declared: bool
    connections: int
    bytes_in_transaction: int
    bypassed: tuple[str, ...] = ()  # remote addresses that the target reached without going through the proxy

    @property
    def is_database(self) -> bool:
        """Whether it is the kind of dependency that holds the service's data."""
        return self.kind == "postgresql"


@dataclass(frozen=True, kw_only=True)
class Discovery(Evidence):
    """What the first healthy instance showed: the baseline that later experiments stand on."""

    address: str
    owns_port: bool
    nothing_here: str  # what an unknown path is answered with, such as "404 application/json"
    health: tuple[HealthEndpoint, ...]
    health_paths_tried: int
    openapi: str  # its path, or ""
    metrics: str  # its path, or ""
    operations: int  # operations in the OpenAPI document, or 0
    transaction: tuple[Sample, ...]  # the steps of one transaction; empty when there is none
    transaction_source: str  # "openapi", "manifest" or ""
    stateless: bool  # the manifest says that the service stores nothing, and nothing observed contradicts it
    dependencies: tuple[DependencyFacts, ...]
    other_connections: tuple[str, ...]  # remote addresses it opened that are no known dependency
    settings: tuple[str, ...]  # environment variables given to it, by name
    notes: tuple[str, ...] = ()

    @property
    def transaction_works(self) -> bool:
        """Whether there is a transaction, and every step of it worked."""
        return bool(self.transaction) and all(step.ok for step in self.transaction)


@dataclass(frozen=True)
class Start:
    """One fresh start. ``ready_s`` is the time to the first success of ``ready_by``; None when it never came."""

    listening_s: float | None
    ready_s: float | None
    ready_by: str  # "transaction", "health" or "any answer"
    exit_status: int | None
    log_tail: tuple[str, ...]


@dataclass(frozen=True)
class Stop:
    """One SIGTERM to an idle instance. ``exited_s`` is None when it was still there after ``waited_s``."""

    exited_s: float | None
    waited_s: float
    exit_status: int | None
    left_over: tuple[str, ...]  # processes of its tree that were still alive when the first one had exited


@dataclass(frozen=True, kw_only=True)
class StartsAndStops(Evidence):
    """Fresh starts, each followed by a SIGTERM while idle."""

    starts: tuple[Start, ...]
    stops: tuple[Stop, ...]
    start_bound_s: float
    stop_bound_s: float


@dataclass(frozen=True)
class Restart:
    """One restart on the state that the stopped process left. ``how`` is ``sigterm`` or ``sigkill``."""

    how: str
    started: bool
    seconds: float
    read_back: Sample | None  # the object written before; None when the service stores nothing or did not start
    log_tail: tuple[str, ...] = ()
    exit_status: int | None = None  # of a start that ended instead of serving; None when it was still trying


@dataclass(frozen=True, kw_only=True)
class Restarts(Evidence):
    """An object is written, the service is stopped and killed, and the object is read after each new start."""

    written: Sample | None  # the create; None when the service has no transaction
    read_before: Sample | None
    restarts: tuple[Restart, ...]


class WithheldOutcome(StrEnum):
    """What a start without one setting came to."""

    EXITED = "exited"
    SERVES = "serves"
    HANGS = "hangs"  # neither exited nor answered in the time allowed


@dataclass(frozen=True)
class Withheld:
    """One fresh start with one setting taken away. ``transaction_ok`` is None when nothing could be tried."""

    key: str
    outcome: WithheldOutcome
    seconds: float
    exit_status: int | None
    transaction_ok: bool | None
    failed_step: Sample | None
    output: str  # the end of its stdout and stderr, at most 16 KiB


@dataclass(frozen=True, kw_only=True)
class WithheldSettings(Evidence):
    """Fresh starts, each with one setting withheld. ``control`` is a start with all of them, just before."""

    control: bool
    allowed_s: float  # a refusal must come within this time
    searched: str  # where settings were looked for
    complete: bool  # whether every place where it could read settings was seen
    withheld: tuple[Withheld, ...]


@dataclass(frozen=True)
class BadAnswer:
    """A 5xx (or a broken connection) for a hostile request. ``again`` are the answers when it was sent again."""

    case: str  # which hostile value, such as "nul character in title"
    operation: str  # such as "POST /bookings"
    sample: Sample
    again: tuple[Sample, ...]


@dataclass(frozen=True, kw_only=True)
class BadInput(Evidence):
    """Hostile requests against a healthy instance, with a control before and after."""

    control_before: Sample | None
    control_after: Sample | None
    requests: int
    operations: tuple[str, ...]
    excluded: tuple[str, ...]  # operations whose purpose is the status itself
    statuses: dict[str, int]  # status (or how it failed) to count
    bad: tuple[BadAnswer, ...]
    process_alive: bool
    cut_short: bool = False  # not every planned request was sent: time ran out, or there were too many


@dataclass(frozen=True)
class Poured:
    """One body far above any sensible limit, sent piece by piece until an answer came, time ran out, or we hung up.

    ``sent_bytes`` are those that the kernel took from us: a few MiB of them may never have been read. ``grown_bytes``
    is the most anonymous resident memory that the target's process tree had gained meanwhile.
    """

    framing: str  # "content-length" or "chunked"
    sample: Sample
    sent_bytes: int
    grown_bytes: int
    hung_up: bool  # we ended it, because the growth had reached the bound and no answer had come
    processes_ended: int  # processes of its tree that were there before and not afterwards


@dataclass(frozen=True, kw_only=True)
class OversizedBodies(Evidence):
    """Oversized bodies against a healthy instance, with the same body at a normal size before and after.

    The body is one that the endpoint accepts, made large by white space that its format allows.
    """

    operation: str  # such as "POST /notes"; "" when none is known that takes a body
    operations: int  # operations known from a document or the manifest
    takers: int  # those among them that can carry a body
    body_bytes: int
    growth_bound_bytes: int
    answer_bound_s: float
    control_before: Sample | None
    poured: tuple[Poured, ...]
    control_after: Sample | None
    process_alive: bool


@dataclass(frozen=True)
class SecretSeen:
    """A secret at a place where others can read it. The secret itself is nowhere in this.

    ``offset`` counts characters from the beginning of the line, file or answer in which it was first seen.
    """

    secret: str  # which, such as "the password in DATABASE_URL" or "a password in the body"
    place: str  # "log", "log file", "error answer", "health" or "metrics"
    where: str  # such as "line 12", the file's name, or "POST /notes 422"
    form: str  # "plain", "url-encoded", "base64" or "half of it"
    count: int  # in how many lines or answers of this place
    offset: int
    excerpt: str = ""  # what is around it, without it
    exchange: str = ""


@dataclass(frozen=True, kw_only=True)
class SecretsSearch(Evidence):
    """Requests that carried secrets of our own making, and a search for these and for the service's own secrets."""

    planted: tuple[str, ...]  # the secrets that were searched for
    too_plain: tuple[str, ...]  # settings with secret names whose values are ordinary words: not searched for
    requests: int  # requests that carried secrets
    endpoints: tuple[str, ...]  # where they went, such as "POST /notes", beside unknown paths, health and metrics
    statuses: dict[str, int]  # status (or how it failed) of these, to count
    outages: tuple[str, ...]  # dependencies that were refused meanwhile for a part of them
    log_lines: int  # lines of stdout and stderr from the first of these requests until it was stopped
    marker_lines: int  # those among them that show a harmless mark which the requests carried too
    lines_not_kept: int  # lines that nobody could search: too many, or too long
    log_files: tuple[str, ...]  # further files that were searched, below the folders of the target
    error_answers: int  # how many were searched
    health: tuple[str, ...]  # health endpoints that were searched
    metrics: str  # its path, or ""
    seen: tuple[SecretSeen, ...]
    control_before: Sample | None
    control_after: Sample | None
    process_alive: bool


@dataclass(frozen=True, kw_only=True)
class FaultWindow(Evidence):
    """One dependency made faulty while the service was healthy, then restored.

    ``fault`` is ``refused`` (new connections refused, existing ones reset) or ``silent`` (everything is accepted
    and nothing answers). ``hits`` counts connections that the fault reached: refused or reset ones, or silent ones
    on which the target sent bytes that were swallowed.
    """

    dependency: str
    kind: str
    fault: str
    hits: int
    bytes_swallowed: int
    before: tuple[Sample, ...]  # a transaction and the health endpoints, before
    began_at: float
    requests: tuple[Sample, ...]  # transaction steps that were tried during the fault
    readiness: tuple[Sample, ...]  # health endpoints polled during the fault, ``what`` names them
    endpoints: tuple[Sample, ...]  # one GET to each readable endpoint during the fault
    liveness_paths: tuple[str, ...]  # those among the polled that are liveness by name
    waited_s: float  # how long the fault lasted
    process_alive: bool
    restored_at: float
    transaction_recovered_s: float | None  # None: not within ``recovery_waited_s``
    readiness_recovered_s: float | None
    recovery_waited_s: float
    after: tuple[Sample, ...]
    restarted: bool  # the target's process had ended by then, so that a supervisor would have started it anew
    answer_bound_s: float  # how long each request was allowed to take
    readiness_bound_s: float = 15.0  # how soon readiness has to turn false


@dataclass(frozen=True, kw_only=True)
class DependencyUse(Evidence):
    """Whether the data path really uses a dependency: count, cut, wipe, restart."""

    dependency: str
    kind: str
    declared: bool
    found_by: str
    transaction_before: tuple[Sample, ...]
    bytes_in_transaction: int
    connections: int  # ever made to it by this instance
    hits: int  # connections refused or reset by the cut
    transaction_while_cut: tuple[Sample, ...]
    read_while_cut: Sample | None
    restored: bool  # a transaction worked again after the cut
    read_after_wipe: Sample | None  # the old object, after a restart on an empty dependency
    transaction_after_wipe: tuple[Sample, ...]


@dataclass(frozen=True, kw_only=True)
class Durability(Evidence):
    """Writers, kill -9 of the whole tree, a restart on the same state, and a read of each acknowledged write."""

    control: Sample | None
    writers: int
    acknowledged: int
    unknown: int  # no answer came: neither written nor lost
    failed: int  # answered with an error: not acknowledged
    killed: int  # processes killed
    restarted: bool
    lost: tuple[Sample, ...]  # the reads of acknowledged writes that did not come back
    found: int
    unreadable: int  # reads that got no answer or a 5xx: neither found nor lost
    log_tail: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Drain(Evidence):
    """A request in flight when SIGTERM arrived.

    ``stimulus`` says how it was made slow. ``in_flight`` is True only when it was verified at the moment of the signal;
    ``verified_by`` says how (bytes held at the proxy, or the request read from the socket and not answered).
    """

    stimulus: str
    control: Sample | None  # the same slow request, with no signal
    in_flight: bool
    verified_by: str
    request: Sample | None  # the request that was in flight
    signalled_after_s: float
    exited_s: float | None
    exit_status: int | None
    noticed: bool = True  # it stopped listening after the signal, or its whole tree ended


@dataclass(frozen=True, kw_only=True)
class Logs(Evidence):
    """Lines that an instance wrote to stdout and stderr after it was ready. At most 1,000 whole lines are kept.

    ``cut`` counts lines of 64 KiB and more: they are not among ``lines``.
    """

    instance: str
    total: int
    lines: tuple[str, ...]
    cut: int = 0
    during: str  # what was going on, such as "dependency database refused"


@dataclass(frozen=True, kw_only=True)
class ErrorAnswers(Evidence):
    """Exchanges of one experiment that were not 2xx, with their bodies. At most 400, one of each kind first."""

    exchanges: tuple[Exchange, ...]
    total: int


@dataclass(frozen=True, kw_only=True)
class NotRun(Evidence):
    """An experiment that made no evidence, and why. ``reason`` is a value of :class:`~.verdict.Reason`."""

    reason: str
    explanation: str
    decidable_by: str
    would_have_made: tuple[str, ...] = field(default=())


E = TypeVar("E", bound=Evidence)


class MissingEvidenceError(LookupError):
    """A claim asked for evidence that is not there, or that it did not declare."""


class EvidenceSet:
    """What a judge is handed: the evidence that its claim declared, of one trial, and nothing else."""

    def __init__(self, declared: Sequence[type[Evidence]], items: Sequence[Evidence]) -> None:
        """Keep those of ``items`` whose type is in ``declared``."""
        self._declared = tuple(declared)
        self._items = tuple(item for item in items if type(item) in self._declared)

    def all(self, kind: type[E]) -> tuple[E, ...]:
        """Return every piece of evidence of this kind, perhaps none.

        Raises:
            MissingEvidenceError: the claim did not declare this kind.
        """
        if kind not in self._declared:
            raise MissingEvidenceError(f"{kind.__name__} is not among the evidence that this claim declares")
        return tuple(item for item in self._items if isinstance(item, kind))

    def first(self, kind: type[E]) -> E:
        """Return the first piece of evidence of this kind.

        Raises:
            MissingEvidenceError: there is none, or the claim did not declare it.
        """
        found = self.all(kind)
        if not found:
            raise MissingEvidenceError(f"there is no {kind.__name__} in the recording")
        return found[0]
