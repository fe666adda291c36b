"""The page about guarded calls says what the code does."""

import asyncio
import dataclasses
import re
from pathlib import Path

import pytest
from chassis import resilience
from chassis.resilience import Bulkhead, Policy, Retry

PAGE = (Path(__file__).parents[4] / "docs/chassis/resilience.md").read_text()
CODE_ONLY = {"Policy.breaker", "Retry.budget", "Retry.on", "Fallback.on", "Breaker.on", "Fallback.call"}


def test_the_table_of_defaults_is_that_of_the_code():
    documented = dict(re.findall(r"^\| `(\w+\.\w+)` \| (.+) \|$", PAGE, re.MULTILINE))
    parts = [getattr(resilience, name) for name in ("Policy", "Retry", "Budget", "Breaker", "Rate", "Bulkhead")]
    real = {
        f"{part.__name__}.{field.name}": str(getattr(part(), field.name))
        for part in (*parts, resilience.HardTimeout, resilience.Fallback)
        for field in dataclasses.fields(part)
    }

    assert documented == {name: value for name, value in real.items() if name not in CODE_ONLY}


def test_the_examples_work():
    space = {}
    for example in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(example, space)

    assert asyncio.run(space["quote_of_the_day"]()) == "Well begun is half done."
    assert space["quote_of"]("monday") == "A quote of monday."
    assert space["quotes"].policy.retry == Retry(attempts=2)
    assert (space["quotes"].policy.deadline_s, space["quotes"].policy.bulkhead) == (1.5, None)


@pytest.mark.parametrize("name", sorted({*re.findall(r"`([A-Z]\w+)\(", PAGE)}))
def test_every_class_that_it_names_exists(name):
    assert hasattr(resilience, name)


def test_its_order_is_that_of_the_policy():
    parts = re.findall(r"^\| ([a-z -]+) \| .+ \| .*\|$", PAGE, re.MULTILINE)

    order = " > ".join(parts[parts.index("fallback") : parts.index("attempt time-out") + 1])
    assert f"{order} > the call" in Policy.__doc__
    assert Bulkhead().max_wait_s == 0
