"""What a claim is: its documentation as data, the evidence it needs, and its judge."""

from collections.abc import Callable
from dataclasses import dataclass

from roadworthy.domain.evidence import Evidence, EvidenceSet
from roadworthy.domain.verdict import Finding, Severity


@dataclass(frozen=True)
class Remedy:
    """How to make the claim true with one framework. ``effort`` is such as "10 minutes" or "half a day"."""

    stack: str
    effort: str
    text: str


@dataclass(frozen=True)
class Claim:
    """One statement about a service that can be true or false.

    Args:
        id: its name everywhere: file, page, specimens, command line.
        statement: what is claimed, as a sentence that can be false.
        refuted_title: what it reads when it is false.
        severity: how bad it is in production when it is false.
        why: why a person on call should care.
        how_judged: the experiment, the bounds, and what each verdict means.
        false_positives: what could fool the experiment, and what it does against it.
        remedies: how to make it true, by framework.
        requires: the kinds of evidence that the judge is handed. A judge that asks for a kind of which there is none
            (``EvidenceSet.first``) makes the claim UNPROVEN; one that can do without asks ``EvidenceSet.all``.
        judge: a pure function of that evidence.
        references: catalogues that ask for the same thing, such as "WFC 100".
    """

    id: str
    statement: str
    refuted_title: str
    severity: Severity
    why: str
    how_judged: str
    false_positives: str
    remedies: tuple[Remedy, ...]
    requires: tuple[type[Evidence], ...]
    judge: Callable[[EvidenceSet], Finding]
    references: tuple[str, ...] = ()

    @property
    def category(self) -> str:
        """The folder it lives in, such as ``health``."""
        return self.judge.__module__.split(".")[-2]
