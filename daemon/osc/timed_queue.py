"""Messages of bundles whose time has not come."""

from __future__ import annotations

import heapq
import itertools
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from ..jobs import Refused
from .guard import find_account
from .wire import Message, Peer

MAX_TIMED = 1000  # messages that may wait, of one account
MAX_TIMED_IN_ALL = 4 * MAX_TIMED


class TimedMessage(NamedTuple):
    due: float  # on the clock
    arrival: int  # the order among those that are due at the same time
    message: Message
    sender: Peer


class TimedQueue:
    """Sorted by time, and then by arrival. For one thread. The clock is monotonic: once a message
    waits, nobody can turn it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heap: list[TimedMessage] = []
        self._arrivals = itertools.count()
        self._waiting: Counter[str] = Counter()  # how many, by account

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, message: Message, sender: Peer, delay: float) -> None:
        """Keep a message for `delay` seconds. Raises `Refused` 429 while too many wait."""
        account = find_account(sender)
        if len(self._heap) >= MAX_TIMED_IN_ALL or self._waiting[account] >= MAX_TIMED:
            raise Refused(
                429,
                f"{MAX_TIMED} messages already wait for their time",
                "send them when they are due, or /ace/panic",
            )
        due = self._clock() + delay
        heapq.heappush(self._heap, TimedMessage(due, next(self._arrivals), message, sender))
        self._waiting[account] += 1

    def pop_due(self) -> TimedMessage | None:
        """The next one whose time has come."""
        if self.deadline > self._clock():
            return None
        timed = heapq.heappop(self._heap)
        account = find_account(timed.sender)
        self._waiting[account] -= 1
        if not self._waiting[account]:
            del self._waiting[account]
        return timed

    def drop_waiting(self) -> list[TimedMessage]:
        """Drop those whose time has not come, and return them in order. What is due already stays:
        it may stand in one bundle behind the very command that drops the others.
        """
        now = self._clock()
        dropped = [timed for timed in self._heap if timed.due > now]
        self._heap = [timed for timed in self._heap if timed.due <= now]
        heapq.heapify(self._heap)
        self._waiting = Counter(find_account(timed.sender) for timed in self._heap)
        return sorted(dropped, key=lambda timed: timed[:2])

    @property
    def deadline(self) -> float:
        """When the next one is due, on the clock; infinity where there is none."""
        return self._heap[0].due if self._heap else float("inf")
