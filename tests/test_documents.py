"""The documents say what is so: generated pages, dependencies, options, keys; and nothing names a machine."""

import ast
import fnmatch
import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from types import ModuleType, NoneType
from typing import Any, get_args, get_origin

import click
import pytest
from packaging.requirements import Requirement
from pydantic import BaseModel
from roadworthy.claims.catalogue import catalogue
from roadworthy.cli import main
from roadworthy.domain.verdict import Verdict
from roadworthy.target.manifest_document import Document

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "packages" / "roadworthy" / "src"


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


# What is in the repository. Not by asking git: a machine that runs the tests need not have it.

IGNORED = [line.rstrip("/") for line in read(".gitignore").splitlines() if line] + [".git"]


def ours(folder: Path = ROOT) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if not any(fnmatch.fnmatch(path.name, pattern) for pattern in IGNORED):
            yield from ours(path) if path.is_dir() and not path.is_symlink() else [path]


# Pages that are generated


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_claim_pages_are_those_that_make_docs_writes() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "claims").iterdir()}
    assert written == script("generate_claims").pages(catalogue()), "run: make docs"


def test_the_readme_shows_a_verdict_on_every_claim_and_no_other() -> None:
    block = script("verdict_table").BLOCK.search(read("README.md"))
    assert block is not None
    rows = re.findall(r"^\| \[([a-z0-9-]+)\]\(docs/claims/\1\.md\) \| ([A-Z ]+)", block[0], re.MULTILINE)
    assert sorted(claim for claim, _ in rows) == sorted(claim.id for claim in catalogue())
    assert {verdict.strip().replace(" ", "_") for _, verdict in rows} <= set(Verdict)


def test_the_verdict_table_keeps_a_summary_from_breaking_its_row() -> None:
    claim = {
        "id": "a-claim",
        "verdict": "UNPROVEN",
        "reason": "flaky",
        "configuration": "sqlite",
        "summary": "a|b <i> " * 40,
    }
    gate = {"meaning": "passed", "exit_status": 0}
    report = {"target": "x", "configurations": ["postgresql", "sqlite"], "profile": "standard", "seconds": 1.0}
    text = script("verdict_table").table({**report, "environment": {"cores": "2"}, "gate": gate, "claims": [claim]})
    row = text.splitlines()[-1]
    assert row.startswith("| [a-claim](docs/claims/a-claim.md) | UNPROVEN (flaky) | (sqlite) a\\|b \\<i\\> ")
    assert row.endswith(" ... |")
    assert len(re.findall(r"(?<!\\)\|", row)) == 4


# Dependencies

PROJECTS = sorted(path for path in ours() if path.name == "pyproject.toml")
OURS = {"roadworthy", "roadworthy-chassis", "roadworthy-spyne"}


def names_in(pyproject: Path) -> set[str]:
    """Return what a pyproject.toml asks for: to run, by extra, by group and to build."""
    data = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    project = data.get("project", {})
    asked = [*project.get("dependencies", []), *data.get("build-system", {}).get("requires", [])]
    for more in (project.get("optional-dependencies", {}), data.get("dependency-groups", {})):
        asked += [each for group in more.values() for each in group]
    return {normal(each) for each in asked}


def normal(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def test_every_dependency_has_its_reason_and_licence() -> None:
    rows = re.findall(r"^\| ([a-z0-9-]+) \|(.*)\|$", read("docs/dependencies.md"), re.MULTILINE)
    explained = {name: cells for name, cells in rows if name != "name"}
    assert set(explained) == set().union(*(names_in(path) for path in PROJECTS))
    assert all(cell.strip() for cells in explained.values() for cell in cells.split("|"))


def test_the_lock_holds_every_dependency_with_hashes() -> None:
    entries = re.split(r"^(?=[a-z0-9])", read("requirements.lock"), flags=re.MULTILINE)[1:]
    locked = {normal(entry) for entry in entries}
    assert set().union(*(names_in(path) for path in PROJECTS)) - locked == OURS
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_lock_pins_what_is_required_with_extras_with_the_same_extras() -> None:
    """Else pip looks for the newest release of ``name[extra]``, and the set-up breaks on the day when there is one."""
    pinned = set(re.findall(r"^([a-z0-9-]+\[[a-z0-9,-]+\])==", read("requirements.lock"), re.MULTILINE))
    locked = set(re.findall(r"^([a-z0-9-]+)[=\[]", read("requirements.lock"), re.MULTILINE))
    wanted = {
        f"{requirement.name}[{','.join(sorted(requirement.extras))}]"
        for package in locked
        for requirement in needs_of(package)
        if requirement.extras
    }
    assert "coverage[toml]" in wanted
    assert wanted <= pinned, "write the lock anew, as CONTRIBUTING.md says"


def needs_of(package: str) -> list[Requirement]:
    """What an installed package needs here, its own extras aside; nothing for one that is not installed here."""
    try:
        needs = [Requirement(need) for need in requires(package) or ()]
    except PackageNotFoundError:
        return []
    return [need for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]


def test_every_package_that_the_inspector_imports_is_declared() -> None:
    declared = names_in(ROOT / "packages" / "roadworthy" / "pyproject.toml")
    owners = packages_distributions()
    undeclared = {
        f"{path.relative_to(SOURCE)}: {module}"
        for path in SOURCE.rglob("*.py")
        for module in imports(path)
        if module not in sys.stdlib_module_names and module not in ("roadworthy", "sitecustomize")
        if declared.isdisjoint(normal(owner) for owner in owners.get(module, [module]))
    }
    assert undeclared == set()


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).partition(".")[0])
    return found


