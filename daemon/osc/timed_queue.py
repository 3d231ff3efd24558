"""Messages of bundles whose time has not come."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from typing import NamedTuple

from ..jobs import Refused
from .guard import find_account
from .wire import Message, Peer

MAX_TIMED = 1000  # messages that may wait, of one account
MAX_TIMED_IN_ALL = 4 * MAX_TIMED
TOO_MANY_HINT = "send them when they are due, or /ace/panic"


class TimedMessage(NamedTuple):
    due: float  # on the clock
    arrival: int  # the order among those that are due at the same time
    message: Message
    sender: Peer


class TimedQueue:
    """Sorted by time, and then by arrival. For one thread. The clock is monotonic: once a message
    waits, nobody can turn it.

    Where it is full, the account of which most wait makes room for the others: whoever fills it
    leaves everybody a share.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heap: list[TimedMessage] = []  # also what has made room, until its time comes
        self._arrivals = itertools.count()
        # by account, and by arrival
        self._waiting: dict[str, dict[int, TimedMessage]] = {}
        self._count = 0  # of them

    def __len__(self) -> int:
        return self._count

    def push(self, message: Message, sender: Peer, delay: float) -> TimedMessage | None:
        """Keep a message for `delay` seconds. Returns the one that has made room for it, if any
        has. Raises `Refused` 429 while too many wait.
        """
        account = find_account(sender)
        own = len(self._waiting.get(account, ()))
        if own >= MAX_TIMED:
            raise Refused(429, f"{own} of your messages already wait for their time", TOO_MANY_HINT)
        dropped = self._make_room(own) if len(self) >= MAX_TIMED_IN_ALL else None
        timed = TimedMessage(self._clock() + delay, next(self._arrivals), message, sender)
        heapq.heappush(self._heap, timed)
        self._waiting.setdefault(account, {})[timed.arrival] = timed
        self._count += 1
        return dropped

    def pop_due(self) -> TimedMessage | None:
        """The next one whose time has come."""
        while self.deadline <= self._clock():
            timed = heapq.heappop(self._heap)
            if self._remove(timed):
                return timed
        return None

    def drop_waiting(self) -> list[TimedMessage]:
        """Drop those whose time has not come, and return them in order. What is due already stays:
        it may stand in one bundle behind the very command that drops the others.
        """
        now = self._clock()
        later = [timed for timed in self._heap if timed.due > now]
        self._heap = [timed for timed in self._heap if timed.due <= now]
        heapq.heapify(self._heap)
        dropped = [timed for timed in later if self._remove(timed)]
        return sorted(dropped, key=lambda timed: timed[:2])

    @property
    def deadline(self) -> float:
        """When to look for the next one that is due, on the clock; infinity where there is none."""
        return self._heap[0].due if self._heap else float("inf")

    def _make_room(self, own: int) -> TimedMessage:
        """Drop what came last of the account of which most wait, for one of which `own` do. Raises
        `Refused` 429 where that has no more.
        """
        most = max(self._waiting.values(), key=len)
        if own >= len(most):
            text = f"{len(self)} messages already wait for their time"
            raise Refused(429, text, TOO_MANY_HINT)
        dropped = next(reversed(most.values()))
        self._remove(dropped)
        if len(self._heap) > 2 * MAX_TIMED_IN_ALL:
            self._heap = [timed for each in self._waiting.values() for timed in each.values()]
            heapq.heapify(self._heap)
        return dropped

    def _remove(self, timed: TimedMessage) -> bool:
        """Whether it was still waiting."""
        account = find_account(timed.sender)
        waiting = self._waiting.get(account, {})
        is_waiting = waiting.pop(timed.arrival, None) is not None
        self._count -= is_waiting
        if not waiting:
            self._waiting.pop(account, None)
        return is_waiting
