"""Whether there is anything to store: what claims about kept data ask before they judge."""

from roadworthy.domain.evidence import Discovery, EvidenceSet
from roadworthy.domain.verdict import Finding, absent


def nothing_to_store(evidence: EvidenceSet) -> Finding | None:
    """Return why nothing can be lost, or that it is unknown; None when there is a transaction.

    None as well without a discovery, as in a replay.
    """
    discovery = next(iter(evidence.all(Discovery)), None)
    if discovery is None or discovery.transaction:
        return None
    return absent(
        "It stores nothing: its manifest says so, and nothing that was observed contradicts it."
        if discovery.stateless
        else "No request is known that stores something.",
        established=discovery.stateless,
        decidable_by=""
        if discovery.stateless
        else "Give the inspector a [transaction] in roadworthy.toml, or say there that the service is stateless.",
        experiment=discovery.experiment,
    )
