"""The command line."""

import asyncio
import contextlib
import signal
import sys
import traceback
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from roadworthy import __version__, configuration
from roadworthy.claims.catalogue import catalogue
from roadworthy.domain.inspection import COULD_NOT_RUN, PROFILES, Inspection
from roadworthy.recording.writer import RecordingError
from roadworthy.report import terminal
from roadworthy.report.catalogue import render_catalogue, render_claim
from roadworthy.report.files import ReportError, write_reports
from roadworthy.report.progress import Progress
from roadworthy.runner import TARGET_ERRORS
from roadworthy.target.inference import infer
from roadworthy.target.manifest_problems import ManifestError
from roadworthy.target.manifest_writer import write_manifest

T = TypeVar("T")
DEFAULT_OUT = Path("roadworthy-report")
INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="roadworthy")
def main() -> None:
    """Prove by experiment whether an HTTP service is ready for production.

    Roadworthy starts the service, takes its dependencies away, kills it and feeds it bad input. For each claim it says
    PROVEN, REFUTED, UNPROVEN or NOT APPLICABLE, with evidence that can be replayed.

    \b
    Start here:
      cd my-service
      roadworthy inspect -- python -m uvicorn app:app     no manifest needed
      roadworthy init -- python -m uvicorn app:app        writes what it inferred to roadworthy.toml
      roadworthy inspect .                                uses roadworthy.toml

    \b
    Exit status: 0 gate passed, 1 a gating claim is refuted, 2 the tool or the target could not run,
    3 nothing is refuted but a gating claim is unproven.
    """


@main.command()
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[TARGET] [-- COMMAND...]")
@click.option(
    "--out", type=click.Path(path_type=Path), default=DEFAULT_OUT, show_default=True, help="Folder for the reports."
)
@click.option("--profile", type=click.Choice(sorted(PROFILES)), help="What gates: internal (critical claims), standard "
    "(critical and high), critical (also medium). The manifest's, else standard.")  # fmt: skip
@click.option("--only", multiple=True, metavar="CLAIM", help="Judge only this claim; can be given several times.")
@click.option("--budget", type=click.FloatRange(min=1), default=900, show_default=True, metavar="SECONDS",
    help="Begin no experiment after this time.")  # fmt: skip
@click.option("--i-own-this", is_flag=True, help="Use servers that are not on this machine.")
@click.pass_context
def inspect(
    context: click.Context,
    arguments: tuple[str, ...],
    out: Path,
    profile: str | None,
    only: tuple[str, ...],
    budget: float,
    *,
    i_own_this: bool,
) -> None:
    """Inspect a service and report.

    TARGET is a folder with a roadworthy.toml. Without one, give the command that starts the service after `--`; it runs
    in the current folder, is told its port in PORT, and everything else is inferred.
    """
    console = Console()
    with _errors():
        target = _target(arguments)
        if not i_own_this:
            configuration.check_ownership(target.spec)
        out = out.resolve()
        configuration.make_room(out)
        for note in target.notes:
            console.print(f"note: {note}", style="dim", highlight=False, markup=False)
        with Progress(console) as progress:
            inspection = _run(
                configuration.inspect(target, out, progress, profile=profile or "", only=only, budget_s=budget)
            )
        context.exit(_report(inspection, out, console))


