"""The process that renders, as a process: what it says, and how it ends."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from daemon.engine.process import WorkerProcess
from pipeline.request import Request
from pipeline.take import TakeInfo

PATIENCE = 120.0
WANTED = {
    "model": "mini",
    "variant": "",
    "revision": "",
    "cache_gb": 1.0,
    "plan": "auto",
    "planner": "",
}
WANTED |= {
    "bits": 0,
    "adapters": [],
    "conditions_mb": 512.0,
    "latents_mb": 0.0,
    "memory_gb": 0.0,
    "wired_gb": 0.0,
}


@contextmanager
def working(wanted: dict[str, Any] = WANTED) -> Iterator[WorkerProcess]:
    process = WorkerProcess()
    try:
        process.connection.send_bytes(json.dumps(wanted).encode())
        yield process
    finally:
        process.stop()


def hear(process: WorkerProcess) -> dict[str, Any]:
    assert process.connection.poll(PATIENCE), "the worker says nothing"
    message: dict[str, Any] = json.loads(process.connection.recv_bytes())
    return message


def send(process: WorkerProcess, **order: Any) -> None:
    process.connection.send_bytes(json.dumps(order).encode())


def until(process: WorkerProcess, what: str) -> dict[str, Any]:
    while (message := hear(process))["say"] != what:
        pass
    return message


def test_a_request_goes_in_and_its_sound_comes_out() -> None:
    with working() as process:
        loaded = until(process, "loaded")
        assert loaded["title"].startswith("mini")
        assert loaded["pace"] > 0
        send(
            process, do="render", job=5, request=asdict(Request(prompt="drums", seconds=1, seed=3))
        )
        sound = until(process, "sound")
        audio = np.frombuffer(process.connection.recv_bytes(), np.float32).reshape(
            sound["channels"], -1
        )
        made = until(process, "made")
    assert audio.shape == (2, 48_000)
    assert 0 < np.abs(audio).max() <= 1
    assert made["job"] == 5
    info = TakeInfo.from_json(made["info"])
    assert info.request.seed == 3
    assert info.model == loaded["title"]
    assert set(info.memory) == set(info.timings)
    assert info.machine["python"]


def test_a_more_urgent_job_is_done_first_and_a_cancelled_one_stops() -> None:
    with working() as process:
        until(process, "loaded")
        for job, seconds in ((1, 60.0), (2, 1.0), (3, 60.0)):
            send(
                process,
                do="render",
                job=job,
                request=asdict(Request(prompt="x", seconds=seconds, seed=1)),
            )
        send(process, do="cancel", job=3)
        assert until(process, "cancelled")["job"] == 3
        assert until(process, "sound")["job"] == 2
        process.connection.recv_bytes()
        send(process, do="cancel", job=1)
        assert until(process, "cancelled")["job"] == 1


def test_a_request_that_cannot_be_made_says_why_and_the_next_one_is_made() -> None:
    with working() as process:
        until(process, "loaded")
        bad = asdict(Request(prompt="x", seconds=1)) | {"guide": "/nowhere.mid"}
        send(process, do="render", job=1, request=bad)
        failed = until(process, "failed")
        assert failed["job"] == 1
        assert failed["code"] == 422
        assert ".mid" in failed["message"]
        send(process, do="render", job=2, request=asdict(Request(prompt="x", seconds=1)))
        assert until(process, "sound")["job"] == 2


def test_a_model_that_is_not_there_is_said() -> None:
    with working(WANTED | {"model": "/nothing/at/all/here"}) as process:
        assert "no model" in until(process, "unloadable")["message"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_a_killed_worker_is_an_end_of_the_pipe_with_a_reason(number: signal.Signals) -> None:
    with working() as process:
        os.kill(process.pid, number)
        with pytest.raises((EOFError, ConnectionResetError)):
            until(process, "loaded")
        assert number.name in process.obituary()


def test_ctrl_c_in_the_terminal_is_left_to_the_daemon() -> None:
    with working() as process:
        until(process, "loaded")
        os.kill(process.pid, signal.SIGINT)
        os.kill(process.pid, signal.SIGTERM)
        send(process, do="render", job=2, request=asdict(Request(prompt="x", seconds=1)))
        assert until(process, "sound")["job"] == 2