# Options and keys


@pytest.mark.parametrize("name", sorted(main.commands))
def test_the_command_line_is_documented_with_every_option_and_default(name: str) -> None:
    _, _, after = read("docs/command-line.md").partition(f"\n## roadworthy {name}\n")
    section = after.partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(--[a-z-]+).*?` \| (.*?) \|", section, re.MULTILINE))
    options = {each.opts[0]: each for each in main.commands[name].params if isinstance(each, click.Option)}
    assert set(rows) == set(options)
    shown = {option: str(each.default) for option, each in options.items() if each.show_default}
    assert {option: rows[option].strip("`") for option in shown} == shown


def keys(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name
        for kind in models(field.annotation):
            yield from keys(kind)


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the tables that a field's type names, however it is wrapped."""
    if isinstance(annotation, type) and not get_origin(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    elif annotation is not NoneType:
        for part in get_args(annotation):
            yield from models(part)


def test_every_key_of_the_manifest_is_documented() -> None:
    page = read("docs/manifest.md")
    every = set(keys(Document))
    assert {"target", "command", "waivers", "readiness_s", "capture"} <= every  # it really walks into the tables
    assert {key for key in every if not re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", page)} == set()


# What no file may name


def texts() -> Iterator[tuple[str, str]]:
    for path in ours():
        try:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture, a compressed recording


# Written in two parts, so that this file does not name them either.
HOSTS = [
    "pypi" + ".org", "python" + "hosted", "npmjs" + ".org", "npmjs" + ".com", "crates" + ".io", "golang" + ".org",
    "maven" + ".org", "rubygems" + ".org", "packagist" + ".org", "index" + "-url =",
]  # fmt: skip


def test_no_file_names_the_host_of_a_package_registry() -> None:
    assert [f"{path}: {host}" for path, text in texts() for host in HOSTS if host in text] == []


def test_no_file_names_a_folder_of_the_machine_that_it_was_written_on() -> None:
    folders = {str(ROOT), str(Path.home()), sys.prefix} - {"/", "/root"}
    personal = re.compile(r"(?<![\w./-])/(?:home|Users|root|work)/[A-Za-z0-9]")
    named = [
        f"{path}: {found}"
        for path, text in texts()
        for found in [*(folder for folder in folders if folder in text), *personal.findall(text)]
    ]
    assert named == []


def test_no_file_of_secrets_is_committed_and_git_leaves_them_out() -> None:
    secret = [".env.*", "*.env", "*.pem", "*.key", "id_rsa*", "credentials*.json"]
    found = [path for path in ours() if any(fnmatch.fnmatch(path.name, pattern) for pattern in secret)]
    assert [path.name for path in found if path.name != ".env.example"] == []
    assert ".env" in IGNORED


# Sizes and links


@pytest.mark.parametrize(("path", "longest"), [("ARCHITECTURE.md", 60), ("Makefile", 40), ("README.md", 120)])
def test_what_is_read_first_stays_short(path: str, longest: int) -> None:
    assert len(read(path).splitlines()) <= longest


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in ours()
        if path.suffix == ".md"
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_the_architecture_names_every_part_and_every_contract_is_explained() -> None:
    page = read("ARCHITECTURE.md")
    package = SOURCE / "roadworthy"
    parts = {path.stem for path in package.iterdir() if not path.name.startswith("__")}
    assert {part for part in parts if f"| `{part}` |" not in page} == {"py"}  # py.typed is no part
    contracts: list[Mapping[str, Any]] = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    stated = re.findall(r"^\d+\. (.*?)[.:](?:\s|$)", re.sub(r"\n {3}", " ", page), re.MULTILINE)
    assert [each.partition(":")[0] for each in stated] == [str(each["name"]).partition(":")[0] for each in contracts]
