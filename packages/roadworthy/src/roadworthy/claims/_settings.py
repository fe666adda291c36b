"""What claims about a withheld setting ask first: did everything work with it, and was there one to withhold."""

from roadworthy.domain.evidence import WithheldSettings
from roadworthy.domain.verdict import Finding, Reason, absent, undecided


def nothing_withheld(seen: WithheldSettings) -> Finding | None:
    """Return why the starts cannot be judged; None when they can."""
    if not seen.control:
        return undecided(
            Reason.NO_CONTROL,
            "With all its settings it did not work either.",
            "Make the service start and its transaction work with the settings in roadworthy.toml.",
            experiment=seen.experiment,
        )
    if seen.withheld:
        return None
    if seen.complete:
        return absent(
            f"There is no setting to withhold; looked in {seen.searched}.",
            established=True,
            experiment=seen.experiment,
        )
    return undecided(
        Reason.NEEDS_INPUT,
        f"No setting is known; looked in {seen.searched}.",
        "Name its settings under [environment] in roadworthy.toml.",
        experiment=seen.experiment,
    )
