from __future__ import annotations

import time

import pytest

from daemon.jobs import JobState
from pipeline.request import Request
from tests.support.takes import make_run


def test_only_the_time_counts_in_which_the_worker_works_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    run = make_run(Request(prompt="x", seed=1))
    assert run.is_paused
    assert run.elapsed == 0.0
    run.start()
    assert run.job.state is JobState.RUNNING
    now = 103.0
    assert run.elapsed == 3.0
    run.pause()
    now = 110.0
    assert run.is_paused
    assert run.elapsed == 3.0
    run.start()
    now = 111.0
    assert run.elapsed == 4.0


def test_every_run_has_a_ticket_of_its_own() -> None:
    request = Request(prompt="x", seed=1)
    assert make_run(request).ticket != make_run(request).ticket


def test_how_long_it_still_takes_is_known_the_better_the_more_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    run = make_run(Request(prompt="x", seed=1))
    run.job.cost = 10.0
    run.start()
    assert run.estimate_remaining(0.2) == 2.0
    now = 100.5  # it has only just come to the worker
    run.fraction = 0.01
    assert run.estimate_remaining(0.2) == pytest.approx(2.5, abs=0.1), "and not 49.5"
    now = 104.0  # twice as slow
    run.fraction = 0.9
    assert run.estimate_remaining(0.2) == pytest.approx(0.42)
    assert run.estimate_remaining(0.0) == pytest.approx(0.444, abs=0.001), "by its own pace alone"
