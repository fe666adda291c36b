"""Documents from declarations, and the ones that have drifted."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

DOCUMENTS = {
    "settings": "| `LEDGER_KEEP_DAYS` | a number of at least 0 | `30.0` | For how long entries are kept |",
    "env": "#LEDGER_KEEP_DAYS=30.0",
    "dependencies": "| cache | valkey | no | totals are added up each time |",
    "alerts": "      - alert: LedgerCacheDown",
    "manifest": 'command = ["python", "-m", "chassis", "ledger:application", "serve"]',
}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_passes_its_check_until_it_drifts(ledger: Any, document: str) -> None:
    ledger.settings.clear()  # none of them needs the settings to be set
    written = ledger.run("describe", document)
    assert written.status == 0
    assert DOCUMENTS[document] in written.out.splitlines() or DOCUMENTS[document] in written.out
    page = ledger.folder / "page"
    page.write_text(f"# More\n\n{written.out}\nand more\n")
    assert ledger.run("describe", document, "--check", "page").status == 0
    page.write_text(written.out.replace(DOCUMENTS[document], "changed by hand"))
    drifted = ledger.run("describe", document, "--check", "page")
    assert drifted.status == 1
    assert "-changed by hand" in drifted.out
    assert f"python -m chassis ledger:application describe {document} > page" in drifted.err


def test_a_document_that_is_not_there_has_drifted(ledger: Any) -> None:
    assert ledger.run("describe", "alerts", "--check", "none.yml").status == 1


def test_the_manifest_is_one_that_a_reader_of_toml_understands(ledger: Any) -> None:
    manifest = tomllib.loads(ledger.run("describe", "manifest").out)
    assert manifest["target"]["name"] == "ledger"
    assert manifest["dependencies"]["database"]["variable"] == "LEDGER_DATABASE_URL"


def test_a_real_env_file_that_is_checked_by_mistake_is_not_shown(ledger: Any) -> None:
    secrets = {"LEDGER_SIGNING_KEY": "uHs73-mmQx0LpZ49vTnEw8", "LEDGER_DATABASE_URL": "postgresql://u:dbPw77!x@h/n",
               "LEDGER_MAIL_PASSWORD": "correct horse battery"}  # fmt: skip
    Path(ledger.folder, ".env").write_text("".join(f"{key}={json.dumps(value)}\n" for key, value in secrets.items()))
    said = ledger.run("describe", "env", "--check", ".env")
    assert said.status == 1
    assert "LEDGER_SIGNING_KEY" in said.out
    assert not [text for text in ("uHs73-mmQx0LpZ49vTnEw8", "dbPw77!x", "correct horse") if text in said.out + said.err]
