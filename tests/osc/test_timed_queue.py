"""Messages wait for their time, in order, and not too many of them."""

from __future__ import annotations

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
    with pytest.raises(Refused):
        push(queue, "/yours", 1.0, YOU)
