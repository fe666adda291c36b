"""What the tests of operations share."""

import re

import pytest


@pytest.fixture(autouse=True)
def model_answers(model_for_all):
    """Have the model answer that there are boats, unless a test says otherwise: one that fails opens the breaker."""
    model_for_all.steps = [model_for_all.answer("boats")]


def samples_of(spyne):
    """What it tells Prometheus: the value of each sample by its name and labels, as they are written."""
    text = spyne.client.get("/api/v1/metrics/prometheus").raise_for_status().text
    return {name: float(value) for name, value in re.findall(r"^([a-z]\S*) (\S+)$", text, re.MULTILINE)}


@pytest.fixture(scope="session")
def samples():
    """Return what reads the samples of a Spyne."""
    return samples_of
