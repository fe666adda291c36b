"""The policy: its defaults, how settings become one, and what is refused."""

import ast
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from chassis.edge import EdgePolicy
from chassis.errors import SettingsError
from chassis.limits import per_hour, per_minute
from chassis.settings import ServiceSettings


def test_the_defaults_are_safe() -> None:
    policy = EdgePolicy()
    assert policy.client_rules == policy.key_rules == (per_minute(60), per_hour(1000))
    assert policy.body_limit == 16 * 2**20
    assert policy.timeout_s == 120.0
    assert policy.cors_origins == policy.trusted_proxies == ()


def test_settings_make_a_policy() -> None:
    settings = ServiceSettings(
        cors_origins=["https://app.example.org"], rate_limit_rpm=7, rate_limit_rph=0, rate_limit_global_rpm=500,
        limits_url="redis://:canary-11@127.0.0.1/0", limits_fail="closed", max_content_length=1000,
        request_timeout_s=3.5, max_in_flight=9, trusted_proxies=["10.0.0.0/8"],
    )  # fmt: skip
    policy = EdgePolicy.from_settings(settings, cors_credentials=True)
    assert policy.cors_origins == ("https://app.example.org",)
    assert policy.client_rules == policy.key_rules == (per_minute(7),)
    assert policy.global_rules == (per_minute(500),)
    assert policy.limits_url == "redis://:canary-11@127.0.0.1/0"
    assert policy.limits_fail == "closed"
    assert (policy.body_limit, policy.timeout_s, policy.max_in_flight) == (1000, 3.5, 9)
    assert policy.trusted_proxies == ("10.0.0.0/8",)
    assert policy.cors_credentials
    assert "canary" not in repr(policy)


def test_settings_of_a_service_that_says_nothing_give_the_defaults() -> None:
    assert EdgePolicy.from_settings(ServiceSettings()) == EdgePolicy()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"cors_origins": ("*",), "cors_credentials": True}, "cors_origins"),
        ({"cors_origins": ("app.example.org",)}, "cors_origins"),
        ({"cors_origins": ("https://app.example.org/",)}, "cors_origins"),
        ({"trusted_proxies": ("not an address",)}, "trusted_proxies"),
        ({"body_limit": -1}, "body_limit"),
        ({"timeout_s": -1.0}, "timeout_s"),
        ({"limits_fail": "maybe"}, "limits_fail"),
    ],
)
def test_what_is_wrong_is_refused_with_its_name_and_an_example(options: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        EdgePolicy(**options)
    assert caught.value.problems[0].startswith(f"{named}: ")


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        EdgePolicy(cors_origins=("*", "nonsense"), cors_credentials=True, trusted_proxies=("x",), body_limit=-5)
    assert len(caught.value.problems) == 4


def test_every_promise_can_be_switched_off() -> None:
    off = dataclasses.replace(
        EdgePolicy(), request_ids=False, access_log=False, problem_errors=False, body_limit=None, timeout_s=None,
        max_in_flight=None, client_rules=(), key_rules=(), security_headers=False,
    )  # fmt: skip
    assert off != EdgePolicy()


def test_the_page_about_the_edge_lists_every_option_with_its_default() -> None:
    page = (Path(__file__).parents[4] / "docs" / "chassis" / "edge.md").read_text()
    listed = {
        cells[1].strip("` "): cells[3].strip() for line in page.splitlines() if len(cells := line.split("|")) == 6
    }
    listed = {name: default for name, default in listed.items() if name not in ("option", "---")}
    assert list(listed) == [each.name for each in dataclasses.fields(EdgePolicy)]
    policy = EdgePolicy()
    for name, default in listed.items():
        value = getattr(policy, name)
        if default.startswith("`"):
            assert ast.literal_eval(default[1:].partition("`")[0]) == value, name
        elif name.endswith("_rules"):
            assert default == " an hour".join([f"{value[0].limit} a minute, {value[1].limit}", ""])
        else:
            assert default == ", ".join(value), name
