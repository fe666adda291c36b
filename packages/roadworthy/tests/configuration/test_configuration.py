"""What is decided before a target is started: whose servers it may use, and what is kept out of the recording."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from roadworthy.configuration import UsageError, _redactor, check_ownership, describe
from roadworthy.domain.target import ConfigurationSpec, DependencySpec, RequestSpec, TargetSpec

TARGET = TargetSpec("target", Path("/srv"), ("serve",))
REMOTE = "postgresql://app:canary@db.example.com/live"


def database(url: str) -> DependencySpec:
    """A database that is there already."""
    return DependencySpec("database", "postgresql", url=url)


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        (replace(TARGET, dependencies=(database(REMOTE),)), "dependency 'database'"),
        (replace(TARGET, dependencies=(database("postgresql://app:{@db.example.com/"),)), "dependency 'database'"),
        (replace(TARGET, environment={"DATABASE_URL": REMOTE}), "setting DATABASE_URL"),
        (replace(TARGET, environment={"Q": "amqps://db.example.com/?ca={data}/ca.pem"}), "setting Q"),
        (replace(TARGET, environment={"CACHE": "redis://127.db.example.com"}), "setting CACHE"),
        (replace(TARGET, configurations=(ConfigurationSpec("live", {"DB": REMOTE}),)), "setting DB"),
        (
            replace(
                TARGET,
                environment={"DB": REMOTE},
                configurations=(ConfigurationSpec("a"), ConfigurationSpec("b", {"DB": "redis://localhost"})),
            ),
            "setting DB",
        ),
    ],
)
def test_a_server_elsewhere_is_refused(spec: TargetSpec, names: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_ownership(spec)
    assert str(refused.value).startswith(f"{names} leads to ")
    assert "db.example.com, which is not this machine" in str(refused.value)
    assert "--i-own-this" in str(refused.value)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "value",
    [
        "postgresql://app:pw@localhost/db",
        "postgresql://127.0.0.7:5432/db",
        "redis://[::1]:6379/0",
        "redis://{cache.host}:{cache.port}/1",
        "{database.url}?sslmode=disable",
        "https://example.com/hook",
        "sqlite:///{data}/bookings.db",
        "db.example.com",
    ],
)
def test_a_server_on_this_machine_and_what_is_no_server_are_welcome(value: str) -> None:
    check_ownership(
        replace(TARGET, environment={"SETTING": value}, configurations=(ConfigurationSpec("c", {"S": value}),))
    )


def test_no_secret_of_a_target_is_in_its_description() -> None:
    spec = replace(
        TARGET,
        command=("serve", "--api-key", "canary-1", "--token=canary-2", "--db", "postgresql://a:canary-3@127.0.0.1/db"),
        setup=(("migrate", "--password", "canary-4"), ("sh", "-c", "import --secret=canary-5")),
        environment={"UPSTREAM": "https://h/?token=canary-6", "SENTRY": "https://canary-7-and-more@h/1"},
        configurations=(ConfigurationSpec("c", {"SIGNING_KEY": "canary-8"}),),
        dependencies=(database("postgresql://a:canary-9@127.0.0.1/db"),),
        auth_headers={"X-Acme": "canary-10", "Authorization": "Bearer canary-11"},
        slow=RequestSpec("GET", "/slow", headers={"X-Api-Key": "canary-12", "X-Slow-Token": "canary-13"}),
    )
    text = json.dumps(describe(spec))
    assert text.count("canary") == 13
    assert "canary" not in _redactor(spec).clean(text)
