from __future__ import annotations

import time
from pathlib import Path

import pytest

from daemon.engine import held_jobs
from daemon.engine.held_jobs import UNTIL_A_MODEL_PLAYS, HeldJobs, next_try
from daemon.jobs import Job
from pipeline.request import Request

WISH = Request(prompt="x", seconds=0.5, seed=1)


def job(out: Path, id: str = "a") -> Job:
    return Job("me", id, WISH, WISH, out)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_jobs, "HOLD_SECONDS", 0.0)


def test_what_is_held_starts_over(tmp_path: Path) -> None:
    one = job(tmp_path)
    kept = HeldJobs()
    one.take_up()
    one.fraction = 0.5
    kept.add(one, 0.0)
    assert one.state == "held"
    assert one.fraction == 0.0
    assert one.seconds == 0.0
    assert list(kept) == [one]


def test_only_what_a_folder_takes_is_released_and_each_once(tmp_path: Path) -> None:
    gone = job(tmp_path / "no" / "volume")
    there = job(tmp_path)
    later = job(tmp_path)
    kept = HeldJobs()
    assert not kept.due, "there is nothing to look after"
    kept.add(gone, 0.0)
    kept.add(there, 0.0)
    kept.add(later, time.monotonic() + 3600)
    assert kept.due
    assert list(kept.released()) == [there]
    assert list(kept) == [gone, later]


def test_what_was_given_up_while_another_was_released_is_not_released(tmp_path: Path) -> None:
    first = job(tmp_path)
    second = job(tmp_path)
    kept = HeldJobs()
    kept.add(first, 0.0)
    kept.add(second, 0.0)
    released = kept.released()
    assert next(released) is first
    assert kept.remove(second)
    assert not kept.remove(second)
    assert list(released) == []


def test_what_waits_for_a_model_waits_for_nothing_else(tmp_path: Path) -> None:
    waits = job(tmp_path)
    other = job(tmp_path / "no" / "volume")
    kept = HeldJobs()
    kept.add(waits, UNTIL_A_MODEL_PLAYS)
    kept.add(other, 0.0)
    assert list(kept.released()) == []
    assert kept.for_a_model() == [waits]
    assert list(kept) == [other]


def test_each_try_comes_after_a_longer_while_but_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_jobs, "HOLD_SECONDS", 100.0)
    one = job(tmp_path)
    now = time.monotonic()
    waits = [next_try(one) - now for _ in range(20)]
    assert waits[0] < waits[1] < waits[2]
    assert waits[-1] == pytest.approx(held_jobs.LONGEST_HOLD, abs=60)
    assert one.holds == 20
