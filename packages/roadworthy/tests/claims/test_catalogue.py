"""The catalogue: complete, discovered, documented, and pure."""

import ast
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from roadworthy import claims
from roadworthy.claims.catalogue import CatalogueError, catalogue, collect, module_names
from roadworthy.domain.claim import Claim
from roadworthy.domain.evidence import Evidence
from roadworthy.domain.verdict import Severity

EXPECTED = {
    "config-missing-fails-fast": ("configuration", Severity.HIGH),
    "config-error-names-key": ("configuration", Severity.MEDIUM),
    "startup-time-bounded": ("startup", Severity.MEDIUM),
    "startup-restart-idempotent": ("startup", Severity.HIGH),
    "health-exists": ("health", Severity.HIGH),
    "readiness-false-when-dependency-down": ("health", Severity.CRITICAL),
    "readiness-recovers": ("health", Severity.CRITICAL),
    "input-body-limited": ("input", Severity.HIGH),
    "secrets-not-exposed": ("observability", Severity.CRITICAL),
    "logs-structured": ("observability", Severity.MEDIUM),
    "error-no-stack-trace": ("errors", Severity.CRITICAL),
    "error-no-5xx-on-bad-input": ("errors", Severity.HIGH),
    "dependency-really-used": ("dependencies", Severity.CRITICAL),
    "database-refused-clean": ("dependencies", Severity.CRITICAL),
    "database-silent-bounded": ("dependencies", Severity.CRITICAL),
    "durable-acked-writes": ("durability", Severity.CRITICAL),
    "sigterm-exits": ("shutdown", Severity.HIGH),
    "sigterm-drains": ("shutdown", Severity.CRITICAL),
}
FOLDER = Path(next(iter(claims.__path__)))
FORBIDDEN = {
    "socket",
    "subprocess",
    "asyncio",
    "os",
    "pathlib",
    "io",
    "shutil",
    "tempfile",
    "urllib",
    "http",
    "threading",
}

every_claim = pytest.mark.parametrize("claim", catalogue(), ids=lambda claim: claim.id)


def test_has_exactly_these_claims_with_these_severities() -> None:
    assert {claim.id: (claim.category, claim.severity) for claim in catalogue()} == EXPECTED


def test_is_sorted_by_category_and_id() -> None:
    keys = [(claim.category, claim.id) for claim in catalogue()]
    assert keys == sorted(keys)


def test_no_file_and_no_category_is_left_over() -> None:
    files = {path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.py")}
    shared = {name for name in files if name.rpartition("/")[2].startswith("_")}
    expected = {f"{category}/{claim.replace('-', '_')}" for claim, (category, _) in EXPECTED.items()}
    assert files - shared - {"catalogue"} == expected
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == {category for category, _ in EXPECTED.values()}


@every_claim
def test_each_lives_in_the_file_named_for_it_and_has_a_test_file(claim: Claim) -> None:
    underscored = claim.id.replace("-", "_")
    assert claim.judge.__module__ == f"roadworthy.claims.{claim.category}.{underscored}"
    assert claim.judge.__name__ == "judge"
    assert (Path(__file__).parent / f"test_{underscored}.py").is_file()


@every_claim
def test_each_is_documented(claim: Claim) -> None:
    for text in (claim.statement, claim.refuted_title, claim.why, claim.how_judged, claim.false_positives):
        assert text.strip() == text
        assert text
        assert "!" not in text
    assert claim.statement.endswith(".")
    assert not claim.refuted_title.endswith(".")
    for verdict in ("Holds", "Violated", "Unproven"):
        assert f"- {verdict}" in claim.how_judged
    assert claim.references


@every_claim
def test_each_has_remedies_that_begin_with_what_to_do(claim: Claim) -> None:
    assert 2 <= len(claim.remedies) <= 5
    assert len({remedy.stack for remedy in claim.remedies}) == len(claim.remedies)
    for remedy in claim.remedies:
        assert re.fullmatch(r"\d+ (minutes?|hours?)|half a day", remedy.effort)
        assert len(remedy.text.strip().splitlines()[0]) <= 120
        assert remedy.text.count("```") % 2 == 0


@every_claim
def test_each_declares_its_evidence(claim: Claim) -> None:
    assert claim.requires
    assert all(issubclass(kind, Evidence) for kind in claim.requires)


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.stem)
def test_claims_do_no_io_and_never_import_each_other(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    assert not {name.partition(".")[0] for name in imported} & FORBIDDEN
    if path.stem == "catalogue":
        return
    ours = {name for name in imported if name.startswith("roadworthy")}
    assert all(re.fullmatch(r"roadworthy\.domain\.\w+|roadworthy\.claims\._\w+", name) for name in ours)
    assert not any(
        isinstance(n, ast.Call) and getattr(n.func, "id", "") == "open" for n in ast.walk(ast.parse(path.read_text()))
    )


def _module(name: str, **content: object) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(content)
    return module


def test_a_duplicate_id_is_an_error_that_names_both() -> None:
    claim = catalogue()[0]
    with pytest.raises(CatalogueError, match=rf'"{claim.id}".* in one and in two; rename one'):
        collect([_module("one", CLAIM=claim), _module("two", CLAIM=claim)])


@pytest.mark.parametrize("content", [{}, {"CLAIM": "a claim"}])
def test_a_module_without_a_claim_is_an_error_that_says_what_to_do(content: dict[str, object]) -> None:
    with pytest.raises(CatalogueError, match="lonely has no CLAIM of type Claim"):
        collect([_module("lonely", **content)])


def test_module_names_leave_out_helpers_and_the_catalogue_itself() -> None:
    names = module_names()
    assert len(names) == len(EXPECTED)
    assert all(hasattr(import_module(name), "CLAIM") for name in names)
