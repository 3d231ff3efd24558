"""Whose turn it is: in order for each sender, and for all of them by the time they were given."""

from __future__ import annotations

import itertools

import pytest

from daemon.osc import fair_queue
from daemon.osc.fair_queue import MAX_FLOWS, MAX_SIZE, OVERHEAD, SHARE, FairQueue

Queue = FairQueue[str]


def fill(queue: Queue, sender: str, count: int, size: int = 0) -> None:
    for number in range(count):
        queue.push(sender, f"{sender}{number}", size)


def serve(queue: Queue, turns: int, seconds: float = 1.0) -> list[str]:
    served = []
    for _ in itertools.islice(iter(lambda: bool(queue), False), turns):
        sender, item = queue.start_turn()
        served.append(item)
        queue.end_turn(sender, seconds, is_done=True)
    return served


def test_one_senders_items_come_in_their_order_and_senders_take_turns() -> None:
    queue = Queue()
    fill(queue, "a", 3)
    fill(queue, "b", 2)
    assert serve(queue, 9) == ["a0", "b0", "a1", "b1", "a2"]
    assert not queue


def test_who_sends_what_takes_long_has_fewer_turns() -> None:
    queue = Queue()
    fill(queue, "slow", 5)
    fill(queue, "quick", 5)
    served = []
    for _ in range(8):
        sender, item = queue.start_turn()
        served.append(item)
        queue.end_turn(sender, 3.0 if sender == "slow" else 1.0, is_done=True)
    assert served == ["slow0", "quick0", "quick1", "quick2", "slow1", "quick3", "quick4", "slow2"]


def test_an_item_that_is_not_done_is_continued_after_the_others_turns() -> None:
    queue = Queue()
    fill(queue, "long", 2)
    fill(queue, "short", 1)
    turns = []
    for is_done in (False, True, False, True, True):
        sender, item = queue.start_turn()
        turns.append(item)
        queue.end_turn(sender, 1.0, is_done)
    assert turns == ["long0", "short0", "long0", "long0", "long1"]
    assert not queue


def test_those_who_share_what_one_is_given_wait_for_a_turn_of_each_other() -> None:
    queue = Queue()
    queue.push("shared", "flood0", member="flood")
    queue.push("shared", "flood1", member="flood")
    queue.push("shared", "ping", member="late")
    queue.push("own", "own0")
    turns = []
    for is_done in (False, True, True, False, True, True):
        sender, item = queue.start_turn()
        turns.append(item)
        queue.end_turn(sender, 1.0, is_done)
    assert turns == ["flood0", "own0", "ping", "flood0", "flood0", "flood1"]
    assert not queue


def test_who_comes_anew_is_next_however_much_waits_of_the_others() -> None:
    queue = Queue()
    for flood in "abc":
        fill(queue, flood, 1000)
    serve(queue, 300)
    fill(queue, "new", 1)
    assert "new0" in serve(queue, 4)


def test_who_was_silent_has_saved_nothing_up() -> None:
    queue = Queue()
    fill(queue, "busy", 1000)
    serve(queue, 500)
    fill(queue, "back", 1000)
    served = serve(queue, 100)
    assert 49 <= sum(item.startswith("busy") for item in served) <= 51


def test_who_asks_again_at_once_gets_no_more_than_its_part() -> None:
    """Though never more than one item of it waits."""
    queue = Queue()
    fill(queue, "waiting", 100)
    fill(queue, "greedy", 1)
    turns = 0
    for _ in range(100):
        sender, _ = queue.start_turn()
        queue.end_turn(sender, 1.0, is_done=True)
        if sender == "greedy":
            turns += 1
            fill(queue, "greedy", 1)
    assert 49 <= turns <= 51


def fill_up(queue: Queue, sender: str, size: int) -> int:
    """Push as long as there is room. Returns how many bytes that was."""
    count = 0
    while queue.has_room(sender, size):
        queue.push(sender, "x", size)
        count += 1
    return count * (size + OVERHEAD)


def test_a_flood_leaves_room_for_the_others() -> None:
    queue = Queue()
    sizes = [fill_up(queue, f"flood{number}", 1000) for number in range(100)]
    assert sizes[0] <= MAX_SIZE / SHARE
    assert sum(sizes) < MAX_SIZE
    assert queue.has_room("ping", 40)


def test_room_comes_back() -> None:
    queue = Queue()
    before = fill_up(queue, "a", 60_000)
    assert not queue.has_room("a", 60_000)
    serve(queue, 1_000_000)
    assert fill_up(queue, "a", 60_000) == before


def test_senders_that_are_always_others_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_queue, "MAX_FLOWS", 10)
    queue = Queue()
    fill(queue, "steady", 2000)
    for number in range(1000):
        fill(queue, f"port{number}", 1)
        serve(queue, 2)
    assert len(queue._flows) <= MAX_FLOWS + 10
