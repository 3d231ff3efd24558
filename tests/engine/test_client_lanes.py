from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from queue import SimpleQueue

import pytest

from daemon.engine import client_lanes
from daemon.engine.client_lanes import ClientLanes
from daemon.jobs import Refused

PATIENCE = 60.0


@pytest.fixture
def lanes() -> Iterator[ClientLanes]:
    with closing(ClientLanes()) as opened:
        yield opened


class Held:
    """A task that waits until it may end."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def __call__(self) -> None:
        self.entered.set()
        assert self.go_on.wait(PATIENCE)


def is_refused(lanes: ClientLanes) -> bool:
    """Whether it closes."""
    try:
        lanes.put("late", lambda: None)
    except Refused as error:
        return error.code == 503
    return False


def test_a_client_has_its_order_and_clients_take_turns(lanes: ClientLanes) -> None:
    held = Held()
    done: SimpleQueue[str] = SimpleQueue()
    lanes.put("a", held)
    assert held.entered.wait(PATIENCE)
    for text in ("a1", "a2", "b1", "b2"):
        lanes.put(text[0], partial(done.put, text))
    held.go_on.set()
    assert [done.get(timeout=PATIENCE) for _ in range(4)] == ["b1", "a1", "b2", "a2"]


def test_a_client_is_busy_until_its_last_task_is_done(lanes: ClientLanes) -> None:
    first = Held()
    second = Held()
    lanes.put("a", first)
    lanes.put("a", second)
    assert lanes.is_busy("a")
    assert not lanes.is_busy("b")
    first.go_on.set()
    assert second.entered.wait(PATIENCE)
    assert lanes.is_busy("a")
    second.go_on.set()
    lanes.close()
    assert not lanes.is_busy("a")


def test_what_a_task_does_itself_does_not_wait_for_it(lanes: ClientLanes) -> None:
    seen: SimpleQueue[tuple[bool, bool]] = SimpleQueue()
    lanes.put("a", lambda: seen.put((lanes.is_here, lanes.is_busy("a"))))
    assert seen.get(timeout=PATIENCE) == (True, False)
    assert not lanes.is_here


def fail() -> None:
    raise RuntimeError("a bug")


def test_a_task_that_fails_does_not_stop_the_next(lanes: ClientLanes) -> None:
    done = threading.Event()
    lanes.put("a", fail)
    lanes.put("a", done.set)
    assert done.wait(PATIENCE)


def test_so_many_may_wait_and_no_more(lanes: ClientLanes) -> None:
    held = Held()
    lanes.put("a", held)
    for _ in range(client_lanes.MAX_WAITING - 1):
        lanes.put("a", lambda: None)
    with pytest.raises(Refused, match="64 of your messages"):
        lanes.put("a", lambda: None)
    lanes.put("b", lambda: None)
    held.go_on.set()


def test_so_many_clients_may_wait_and_no_more(
    lanes: ClientLanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_lanes, "MAX_IN_ALL", 3)
    held = Held()
    for client in "abc":
        lanes.put(client, held)
    with pytest.raises(Refused, match="3 messages"):
        lanes.put("d", held)
    assert not lanes.is_busy("d")
    held.go_on.set()


def test_what_has_come_is_done_when_it_closes_and_nothing_more_is_taken(
    lanes: ClientLanes,
) -> None:
    done = threading.Event()
    lanes.put("a", done.set)
    lanes.close()
    assert done.is_set()
    with pytest.raises(Refused, match="closing"):
        lanes.put("a", done.set)


def test_the_end_of_the_daemon_does_not_wait_for_all_that_many_have_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lanes = ClientLanes(close_seconds=0.0)
    held = Held()
    done: list[str] = []
    lanes.put("a", held)
    assert held.entered.wait(PATIENCE)
    for client in "abc":
        lanes.put(client, partial(done.append, client))
    closing = threading.Thread(target=lanes.close)
    closing.start()
    while not is_refused(lanes):
        pass
    held.go_on.set()
    closing.join(PATIENCE)
    assert done == []
    assert "messages are not answered: the daemon ends" in caplog.text
