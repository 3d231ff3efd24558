"""Which take is made in advance, with a dispatcher that does nothing by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.engine.fair_lock import FairLock
from daemon.engine.prepared_takes import PreparedTake
from daemon.engine.run import Loss, Run
from daemon.engine.speculation import Speculation
from daemon.jobs import Event, Job, JobState, Order, Priority, Refused
from daemon.landing import folders, staging
from daemon.landing.manifest import JobFacts
from daemon.settings import Settings
from pipeline.request import Request
from tests.support.takes import finished_take


class Dispatcher:
    """Remembers what it is asked for."""

    def __init__(self) -> None:
        self.make_run: Callable[[], Run | None] = lambda: None
        self.idle_calls = 0
        self.is_idle = False  # whether a run is begun
        self.started: list[Run] = []
        self.asides: list[Callable[[], None]] = []
        self.progressing = True
        self.refused: list[str] = []  # prompts that the model cannot make
        self.stopped: list[Run] = []
        self.discarded: list[staging.Staged] = []
        self.handed_over: list[tuple[Run, Job]] = []
        self.landed: list[tuple[Run, Job, bool]] = []

    def when_idle(self, make_run: Callable[[], Run | None]) -> None:
        self.make_run = make_run

    def start_idle_run(self) -> None:
        self.idle_calls += 1
        if self.is_idle and (run := self.make_run()):
            self.started.append(run)
            self.is_idle = False

    def check_model(self, request: Request) -> None:
        if request.prompt in self.refused:
            raise Refused(422, "it cannot make that")

    def call_aside(self, task: Callable[[], None]) -> None:
        self.asides.append(task)

    def stop(self, run: Run) -> None:
        self.stopped.append(run)

    def is_progressing(self, run: Run) -> bool:
        return self.progressing

    def hand_over(self, run: Run, job: Job) -> None:
        self.handed_over.append((run, job))

    def land_staged(
        self, run: Run, job: Job, take: PreparedTake, due: float, is_noted: bool
    ) -> None:
        self.landed.append((run, job, is_noted))

    def discard(self, staged: staging.Staged) -> None:
        self.discarded.append(staged)


class Scene:
    def __init__(self, out: Path) -> None:
        self.dispatcher = Dispatcher()
        self.events: list[tuple[str, str]] = []
        self.lock = FairLock()
        self.speculation = Speculation(
            self.lock, Settings(out=out), self.dispatcher, lambda samples: 0.0, lambda: "off"
        )

    def _listen(self, event: Event) -> None:
        assert event.job
        self.events.append((event.kind, event.job.id))

    def expect(self, *ids: str) -> None:
        self.speculation.prepare([expected_order(id) for id in ids], self._listen)

    def next_run(self) -> Run | None:
        """What is begun while there is nothing else to do: after a look at its files."""
        dispatcher = self.dispatcher
        dispatcher.started = []
        dispatcher.is_idle = True
        assert dispatcher.make_run() is None, "its files were not looked at"
        while dispatcher.asides:
            dispatcher.asides.pop(0)()
        dispatcher.is_idle = False
        return dispatcher.started[0] if dispatcher.started else None

    def make(self) -> Run:
        """The next take, made and ready."""
        run = self.next_run()
        assert run
        self.keep(run)
        return run

    def keep(self, run: Run) -> staging.Staged:
        """What happens when a run's files are staged."""
        job = run.job
        take = finished_take(job.resolved)
        staged = staging.stage(job.out, "token", JobFacts(job.id), take)
        assert not self.speculation.serves_clients, "they must not land"
        if not self.speculation.keep_staged(run, staged, take.info, 1):
            staging.discard(staged)
        return staged


@pytest.fixture
def scene(out: Path) -> Scene:
    return Scene(out)


def expected_order(id: str) -> Order:
    return Order("pads", id, Request(prompt=id, seconds=0.1, seed=1))


def test_one_at_a_time_the_likeliest_first(scene: Scene) -> None:
    scene.expect("a", "b")
    assert scene.dispatcher.idle_calls == 1
    first = scene.next_run()
    assert first is not None
    assert first.job.id == "a"
    assert first.job.priority == Priority.SPECULATION
    assert first.job.number == 0
    assert first.owner is scene.speculation
    assert scene.next_run() is None
    scene.speculation.end(first, JobState.CANCELLED)
    assert [scene.make().job.id for _ in "ab"] == ["a", "b"]
    assert scene.next_run() is None
    assert scene.events == [("dropped", "a"), ("prepared", "a"), ("prepared", "b")]


def test_what_the_model_cannot_make_is_not_begun(scene: Scene) -> None:
    scene.dispatcher.refused = ["a"]
    scene.expect("a", "b")
    assert scene.make().job.id == "b", "why a is not made is said when it is ordered"
    assert scene.next_run() is None


def test_who_orders_it_has_it_while_it_is_made_and_when_it_is(scene: Scene) -> None:
    scene.expect("a", "b")
    run = scene.next_run()
    assert run
    assert scene.speculation.claim(expected_order("b")) is None
    claim = scene.speculation.claim(expected_order("a"))
    assert claim
    assert claim.landing == ""
    assert scene.dispatcher.handed_over == [], "nobody is told before it is written down"
    assert scene.speculation.fulfil(claim)
    assert scene.dispatcher.handed_over == [(run, claim.job)]
    ready = scene.make()
    assert ready.job.id == "b"
    claim = scene.speculation.claim(expected_order("b"))
    assert claim
    assert claim.take
    assert claim.job.state is JobState.LANDING
    assert claim.landing == claim.take.staged.to_json(), "the journal knows its files before"
    assert scene.speculation.claim(expected_order("b")) is None
    assert scene.dispatcher.landed == []
    assert scene.speculation.fulfil(claim)
    assert scene.dispatcher.landed == [(ready, claim.job, True)]
    assert scene.next_run() is None, "what was ordered is not made once more"


