"""The queue and its thread, with the embedded voice rendering for real."""

from __future__ import annotations

import errno
import queue
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import pipeline
from daemon import engine as engine_module
from daemon.engine import Engine
from daemon.jobs import Event, Refused, failure
from pipeline import AceStep
from pipeline.request import Request

ME, YOU = ("127.0.0.1", 1), ("127.0.0.1", 2)
SHORT, LONG = Request(prompt="short", seconds=0.5), Request(prompt="long", seconds=600)
PATIENCE = 60.0


class Ear:
    """Remembers every event, and waits for one."""

    def __init__(self, engine: Engine) -> None:
        self.heard: list[Event] = []
        self._new: queue.Queue[Event] = queue.Queue()
        engine.listen(self._hear)

    def _hear(self, event: Event) -> None:
        self.heard.append(event)
        self._new.put(event)

    def wait(self, kind: str, id: str | None = None, first: object = None) -> Event:
        while True:
            event = self._new.get(timeout=PATIENCE)
            about = id is None or (event.job is not None and event.job.id == id)
            if event.kind == kind and about and first in (None, event.values[0] if event.values else None):
                return event

    def story(self, id: str) -> list[str]:
        kinds = [event.kind for event in self.heard if event.job and event.job.id == id]
        return [kind for n, kind in enumerate(kinds) if kind != "progress" or kinds[n - 1] != "progress"]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    built = Engine(lambda: pipeline.load("mini"), tmp_path, limit=5)
    yield built
    built.close()


@pytest.fixture
def ear(engine: Engine) -> Ear:
    return Ear(engine)


def test_a_job_is_told_from_queued_to_finished(engine: Engine, ear: Ear) -> None:
    engine.start()
    engine.submit(ME, "a", SHORT)
    ear.wait("finished", "a")
    assert ear.story("a") == ["queued", "progress", "clip", "finished"]


def test_states_follow_what_happens(engine: Engine, ear: Ear) -> None:
    engine.start()
    ear.wait("state", first="warm")
    engine.submit(ME, "a", SHORT)
    ear.wait("finished", "a")
    ear.wait("state", first="warm")
    states = [event.values[0] for event in ear.heard if event.kind == "state"]
    assert [s for n, s in enumerate(states) if n == 0 or s != states[n - 1]] == ["loading", "warm", "busy", "warm"]


def test_jobs_sent_while_the_model_loads_wait_and_are_played_in_order(engine: Engine, ear: Ear) -> None:
    for id in "abc":
        engine.submit(ME, id, SHORT)
    assert [event.values[0] for event in ear.heard if event.kind == "queued"] == [0, 1, 2]
    engine.start()
    ear.wait("finished", "c")
    assert [event.job.id for event in ear.heard if event.kind == "finished" and event.job] == ["a", "b", "c"]


def test_the_seed_is_fixed_when_the_job_is_accepted(engine: Engine) -> None:
    job = engine.submit(ME, "a", Request(prompt="x"))
    assert job.wish.seed == -1
    assert job.request.seed >= 0


def test_two_clients_may_use_the_same_id(engine: Engine) -> None:
    mine = engine.submit(ME, "a", SHORT)
    yours = engine.submit(YOU, "a", LONG)
    assert mine is not yours
    assert engine.find(ME, "a") is mine
    assert engine.find(YOU, "a") is yours
    assert engine.find(("elsewhere", 3), "a") is yours


def test_a_full_queue_refuses_and_says_so(engine: Engine) -> None:
    for number in range(5):
        engine.submit(ME, str(number), SHORT)
    with pytest.raises(Refused, match=r"queue is full \(5 jobs\)") as refusal:
        engine.submit(ME, "6", SHORT)
    assert refusal.value.code == 429


def test_a_running_job_can_be_cancelled_and_the_next_one_starts(engine: Engine, ear: Ear, tmp_path: Path) -> None:
    engine.start()
    engine.submit(ME, "long", LONG)
    engine.submit(ME, "next", SHORT)
    ear.wait("progress", "long")
    engine.cancel(ME, "long")
    ear.wait("finished", "next")
    assert ear.story("long") == ["queued", "progress", "cancelled"]
    assert [path.name[:5] for path in tmp_path.iterdir()] == ["short", "short"]


def test_what_is_unknown_or_over_cannot_be_cancelled(engine: Engine, ear: Ear) -> None:
    engine.start()
    engine.submit(ME, "a", SHORT)
    ear.wait("finished", "a")
    for id in ("a", "never"):
        with pytest.raises(Refused) as refusal:
            engine.cancel(ME, id)
        assert refusal.value.code == 404


def test_closing_cancels_and_announces_everything(engine: Engine, ear: Ear, tmp_path: Path) -> None:
    engine.start()
    for id in "abc":
        engine.submit(ME, id, LONG)
    ear.wait("progress", "a")
    engine.close()
    assert {event.job.id for event in ear.heard if event.kind == "cancelled" and event.job} == {"a", "b", "c"}
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Refused, match="closing"):
        engine.submit(ME, "d", SHORT)


