"""Which take is made in advance, without an engine around it."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.engine.guesses import Guesses
from daemon.jobs import Event, Job, Order, Priority
from daemon.landing import clips, folders
from daemon.settings import Settings
from pipeline.request import Request
from tests.support.takes import finished_take


class Scene:
    """Guesses, and all that they have said and asked for."""

    def __init__(self, out: Path) -> None:
        self.stopped: list[Job] = []
        self.discarded: list[clips.Staged] = []
        self.told: list[tuple[str, str]] = []
        self.guesses = Guesses(Settings(out=out), self.stopped.append, self.discarded.append)

    def overhear(self, event: Event) -> None:
        assert event.job
        self.told.append((event.kind, event.job.id))

    def want(self, *ids: str) -> None:
        self.guesses.want([order(id) for id in ids], self.overhear)

    def make(self) -> Job:
        """The next one, onto the shelf."""
        job = self.guesses.next()
        assert job
        take = finished_take(job.resolved)
        staged = clips.stage(job.out, "token", job.id, "", take)
        gone = self.guesses.keep(job, staged, take.info)
        assert gone is not None
        self.guesses.over(job, "prepared")
        self.guesses.discard(gone)
        return job


@pytest.fixture
def scene(out: Path) -> Scene:
    return Scene(out)


def order(id: str) -> Order:
    return Order("pads", id, Request(prompt=id, seconds=0.1, seed=1))


def test_one_at_a_time_the_likeliest_first(scene: Scene) -> None:
    scene.want("a", "b")
    assert scene.guesses.due
    first = scene.guesses.next()
    assert first is not None
    assert first.id == "a"
    assert first.priority == Priority.SPECULATION
    assert first.number == 0
    assert not scene.guesses.due
    scene.guesses.over(first, "dropped")
    assert scene.guesses.due
    assert [scene.make().id for _ in "ab"] == ["a", "b"]
    assert scene.guesses.next() is None
    assert scene.told == [("dropped", "a"), ("prepared", "a"), ("prepared", "b")]


def test_who_asks_finds_it_while_it_is_made_and_when_it_is(scene: Scene) -> None:
    scene.want("a", "b")
    job = scene.guesses.next()
    assert scene.guesses.making(order("a")) is job
    assert scene.guesses.making(order("b")) is None
    assert job
    scene.guesses.over(job, "dropped")
    scene.make()
    assert scene.guesses.prepared(order("a"))
    scene.guesses.asked(order("a"))
    assert scene.guesses.prepared(order("a")) is None
    assert scene.make().id == "b", "what was asked for is not made once more"


def test_what_is_claimed_is_no_guess_any_more(scene: Scene) -> None:
    scene.want("a", "b")
    scene.guesses.next()
    scene.guesses.claimed(order("a"))
    assert scene.guesses.making(order("a")) is None
    scene.guesses.drop()
    assert scene.stopped == []
    assert scene.make().id == "b"


def test_what_is_not_wanted_any_more_is_stopped_once_or_discarded(scene: Scene) -> None:
    scene.want("a", "b")
    shelved = scene.make()
    making = scene.guesses.next()
    assert making
    scene.want("c")
    scene.guesses.drop()
    assert scene.stopped == [making]
    assert making.cancel_requested
    assert len(scene.discarded) == 1
    assert scene.told[-1] == ("dropped", shelved.id)
    info = finished_take(making.resolved).info
    assert scene.guesses.keep(making, scene.discarded[0], info) is None


def test_what_is_spoilt_is_not_tried_again(scene: Scene) -> None:
    scene.want("a", "b")
    bad = scene.guesses.next()
    assert bad
    scene.guesses.over(bad, "dropped", spoilt=True)
    assert scene.make().id == "b"
    assert scene.guesses.next() is None


def test_a_folder_that_takes_no_files_gives_a_rest(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "unready", lambda *_: OSError(28, "full"))
    scene.want("a")
    assert scene.guesses.next() is None
    assert not scene.guesses.due


def test_another_model_forgets_all_of_it(scene: Scene) -> None:
    scene.want("a", "b")
    scene.make()
    making = scene.guesses.next()
    scene.guesses.forget()
    assert scene.stopped == [making]
    assert scene.guesses.prepared(order("a")) is None
    assert scene.guesses.clear() == []


def test_who_overhears_and_fails_stops_nothing(scene: Scene) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError("its own problem")

    scene.guesses.want([order("a")], broken)
    job = scene.guesses.next()
    assert job
    scene.guesses.over(job, "dropped")
    assert scene.guesses.due
