"""Twenty-four secrets, planted wherever a service has some: no command shows one, and neither does the bundle."""

import base64
import json
import zipfile
from typing import Any
from urllib.parse import quote

KEY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"

IN_SETTINGS = {
    "database": "dbPw!7Kx/qq@2",
    "cache": "cachePw-91x",
    "limits": "limitsPw-55z",
    "signing key": "q8ZnA-4mmLwT_0vXyRb6sEhU2dJcPk9f",
    "hook": "T0Q4Zk1/B9xx/w0h3hookZz71",
    "mail": "correct horse 3 battery",
}
IN_ENVIRONMENT = {
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENGbPxRfiCY",
    "SENTRY_DSN": "https://9f1c0ffee0dd4e55@sentry.example.org/7",
    "PARTNER_URL": "https://partner:pArtnerPw-8@partner.example.org",
}
IN_ENV_FILE = {"LEDGER_OLD_TOKEN": "old-tok-5kQ2vv81", "UNRELATED_API_KEY": "unrel-77-aKz0Lm"}
IN_LOG = {
    "bearer": "brr-0Lk3jH8s7dF6",
    "cookie": "sid-Zz81kQ0pLm",
    "api key header": "xak-4Rt6yU8iO0",
    "body password": "hunter-2-Summer",
    "refresh token": "rft-9aB8cD7eF6",
    "escaped body": "esc-1Qw2eR3tY4",
    "basic": base64.b64encode(b"admin:basicPw-31").decode(),
    "form": "frm-6Yh5gT4fR3",
    "query": "qry-2Sx1dC4vB7",
    "address": "adrPw-8uJm3",
    "web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLTE3",
    "driver": "drv-0oP9iU8yT7",
    "private key": KEY,
}


def log_lines() -> list[str]:
    """Return lines as programs write them that were not told to keep secrets: headers, bodies, addresses, errors."""
    secret = IN_LOG
    headers = {"Authorization": f"Bearer {secret['bearer']}", "Cookie": f"session={secret['cookie']}",
               "X-API-Key": secret["api key header"], "Accept": "text/plain"}  # fmt: skip
    body = {"user": "ada", "password": secret["body password"], "also": [{"refresh_token": secret["refresh token"]}]}
    escaped = json.dumps({"password": secret["escaped body"]})
    return [
        json.dumps({"level": "INFO", "message": "request", "context": {"headers": headers, "body": body}}),
        json.dumps({"level": "INFO", "message": f"got {escaped}", "context": {}}),
        json.dumps({"level": "INFO", "message": f"mail as {IN_SETTINGS['mail']} to {IN_SETTINGS['hook']}"}),
        json.dumps(
            {"level": "INFO", "message": f"redis AUTH {IN_SETTINGS['cache']} then {IN_SETTINGS['signing key']}"}
        ),
        f"> Authorization: Basic {secret['basic']}",
        f"POST /login user=ada&password={secret['form']}&next=/",
        f"GET /entries?api_key={secret['query']}&page=2 200",
        f"could not connect to postgresql://ledger:{secret['address']}@db.internal/ledger",
        f"rejected {secret['web token']} of ada",
        f"[parameters: ('ada', '{secret['driver']}')]",
        f"using {IN_ENVIRONMENT['AWS_SECRET_ACCESS_KEY']} and {IN_ENV_FILE['UNRELATED_API_KEY']}",
        "-----BEGIN PRIVATE KEY-----",
        KEY,
        "-----END PRIVATE KEY-----",
        "the end of the log",
    ]


def planted() -> dict[str, str]:
    """Return every secret by where it is."""
    of_urls = {"SENTRY_DSN": "9f1c0ffee0dd4e55", "PARTNER_URL": "pArtnerPw-8"}
    return {**IN_SETTINGS, **IN_ENVIRONMENT, **of_urls, **IN_ENV_FILE, **IN_LOG, "basic, decoded": "basicPw-31"}


def shown(text: str) -> list[str]:
    """Return the names of the secrets that a text shows, as they are or as URLs and JSON write them."""
    forms = {name: {value, quote(value, safe=""), json.dumps(value)[1:-1]} for name, value in planted().items()}
    return [name for name, written in forms.items() if any(each in text for each in written)]


