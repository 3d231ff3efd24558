"""The process that renders, as a process: what it says, and how it ends."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import mlx.core as mx
import numpy as np
import pytest

from daemon import worker
from daemon.engine.process import WorkerProcess
from daemon.messages import (
    CancelRender,
    LoadModel,
    ModelLoaded,
    ModelLoadFailed,
    Render,
    RenderCancelled,
    RenderClip,
    RenderFailed,
    RenderFinished,
    WorkerMessage,
    receive_message,
    send_message,
)
from pipeline.request import Request
from tests.support import waiting
from tests.support.harness import ThreadWorker

PATIENCE = 120.0
SECOND = Request(prompt="x", seconds=1)

M = TypeVar("M", bound=WorkerMessage)


@pytest.fixture
def load(quick_voice: str) -> LoadModel:
    return LoadModel(
        model=quick_voice,
        variant="",
        adapters=(),
        linked_adapters=(),
        revision="",
        bits=0,
        planner="",
        plans_takes=True,
        cache_gb=1.0,
        memory_gb=0.0,
        wired_gb=0.0,
        conditions_mb=512.0,
        latents_mb=0.0,
        latents_folder="",
    )


@contextmanager
def working(load: LoadModel) -> Iterator[WorkerProcess]:
    process = WorkerProcess()
    try:
        send_message(process.connection, load)
        yield process
    finally:
        process.stop()


def send(process: WorkerProcess, message: WorkerMessage) -> None:
    send_message(process.connection, message)


def until(process: WorkerProcess, kind: type[M]) -> M:
    """The next message of that type."""
    while True:
        assert process.connection.poll(PATIENCE), "the worker says nothing"
        message = receive_message(process.connection)
        if isinstance(message, kind):
            return message


def test_a_request_goes_in_and_its_sound_comes_out(load: LoadModel) -> None:
    with working(dataclasses.replace(load, model="mini")) as process:
        loaded = until(process, ModelLoaded)
        assert loaded.title.startswith("mini")
        assert loaded.seconds_per_cost > 0
        send(process, Render(5, Request(prompt="drums", seconds=1, seed=3)))
        clip = until(process, RenderClip)
        finished = until(process, RenderFinished)
    assert clip.audio.shape == (2, 48_000)
    assert 0 < np.abs(clip.audio).max() <= 1
    assert finished.ticket == 5
    assert finished.info.request.seed == 3
    assert finished.info.model == loaded.title
    assert set(finished.info.memory) == set(finished.info.timings)
    assert finished.info.machine["python"]


@pytest.mark.long
def test_a_more_urgent_job_is_done_first_and_a_cancelled_one_stops(load: LoadModel) -> None:
    with working(load) as process:
        until(process, ModelLoaded)
        for ticket, seconds in ((1, 20.0), (2, 1.0), (3, 20.0)):
            send(process, Render(ticket, Request(prompt="x", seconds=seconds, seed=1)))
        send(process, CancelRender(3))
        assert until(process, RenderCancelled).ticket == 3
        assert until(process, RenderClip).ticket == 2
        send(process, CancelRender(1))
        assert until(process, RenderCancelled).ticket == 1


@pytest.mark.long
def test_a_request_that_cannot_be_made_says_why_and_the_next_one_is_made(load: LoadModel) -> None:
    with working(load) as process:
        until(process, ModelLoaded)
        send(process, Render(1, dataclasses.replace(SECOND, guide="/nowhere.mid")))
        failed = until(process, RenderFailed)
        assert failed.ticket == 1
        assert failed.code == 422
        assert ".mid" in failed.message
        send(process, Render(2, SECOND))
        assert until(process, RenderClip).ticket == 2


def test_a_model_that_is_not_there_is_said(load: LoadModel) -> None:
    with working(dataclasses.replace(load, model="/nothing/at/all/here")) as process:
        assert "no model" in until(process, ModelLoadFailed).message


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_a_killed_worker_is_an_end_of_the_pipe_with_a_reason(
    load: LoadModel, number: signal.Signals
) -> None:
    with working(load) as process:
        os.kill(process.pid, number)
        with pytest.raises((EOFError, ConnectionResetError)):
            until(process, ModelLoaded)
        assert number.name in process.exit_reason()


@pytest.mark.long
def test_it_stands_back_for_the_daemon_and_other_programs(load: LoadModel) -> None:
    with working(load) as process:
        until(process, ModelLoaded)
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(19, own + worker.NICENESS)


@pytest.mark.long
def test_ctrl_c_in_the_terminal_is_left_to_the_daemon(load: LoadModel) -> None:
    with working(load) as process:
        until(process, ModelLoaded)
        os.kill(process.pid, signal.SIGINT)
        os.kill(process.pid, signal.SIGTERM)
        send(process, Render(2, SECOND))
        assert until(process, RenderClip).ticket == 2


def test_memory_is_given_back_when_a_take_was_made(load: LoadModel) -> None:
    idle = ThreadWorker(worker.load_model)
    try:
        send_message(idle.connection, load)
        send_message(idle.connection, Render(1, Request(prompt="pad", seconds=1, seed=1)))
        while not isinstance(receive_message(idle.connection), RenderFinished):
            pass
        waiting.until(lambda: mx.get_cache_memory() == 0)
    finally:
        idle.stop()
