"""What takes too long for the thread that heard of it: on a thread aside, and in order."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable

from ..jobs import Refused

log = logging.getLogger("acestepd.engine")

MAX_WAITING = 64  # tasks of a client
MAX_IN_ALL = 1024  # tasks: a machine may have very many clients
CLOSE_SECONDS = 5.0  # after which no further task is begun while the daemon ends

Task = Callable[[], None]


class ClientLanes:
    """Tasks of clients. Those of one client are done in the order in which they came; between
    clients in turn, one at a time. Any thread may put them.
    """

    def __init__(
        self,
        name: str = "aside",
        close_seconds: float = CLOSE_SECONDS,
        most: int = MAX_WAITING,
    ) -> None:
        """`name` is its thread's. `close_seconds`: for how long, when it closes, the next task is
        begun. `most`: how many tasks of a client may wait.
        """
        self._close_seconds = close_seconds
        self._most = most
        self._changed = threading.Condition()
        self._lanes: dict[str, deque[Task]] = {}  # by client, the next one first
        self._close_by = math.inf  # time.monotonic(); known as soon as it closes
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def is_busy(self, client: str) -> bool:
        """Whether something of this client is still to be done before what comes now. Not for what
        a task does itself.
        """
        with self._changed:
            return client in self._lanes and not self.is_here

    @property
    def is_here(self) -> bool:
        """Whether this is the thread aside."""
        return threading.current_thread() is self._thread

    @property
    def _is_closing(self) -> bool:
        return self._close_by < math.inf

    def put(self, client: str, task: Task) -> None:
        """Raises `Refused` 429 where too much waits, or 503 when it closes."""
        with self._changed:
            if self._is_closing:
                raise Refused(503, "the daemon is closing")
            if len(self._lanes.get(client, ())) >= self._most:
                raise Refused(429, f"{self._most} of your messages are still read", "wait")
            if sum(map(len, self._lanes.values())) >= MAX_IN_ALL:
                raise Refused(429, f"{MAX_IN_ALL} messages are still read", "wait")
            self._lanes.setdefault(client, deque()).append(task)
            if not self._thread.is_alive():
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """What has come is still done, but not for longer than that: whoever ends the daemon kills
        it when it takes too long.
        """
        with self._changed:
            self._close_by = time.monotonic() + self._close_seconds
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()
        if left := sum(map(len, self._lanes.values())):
            log.warning("%d messages are not answered: the daemon ends", left)

    def _run(self) -> None:
        while lane := self._wait_for_next():
            client, task = lane
            try:
                task()
            except Exception:
                log.exception("a task of %s", client)
            with self._changed:
                tasks = self._lanes.pop(client)
                tasks.popleft()  # only now: until then, its client's next ones wait
                if tasks:
                    self._lanes[client] = tasks  # after the others

    def _wait_for_next(self) -> tuple[str, Task] | None:
        """None: it closes, and nothing is left, or there is no time for it."""
        with self._changed:
            self._changed.wait_for(lambda: self._lanes or self._is_closing)
            if time.monotonic() >= self._close_by:
                return None
            return next(((client, lane[0]) for client, lane in self._lanes.items()), None)
