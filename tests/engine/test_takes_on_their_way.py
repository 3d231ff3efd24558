"""Half of a take has come, and is written: whatever happens then, no half of it is left or told."""

from __future__ import annotations

import errno
import threading
from pathlib import Path
from typing import Any

import pytest

from daemon.engine import Engine, held_jobs
from daemon.engine.run import Loss, Run
from daemon.jobs import JobState
from daemon.landing import audio_files
from tests.support.colleague import Colleague, meet
from tests.support.harness import ME, PATIENCE, Recorder, make_request, stop, submit
from tests.support.landings import assert_take_whole, list_hidden
from tests.support.waiting import until


def bring_half(engine: Engine, worker: Colleague, out: Path) -> Run:
    """The job "a" is begun, and half of its take is on the disk."""
    submit(engine, "a", make_request("a"))
    run = worker.wait_for("a")
    worker.bring_half(run)
    half = run.job.resolved.samples // 2 * 6  # bytes
    until(lambda: any(file.stat().st_size > half for file in out.glob(".*/*.part")))
    return run


def assert_only_take(out: Path) -> None:
    (manifest,) = out.glob("*.json")
    assert_take_whole(manifest)
    until(lambda: not list_hidden(out))


def test_it_is_whole_when_the_rest_has_come(remote: Engine, out: Path) -> None:
    recorder = Recorder(remote)
    worker = meet(remote, "studio")
    run = bring_half(remote, worker, out)
    assert list(out.glob("[!.]*")) == []
    worker.bring_rest(run)
    recorder.wait("finished", "a")
    assert_only_take(out)


def test_a_worker_that_ends_leaves_none_of_it_and_the_job_is_made_again(
    remote: Engine, out: Path
) -> None:
    recorder = Recorder(remote)
    worker = meet(remote, "studio")
    bring_half(remote, worker, out)
    worker.exit("it has ended", Loss.ENDED)
    until(lambda: not list_hidden(out))
    worker.recover()
    worker.finish(worker.wait_for("a"))
    recorder.wait("finished", "a")
    assert_only_take(out)


def test_a_cancel_leaves_none_of_it_and_the_next_take_of_the_worker_lands(
    remote: Engine, out: Path
) -> None:
    recorder = Recorder(remote)
    worker = meet(remote, "studio")
    run = bring_half(remote, worker, out)
    submit(remote, "b", make_request("b"))
    remote.cancel(ME, "a")
    worker.bring_rest(run)  # it was too late to stop it
    recorder.wait("cancelled", "a")
    worker.finish(worker.wait_for("b"))
    recorder.wait("finished", "b")
    assert recorder.ids_with("finished") == ["b"]
    assert_only_take(out)


def test_a_job_that_fails_on_its_way_leaves_none_of_it(remote: Engine, out: Path) -> None:
    recorder = Recorder(remote)
    worker = meet(remote, "studio")
    run = bring_half(remote, worker, out)
    worker.fail(run, 500, "half of it is not music")
    assert recorder.wait("fail", "a").values[1] == 500
    until(lambda: not list_hidden(out))
    assert list(out.glob("*")) == []


def test_a_close_waits_for_no_rest_and_the_next_daemon_makes_it(remote: Engine, out: Path) -> None:
    worker = meet(remote, "studio")
    run = bring_half(remote, worker, out)
    stop(remote)
    assert not run.job.has_ended
    assert list(out.glob("*")) == []


def test_a_disk_that_is_full_is_told_once_when_the_rest_has_come(
    remote: Engine, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(remote)
    worker = meet(remote, "studio")
    encode = audio_files.quantise
    failed = threading.Event()

    def fill_up(*_: Any) -> Any:
        failed.set()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(held_jobs, "HOLD_SECONDS", 0.1)
    monkeypatch.setattr(audio_files, "quantise", fill_up)
    submit(remote, "a", make_request("a"))
    run = worker.wait_for("a")
    worker.bring_half(run)
    assert failed.wait(PATIENCE)
    until(lambda: not list_hidden(out))
    assert recorder.ids_with("fail") == []
    assert run.job.state is JobState.RUNNING
    monkeypatch.setattr(audio_files, "quantise", encode)
    worker.bring_rest(run)
    assert recorder.wait("fail", "a").values[1] == 507
    until(lambda: worker.ids == ["a", "a"])
    worker.finish(worker.wait_for("a"))
    recorder.wait("finished", "a")
    assert recorder.ids_with("fail") == ["a"]
    assert_only_take(out)
