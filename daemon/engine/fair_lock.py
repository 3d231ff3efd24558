"""The engine's lock: threads get it in the order in which they came for it."""

from __future__ import annotations

import threading
from collections import deque


class Held(threading.local):
    """How often the thread that looks has the lock."""

    times = 0


class FairLock:
    """Re-entrant, as `threading.RLock` is, which however goes to whoever is quickest: a thread that
    gives it back and takes it again hundreds of times, to tell what the journal has written, keeps
    out one that waits for it meanwhile to answer a player.

    All come in by one door, one at a time, and in their order: whoever stands in it has the lock
    next.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._held = Held()
        self._door = threading.Lock()  # of the two below, held for a moment only
        self._is_door_taken = False
        # of each thread before the door one that it waits for, the next one's first
        self._queue: deque[threading.Lock] = deque()

    @property
    def is_held_here(self) -> bool:
        """Whether this thread has it."""
        return self._held.times > 0

    @property
    def waiting(self) -> int:
        """How many threads wait for it, about."""
        return self._is_door_taken + len(self._queue)

    def make_condition(self) -> threading.Condition:
        """Whoever waits for it gives the lock back meanwhile, and has it again without queueing."""
        return threading.Condition(self._lock)

    def __enter__(self) -> None:
        if self._held.times:
            self._lock.acquire()
        else:
            self._enter_door()
            try:
                self._lock.acquire()
            finally:
                self._leave_door()
        self._held.times += 1

    def __exit__(self, *exception: object) -> None:
        self._held.times -= 1
        self._lock.release()

    def _enter_door(self) -> None:
        with self._door:
            if not self._is_door_taken:
                self._is_door_taken = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._queue.append(turn)
        turn.acquire()

    def _leave_door(self) -> None:
        with self._door:
            if self._queue:
                self._queue.popleft().release()  # the door stays taken: it is the next one's
            else:
                self._is_door_taken = False
