"""The thread for what integrations leave in files: read, written and swept there, where nobody
waits for it.
"""

from __future__ import annotations

import logging
import math
import threading
from typing import Protocol

from ..jobs import Event

log = logging.getLogger("acestepd.integrations")

RETRY_SECONDS = 60.0  # after which a task that failed is called again
# between two rounds, however much happens: each looks through folders, and hundreds of orders may
# come in a second
REST_SECONDS = 0.1


class Task(Protocol):
    """Something that is looked after."""

    def on_event(self, event: Event) -> bool:
        """Take note of an event, under the engine's lock and without touching a file. Whether there
        is something to do now.
        """

    def tick(self) -> float:
        """Do what there is to do. In how many seconds there may be more, though nobody says so;
        infinity: never.
        """


class Upkeep:
    """Calls the tasks when an event gives one of them something to do, when it is woken, and when a
    task's time has come: at once, and then not again for `REST_SECONDS`.
    """

    def __init__(self, *tasks: Task) -> None:
        self._tasks = tasks
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="integrations", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There is something to do. From any thread."""
        self._wake.set()

    def close(self) -> None:
        """Do what there is to do, and stop."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def on_event(self, event: Event) -> None:
        """For the event bus."""
        for task in self._tasks:
            if task.on_event(event):
                self._wake.set()

    def _run(self) -> None:
        while True:
            is_last = self._closing.is_set()  # looked at first: what came before it gets its turn
            self._wake.clear()
            seconds = min(map(_call_safely, self._tasks), default=math.inf)
            if is_last:
                return
            self._closing.wait(REST_SECONDS)
            self._wake.wait(None if seconds == math.inf else seconds)


def _call_safely(task: Task) -> float:
    """One task must not stop the others."""
    try:
        return task.tick()
    except Exception:
        log.exception("looking after the integrations")
        return RETRY_SECONDS
