"""The catalogue on the terminal."""

from roadworthy.claims.catalogue import catalogue


def words(text: str) -> str:
    """A text without regard to where its lines break."""
    return " ".join(text.split())


def test_every_claim_is_listed_with_its_severity_and_its_statement(roadworthy) -> None:
    ran = roadworthy("claims")
    assert ran.status == 0
    lines = ran.out.splitlines()
    for claim in catalogue():
        line = next(line for line in lines if line.strip().startswith(f"{claim.id} "))
        assert claim.severity.value in line
        assert claim.statement in line
        assert any(line.strip() == claim.category for line in lines)


def test_one_claim_is_told_in_full(roadworthy) -> None:
    claim = next(each for each in catalogue() if each.id == "sigterm-drains")
    ran = roadworthy("claims", "sigterm-drains")
    assert ran.status == 0
    parts = [claim.statement, claim.why, claim.how_judged, claim.false_positives]
    said = words(ran.out)
    for text in (*parts, *(remedy.text for remedy in claim.remedies), *claim.references):
        assert words(text) in said


def test_an_unknown_claim_is_refused(roadworthy) -> None:
    ran = roadworthy("claims", "nothing")
    assert ran.status == 2
    assert "there is no claim 'nothing'; `roadworthy claims` lists them" in ran.err


def test_help_says_how_to_start_and_what_the_exit_status_means(roadworthy) -> None:
    for arguments in ((), ("--help",)):
        said = roadworthy(*arguments).said
        assert "roadworthy inspect -- python -m uvicorn app:app" in said
        assert "Exit status: 0 gate passed" in said
