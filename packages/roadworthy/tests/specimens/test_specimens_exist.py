"""Every claim has its two specimens, each says what it is, and none of them tampers with what they share."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2]
SPECIMENS = PACKAGE / "specimens"
CLAIM_FILES = PACKAGE.glob("src/roadworthy/claims/*/[!_]*.py")
CLAIMS = sorted(path.stem.replace("_", "-") for path in CLAIM_FILES)
PAIRS = [(claim, which) for claim in CLAIMS for which in ("keeps", "breaks")]


def parsed(claim: str, which: str) -> ast.Module:
    return ast.parse((SPECIMENS / claim.replace("-", "_") / f"{which}.py").read_text())


def test_there_is_a_folder_for_each_claim_and_no_other() -> None:
    folders = {path.name for path in SPECIMENS.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert len(CLAIMS) >= 18
    assert folders == {claim.replace("-", "_") for claim in CLAIMS}


@pytest.mark.parametrize(("claim", "which"), PAIRS)
def test_its_docstring_says_in_one_sentence_what_it_keeps_or_breaks(claim: str, which: str) -> None:
    docstring = ast.get_docstring(parsed(claim, which)) or ""
    assert docstring.startswith(f"{which.capitalize()} {claim}: ")
    assert docstring.endswith(".")
    assert ". " not in docstring
    assert "\n" not in docstring


@pytest.mark.parametrize(("claim", "which"), PAIRS)
def test_it_is_a_subclass_of_the_honest_service(claim: str, which: str) -> None:
    module = parsed(claim, which)
    imported = {
        alias.name
        for node in module.body
        if isinstance(node, ast.ImportFrom) and node.module == "_service"
        for alias in node.names
    }
    assert "Service" in imported
    bases = {
        node.name: [base.id for base in node.bases if isinstance(base, ast.Name)]
        for node in module.body
        if isinstance(node, ast.ClassDef)
    }
    assert bases["Specimen"] == ["Service"]


@pytest.mark.parametrize(("claim", "which"), PAIRS)
def test_it_does_not_patch_what_it_imports(claim: str, which: str) -> None:
    module = parsed(claim, which)
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(module)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    patched = {
        ast.unparse(node)
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id in imported
    }
    assert not patched
    assert not [node for node in ast.walk(module) if isinstance(node, ast.Name) and node.id == "setattr"]


@pytest.mark.parametrize("claim", CLAIMS)
def test_the_two_differ(claim: str) -> None:
    def code(which: str) -> str:
        module = parsed(claim, which)
        return ast.dump(ast.Module(module.body[1:], []))

    assert code("keeps") != code("breaks")