def test_a_take_that_becomes_ready_while_its_order_is_written_down_lands(scene: Scene) -> None:
    scene.expect("a")
    run = scene.next_run()
    assert run
    claim = scene.speculation.claim(expected_order("a"))
    assert claim
    scene.keep(run)
    assert scene.speculation.fulfil(claim)
    assert scene.dispatcher.landed == [(run, claim.job, False)], "its files are noted first"


def test_a_run_that_ends_while_its_order_is_written_down_is_queued(scene: Scene) -> None:
    scene.expect("a")
    run = scene.next_run()
    assert run
    claim = scene.speculation.claim(expected_order("a"))
    assert claim
    scene.speculation.end(run, JobState.CANCELLED)
    assert not scene.speculation.fulfil(claim)


def test_a_job_that_cannot_be_written_down_leaves_all_as_it_was(scene: Scene) -> None:
    scene.expect("a", "b")
    scene.make()
    scene.next_run()
    for id in "ab":
        claim = scene.speculation.claim(expected_order(id))
        assert claim
        scene.speculation.give_back(claim)
    assert scene.dispatcher.discarded == []
    for id in "ab":
        claim = scene.speculation.claim(expected_order(id))
        assert claim
        assert scene.speculation.fulfil(claim)


def test_what_was_claimed_is_not_speculation_any_more(scene: Scene) -> None:
    scene.expect("a", "b")
    run = scene.next_run()
    claim = scene.speculation.claim(expected_order("a"))
    assert run
    assert claim
    assert claim.job is not run.job
    assert scene.speculation.fulfil(claim)
    scene.speculation.pause()
    assert scene.dispatcher.stopped == []
    scene.speculation._paused_until = 0.0
    assert scene.make().job.id == "b"


def test_what_is_interrupted_is_not_waited_for(scene: Scene) -> None:
    scene.expect("a")
    run = scene.next_run()
    scene.dispatcher.progressing = False
    assert scene.speculation.claim(expected_order("a")) is None
    assert scene.dispatcher.stopped == [run]
    assert scene.speculation.claim(expected_order("a")) is None
    assert scene.dispatcher.stopped == [run], "once"


def test_an_order_for_several_takes_is_another_one(scene: Scene) -> None:
    scene.expect("a")
    scene.make()
    request = expected_order("a").request
    assert scene.speculation.claim(Order("pads", "a", request, count=2)) is None


def test_what_is_not_expected_any_more_is_stopped_once_or_discarded(
    scene: Scene, out: Path
) -> None:
    scene.expect("a", "b")
    ready = scene.make()
    making = scene.next_run()
    assert making
    scene.expect("c")
    scene.speculation.reset()
    assert scene.dispatcher.stopped == [making]
    assert making.job.cancel_requested
    assert len(scene.dispatcher.discarded) == 1
    assert scene.events[-1] == ("dropped", ready.job.id)
    staged = scene.keep(making)
    assert not staged.staging.exists()
    assert scene.events[-1] == ("dropped", making.job.id)


def test_what_cannot_be_made_is_not_tried_again(scene: Scene) -> None:
    scene.expect("a", "b")
    bad = scene.next_run()
    assert bad
    scene.speculation.end(bad, JobState.FAILED)
    assert scene.make().job.id == "b"
    assert scene.next_run() is None


def test_what_ended_the_worker_is_not_tried_again_and_what_it_interrupted_is(
    scene: Scene,
) -> None:
    scene.expect("a")
    run = scene.next_run()
    assert run
    scene.speculation.handle_worker_exit(run, "it fell", Loss.AWAY)
    run = scene.next_run()
    assert run
    scene.speculation.handle_worker_exit(run, "it fell", Loss.ENDED)
    assert scene.next_run() is None


def test_a_folder_that_takes_no_files_gives_a_pause(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "find_obstacle", lambda *_: OSError(28, "full"))
    scene.expect("a")
    assert scene.next_run() is None
    monkeypatch.undo()
    assert scene.next_run() is None
    scene.speculation._paused_until = 0.0
    assert scene.next_run()


def test_another_model_makes_all_of_it_useless(scene: Scene) -> None:
    scene.expect("a", "b")
    scene.make()
    making = scene.next_run()
    scene.speculation.reset()
    assert scene.dispatcher.stopped == [making]
    assert len(scene.dispatcher.discarded) == 1
    assert scene.speculation.claim(expected_order("a")) is None
    assert scene.speculation.clear() == []


def test_a_daemon_that_closes_keeps_nothing_and_begins_nothing(scene: Scene) -> None:
    scene.expect("a", "b")
    run = scene.next_run()
    assert run
    scene.speculation.close()
    staged = scene.keep(run)
    assert not staged.staging.exists()
    assert scene.events == [("dropped", "a")]
    assert scene.next_run() is None


def test_its_listener_is_told_of_progress_and_of_nothing_else_on_the_way(scene: Scene) -> None:
    scene.expect("a")
    run = scene.next_run()
    assert run
    for kind in ("progress", "planned", "preview"):
        scene.speculation.publish(Event(kind, run.job))
    assert scene.events == [("progress", "a")]


def test_a_listener_that_fails_stops_nothing(scene: Scene) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError("its own problem")

    scene.speculation.prepare([expected_order("a")], broken)
    run = scene.next_run()
    assert run
    scene.speculation.end(run, JobState.CANCELLED)
    assert scene.next_run()
