"""Keeping a worker: its other end is in the test's hand, and so are the jobs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from queue import Queue
from typing import Any

import pytest

from daemon.engine import ModelChoice, supervisor
from daemon.engine.model_state import ModelState
from daemon.engine.supervisor import CRASHES, Conversation, Supervisor, WorkerMessage
from daemon.settings import Settings
from pipeline.weights.adapter import Adapter
from tests.support.workshop import PATIENCE

DEFAULTS = {"num_steps": 4, "shift": 1.0, "guidance_scale": 1.0, "guidance_interval": 1.0}
LOADED = {"title": "tape", "defaults": DEFAULTS, "pace": 1.0, "token": 0.0, "adapters": []}


class Puppet:
    """A worker that says what the test says."""

    def __init__(self) -> None:
        self.connection, self.end = Pipe()
        self.stopped = threading.Event()

    def stop(self) -> None:
        self.connection.close()
        self.stopped.set()

    def obituary(self) -> str:
        return "it fell"

    def say(self, say: str, **about: Any) -> None:
        self.end.send_bytes(json.dumps({"say": say, **about}).encode())

    def hear(self) -> dict[str, Any]:
        assert self.end.poll(PATIENCE), "nothing is said to it"
        return dict(json.loads(self.end.recv_bytes()))


class Work:
    """The jobs, as far as a supervisor sees them."""

    def __init__(self, model: ModelState) -> None:
        self.model = model
        self.waits = self.runs = False
        self.messages: Queue[WorkerMessage] = Queue()
        self.crashes: Queue[tuple[str, bool]] = Queue()
        self.looked = threading.Event()
        self.when_it_crashes: Callable[[], None] = lambda: None

    def heard(self, message: WorkerMessage) -> None:
        if message.say == "loaded":
            self.model.loaded(message.about, lambda title: 0.0)
            self.model.become("warm")
        self.messages.put(message)

    def crashed(self, how: str, hopeless: bool) -> None:
        self.when_it_crashes()
        self.model.become("loading")
        if hopeless:
            self.model.unloadable(how)
            self.model.become("error")
        self.crashes.put((how, hopeless))

    def look(self) -> None:
        self.looked.set()


class Scene:
    def __init__(self, **settings: Any) -> None:
        self.lock = threading.RLock()
        self.model = ModelState(ModelChoice("tape", ""), lambda: None)
        self.work = Work(self.model)
        self.started: Queue[Puppet] = Queue()
        self.puppets: list[Puppet] = []
        self.supervisor = Supervisor(
            self.lock, Settings(**settings), self.model, self.work, self._start
        )
        self.supervisor.start()

    def _start(self) -> Puppet:
        puppet = Puppet()
        self.puppets.append(puppet)
        self.started.put(puppet)
        return puppet

    def worker(self) -> Puppet:
        return self.started.get(timeout=PATIENCE)

    def loaded(self) -> Puppet:
        puppet = self.worker()
        assert puppet.hear()["model"] == self.model.wanted.model
        puppet.say("loaded", **LOADED)
        assert self.work.messages.get(timeout=PATIENCE).say == "loaded"
        return puppet


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Scene]]:
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(supervisor, "TICK", 0.05)
    scenes: list[Scene] = []

    def make(**settings: Any) -> Scene:
        scenes.append(Scene(**settings))
        return scenes[-1]

    yield make
    for one in scenes:
        one.supervisor.close()
        for puppet in one.puppets:
            puppet.end.close()  # by this thread alone: a handle must not be closed by two at a time


@pytest.fixture
def ends() -> Iterator[tuple[Connection, Connection]]:
    ours, theirs = Pipe()
    with ours, theirs:
        yield ours, theirs


def test_bytes_follow_the_messages_that_have_some(ends: tuple[Connection, Connection]) -> None:
    talk = Conversation(ends[0], {"model": "tape"})
    assert json.loads(ends[1].recv_bytes()) == {"model": "tape"}
    for say, data in (("progress", b""), ("sound", b"samples"), ("made", b"")):
        ends[1].send_bytes(json.dumps({"say": say, "job": 1}).encode())
        if data:
            ends[1].send_bytes(data)
        assert talk.hear(PATIENCE) == WorkerMessage(say, {"job": 1}, data)
    assert talk.hear(0.0) is None
    talk.end()


def test_a_worker_is_given_jobs_as_soon_as_its_model_is_loaded_and_not_before(
    scene: Callable[..., Scene],
) -> None:
    stage = scene()
    puppet = stage.worker()
    assert puppet.hear()["model"] == "tape"
    assert not stage.supervisor.ready
    puppet.say("loaded", **LOADED)
    assert stage.work.messages.get(timeout=PATIENCE).about["title"] == "tape"
    assert stage.supervisor.ready
    with stage.lock:
        stage.supervisor.render(7, {"prompt": "x"})
        stage.supervisor.cancel(7)
    assert puppet.hear() == {"do": "render", "job": 7, "request": {"prompt": "x"}}
    assert puppet.hear() == {"do": "cancel", "job": 7}


def test_one_that_has_ended_is_not_asked_any_more_when_its_end_is_told(
    scene: Callable[..., Scene],
) -> None:
    stage = scene()
    puppet = stage.loaded()
    ready: list[bool] = []
    stage.work.when_it_crashes = lambda: ready.append(stage.supervisor.ready)
    puppet.end.close()
    assert stage.work.crashes.get(timeout=PATIENCE) == ("it fell", False)
    assert ready == [False]
    stage.loaded()
    assert puppet.stopped.is_set()


def test_one_that_never_loads_is_given_up_and_tried_again_when_something_waits(
    scene: Callable[..., Scene],
) -> None:
    stage = scene()
    for number in range(CRASHES + 1):
        stage.worker().end.close()
        assert stage.work.crashes.get(timeout=PATIENCE) == ("it fell", number == CRASHES)
    assert stage.model.state == "error"
    assert stage.started.empty()
    with stage.lock:
        stage.work.waits = True
        stage.supervisor.wake()
    stage.loaded()
    assert stage.model.error == ""


def test_another_one_comes_only_when_nothing_is_being_made(scene: Callable[..., Scene]) -> None:
    stage = scene()
    puppet = stage.loaded()
    with stage.lock:
        stage.work.runs = True
        stage.model.choose("other", "")
        stage.supervisor.renew()
    assert not stage.supervisor.ready
    puppet.say("progress", job=1)
    stage.work.messages.get(timeout=PATIENCE)
    assert not puppet.stopped.is_set()
    with stage.lock:
        stage.work.runs = False
    assert stage.worker().hear()["model"] == "other"
    assert puppet.stopped.is_set()


def test_silence_is_a_hang_only_while_it_has_something_to_do(scene: Callable[..., Scene]) -> None:
    stage = scene(hang_seconds=1.0)
    stage.loaded()
    talk = stage.supervisor.talk
    assert talk
    talk.last_sign -= 3600
    for _ in range(3):  # as many turns went by
        stage.work.looked.clear()
        assert stage.work.looked.wait(PATIENCE)
    assert stage.work.crashes.empty()
    with stage.lock:
        stage.work.runs = True
        talk.last_sign -= 3600
    how, hopeless = stage.work.crashes.get(timeout=PATIENCE)
    assert how == "it gave no sign of life for 1 seconds"
    assert hopeless is False
    stage.work.runs = False


def test_adapters_are_changed_between_two_jobs_and_asked_for_once(
    scene: Callable[..., Scene],
) -> None:
    stage = scene()
    puppet = stage.loaded()
    lofi = Adapter("/lofi")
    with stage.lock:
        stage.model.wear((lofi,))
        stage.work.runs = True
        assert not stage.supervisor.fit()
        stage.work.runs = False
        assert not stage.supervisor.fit()
        assert not stage.supervisor.fit()
    assert puppet.hear() == {"do": "wear", "adapters": [["/lofi", 1.0]]}
    assert stage.model.state == "loading"
    with stage.lock:
        stage.model.fitted({"title": "tape (lofi)", "adapters": [["/lofi", 1.0]]})
        assert stage.supervisor.fit()
        stage.model.become("warm")
        stage.supervisor.cancel(1)
    assert puppet.hear()["do"] == "cancel", "nothing else was asked"