def test_a_model_that_cannot_be_loaded_is_reported_to_everyone_who_waits(tmp_path: Path) -> None:
    engine = Engine(lambda: pipeline.load(str(tmp_path / "nothing/here/at/all")), tmp_path)
    ear = Ear(engine)
    engine.submit(ME, "a", SHORT)
    engine.start()
    failed = ear.wait("fail", "a")
    assert failed.values[1] == 503
    assert "no model" in failed.values[2]
    ear.wait("state", first="error")
    with pytest.raises(Refused) as refusal:
        engine.submit(ME, "b", SHORT)
    assert refusal.value.code == 503
    engine.close()


def test_a_vanished_folder_fails_the_job_which_may_be_sent_again(tmp_path: Path) -> None:
    out = tmp_path / "volume" / "out"
    out.mkdir(parents=True)
    engine = Engine(lambda: pipeline.load("mini"), out)
    ear = Ear(engine)
    engine.start()
    shutil.rmtree(out.parent)
    engine.submit(ME, "a", SHORT)
    _, code, message, hint = ear.wait("fail", "a").values
    assert (code, hint) == (500, "check the output folder: acestepd doctor")
    assert "could not be written" in message
    out.mkdir(parents=True)
    engine.submit(ME, "a", SHORT)
    ear.wait("finished", "a")
    engine.close()


def test_a_full_disk_is_507() -> None:
    code, message, hint = failure(OSError(errno.ENOSPC, "No space left on device"))
    assert (code, message) == (507, "the clip could not be written: No space left on device")
    assert "free some space" in hint


def test_a_cancelled_job_stays_cancelled_when_it_is_sent_again(engine: Engine, ear: Ear) -> None:
    job = engine.submit(ME, "a", LONG)
    engine.cancel(ME, "a")
    told: list[Event] = []
    assert engine.submit(ME, "a", LONG, again=told.append) is job
    assert [event.kind for event in told] == ["cancelled"]


def test_a_canceller_hears_the_end_of_another_clients_job(engine: Engine, ear: Ear) -> None:
    job = engine.submit(ME, "a", SHORT)
    assert engine.cancel(YOU, "a") == 1
    assert job.also == {YOU}
    assert engine.cancel(YOU, "*") == 0


def test_jobs_that_come_while_a_failed_load_is_announced_are_refused(tmp_path: Path) -> None:
    engine = Engine(lambda: pipeline.load(str(tmp_path / "nothing/at/all/here")), tmp_path)
    refused: list[int] = []

    def insist(event: Event) -> None:
        if event.kind == "fail":
            with pytest.raises(Refused) as refusal:
                engine.submit(YOU, "late", SHORT)
            refused.append(refusal.value.code)

    engine.listen(insist)
    ear = Ear(engine)
    engine.submit(ME, "a", SHORT)
    engine.start()
    ear.wait("state", first="error")
    assert refused == [503]
    engine.close()


@pytest.mark.parametrize(("number", "says"), [(float("nan"), "not finite"), (0.0, "silence")])
def test_a_model_that_plays_no_music_fails_the_job_without_a_file(tmp_path: Path, number: float, says: str) -> None:
    def load() -> AceStep:
        model = pipeline.load("mini")
        last = model.vae.decoder.conv2
        last.weight = last.weight * number
        return model

    engine = Engine(load, tmp_path)
    ear = Ear(engine)
    engine.start()
    engine.submit(ME, "a", SHORT)
    _, code, message, _ = ear.wait("fail", "a").values
    assert code == 500
    assert says in message
    assert list(tmp_path.iterdir()) == []
    engine.close()


def test_a_listener_that_fails_does_not_stop_the_music(engine: Engine) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError("a surface's own problem")

    engine.listen(broken)
    ear = Ear(engine)
    engine.start()
    engine.submit(ME, "a", SHORT)
    ear.wait("finished", "a")


def test_estimates_appear_once_the_machine_is_known(engine: Engine, ear: Ear) -> None:
    engine.start()
    ear.wait("state", first="warm")
    engine.submit(ME, "long", Request(prompt="x", seconds=60))
    engine.submit(ME, "short", SHORT)
    first, second = (event.values[1] for event in ear.heard if event.kind == "queued")
    assert 0 < first < second


def test_ended_jobs_are_forgotten_in_the_end(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "REMEMBERED", 3)
    for number in range(6):
        engine.submit(ME, f"job{number}", SHORT)
        engine.cancel(ME, f"job{number}")
    with pytest.raises(Refused, match="no job is called 'job2'"):
        engine.find(ME, "job2")
    assert engine.find(ME, "job5").ended
