"""Who is told of events: every listener of every event, in order, now or on the next bar."""

from __future__ import annotations

import logging
from functools import partial

from ..jobs import Event, Listener
from .fair_lock import FairLock
from .scheduler import Scheduler

log = logging.getLogger("acestepd.engine")

# kinds of events that do not say how their job stands: none is a job's `last_event`
STATELESS_EVENTS = ("note", "favourite", "clip", "insert", "inserted")


class EventBus:
    """Calls its listeners on the thread that publishes, and under the engine's lock."""

    def __init__(self, lock: FairLock) -> None:
        self._lock = lock
        self._listeners: list[Listener] = []
        self._scheduler = Scheduler()

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def publish(self, event: Event, due: float = 0.0) -> None:
        """Tell all listeners at `due` (time.monotonic()), or before this returns where that has
        passed.
        """
        self._scheduler.call_at(due, partial(self._publish_now, event))

    def close(self) -> None:
        """What waits for its time is published now."""
        self._scheduler.close()

    def _publish_now(self, event: Event) -> None:
        with self._lock:
            if event.job is not None and event.kind not in STATELESS_EVENTS:
                event.job.last_event = event
            for listener in self._listeners:
                notify(listener, event)


def notify(listener: Listener, event: Event) -> None:
    """Tell this one alone. Its exceptions are logged: no surface may take the engine with it."""
    try:
        listener(event)
    except Exception:
        log.exception("a listener failed on %s", event.kind)


def ignore_event(event: Event) -> None:
    """A listener for where nobody listens."""
