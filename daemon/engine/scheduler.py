"""Things to be done at a time: on the next bar, and not before."""

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
    """A thread that waits. What has not been done when it closes is done then: nothing that was
    promised is dropped.
    """

    def __init__(self) -> None:
        self._calls: list[tuple[float, int, Call]] = []
        self._arrivals = itertools.count()
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="later", daemon=True)

    def at(self, due: float, call: Call) -> None:
        """Call it when `time.monotonic()` is `due`: at once where that has passed. In order, for
        the same time.
        """
        if due > time.monotonic():
            with self._wake:
                if not self._closing:
                    heapq.heappush(self._calls, (due, next(self._arrivals), call))
                    if not self._thread.is_alive():
                        self._thread.start()
                    self._wake.notify()
                    return
        call()

    def close(self) -> None:
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while call := self._next():
            try:
                call()
            except Exception:
                log.exception("what was due")

    def _next(self) -> Call | None:
        """Waits for the next one. None: closing, and nothing is left."""
        with self._wake:
            while not self._closing:
                wait = self._calls[0][0] - time.monotonic() if self._calls else None
                if wait is not None and wait <= 0:
                    break
                self._wake.wait(wait)
            return heapq.heappop(self._calls)[2] if self._calls else None