@main.command("judge")
@click.argument("recording", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Also write the reports to this folder.")
@click.pass_context
def judge_command(context: click.Context, recording: Path, out: Path | None) -> None:
    """Judge a stored RECORDING again. The verdicts are those of the run that made it."""
    console = Console()
    with _errors():
        inspection = configuration.judge(recording.resolve())
        context.exit(_report(inspection, out.resolve() if out else None, console))


@main.command()
@click.argument("finding", metavar="FINDING")
@click.option("--out", type=click.Path(path_type=Path), default=Path("roadworthy-replay"), show_default=True,
    help="Folder for the replay's recording.")  # fmt: skip
@click.option("--budget", type=click.FloatRange(min=1), default=600, show_default=True, metavar="SECONDS")
@click.pass_context
def replay(context: click.Context, finding: str, out: Path, budget: float) -> None:
    """Show a counterexample again, from a fresh start.

    FINDING is REPORT_FOLDER#CLAIM, as reports print it. Exit status: 1 it was seen again, 0 the claim held this time,
    2 it could not be run, 3 undecided.
    """
    console = Console()
    with _errors():
        folder, _, claim = finding.rpartition("#")
        if not folder:
            raise configuration.UsageError(f"{finding!r} names no claim; expected REPORT_FOLDER#CLAIM")
        with Progress(console) as progress:
            found = _run(configuration.replay(Path(folder).resolve(), claim, out.resolve(), progress, budget_s=budget))
        console.print(f"{claim}: {found.outcome.value}", style="bold", highlight=False, markup=False)
        console.print(found.summary, highlight=False, markup=False)
        for exhibit in found.exhibits[:8]:
            console.print(f"  {exhibit.kind}: {exhibit.text}", highlight=False, markup=False)
        context.exit({"violated": 1, "held": 0}.get(found.outcome.value, 3))


@main.command()
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND...", required=True)
@click.option("--directory", type=click.Path(path_type=Path, exists=True, file_okay=False), default=Path())
@click.pass_context
def init(context: click.Context, command: tuple[str, ...], directory: Path) -> None:
    """Write what can be inferred about a service to roadworthy.toml, for you to correct and keep.

    The service is started once, to find its endpoints and a transaction that works.
    """
    console = Console()
    with _errors():
        spec, _ = infer(_after_dashes(command), directory.resolve(), configuration.own_environment())
        path = directory.resolve() / configuration.MANIFEST
        with Progress(console) as progress:
            learnt = _run(configuration.learn(spec, progress))
        write_manifest(learnt, path)
        console.print(
            f"wrote {path.name}: read it, correct it, and run: roadworthy inspect {directory}", highlight=False
        )
        context.exit(0)


@main.command()
@click.argument("claim", required=False)
@click.pass_context
def claims(context: click.Context, claim: str | None) -> None:
    """Print the catalogue of claims, or the whole documentation of one CLAIM."""
    console = Console()
    with _errors():
        if claim is None:
            render_catalogue(catalogue(), console)
            context.exit(0)
        found = next((each for each in catalogue() if each.id == claim), None)
        if found is None:
            raise configuration.UsageError(f"there is no claim {claim!r}; `roadworthy claims` lists them")
        render_claim(found, console)


@main.command()
@click.option("--only", multiple=True, metavar="CLAIM", help="Test only this claim; can be given several times.")
@click.option("--own-claim-only", is_flag=True, help="Judge each specimen on its own claim alone: quicker.")
@click.option(
    "--jobs", type=click.IntRange(1, 4), default=2, show_default=True, help="Specimens inspected side by side."
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("roadworthy-selftest"), show_default=True)
@click.pass_context
def selftest(context: click.Context, only: tuple[str, ...], own_claim_only: bool, jobs: int, out: Path) -> None:
    """Inspect the two specimens of every claim: one that keeps it and one that breaks only it.

    This shows that each check can fail, and that it fails for the right service.
    """
    from roadworthy.selftest import run_selftest  # noqa: PLC0415 - it needs the selftest extra

    console = Console()
    with _errors():
        passed = _run(run_selftest(only, own_claim_only=own_claim_only, jobs=jobs, out=out.resolve(), console=console))
        context.exit(0 if passed else 1)


def _target(arguments: tuple[str, ...]) -> configuration.Target:
    """Tell a folder from a command: click has removed the ``--``, so look at what was typed."""
    typed = sys.argv[1:]
    if "--" in typed:
        command = tuple(typed[typed.index("--") + 1 :])
        folder = arguments[: len(arguments) - len(command)]
        if not command:
            raise configuration.UsageError("nothing after `--`; expected the command that starts the service")
        directory = Path(folder[0]) if folder else Path()
        if not directory.is_dir():
            raise configuration.UsageError(f"{directory} is not a folder; the command after `--` runs in it")
        return configuration.target_from_command(command, directory.resolve())
    if len(arguments) > 1:
        raise configuration.UsageError("put `--` before the command: roadworthy inspect -- " + " ".join(arguments))
    given = arguments[0] if arguments else "."
    if given.startswith(("http://", "https://")):
        raise configuration.UsageError("a URL cannot be inspected yet: give a folder, or a command after `--`")
    return configuration.target_from_folder(Path(given).resolve())


def _after_dashes(command: tuple[str, ...]) -> tuple[str, ...]:
    return command[1:] if command and command[0] == "--" else command


def _report(inspection: Inspection, out: Path | None, console: Console) -> int:
    written = write_reports(inspection, out) if out is not None else {}
    shown = str(written.get("report.html", ""))
    terminal.render(inspection, console, shown)
    return inspection.exit_status()


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run until done; Ctrl-C and SIGTERM end everything that was started, then this."""

    async def with_sigterm() -> T:
        task = asyncio.current_task()
        if task is not None:
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        return await work

    return asyncio.run(with_sigterm())


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """Turn expected errors into one clear message and exit status 2."""
    error = Console(stderr=True, soft_wrap=True)
    try:
        yield
    except (KeyboardInterrupt, asyncio.CancelledError):
        error.print("interrupted; everything that was started has been ended", highlight=False)
        sys.exit(INTERRUPTED)
    except (ManifestError, configuration.UsageError, RecordingError, ReportError) as problem:
        error.print(f"roadworthy: {problem}", highlight=False, markup=False)
        sys.exit(COULD_NOT_RUN)
    except TARGET_ERRORS as problem:
        error.print(f"roadworthy: {problem}", highlight=False, markup=False)
        sys.exit(COULD_NOT_RUN)
    except (click.exceptions.Exit, click.ClickException, click.Abort):
        raise
    except Exception as bug:  # noqa: BLE001 - a crash must not look like the exit status of a refuted claim
        place = traceback.extract_tb(bug.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        # Its text stays out: it may quote a secret.
        error.print(f"roadworthy: a fault of its own: {type(bug).__name__} at {where}. Please report it.", markup=False)
        sys.exit(COULD_NOT_RUN)
