"""What becomes of a client's job, with a real journal, queue and event bus."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue

import pytest

from daemon.engine.client_jobs import CRASHES, ClientJobs
from daemon.engine.event_bus import EventBus
from daemon.engine.fair_lock import FairLock
from daemon.engine.held_jobs import HeldJobs
from daemon.engine.job_queue import JobQueue
from daemon.engine.run import Loss, Run
from daemon.jobs import Event, Failure, Job, JobState, Refused
from daemon.journal import Journal
from daemon.journal.writer import Done
from pipeline.request import Request

REQUEST = Request(prompt="x", seconds=0.5, seed=1)


class Scene:
    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.queue = JobQueue()
        self.held = HeldJobs()
        self.events: list[Event] = []
        self.journaled: list[str] = []  # the job's state in the journal, at every event
        bus = EventBus(FairLock())
        bus.subscribe(self._record)
        self.client_jobs = ClientJobs(journal, bus, self.queue, self.held)

    def _record(self, event: Event) -> None:
        assert event.job
        self.events.append(event)
        job = self.journal.find(event.job.client, event.job.id)
        self.journaled.append(job.state if job else "nothing")

    def accept(self, id: str = "a") -> Run:
        job = Job("me", id, REQUEST, REQUEST, Path("/out"))
        waiter = SimpleQueue[Refused | None]()
        self.client_jobs.begin_accept([job], "", waiter.put)
        if refused := waiter.get():
            raise refused
        job.state = JobState.RUNNING
        return Run(job, self.client_jobs)

    @property
    def kinds(self) -> list[str]:
        self.journal.flush()
        return [event.kind for event in self.events]


@pytest.fixture
def scene() -> Iterator[Scene]:
    with closing(Journal(None)) as journal:
        yield Scene(journal)


def test_an_end_is_written_down_before_it_is_published(scene: Scene) -> None:
    job = scene.accept().job
    clip = Event("clip", job, ("mix", "/out/a.wav", 0.0, 0, "1"))
    announced = Event("clip", job, ("drums", "/out/a_drums.wav", 0.0, 0, "1"))
    job.clip_events = (clip, announced)
    scene.client_jobs.end_job(job, JobState.FINISHED, 2, "/out/a.json", published=[announced])
    assert scene.kinds == ["clip", "finished"], "and what was published is not published again"
    assert scene.events[-1].values == (2, "/out/a.json")
    assert scene.journaled == ["finished", "finished"]


def test_an_end_is_published_although_it_cannot_be_written_down(scene: Scene) -> None:
    run = scene.accept()
    scene.journal._file.db.execute("PRAGMA query_only = 1")
    scene.client_jobs.end(run, JobState.CANCELLED)
    assert scene.kinds == ["cancelled"]
    scene.journal._file.db.execute("PRAGMA query_only = 0")  # or closing it tries again for long


def test_what_cannot_be_written_down_is_not_accepted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(jobs: list[Job], landing: str, on_done: Done) -> None:
        on_done(OSError(errno.ENOSPC, "full"))

    monkeypatch.setattr(scene.journal, "begin_add", full)
    with pytest.raises(Refused, match="full") as refused:
        scene.accept()
    assert refused.value.code == 507


def test_those_that_a_worker_lost_go_on_the_active_one_first(scene: Scene) -> None:
    interrupted = scene.accept("interrupted")
    active = scene.accept("active")
    waiting = scene.accept("waiting").job
    scene.queue.add(waiting)
    for run in (interrupted, active):
        loss = Loss.ENDED if run is active else Loss.AWAY
        scene.client_jobs.handle_worker_exit(run, "it fell", loss)
    assert [job.id for job in scene.queue] == ["active", "interrupted", "waiting"]
    assert [interrupted.job.crashes, active.job.crashes] == [0, 1]
    assert active.job.state is JobState.WAITING
    told = [("queued", (0, 0.0)), ("note", ("it fell: this take is made again",))]
    assert [(event.kind, event.values) for event in scene.events] == told * 2


def test_what_ended_the_worker_again_and_again_is_given_up(scene: Scene) -> None:
    run = scene.accept()
    for _ in range(CRASHES):
        scene.client_jobs.handle_worker_exit(run, "it fell", Loss.ENDED)
    assert scene.kinds == ["queued", "note", "fail"]
    _, code, message, hint = scene.events[-1].values
    assert (code, message) == (500, "making it has failed twice, at last as it fell")
    assert "something shorter" in hint
    assert run.job.state is JobState.FAILED


def test_only_what_may_have_been_too_much_is_to_be_shorter(scene: Scene) -> None:
    """A worker that fails without a crash fails for another reason."""
    run = scene.accept()
    for loss in (Loss.AWAY, Loss.ENDED, Loss.AWAY, Loss.FAILED):
        scene.client_jobs.handle_worker_exit(run, "it fell", loss)
    assert scene.kinds == ["queued", "note"] * 3 + ["fail"]
    assert "shorter" not in scene.events[-1].values[3]


def test_what_was_being_cancelled_when_the_worker_ended_is_cancelled(scene: Scene) -> None:
    run = scene.accept()
    run.job.cancel_requested = True
    scene.client_jobs.handle_worker_exit(run, "it fell", Loss.ENDED)
    assert scene.kinds == ["cancelled"]
    assert len(scene.queue) == 0


def test_a_folder_that_takes_no_files_holds_a_job_and_a_bug_ends_it(scene: Scene) -> None:
    full = scene.accept("full")
    scene.client_jobs.handle_landing_failure(full, OSError(errno.ENOSPC, "No space left"))
    assert list(scene.held) == [full.job]
    assert scene.events[0].values[1] == 507
    assert "it is kept" in scene.events[0].values[3]
    assert scene.journal.find("me", "full").state is JobState.HELD  # type: ignore[union-attr]
    bug = scene.accept("bug")
    scene.client_jobs.handle_landing_failure(bug, KeyError("oops"))
    assert bug.job.state is JobState.FAILED
    assert list(scene.held) == [full.job]


def test_a_job_that_waits_for_a_model_says_why(scene: Scene) -> None:
    job = scene.accept().job
    scene.client_jobs.hold_for_model(job, Failure(503, "no model", "choose another"))
    assert scene.events[0].values == ("/ace/generate", 503, "no model", "choose another")
    assert scene.held.release_for_model() == [job]
