"""The replay command that a report prints, run as it is printed."""

import re
import shlex


def test_the_printed_command_shows_the_counterexample_again(inspected) -> None:
    printed = re.search(r"replay: (roadworthy replay .*)", inspected.ran.out)
    assert printed is not None
    program, *arguments = shlex.split(printed[1].strip())
    assert program == "roadworthy"
    ran = inspected.line(*arguments, "--out", "replayed")
    assert ran.status == 1, ran.said
    assert "error-no-stack-trace: violated" in ran.out
    assert "carry a stack trace" in ran.out
    assert (inspected.line.home / "replayed" / "recording" / "events.jsonl").is_file()
    inspected.line.until_nothing_is_left()


def test_a_claim_without_a_counterexample_cannot_be_replayed(inspected) -> None:
    ran = inspected.line("replay", "out#health-exists", "--out", "replayed-nothing")
    assert ran.status == 2
    assert "holds no counterexample for health-exists: nothing to replay" in ran.err
    assert not (inspected.line.home / "replayed-nothing").exists()


def test_a_replay_does_not_overwrite_what_it_replays(inspected) -> None:
    ran = inspected.line("replay", "out#error-no-stack-trace", "--out", "out")
    assert ran.status == 2
    assert "would overwrite the recording" in ran.err
    assert (inspected.out / "recording" / "events.jsonl").is_file()


def test_what_names_no_claim_is_refused(roadworthy) -> None:
    ran = roadworthy("replay", "out")
    assert ran.status == 2
    assert "names no claim; expected REPORT_FOLDER#CLAIM" in ran.err


def test_an_unknown_claim_is_refused(inspected) -> None:
    ran = inspected.line("replay", "out#no-such-claim")
    assert ran.status == 2
    assert "there is no claim 'no-such-claim'" in ran.err
