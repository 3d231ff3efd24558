"""Messages wait for their time, in order, and not too many of them."""

from __future__ import annotations

from contextlib import suppress

import pytest

from daemon.jobs import Refused
from daemon.osc import timed_queue
from daemon.osc.timed_queue import TimedQueue
from daemon.osc.wire import Message, Peer
from tests.support.clock import Clock

ME = Peer("udp:127.0.0.1:1", "127.0.0.1")
YOU = Peer("udp:127.0.0.1:2", "127.0.0.1")


def push(queue: TimedQueue, address: str, delay: float, sender: Peer = ME) -> None:
    queue.push(Message(address, ()), sender, delay)


def pop_all_due(queue: TimedQueue) -> list[str]:
    addresses = []
    while timed := queue.pop_due():
        addresses.append(timed.message.address)
    return addresses


def test_they_come_when_they_are_due_and_of_one_time_as_they_arrived() -> None:
    clock = Clock()
    queue = TimedQueue(clock)
    for address, delay in (("/c", 2.0), ("/a", 1.0), ("/b", 1.0), ("/d", 3.0)):
        push(queue, address, delay)
    assert queue.deadline == 1.0
    assert pop_all_due(queue) == []
    clock.now = 2.0
    assert pop_all_due(queue) == ["/a", "/b", "/c"]
    assert queue.deadline == 3.0
    clock.now = 3.0
    assert pop_all_due(queue) == ["/d"]
    assert queue.deadline == float("inf")


def test_those_that_wait_are_dropped_and_those_that_are_due_stay() -> None:
    clock = Clock()
    queue = TimedQueue(clock)
    for address, delay in (("/later", 5.0), ("/due", 1.0), ("/soon", 2.0)):
        push(queue, address, delay)
    clock.now = 1.0
    assert [timed.message.address for timed in queue.drop_waiting()] == ["/soon", "/later"]
    assert len(queue) == 1
    assert pop_all_due(queue) == ["/due"]


def test_only_so_many_may_wait_of_one_client_and_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timed_queue, "MAX_TIMED", 2)
    monkeypatch.setattr(timed_queue, "MAX_TIMED_IN_ALL", 3)
    queue = TimedQueue(Clock())
    for _ in range(2):
        push(queue, "/mine", 1.0)
    with pytest.raises(Refused) as error:
        push(queue, "/mine", 1.0)
    assert error.value.code == 429
    push(queue, "/yours", 1.0, YOU)
    assert len(queue) == 3


def test_whoever_fills_it_from_many_ports_leaves_others_a_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timed_queue, "MAX_TIMED", 4)
    monkeypatch.setattr(timed_queue, "MAX_TIMED_IN_ALL", 16)
    clock = Clock()
    queue = TimedQueue(clock)
    for port in range(4):
        for number in range(4):
            push(queue, f"/{port}/{number}", 2.0, Peer(f"udp:127.0.0.1:{10 + port}", "127.0.0.1"))
    dropped = [queue.push(Message("/mine", ()), ME, 1.0) for _ in range(4)]
    made_room = ["/0/3", "/1/3", "/2/3", "/3/3"]
    assert [timed.message.address for timed in dropped if timed] == made_room
    with pytest.raises(Refused) as error:  # now nobody has more than it
        queue.push(Message("/mine", ()), ME, 1.0)
    assert error.value.code == 429
    assert len(queue) == 16
    clock.now = 1.0
    assert pop_all_due(queue) == ["/mine"] * 4
    clock.now = 2.0
    assert not set(made_room).intersection(pop_all_due(queue))
    assert len(queue) == 0
    assert queue.deadline == float("inf")


def test_what_has_made_room_is_not_kept_and_comes_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timed_queue, "MAX_TIMED", 4)
    monkeypatch.setattr(timed_queue, "MAX_TIMED_IN_ALL", 4)
    queue = TimedQueue(Clock())
    senders = [Peer(f"udp:127.0.0.1:{port}", "127.0.0.1") for port in range(10, 14)]
    for _ in range(10):  # two take the place from the two of another pair, and so on
        for sender in senders:
            with suppress(Refused):
                push(queue, sender.client, 5.0, sender)
                push(queue, sender.client, 5.0, sender)
        queue.drop_waiting()
    for _ in range(4):
        push(queue, "/old", 5.0)
    for sender in senders[:2]:
        push(queue, "/new", 5.0, sender)
    left = [timed.message.address for timed in queue.drop_waiting()]
    assert left == ["/old", "/old", "/new", "/new"]
    assert len(queue) == 0
