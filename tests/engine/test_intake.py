"""Orders while hundreds of others are being written down."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from daemon.engine import Engine
from daemon.engine.intake import MAX_ARRIVED
from daemon.jobs import Order
from tests.support.harness import ME, PATIENCE, Build, Recorder, SteppedModel, make_request
from tests.support.waiting import held_elsewhere, until

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
    until(lambda: not engine.arrivals.is_busy(ME))
    go_on.set()
    engine.journal.flush()
    told = [event for event in recorder.events if event.kind in ("queued", "state")]
    assert len(recorder.ids_with("queued")) == ORDERS
    assert told[-1].kind == "state"
    assert told[-1].values[2] >= ORDERS - 1  # one may be with the worker
    assert len(told) - ORDERS < 10  # two commits, and the model's own states


def test_who_brings_an_order_does_not_wait_for_the_engines_lock(build: Build) -> None:
    engine = build(SteppedModel(running=False), queue=1000, queue_per_client=1000)
    recorder = Recorder(engine)
    refused: list[Exception] = []
    with held_elsewhere(engine.lock):
        for number in range(ORDERS):  # each returns, or this test does not end
            order = Order(ME, f"a{number}", make_request("a"))
            engine.begin_submit(order, refused.append)
        assert recorder.ids_with("queued") == []
    wait_until_taken_in(engine, ME)
    assert refused == []
    assert recorder.ids_with("queued") == [f"a{number}" for number in range(ORDERS)]


def test_orders_that_are_not_taken_in_yet_are_cancelled(build: Build) -> None:
    engine = build(SteppedModel(running=False))
    recorder = Recorder(engine)
    entered = threading.Event()
    go_on = threading.Event()

    def hold() -> None:
        entered.set()
        assert go_on.wait(PATIENCE)

    engine.arrivals.put(ME, hold)
    assert entered.wait(PATIENCE)
    for id in ("a", "b"):
        engine.begin_submit(Order(ME, id, make_request("a")), lambda error: None)
    assert engine.cancel(ME, "a") == 1
    go_on.set()
    wait_until_taken_in(engine, ME)
    assert recorder.kinds_of("a") == ["queued", "cancelled"]
    assert "cancelled" not in recorder.kinds_of("b")
    assert engine._intake.list_unread() == []


def test_more_orders_than_can_be_kept_are_refused(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = build(SteppedModel(running=False))
    refused: list[Exception] = []
    with held_elsewhere(engine.lock):
        for number in range(MAX_ARRIVED + 1):
            order = Order(ME, f"a{number}", make_request("a"))
            engine.begin_submit(order, refused.append)
        assert [getattr(error, "code", 0) for error in refused] == [429]
    wait_until_taken_in(engine, ME)
    assert engine._intake.list_unread() == []


def wait_until_taken_in(engine: Engine, client: str) -> None:
    """And written down, with everybody told."""
    until(lambda: not engine.arrivals.is_busy(client))
    engine.journal.flush()
