"""The self-test, over three claims that are quick to judge."""

import re

CLAIMS = ("health-exists", "sigterm-drains", "config-error-names-key")


def test_three_pairs_of_specimens_are_judged_as_labelled(roadworthy) -> None:
    only = [part for claim in CLAIMS for part in ("--only", claim)]
    ran = roadworthy("selftest", "--own-claim-only", "--out", "out", *only)
    assert ran.status == 0, ran.said
    assert "6 of 6 specimens judged as labelled; 0 claims refuted beside their own" in ran.out
    assert "NOT AS LABELLED" not in ran.out
    for claim in CLAIMS:
        assert re.search(rf"^{claim} +PROVEN +REFUTED +none *$", ran.out, re.MULTILINE)
        for specimen in ("keeps", "breaks"):
            assert (roadworthy.home / "out" / f"{claim}-{specimen}" / "recording" / "events.jsonl").is_file()


def test_an_unknown_claim_is_refused(roadworthy) -> None:
    ran = roadworthy("selftest", "--only", "no-such-claim")
    assert ran.status == 2
    assert "there is no claim 'no-such-claim'" in ran.err
