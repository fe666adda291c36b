"""``roadworthy init`` writes a manifest that ``roadworthy inspect`` takes."""

import tomllib


def test_what_init_writes_can_be_inspected(roadworthy, tiny) -> None:
    wrote = roadworthy("init", "--", *tiny)
    assert wrote.status == 0, wrote.said
    assert "wrote roadworthy.toml" in wrote.out
    manifest = tomllib.loads((roadworthy.home / "roadworthy.toml").read_text())
    assert manifest["target"]["command"] == list(tiny)
    assert manifest["endpoints"]["health"] == "/healthz"
    roadworthy.until_nothing_is_left()
    ran = roadworthy("inspect", ".", "--only", "health-exists")
    assert ran.status == 0, ran.said
    assert "health-exists" in ran.out


def test_a_target_that_does_not_start_gets_no_manifest(roadworthy) -> None:
    command = roadworthy.script("exits.py", "import os, sys; sys.exit('no: ' + os.environ['LICENCE_KEY'])")
    ran = roadworthy("init", "--", *command, env={"LICENCE_KEY": "canary-licence"})
    assert ran.status == 2
    assert "ended with status 1" in ran.err
    assert "canary-licence" not in ran.said
    assert not (roadworthy.home / "roadworthy.toml").exists()


def test_init_needs_a_command(roadworthy) -> None:
    ran = roadworthy("init")
    assert ran.status == 2
    assert "COMMAND" in ran.err


def test_a_secret_of_the_users_own_is_not_written_down(roadworthy, tiny) -> None:
    folder = roadworthy.home
    (folder / "settings.py").write_text("import os\nTOKEN = os.environ['PAYMENT_TOKEN']\n")
    wrote = roadworthy("init", "--", *tiny, env={"PAYMENT_TOKEN": "canary-payment-token"})
    assert wrote.status == 0, wrote.said
    text = (folder / "roadworthy.toml").read_text()
    assert "PAYMENT_TOKEN" in text
    assert "canary-payment-token" not in text
