"""Options are checked when they are made."""

import dataclasses
import math

import pytest
from chassis.errors import SettingsError
from chassis.resilience import (
    Breaker,
    Budget,
    Bulkhead,
    Fallback,
    HardTimeout,
    Policy,
    Rate,
    Retry,
    adjustable,
    adjusted,
)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: Retry(attempts=0), "Retry: attempts: expected a whole number of at least 1, such as 3, not 0"),
        (lambda: Retry(attempts=2.5), "attempts"),
        (lambda: Retry(attempts=True), "attempts"),
        (lambda: Retry(backoff_s=-1), "backoff_s: expected a number of at least 0"),
        (lambda: Retry(backoff_s=9, max_backoff_s=1), "max_backoff_s: expected at least backoff_s, which is 9"),
        (lambda: Retry(multiplier=0.5), "multiplier"),
        (lambda: Budget(ratio=1.5), "ratio: expected a number of at least 0 and at most 1"),
        (lambda: Budget(reserve=0), "reserve"),
        (lambda: Breaker(failures=0), "failures"),
        (lambda: Breaker(failures=5, window=4), "window: expected at least failures, which is 5"),
        (lambda: Breaker(open_s=0), "open_s: expected a number over 0"),
        (lambda: Breaker(probes=0), "probes"),
        (lambda: Rate(calls=0), "calls"),
        (lambda: Rate(per_s=0), "per_s"),
        (lambda: Rate(burst=0), "burst: expected a whole number of at least 1, or None"),
        (lambda: Bulkhead(max_concurrent=0), "max_concurrent"),
        (lambda: Bulkhead(max_wait_s=math.nan), "max_wait_s"),
        (lambda: HardTimeout(max_abandoned=0), "max_abandoned"),
        (lambda: Fallback(value=1, call=lambda _: 1), "expected value or call, not both"),
        (lambda: Policy(deadline_s=0), "deadline_s: expected a number over 0, or None, such as 10, not 0"),
        (lambda: Policy(deadline_s=math.inf), "deadline_s"),
        (lambda: Policy(attempt_timeout_s="2"), "attempt_timeout_s"),
        (lambda: Policy(deadline_s=None, hard_timeout=HardTimeout()), "it needs a time to hold"),
    ],
)
def test_a_wrong_option_is_named_with_what_was_expected(make, problem):
    with pytest.raises(ValueError, match=r"^\w+: ") as raised:
        make()

    assert problem in str(raised.value)


def test_all_problems_of_one_object_come_at_once():
    with pytest.raises(ValueError, match=r"attempts.*; backoff_s.*; multiplier"):
        Retry(attempts=0, backoff_s=-1, multiplier=0)


def test_options_cannot_be_changed_afterwards():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Policy().deadline_s = 3  # type: ignore[misc]


def test_a_call_is_not_retried_unless_somebody_says_that_it_may_be():
    assert Policy().retry is None


def test_settings_adjust_a_policy_by_name():
    policy = adjusted(
        Policy(retry=Retry(attempts=5, backoff_s=0.5)),
        {"retry.attempts": 2, "deadline_s": 1.5, "breaker.open_s": "60", "bulkhead.max_concurrent": "8"},
    )

    assert policy == Policy(
        deadline_s=1.5,
        retry=Retry(attempts=2, backoff_s=0.5),
        breaker=Breaker(open_s=60.0),
        bulkhead=Bulkhead(max_concurrent=8),
    )


def test_naming_one_option_puts_a_part_in_with_its_defaults():
    policy = adjusted(Policy(), {"retry.budget.reserve": 9})

    assert policy.retry == Retry(budget=Budget(reserve=9))


@pytest.mark.parametrize("off", ["off", "None", " OFF ", None])
def test_a_part_is_switched_off_whatever_is_said_of_its_options(off):
    policy = adjusted(Policy(retry=Retry()), {"breaker": off, "retry": off, "retry.attempts": 4, "deadline_s": off})

    assert policy == Policy(breaker=None, retry=None, deadline_s=None)


def test_a_part_is_switched_on_as_it_was_or_with_its_defaults():
    policy = adjusted(Policy(retry=Retry(attempts=7)), {"retry": "on", "rate": "on"})

    assert policy == Policy(retry=Retry(attempts=7), rate=Rate())


def test_a_part_is_replaced_by_another():
    assert adjusted(Policy(), {"retry": Retry(attempts=4)}).retry == Retry(attempts=4)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("retry.atempts", "did you mean retry.attempts?"),
        ("deadline", "did you mean deadline_s?"),
        ("deadline_s.x", "no such option"),
        ("zzz", "expected one of deadline_s, retry, retry.attempts"),
        ("retry.on", "it is code"),
        ("fallback", "it is code"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest_one(name, advice):
    with pytest.raises(SettingsError) as raised:
        adjusted(Policy(), {name: 1})

    assert name in str(raised.value)
    assert advice in str(raised.value)


def test_all_wrong_settings_are_told_at_once():
    with pytest.raises(SettingsError) as raised:
        adjusted(Policy(), {"retry.attempts": "two", "deadline_s": "soon", "breaker.probes": 0, "rate": 3, "x": 1})

    assert len(raised.value.problems) == 5
    assert "retry.attempts: expected a whole number, such as 3, not 'two'" in raised.value.problems
    assert "deadline_s: expected a number, such as 1.5, not 'soon'" in raised.value.problems


def test_every_adjustable_name_can_be_adjusted():
    base = Policy(breaker=Breaker(failures=1))
    parts = {"retry", "retry.budget", "breaker", "rate", "bulkhead", "hard_timeout"}

    for name in adjustable():
        assert adjusted(base, {name: "on" if name in parts else "1"}) != Policy()
    assert {"retry.budget.ratio", "breaker.window", "rate.calls", "hard_timeout.max_abandoned"} <= set(adjustable())
    assert parts <= set(adjustable())
