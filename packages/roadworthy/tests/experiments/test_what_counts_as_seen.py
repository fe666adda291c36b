"""What an experiment takes for an observation: a readiness that lasts, and an exit that the signal caused."""

from types import SimpleNamespace
from typing import Any

import pytest
from roadworthy.domain.evidence import Answer, Sample
from roadworthy.experiments import dependency_fault, start_and_stop
from roadworthy.experiments.dependency_fault import LASTING_POLLS, Scene, _watch_health

READY = "GET /readyz"
WATCHED_S = 0.4


def poll(status: int) -> Sample:
    return Sample(READY, 0.0, 200 <= status < 300, Answer.ANSWERED, status, 0.0, "x1")


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch):
    """Watch an endpoint that answers these statuses, and the last of them for ever; return what was polled."""
    monkeypatch.setattr(dependency_fault, "POLL_S", 0.01)

    async def watch(*statuses: int) -> list[int | None]:
        answers = iter(statuses)

        async def ask(*_: object) -> list[Sample]:
            return [poll(next(answers, statuses[-1]))]

        monkeypatch.setattr(dependency_fault, "_ask_health", ask)
        bench: Any = SimpleNamespace(
            baseline=SimpleNamespace(health=[SimpleNamespace(path="/readyz", role="readiness")]),
            bounds=SimpleNamespace(readiness_s=WATCHED_S - 1),  # it watches a second longer
        )
        instance: Any = None
        scene = Scene(bench, instance, None, None, 1.0, frozenset({READY}))
        await _watch_health(scene)
        return [each.status for each in scene.window.readiness]

    return watch


async def test_readiness_that_stays_false_is_watched_no_longer_than_needed(watched) -> None:
    assert await watched(200, 503) == [200, *[503] * LASTING_POLLS]


@pytest.mark.parametrize("blink", [(503,), (503, 200, 503, 200, 503)])
async def test_readiness_that_blinks_is_watched_to_the_end(watched, blink: tuple[int, ...]) -> None:
    seen = await watched(*blink, 200)
    assert len(seen) > len(blink) + LASTING_POLLS
    assert seen[-1] == 200


async def test_being_asked_too_often_is_no_readiness(watched) -> None:
    assert len(await watched(429)) > 2 * LASTING_POLLS


async def test_an_instance_that_ended_by_itself_was_not_stopped() -> None:
    async def until_idle(_: float) -> None: ...

    def signal(_: int) -> None:
        pytest.fail("SIGTERM was sent to what had ended")

    instance: Any = SimpleNamespace(running=False, until_idle=until_idle, process=SimpleNamespace(signal=signal))
    bench: Any = None
    assert await start_and_stop._stop(bench, instance) == []
