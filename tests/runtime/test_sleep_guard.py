"""The machine stays awake while there is something to make, and no longer. No Mac was here: its
caffeinate is played by a program that writes down its life.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.jobs import Event, Job, JobState
from daemon.runtime.sleep_guard import SleepGuard
from tests.support.fake_caffeinate import FakeCaffeinate
from tests.support.harness import ME, SHORT, SteppedModel, make_request, submit
from tests.support.stage import on_stage
from tests.support.waiting import until


@pytest.fixture
def caffeinate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCaffeinate:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    return FakeCaffeinate(tmp_path / "programs", monkeypatch)


def make_job(state: JobState) -> Job:
    return Job(ME, "a", SHORT, SHORT, Path("out"), state=state)


@pytest.mark.parametrize("state", JobState)
def test_it_is_awake_for_what_waits_or_is_made_and_not_for_what_is_held(
    caffeinate: FakeCaffeinate, state: JobState
) -> None:
    jobs = [make_job(state)]
    guard = SleepGuard(lambda: jobs)
    guard.tick()
    is_wanted = state in (JobState.WAITING, JobState.RUNNING, JobState.LANDING)
    if is_wanted:
        until(lambda: caffeinate.is_held)
    guard.tick()
    jobs.clear()
    guard.tick()
    guard.release()
    expected = [f"begins -i -w {os.getpid()}", "ends"]
    assert caffeinate.life == (expected if is_wanted else []), "once, until there is nothing left"


def test_a_machine_that_is_no_mac_runs_no_program_of_that_name(
    caffeinate: FakeCaffeinate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    guard = SleepGuard(lambda: [make_job(JobState.WAITING)])
    assert not guard.on_event(Event("queued", None))
    guard.tick()
    guard.release()
    assert caffeinate.life == []


def test_a_mac_without_caffeinate_makes_its_takes_all_the_same(
    caffeinate: FakeCaffeinate, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    guard = SleepGuard(lambda: [make_job(JobState.WAITING)])
    (tmp_path / "programs" / "caffeinate").unlink()
    for _ in range(3):
        guard.tick()
    guard.release()
    assert ["may fall asleep" in one.message for one in caplog.records] == [True], "said once"


@pytest.mark.parametrize("prompt", ["short", "die"])
def test_it_sleeps_again_however_a_job_has_ended(
    caffeinate: FakeCaffeinate, tmp_path: Path, prompt: str
) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model) as stage:
        assert not caffeinate.is_held
        job = submit(stage.engine, "a", make_request(prompt))
        until(lambda: caffeinate.is_held)
        model.run()
        until(lambda: job.ended)
        until(lambda: caffeinate.life[-1] == "ends")


def test_it_sleeps_again_when_a_job_is_cancelled_and_when_the_daemon_ends(
    caffeinate: FakeCaffeinate, tmp_path: Path
) -> None:
    with on_stage(tmp_path, SteppedModel(running=False)) as stage:
        submit(stage.engine, "a")
        until(lambda: caffeinate.is_held)
        stage.engine.cancel(ME, "a")
        until(lambda: caffeinate.life[-1] == "ends")
        submit(stage.engine, "b")
        until(lambda: caffeinate.is_held)
    assert caffeinate.life[-1] == "ends", "though a job waits for the next daemon"


HOLDER = """
import platform
from pathlib import Path
platform.system = lambda: "Darwin"
from daemon.jobs import Job, JobState
from daemon.runtime.sleep_guard import SleepGuard
from pipeline.request import Request
request = Request(prompt="x")
SleepGuard(lambda: [Job("udp:127.0.0.1:1", "a", request, request, Path("out"))]).tick()
input()
"""


def test_it_sleeps_again_when_the_daemon_is_killed(caffeinate: FakeCaffeinate) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE) as holder:
        until(lambda: caffeinate.is_held)
        holder.kill()
    until(lambda: caffeinate.life[-1] == "ends")
