"""Calls at a time: on the next bar, and not before."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger("acestepd")

Call = Callable[[], None]


class Scheduler:
    """Makes calls at their time, on a thread of its own. Those whose time has not come when it
    closes are made then: none is dropped.
    """

    def __init__(self) -> None:
        self._calls: list[tuple[float, int, Call]] = []  # a heap: (due, order of arrival, call)
        self._arrivals = itertools.count()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def call_at(self, due: float, call: Call) -> None:
        """Call it when `time.monotonic()` is `due`: at once, and on this thread, where that has
        passed. Calls of one time are made in the order in which they came.
        """
        if due > time.monotonic():
            with self._changed:
                if not self._closing:
                    heapq.heappush(self._calls, (due, next(self._arrivals), call))
                    if not self._thread.is_alive():
                        self._thread.start()
                    self._changed.notify()
                    return
        call()

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while call := self._wait_for_next():
            try:
                call()
            except Exception:
                log.exception("a scheduled call")

    def _wait_for_next(self) -> Call | None:
        """The next call, when it is due. None: closing, and no call is left."""
        with self._changed:
            while not self._closing:
                wait = self._calls[0][0] - time.monotonic() if self._calls else None
                if wait is not None and wait <= 0:
                    break
                self._changed.wait(wait)
            return heapq.heappop(self._calls)[2] if self._calls else None
