from __future__ import annotations

import time
from pathlib import Path

import pytest

from daemon.engine import held_jobs
from daemon.engine.held_jobs import HeldJobs
from daemon.jobs import Event, Job, JobState
from pipeline.request import Request

REQUEST = Request(prompt="x", seconds=0.5, seed=1)


def make_job(out: Path, id: str = "a") -> Job:
    return Job("me", id, REQUEST, REQUEST, out)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_jobs, "HOLD_SECONDS", 0.0)


def test_what_is_held_starts_over(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    held = HeldJobs()
    job.state = JobState.LANDING
    job.plan_events = (Event("planned", job, ("bpm", "92")),)
    job.line_events = (Event("words", job, (1, 3, "", 4.5, 5.5, "la la", "4.50 5.00", "")),)
    job.clip_events = (Event("clip", job, ("mix", "/a.wav")),)
    held.add_for_retry(job)
    assert job.state is JobState.HELD
    assert [*job.plan_events, *job.line_events, *job.clip_events] == []
    assert list(held) == [job]


def test_only_what_is_due_is_looked_after_and_each_is_released_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_folder = make_job(tmp_path / "no" / "volume")
    ready = make_job(tmp_path)
    later = make_job(tmp_path)
    held = HeldJobs()
    assert not held.is_due, "there is nothing to look after"
    held.add_for_retry(without_folder)
    held.add_for_retry(ready)
    monkeypatch.setattr(held_jobs, "HOLD_SECONDS", 3600.0)
    monkeypatch.setattr(held_jobs, "LONGEST_HOLD", 3600.0)
    held.add_for_retry(later)
    monkeypatch.setattr(held_jobs, "HOLD_SECONDS", 0.0)
    assert held.is_due
    assert held.list_due() == [without_folder, ready]
    assert held.remove(ready)
    assert not held.remove(ready), "each once"
    assert list(held) == [without_folder, later]


def test_what_was_given_up_while_another_was_released_is_not_released(tmp_path: Path) -> None:
    first = make_job(tmp_path)
    second = make_job(tmp_path)
    held = HeldJobs()
    held.add_for_retry(first)
    held.add_for_retry(second)
    assert held.list_due() == [first, second]
    assert held.remove(first)
    assert held.remove(second)
    assert not held.remove(second)
    assert held.list_due() == []


def test_what_waits_for_a_model_waits_for_nothing_else(tmp_path: Path) -> None:
    waits = make_job(tmp_path)
    other = make_job(tmp_path / "no" / "volume")
    held = HeldJobs()
    held.add_for_model(waits)
    held.add_for_retry(other)
    assert held.list_due() == [other]
    assert held.release_for_model() == [waits]
    assert list(held) == [other]


def test_each_try_comes_after_a_longer_while_but_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_jobs, "HOLD_SECONDS", 100.0)
    job = make_job(tmp_path)
    held = HeldJobs()
    now = time.monotonic()
    waits = []
    for _ in range(20):
        held.add_for_retry(job)
        waits.append(held._held[-1].not_before - now)
        held.remove(job)
    assert waits[0] < waits[1] < waits[2]
    assert waits[-1] == pytest.approx(held_jobs.LONGEST_HOLD, abs=60)
    held.forget(job)
    held.add_for_retry(job)
    assert held._held[-1].not_before - time.monotonic() <= 100.0, "the next one begins anew"
