"""Orders while hundreds of others are being written down."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from daemon.jobs import Order
from tests.support.harness import ME, PATIENCE, Build, Recorder, SteppedModel, make_request

ORDERS = 300


def count_calls(task: Callable[[], object]) -> int:
    """How many functions are called on this thread, generators' every step among them."""
    calls = 0

    def count(frame: object, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        task()
    finally:
        sys.setprofile(None)
    return calls


def test_an_order_costs_the_same_however_many_are_being_written_down(build: Build) -> None:
    engine = build(SteppedModel(running=False), queue=1000, queue_per_client=1000)
    recorder = Recorder(engine)
    entered = threading.Event()
    go_on = threading.Event()
    refused: list[Exception] = []

    def hold(db: object) -> None:
        entered.set()
        assert go_on.wait(PATIENCE)

    def begin_submit(id: str) -> None:
        engine.begin_submit(Order(ME, id, make_request("a")), refused.append)

    engine.journal._writer.put(hold)
    assert entered.wait(PATIENCE)
    begin_submit("a")
    costs = [count_calls(partial(begin_submit, f"a{number}")) for number in range(ORDERS)]
    go_on.set()
    engine.journal.flush()
    assert refused == []
    assert len(recorder.ids_with("queued")) == ORDERS + 1
    assert costs[-1] < 1.5 * costs[0]


def test_how_many_wait_is_told_once_for_all_that_was_written_down_together(build: Build) -> None:
    engine = build(SteppedModel(running=False), queue=1000, queue_per_client=1000)
    recorder = Recorder(engine)
    entered = threading.Event()
    go_on = threading.Event()

    def hold(db: object) -> None:
        entered.set()
        assert go_on.wait(PATIENCE)

    engine.journal._writer.put(hold)
    assert entered.wait(PATIENCE)
    for number in range(ORDERS):
        engine.begin_submit(Order(ME, f"a{number}", make_request("a")), lambda error: None)
    go_on.set()
    engine.journal.flush()
    told = [event for event in recorder.events if event.kind in ("queued", "state")]
    assert len(recorder.ids_with("queued")) == ORDERS
    assert told[-1].kind == "state"
    assert told[-1].values[2] >= ORDERS - 1  # one may be with the worker
    assert len(told) - ORDERS < 10  # two commits, and the model's own states
