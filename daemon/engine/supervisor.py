"""A worker whenever one is needed: started, listened to, replaced when it hangs or has ended."""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Protocol

from ..settings import Settings
from .model_state import ModelState
from .process import WorkerHandle

log = logging.getLogger("acestepd.engine")

TICK = 0.25  # seconds between two looks at what has no event of its own
CRASHES = 2  # of the worker in a row while it loads, after which the model is given up
LONGEST_PAUSE = 30.0  # seconds before a worker that keeps ending is started again
DATA = ("sound", "preview", "latents")  # messages that bytes follow


class Hung(Exception):
    """The worker does not answer any more."""


class WorkerMessage(NamedTuple):
    """What a worker said."""

    say: str
    about: dict[str, Any]
    data: bytes = b""


class JobOwner(Protocol):
    """Who has the jobs, seen from the supervisor: everything is called under the engine's lock."""

    @property
    def waits(self) -> bool:
        """Whether there is something to render."""

    @property
    def runs(self) -> bool:
        """Whether the worker has a job."""

    def heard(self, message: WorkerMessage) -> None: ...

    def crashed(self, how: str, hopeless: bool) -> None:
        """The worker has ended; `hopeless`: again, and while it loaded the model."""

    def look(self) -> None:
        """Now and then: what has no event of its own."""


class Conversation:
    """With one worker, over its pipe. What it is told goes through a thread: one that does not read
    keeps nobody waiting.
    """

    def __init__(self, connection: Connection, first: dict[str, Any]) -> None:
        self.connection = connection
        self._outbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.last_sign = time.monotonic()
        self.tell(first)
        threading.Thread(target=self._post, name="orders", daemon=True).start()

    def tell(self, order: dict[str, Any]) -> None:
        self._outbox.put(json.dumps(order).encode())

    def hear(self, seconds: float) -> WorkerMessage | None:
        """What it says within that time. Raises EOFError or OSError where it has ended."""
        if not self.connection.poll(seconds):
            return None
        about = json.loads(self.connection.recv_bytes())
        say = about.pop("say")
        return WorkerMessage(say, about, self.connection.recv_bytes() if say in DATA else b"")

    @property
    def silence(self) -> float:
        """Seconds since its last sign of life."""
        return time.monotonic() - self.last_sign

    def end(self) -> None:
        self._outbox.put(b"")

    def _post(self) -> None:
        with suppress(OSError):  # who listens will notice
            while data := self._outbox.get():
                self.connection.send_bytes(data)


class Supervisor:
    """Keeps a worker, on a thread of its own, as long as `work` needs one. Guarded by the engine's
    lock.
    """

    def __init__(
        self,
        lock: threading.RLock,
        settings: Settings,
        model: ModelState,
        work: JobOwner,
        start: Callable[[], WorkerHandle],
    ) -> None:
        self.settings = settings
        self.closing = False
        self.talk: Conversation | None = None
        self._lock = lock
        self._model = model
        self._work = work
        self._start_worker = start
        self._wake = threading.Condition(lock)
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._crashes = 0  # of the worker, in a row
        self._begun = self._replace = False
        self._last_job = time.monotonic()

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Not under the lock: the thread may need it to end."""
        with self._lock:
            self.closing = True
            self.wake()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def ready(self) -> bool:
        """Whether there is a worker that may be given a job."""
        return bool(self.talk and self._model.defaults and not self._replace and not self.closing)

    def wake(self) -> None:
        """There may be something to render."""
        self._wake.notify_all()

    def renew(self) -> None:
        """Another worker, as soon as this one has no job, with what is wanted by then."""
        self._replace = True
        self._crashes = 0
        self._model.error = ""
        self.wake()

    def render(self, ticket: int, request: dict[str, Any]) -> None:
        if self.talk:
            self.talk.last_sign = time.monotonic()  # it had nothing to say until now
            self.talk.tell({"do": "render", "job": ticket, "request": request})

    def cancel(self, ticket: int) -> None:
        if self.talk:
            self.talk.tell({"do": "cancel", "job": ticket})

    def fit(self) -> bool:
        """Whether the model wears what is wanted. If not, it is told so as soon as nothing is being
        made.
        """
        if not self._model.misfit or self._replace:
            return True
        if self.talk and not self._model.fitting and not self._work.runs:
            self._model.fitting = True
            self._model.become("loading")
            self.talk.tell({"do": "wear", "adapters": self._model.wanted.adapters})
        return False

    def used(self) -> None:
        """Somebody had a take of it: the model does not leave for a while."""
        self._last_job = time.monotonic()

    # --- its thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._needed():
            self._model.become("loading")
            try:
                worker = self._start_worker()
            except OSError as error:
                self._crashed(f"it could not be started: {error}")
                continue
            try:
                self._converse(worker)
            except Hung as error:
                self._crashed(str(error))
            except (EOFError, OSError):
                if not self.closing:
                    self._crashed(worker.obituary())
            except Exception:
                log.exception("the engine's thread")
                self._crashed("a bug in the daemon")
            finally:
                with self._lock:
                    self._part()
                worker.stop()

    def _needed(self) -> bool:
        """Waits until a worker is needed: at the start, and then when there is something to render.
        False: closing.
        """
        with self._lock:
            if self._crashes:
                self._wake.wait_for(
                    lambda: self.closing, min(LONGEST_PAUSE, 2.0**self._crashes - 1)
                )
            while self._begun and not (
                self.closing or self._crashes or self._work.waits or self._replace
            ):
                self._wake.wait(TICK)
                self._work.look()
            self._begun = True
            self._replace = False
            self._model.error = ""
            return not self.closing

    def _converse(self, worker: WorkerHandle) -> None:
        """Until the worker ends, or is not needed any more."""
        with self._lock:
            talk = self.talk = Conversation(
                worker.connection, self._model.load_message(self.settings)
            )
        while True:
            if message := talk.hear(TICK):
                with self._lock:
                    talk.last_sign = time.monotonic()
                    if message.say in ("loaded", "unloadable"):
                        self._crashes = 0
                    self._work.heard(message)
            elif self._busy and talk.silence > self.settings.hang_seconds:
                raise Hung(f"it gave no sign of life for {self.settings.hang_seconds:g} seconds")
            with self._lock:
                if self.closing or self._leaves():
                    self._part()  # before anybody can give it another job
                    return
                self._work.look()

    @property
    def _busy(self) -> bool:
        return self._work.runs or self._model.state == "loading"

    def _leaves(self) -> bool:
        """Whether the worker may go: it could not load, another model is wanted, or it had nothing
        to do for long.
        """
        if self._model.error:
            return True
        if self._work.runs:
            return False
        if self._replace and self._model.state != "loading":
            return True
        minutes = (time.monotonic() - self._last_job) / 60
        if (
            self.settings.idle_unload
            and minutes > self.settings.idle_unload
            and self._model.state == "warm"
        ):
            log.info("nothing to do for %.0f minutes: the model leaves the memory", minutes)
            self._model.become("cold")
            return True
        return False

    def _part(self) -> None:
        if self.talk:
            self.talk.end()
        self.talk = None
        self._model.gone()

    def _crashed(self, how: str) -> None:
        log.error("the engine's process ended: %s", how)
        with self._lock:
            self._part()  # whoever hears of it and asks for something must not ask this one
            self._crashes += 1
            hopeless = self._model.state == "loading" and self._crashes > CRASHES
            if hopeless:
                self._crashes = 0
            self._work.crashed(how, hopeless)
