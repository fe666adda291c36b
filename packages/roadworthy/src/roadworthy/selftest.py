"""Every claim against its two specimens: does the check pass what keeps the claim, and refute what breaks it?"""

import asyncio
import sys
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from roadworthy import configuration
from roadworthy.claims.catalogue import catalogue
from roadworthy.configuration import Target, UsageError
from roadworthy.domain.inspection import Inspection
from roadworthy.domain.target import Bounds, DependencySpec, TargetSpec
from roadworthy.domain.verdict import Verdict
from roadworthy.source.setting import SettingKind
from roadworthy.target.inference import made_up

EXPECTED = {"keeps": Verdict.PROVEN, "breaks": Verdict.REFUTED}


@dataclass(frozen=True)
class Outcome:
    """What the inspection of one specimen came to."""

    claim: str
    specimen: str
    verdicts: dict[str, Verdict]
    seconds: float
    error: str = ""

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on the claim that the specimen is about."""
        return self.verdicts.get(self.claim)

    @property
    def as_labelled(self) -> bool:
        """Whether it is the verdict that the specimen was written for."""
        return self.verdict is EXPECTED[self.specimen]


def specimens_folder() -> Path:
    """Return the folder of the specimens: in the installed package, else in the checkout.

    Raises:
        UsageError: there is none.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "specimens", here.parents[1] / "specimens"):
        if (folder / "_service.py").is_file():
            return folder
    raise UsageError("the specimens are not installed; reinstall with: pip install 'roadworthy[selftest]'")


def target_of(claim: str, specimen: str) -> Target:
    """Return a specimen as a target: on PostgreSQL, with the two settings that it requires."""
    folder = specimens_folder()
    script = Path(claim.replace("-", "_")) / f"{specimen}.py"
    bounds = Bounds()
    declared = folder / script.parent / "bounds.toml"
    if declared.is_file():
        bounds = Bounds(**{key: float(value) for key, value in tomllib.loads(declared.read_text()).items()})
    spec = TargetSpec(
        name=f"{claim}/{specimen}",
        directory=folder,
        command=(sys.executable, str(script)),
        environment={"SIGNING_KEY": made_up("SIGNING_KEY", SettingKind.SECRET)},
        dependencies=(DependencySpec("database", "postgresql", "DATABASE_URL", found_by="selftest"),),
        bounds=bounds,
    )
    return Target(spec)


async def run_selftest(only: Sequence[str], *, own_claim_only: bool, jobs: int, out: Path, console: Console) -> bool:
    """Inspect the specimens and print a table. Return whether every one was judged as labelled.

    Raises:
        UsageError: a claim does not exist, or there are no specimens.
    """
    configuration.kinds_for(only)
    claims = [claim.id for claim in catalogue() if not only or claim.id in only]
    lanes = asyncio.Semaphore(jobs)
    done: list[Outcome] = []

    async def one(claim: str, specimen: str) -> None:
        async with lanes:
            outcome = await _inspect(claim, specimen, (claim,) if own_claim_only else (), out)
        done.append(outcome)
        mark = "as labelled" if outcome.as_labelled else "NOT AS LABELLED"
        shown = outcome.verdict.value if outcome.verdict else outcome.error
        console.print(
            f"[{len(done)}/{2 * len(claims)}] {claim} {specimen}: {shown} ({outcome.seconds:.0f} s), {mark}",
            highlight=False,
            markup=False,
        )

    async with asyncio.TaskGroup() as tasks:
        for claim in claims:
            for specimen in EXPECTED:
                tasks.create_task(one(claim, specimen))
    return _print(done, console)


async def _inspect(claim: str, specimen: str, only: tuple[str, ...], out: Path) -> Outcome:
    began = time.monotonic()
    inspection: Inspection = await configuration.inspect(
        target_of(claim, specimen), out / f"{claim}-{specimen}", _Silent(), only=only
    )
    verdicts = {result.claim.id: result.verdict for result in inspection.results}
    return Outcome(claim, specimen, verdicts, time.monotonic() - began, inspection.error)


def _print(outcomes: Iterable[Outcome], console: Console) -> bool:
    """Print the table, and what a broken specimen refutes beside its own claim."""
    by_pair = {(each.claim, each.specimen): each for each in outcomes}
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("claim", "keeps", "breaks", "also refuted by the broken one alone"):
        table.add_column(column, overflow="fold")
    labelled = beside = 0
    for claim in sorted({claim for claim, _ in by_pair}):
        keeps, breaks = by_pair[claim, "keeps"], by_pair[claim, "breaks"]
        labelled += keeps.as_labelled + breaks.as_labelled
        others = [
            other
            for other, verdict in breaks.verdicts.items()
            if other != claim and verdict is Verdict.REFUTED and keeps.verdicts.get(other) is not Verdict.REFUTED
        ]
        beside += len(others)
        table.add_row(claim, _shown(keeps), _shown(breaks), ", ".join(others) or "none")
    console.print(table)
    total = len(by_pair)
    console.print(f"{labelled} of {total} specimens judged as labelled; {beside} claims refuted beside their own")
    return labelled == total and beside == 0


def _shown(outcome: Outcome) -> str:
    return outcome.verdict.value if outcome.verdict else f"could not run: {outcome.error}"


class _Silent:
    """A listener that says nothing: the self-test prints a line a specimen."""

    def plan(self, items: Sequence[tuple[str, str, float]]) -> None:
        pass

    def started(self, item: str) -> None:
        pass

    def note(self, item: str, text: str) -> None:
        pass

    def finished(self, item: str, text: str) -> None:
        pass

    def message(self, text: str) -> None:
        pass
