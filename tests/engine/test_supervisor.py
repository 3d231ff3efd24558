"""Keeping a worker: the test plays the worker, and it has the jobs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from queue import Queue
from typing import Any

import numpy as np
import pytest

from daemon.engine import ModelChoice, supervisor
from daemon.engine.fair_lock import FairLock
from daemon.engine.model_state import ModelState
from daemon.engine.render_worker import RenderWorker
from daemon.engine.run import Loss, Run
from daemon.engine.supervisor import LOAD_CRASHES, Supervisor, WorkerConnection
from daemon.messages import (
    AdaptersSet,
    CancelRender,
    EncodedMessage,
    LoadModel,
    ModelLoaded,
    Render,
    RenderClip,
    RenderProgress,
    SetAdapters,
    WorkerMessage,
    encode_message,
    receive_message,
    send_encoded,
    send_message,
)
from daemon.settings import Settings
from pipeline.request import Request
from pipeline.weights.adapter import Adapter
from tests.support.harness import PATIENCE, SteppedModel
from tests.support.takes import make_run

LOADED = ModelLoaded(
    title="tape",
    adapters=(),
    capabilities=SteppedModel().capabilities,
    seconds_per_cost=1.0,
    token_cost=0.0,
)


class Puppet:
    """A worker that says what the test says."""

    def __init__(self) -> None:
        self.connection, self.end = Pipe()
        self.stopped = threading.Event()

    def stop(self) -> None:
        self.connection.close()
        self.stopped.set()

    def exit_reason(self) -> str:
        return "it fell"

    def send(self, message: WorkerMessage) -> None:
        send_message(self.end, message)

    def receive(self) -> WorkerMessage:
        assert self.end.poll(PATIENCE), "nothing is said to it"
        return receive_message(self.end)

    def receive_load(self) -> LoadModel:
        message = self.receive()
        assert isinstance(message, LoadModel)
        return message


class Work:
    """The jobs, as far as a supervisor sees them."""

    def __init__(self, model: ModelState) -> None:
        self.model = model
        self.has_waiting = False
        self.messages: Queue[WorkerMessage] = Queue()
        self.exits: Queue[tuple[str, bool]] = Queue()
        self.ticked = threading.Event()
        self.when_it_exits: Callable[[], None] = lambda: None

    @property
    def choice(self) -> ModelChoice:
        return self.model.choice

    def add_worker(self, worker: RenderWorker) -> None: ...

    def remove_worker(self, worker: RenderWorker) -> None: ...

    def show_status(self) -> None: ...

    def on_message(self, worker: RenderWorker, message: WorkerMessage) -> None:
        if isinstance(message, ModelLoaded):
            self.model.on_loaded(message, lambda title: 0.0)
        self.messages.put(message)

    def on_worker_exit(
        self, worker: RenderWorker, reason: str, gives_up: bool = False, loss: Loss = Loss.ENDED
    ) -> None:
        self.when_it_exits()
        worker.running.clear()
        if gives_up:
            self.model.on_load_failed(reason)
        self.exits.put((reason, gives_up))

    def dispatch(self) -> None: ...

    def on_tick(self) -> None:
        self.ticked.set()


class Scene:
    def __init__(self, **settings: Any) -> None:
        self.lock = FairLock()
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
        assert puppet.receive_load().model == self.model.choice.model
        puppet.send(LOADED)
        assert self.work.messages.get(timeout=PATIENCE) == LOADED
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


@pytest.fixture
def run() -> Run:
    return make_run(Request(prompt="x", seed=1))


def test_arrays_come_with_the_messages_that_have_some(ends: tuple[Connection, Connection]) -> None:
    load = ModelState(ModelChoice("tape", ""), lambda: None).make_load_message(Settings())
    connection = WorkerConnection(ends[0], load)
    assert receive_message(ends[1]) == load
    audio = np.ones((2, 3), np.float32)
    for message in (
        RenderProgress(1, 0.5, "text"),
        RenderClip(1, "mix", audio),
        RenderProgress(1, 1.0, "decode"),
    ):
        send_message(ends[1], message)
        received = connection.receive(PATIENCE)
        if isinstance(message, RenderClip):
            assert isinstance(received, RenderClip)
            np.testing.assert_array_equal(received.audio, audio)
        else:
            assert received == message
    assert connection.receive(0.0) is None
    connection.end()


def test_a_worker_is_given_jobs_as_soon_as_its_model_is_loaded_and_not_before(
    scene: Callable[..., Scene], run: Run
) -> None:
    stage = scene()
    puppet = stage.worker()
    assert puppet.receive_load().model == "tape"
    assert not stage.supervisor.is_ready
    puppet.send(LOADED)
    assert stage.work.messages.get(timeout=PATIENCE) == LOADED
    assert stage.supervisor.is_ready
    with stage.lock:
        stage.supervisor.render(run)
        stage.supervisor.cancel(run)
    assert puppet.receive() == Render(run.ticket, run.job.resolved)
    assert puppet.receive() == CancelRender(run.ticket)


def test_one_that_has_ended_is_not_asked_any_more_when_its_end_is_told(
    scene: Callable[..., Scene],
) -> None:
    stage = scene()
    puppet = stage.loaded()
    ready: list[bool] = []
    stage.work.when_it_exits = lambda: ready.append(stage.supervisor.is_ready)
    puppet.end.close()
    assert stage.work.exits.get(timeout=PATIENCE) == ("it fell", False)
    assert ready == [False]
    stage.loaded()
    assert puppet.stopped.is_set()


def test_one_that_never_loads_is_given_up_and_tried_again_when_something_waits(
    scene: Callable[..., Scene],
) -> None:
    stage = scene()
    for number in range(LOAD_CRASHES + 1):
        stage.worker().end.close()
        assert stage.work.exits.get(timeout=PATIENCE) == ("it fell", number == LOAD_CRASHES)
    assert stage.model.error == "it fell"
    assert stage.started.empty()
    with stage.lock:
        stage.work.has_waiting = True
        stage.supervisor.wake()
    stage.loaded()
    assert stage.model.error == ""


def test_another_one_comes_only_when_nothing_is_being_made(
    scene: Callable[..., Scene], run: Run
) -> None:
    stage = scene()
    puppet = stage.loaded()
    with stage.lock:
        stage.supervisor.running.append(run)
        stage.model.choose_model("other", "")
        stage.supervisor.replace_worker()
    assert not stage.supervisor.is_ready
    puppet.send(RenderProgress(1, 0.5, "text"))
    stage.work.messages.get(timeout=PATIENCE)
    assert not puppet.stopped.is_set()
    with stage.lock:
        stage.supervisor.running.clear()
    assert stage.worker().receive_load().model == "other"
    assert puppet.stopped.is_set()


def test_silence_is_a_hang_only_while_it_has_something_to_do(
    scene: Callable[..., Scene], run: Run
) -> None:
    stage = scene(hang_seconds=1.0)
    stage.loaded()
    connection = stage.supervisor.connection
    assert connection
    connection.last_sign_of_life -= 3600
    for _ in range(3):  # as many turns went by
        stage.work.ticked.clear()
        assert stage.work.ticked.wait(PATIENCE)
    assert stage.work.exits.empty()
    with stage.lock:
        stage.supervisor.running.append(run)
        connection.last_sign_of_life -= 3600
    reason, gives_up = stage.work.exits.get(timeout=PATIENCE)
    assert reason == "it gave no sign of life for 1 seconds"
    assert gives_up is False


def stop_in_a_message(puppet: Puppet) -> None:
    """It says half of one, and nothing more."""
    head, (array,) = encode_message(RenderClip(1, "mix", np.zeros((2, 1000), np.float32)))
    send_encoded(puppet.end, EncodedMessage(head, [array[:500]]))


def test_silence_in_the_middle_of_a_message_is_a_hang(scene: Callable[..., Scene]) -> None:
    stage = scene(hang_seconds=1.0)
    puppet = stage.loaded()
    stop_in_a_message(puppet)
    reason, _ = stage.work.exits.get(timeout=PATIENCE)
    assert "in the middle of a message" in reason
    stage.loaded()
    assert puppet.stopped.is_set()


def test_a_close_does_not_wait_for_the_rest_of_a_message(scene: Callable[..., Scene]) -> None:
    stage = scene(hang_seconds=3600.0)
    puppet = stage.loaded()
    stop_in_a_message(puppet)
    stage.supervisor.close()
    assert puppet.stopped.is_set()
    assert stage.work.exits.empty()


def test_adapters_are_changed_between_two_jobs_and_asked_for_once(
    scene: Callable[..., Scene], run: Run
) -> None:
    stage = scene()
    puppet = stage.loaded()
    lofi = Adapter("/lofi")
    with stage.lock:
        stage.model.choose_adapters((lofi,))
        stage.supervisor.running.append(run)
        assert not stage.supervisor.sync_adapters()
        stage.supervisor.running.clear()
        assert not stage.supervisor.sync_adapters()
        assert not stage.supervisor.sync_adapters()
    assert puppet.receive() == SetAdapters((lofi,))
    assert stage.supervisor.status == "loading"
    with stage.lock:
        stage.model.on_adapters_set(AdaptersSet("tape (lofi)", (lofi,)))
        assert stage.supervisor.sync_adapters()
        stage.supervisor.cancel(run)
    assert puppet.receive() == CancelRender(run.ticket), "nothing else was asked"
