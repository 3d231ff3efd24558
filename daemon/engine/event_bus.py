"""What the surfaces are told: every event, in order, now or on the next bar."""

from __future__ import annotations

import logging
import threading
from functools import partial

from ..jobs import Event, Listener
from .scheduler import Scheduler

log = logging.getLogger("acestepd.engine")


class EventBus:
    """Listeners hear every event, on the thread where it happens, under the engine's lock."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._listeners: list[Listener] = []
        self._later = Scheduler()

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def tell(self, event: Event) -> None:
        with self._lock:
            if event.job is not None and event.kind not in ("favourite", "clip", "insert"):
                event.job.last_event = event
            for listener in self._listeners:
                whisper(listener, event)

    def announce(self, event: Event, due: float = 0.0) -> None:
        """Tell it at `due` (time.monotonic()), or now."""
        self._later.at(due, partial(self.tell, event))

    def close(self) -> None:
        """What waits for its time is told now."""
        self._later.close()


def whisper(listener: Listener, event: Event) -> None:
    """Tell only this one."""
    try:
        listener(event)
    except Exception:  # a surface must not take the engine with it
        log.exception("a listener failed on %s", event.kind)


def nobody(event: Event) -> None:
    """For who does not want to hear an outcome again."""
