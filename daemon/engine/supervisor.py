"""The local worker whenever it is needed: started, listened to, replaced when it hangs or has
ended.
"""

from __future__ import annotations

import logging
import queue
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection

from ..messages import (
    AdaptersRefused,
    AdaptersSet,
    CancelRender,
    EncodedMessage,
    LoadModel,
    ModelLoaded,
    ModelLoadFailed,
    Render,
    WorkerMessage,
    encode_message,
    receive_message,
    send_encoded,
)
from ..settings import Settings
from .fair_lock import FairLock
from .model_state import ModelState, ModelStatus
from .process import WorkerHandle
from .render_worker import LOCAL, WorkSource
from .run import Run

log = logging.getLogger("acestepd.engine")

TICK = 0.25  # seconds between two looks at what has no event of its own
LOAD_CRASHES = 2  # of the worker in a row while it loads, after which the model is given up
LONGEST_PAUSE = 30.0  # seconds before a worker that keeps ending is started again


class WorkerHung(Exception):
    """The worker does not answer any more."""


class WorkerConnection:
    """The pipe to one worker. What is sent goes through a thread: a worker that does not read keeps
    nobody waiting. While one is silent in the middle of a message, `on_silence` is called with the
    seconds every now and then; what it raises, `receive` raises.
    """

    def __init__(
        self,
        pipe: Connection,
        load_message: LoadModel,
        on_silence: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self.pipe = pipe
        self._on_silence = on_silence
        self._readable = select.poll()
        self._readable.register(pipe.fileno(), select.POLLIN)
        self.last_sign_of_life = time.monotonic()
        self._outbox: queue.SimpleQueue[EncodedMessage | None] = queue.SimpleQueue()
        self.send(load_message)
        threading.Thread(target=self._send_all, name="to the worker", daemon=True).start()

    def send(self, message: WorkerMessage) -> None:
        self._outbox.put(encode_message(message))

    def receive(self, seconds: float) -> WorkerMessage | None:
        """The next message, if there is one within that time. Raises EOFError or OSError where the
        worker has ended.
        """
        return receive_message(self.pipe, self._wait) if self.pipe.poll(seconds) else None

    def _wait(self) -> None:
        """For more of a message."""
        began = time.monotonic()
        while not self._readable.poll(1000 * TICK):
            self._on_silence(time.monotonic() - began)

    @property
    def silence(self) -> float:
        """Seconds since the worker's last sign of life."""
        return time.monotonic() - self.last_sign_of_life

    def end(self) -> None:
        """Nothing more will be sent."""
        self._outbox.put(None)

    def _send_all(self) -> None:
        with suppress(OSError):  # whoever receives from it will notice
            while message := self._outbox.get():
                send_encoded(self.pipe, message)


class Supervisor:
    """The `RenderWorker` of this machine: keeps a worker, on a thread of its own, as long as `work`
    needs one. Without `start_worker` there is never one, and the thread is that of `work.on_tick`.
    """

    def __init__(
        self,
        lock: FairLock,
        settings: Settings,
        model: ModelState,
        work: WorkSource,
        start_worker: Callable[[], WorkerHandle] | None,
    ) -> None:
        self.settings = settings
        self.closing = False
        self.connection: WorkerConnection | None = None
        self.name = LOCAL
        self.running: list[Run] = []
        self.status: ModelStatus = "cold"  # of the worker there is; it is never busy
        self._lock = lock
        self._model = model
        self._work = work
        self._start_worker = start_worker
        self._wake = lock.make_condition()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._crashes = 0  # of the worker, in a row
        self._has_begun = False  # the first worker is started although nothing waits
        self._replaces_worker = False  # as soon as the one there is has no job
        self._last_used = time.monotonic()

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
    def is_ready(self) -> bool:
        """Whether there is a worker that may be given a job, and its model has the adapters that
        are chosen.
        """
        loaded = self.connection is not None and self._model.loaded is not None
        changes = self._model.needs_adapters or self._model.is_setting_adapters
        return loaded and not (changes or self._replaces_worker or self.closing)

    def wake(self) -> None:
        """There may be something to render."""
        self._wake.notify_all()

    def replace_worker(self) -> None:
        """Start another worker, as soon as this one has no job, with the model that is chosen by
        then.
        """
        self._replaces_worker = self._start_worker is not None
        self._crashes = 0
        self._model.error = ""
        self.wake()

    @property
    def replaces_worker(self) -> bool:
        """Whether the next job is another worker's, perhaps with another model."""
        return self._replaces_worker

    def render(self, run: Run) -> None:
        if self.connection:
            # it had nothing to say until now
            self.connection.last_sign_of_life = time.monotonic()
            self.connection.send(Render(run.ticket, run.job.resolved))

    def cancel(self, run: Run) -> None:
        if self.connection:
            self.connection.send(CancelRender(run.ticket))

    def sync_adapters(self) -> bool:
        """Whether the model has the adapters that are chosen. If not, the worker is told so as soon
        as it has no job.
        """
        if not self._model.needs_adapters or self._replaces_worker:
            return True
        idle = not self._model.is_setting_adapters and not self.running
        if self.connection and idle:
            message = self._model.make_adapters_message()
            self._set_status("loading")
            self.connection.send(message)
        return False

    def _set_status(self, status: ModelStatus) -> None:
        self.status = status
        self._work.show_status()

    def note_use(self) -> None:
        """A client had a take of it: the model stays in memory for a while."""
        self._last_used = time.monotonic()

    # --- its thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        while (start_worker := self._wait_until_needed()) is not None:
            try:
                worker = start_worker()
            except OSError as error:
                self._on_exit(f"it could not be started: {error}")
                continue
            try:
                self._serve(worker)
            except WorkerHung as error:
                self._on_exit(str(error))
            except (EOFError, OSError):
                if not self.closing:
                    self._on_exit(worker.exit_reason())
            except Exception:
                log.exception("the engine's thread")
                self._on_exit("a bug in the daemon")
            finally:
                with self._lock:
                    self._disconnect()
                worker.stop()

    def _wait_until_needed(self) -> Callable[[], WorkerHandle] | None:
        """Waits until a worker is needed: at the start, and then when there is something to render.
        Returns what starts it; None: closing.
        """
        with self._lock:
            if self._crashes:
                pause = min(LONGEST_PAUSE, 2.0**self._crashes - 1)
                self._wake.wait_for(lambda: self.closing, pause)
            while not (self.closing or self._is_needed):
                self._wake.wait(TICK)
                self._work.on_tick()
            self._has_begun = True
            self._replaces_worker = False
            self._model.error = ""
            if self.closing:
                return None
            self._set_status("loading")
            return self._start_worker

    @property
    def _is_needed(self) -> bool:
        if self._start_worker is None:
            return False
        changes = not self._has_begun or self._crashes > 0 or self._replaces_worker
        return changes or self._work.has_waiting

    def _serve(self, worker: WorkerHandle) -> None:
        """Until the worker ends, or is not needed any more."""
        with self._lock:
            load_message = self._model.make_load_message(self.settings)
            connection = WorkerConnection(worker.connection, load_message, self._on_silence)
            self.connection = connection
        while True:
            if message := connection.receive(TICK):
                with self._lock:
                    connection.last_sign_of_life = time.monotonic()
                    self._note_status(message)
                    self._work.on_message(self, message)
                self._work.dispatch()
            elif self._is_busy and connection.silence > self.settings.hang_seconds:
                seconds = self.settings.hang_seconds
                raise WorkerHung(f"it gave no sign of life for {seconds:g} seconds")
            with self._lock:
                if self.closing or self._may_leave():
                    self._disconnect()  # before anybody can give it another job
                    self._work.show_status()
                    return
                self._work.on_tick()

    def _on_silence(self, seconds: float) -> None:
        """A worker has said half of something, and has been silent for so long."""
        if self.closing:
            raise EOFError
        if seconds > self.settings.hang_seconds:
            raise WorkerHung(f"it was silent for {seconds:.0f} seconds in the middle of a message")

    def _note_status(self, message: WorkerMessage) -> None:
        """What a message says of how the worker stands; it is shown when the message was read."""
        match message:
            case ModelLoaded():
                self._crashes = 0
                self.status = "warm"
            case ModelLoadFailed():
                self._crashes = 0
                self.status = "error"
            case AdaptersSet() | AdaptersRefused():
                self.status = "warm"

    @property
    def _is_busy(self) -> bool:
        return bool(self.running) or self.status == "loading"

    def _may_leave(self) -> bool:
        """Whether the worker may go: it could not load, another model is chosen, or it had nothing
        to do for long.
        """
        if self._model.error:
            return True
        if self.running:
            return False
        if self._replaces_worker and self.status != "loading":
            return True
        minutes = (time.monotonic() - self._last_used) / 60
        limit = self.settings.idle_unload
        if limit and minutes > limit and self.status == "warm":
            log.info("nothing to do for %.0f minutes: the model leaves the memory", minutes)
            self.status = "cold"
            return True
        return False

    def _disconnect(self) -> None:
        if self.connection:
            self.connection.end()
        self.connection = None
        self._model.on_worker_exit()

    def _on_exit(self, reason: str) -> None:
        log.error("the engine's process ended: %s", reason)
        with self._lock:
            # a listener that orders something when it is told must not give it to this worker
            self._disconnect()
            self._crashes += 1
            gives_up = self.status == "loading" and self._crashes > LOAD_CRASHES
            if gives_up:
                self._crashes = 0
            self.status = "loading"
            self._work.on_worker_exit(self, reason, gives_up)