def plant(ledger: Any, nowhere: str) -> None:
    """Put the secrets where they belong."""
    (ledger.folder / ".env").write_text("".join(f"{key}={value}\n" for key, value in IN_ENV_FILE.items()))
    (ledger.folder / "signing_key").write_text(IN_SETTINGS["signing key"])
    (ledger.folder / "ledger.log").write_text("\n".join(log_lines()) + "\n")
    del ledger.settings["LEDGER_SIGNING_KEY"]
    ledger.settings |= IN_ENVIRONMENT | {
        "LEDGER_SIGNING_KEY_FILE": "signing_key",
        "LEDGER_CACHE_URL": f"redis://:{IN_SETTINGS['cache']}@{nowhere}/0",
        "LEDGER_LIMITS_URL": f"redis://{nowhere}/0?password={IN_SETTINGS['limits']}",
        "LEDGER_HOOK_URL": f"https://hooks.example.org/{IN_SETTINGS['hook']}",
        "LEDGER_MAIL_PASSWORD": IN_SETTINGS["mail"],
        "LEDGER_LOG_FILE": "ledger.log",
    }


def test_no_command_and_no_bundle_shows_a_secret(ledger: Any, postgresql: Any, nowhere: str) -> None:
    plant(ledger, nowhere)
    assert len(planted()) >= 20
    assert shown(
        "\n".join(
            [
                *log_lines(),
                IN_SETTINGS["database"],
                quote(IN_SETTINGS["limits"]),
                str(IN_ENVIRONMENT),
                str(IN_ENV_FILE),
                "basicPw-31",
            ]
        )
    ) == list(planted())  # fmt: skip - the search finds them all
    database = postgresql.create_database()
    role = f"canary_{database}"
    password = IN_SETTINGS["database"].replace("'", "''")
    postgresql.execute(f"CREATE ROLE {role} LOGIN CREATEDB SUPERUSER PASSWORD '{password}'")
    ledger.settings["LEDGER_DATABASE_URL"] = (
        f"postgresql://{role}:{quote(IN_SETTINGS['database'], safe='')}@127.0.0.1:{postgresql.port}/{database}"
    )
    said = []
    with ledger.serving() as serving:
        statuses = {}
        for arguments in (
            ["health"], ["health", "--json"], ["check"], ["check", "--json"], ["migrate"], ["migrate", "--check"],
            ["migrate", "--revise", "more"], ["backup", "kept"], ["retention"], ["restore", "kept"],
            ["bundle", "b.zip"],
            *(["describe", document] for document in ("settings", "env", "dependencies", "alerts", "manifest")),
        ):  # fmt: skip
            ended = ledger.run(*arguments)
            statuses[" ".join(arguments)] = ended.status
            said += [ended.out, ended.err]
        (backup,) = (ledger.folder / "kept").iterdir()
        for arguments in (["verify", str(backup)], ["restore", str(backup)], ["restore", str(backup), "--replace"]):
            ended = ledger.run(*arguments)
            statuses[arguments[0]] = ended.status
            said += [ended.out, ended.err]
        stopped = serving.stop()
    said += [stopped.out, stopped.err]
    assert {name: status for name, status in statuses.items() if status} == {
        "health": 3,
        "health --json": 3,
        "check": 3,
        "check --json": 3,
        "restore kept": 2,
        "restore": 2,
    }  # fmt: skip - those do what they are there for
    for text in said:
        assert not shown(text), text
    with zipfile.ZipFile(ledger.folder / "b.zip") as archive:
        bundle = {name: archive.read(name).decode() for name in archive.namelist()}
    for name, text in bundle.items():
        assert not shown(text), name
    log = bundle["logs/1-ledger.log"]
    assert '"user": "ada"' in log  # and what is no secret is still there
    assert "of ada" in log
    assert "&page=2 200" in log
    assert "the end of the log" in log


def test_no_error_shows_a_secret_that_was_put_in_the_wrong_place(ledger: Any, nowhere: str) -> None:
    plant(ledger, nowhere)
    del ledger.settings["LEDGER_LOG_FILE"]  # it quotes secrets that are not set here
    secret = IN_SETTINGS["database"]
    for wrong in (
        {"LEDGER_PORT": secret},
        {"LEDGER_DATABASE_URL": f"postgresql//ledger:{secret}@host/name"},
        {"LEDGER_DATABASE_URL": f"mysql://ledger:{secret}@host/name"},
        {"LEDGER_DATABASE_URL": f"postgresql://ledger:{quote(secret, safe='')}@{nowhere}/ledger"},
        {"LEDGER_SIGNING_KEY_FILE": secret},
        {"LEDGER_KEEP_DAYS": IN_SETTINGS["mail"]},
        {"LEDGER_CACHE_URL": secret},
    ):
        for arguments in (["check"], ["backup", "kept"], ["bundle", f"{len(list(ledger.folder.iterdir()))}.zip"]):
            ended = ledger.run(*arguments, **wrong)
            if arguments[0] != "bundle":
                assert ended.status in (1, 2), (wrong, arguments, ended)
            assert not shown(ended.out + ended.err), (wrong, ended)
    for file in ledger.folder.glob("*.zip"):
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                assert not shown(archive.read(name).decode()), (file, name)
