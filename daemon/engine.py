"""The queue and the one thread that owns the model."""

from __future__ import annotations

import errno
import logging
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.request import Progress, Request, Take

from . import clips

if TYPE_CHECKING:
    from pipeline.generate import AceStep

log = logging.getLogger("acestepd.engine")

REMEMBERED = 1000  # ended jobs whose outcome can still be asked for
PROGRESS_SECONDS = 0.1  # between two progress events of a job
LOADING_PATIENCE = 3.0  # seconds that closing waits for a model that is being loaded
GENERATE = "/ace/generate"  # the command that failures of a job are about


class Refused(Exception):
    """The engine does not take this. `code` is HTTP-like: 404, 409, 429, 503."""

    def __init__(self, code: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.hint = code, hint


@dataclass(eq=False)
class Job:
    """One accepted request. `wish` is what came; `request` has its seed fixed, so the take can be repeated."""

    client: Hashable
    id: str
    wish: Request
    request: Request
    last: Event | None = None
    clips: tuple[Event, ...] = ()
    cancelled: bool = False
    started: float = 0.0

    @property
    def ended(self) -> bool:
        return self.last is not None and self.last.kind in ("finished", "fail", "cancelled")

    @property
    def outcome(self) -> list[Event]:
        """What a client that lost its answers needs to hear: where the job stands, and its clips."""
        return [*self.clips, self.last] if self.last else []


@dataclass(frozen=True)
class Event:
    """Something to tell the surfaces. `values` follow the job's id; protocol: the README's event table."""

    kind: str
    job: Job | None
    values: tuple[Any, ...] = ()


Listener = Callable[[Event], None]


class Pace:
    """How long this machine takes, learned from its own jobs."""

    def __init__(self) -> None:
        self._seconds_per_work = 0.0

    def learn(self, work: float, seconds: float) -> None:
        measured = seconds / work
        self._seconds_per_work = (self._seconds_per_work + measured) / 2 if self._seconds_per_work else measured

    def seconds(self, work: float) -> float:
        return work * self._seconds_per_work

    @staticmethod
    def remaining(job: Job, fraction: float) -> float:
        spent = time.monotonic() - job.started
        return spent / fraction * (1 - fraction) if fraction else 0.0


class Engine:
    """Takes jobs from any thread; loads the model and renders on a thread of its own (MLX arrays belong to theirs).

    `load` returns the model. Listeners hear every event, on the thread where it happens, and must be quick.
    """

    def __init__(self, load: Callable[[], AceStep], out: Path, limit: int = 64, title: str = "") -> None:
        self._load, self._out, self._limit = load, out, limit
        self._lock = threading.RLock()
        self._wake = threading.Condition(self._lock)
        self._jobs: OrderedDict[tuple[Hashable, str], Job] = OrderedDict()
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._fraction = 0.0
        self._model: AceStep | None = None
        self._pace = Pace()
        self._listeners: list[Listener] = []
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._closing = False
        self.title = title
        self.state = "cold"
        self.error = ""

    # --- for the surfaces ----------------------------------------------------------------------------------------

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def start(self) -> None:
        self._thread.start()

    def submit(self, client: Hashable, id: str, wish: Request) -> tuple[Job, bool]:
        """Queue a job, and whether it is new. The same (client, id) with the same wish is the job there already is.

        Raises `Refused`: 409 for the same id with another wish, 429 when the queue is full, 503 without a model.
        """
        with self._lock:
            known = self._jobs.get((client, id)) if id else None
            if known and known.wish == wish:
                return known, False
            if known:
                raise Refused(409, f"id {id!r} was used for another request", "send every request under a new id")
            if self._closing or self.state == "error":
                raise Refused(503, self.error or "the daemon is closing", "see: acestepd doctor")
            if len(self._waiting) >= self._limit:
                raise Refused(429, f"the queue is full ({self._limit} jobs)", "wait, or /ace/cancel *")
            job = Job(client, id or self._new_id(client), wish, wish.resolved())
            self._jobs[client, job.id] = job
            self._waiting.append(job)
            self._emit("queued", job, len(self._waiting) - 1 + bool(self._running), self._eta())
            self._tell_state()
            self._wake.notify()
            return job, True

    def cancel(self, client: Hashable, id: str) -> None:
        """Cancel a job, the client's own or the newest of that name; `*` cancels all. Raises `Refused` 404."""
        with self._lock:
            found = self.active() if id == "*" else [self.find(client, id)]
            if any(job.ended for job in found):
                raise Refused(404, f"job {id!r} has already ended")
            for job in found:
                job.cancelled = True
                if job in self._waiting:
                    self._waiting.remove(job)
                    self._end("cancelled", job)
            self._tell_state()

    def find(self, client: Hashable, id: str) -> Job:
        """The client's own job, or else the newest of that name (a client may send from a new port every time)."""
        with self._lock:
            own = self._jobs.get((client, id))
            named = [job for job in self._jobs.values() if job.id == id]
            if own is None and not named:
                raise Refused(404, f"no job is called {id[:40]!r}")
            return own or named[-1]

    def active(self) -> list[Job]:
        """The running job and those that wait, in order."""
        with self._lock:
            return ([self._running] if self._running else []) + list(self._waiting)

    def state_event(self) -> Event:
        return Event("state", None, (self.state, self.title, len(self._waiting)))

    def close(self) -> bool:
        """Cancel and announce what runs and waits, and stop. Blocks until the thread has ended.

        Loading cannot be interrupted (it may be a download of gigabytes): False when that still goes on.
        """
        with self._lock:
            self._closing = True
            self.cancel(None, "*")
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(LOADING_PATIENCE if self.state == "loading" else None)
        return not self._thread.is_alive()

    # --- the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._serve()
        finally:
            self._model = None
            from pipeline.ops import leave_thread

            leave_thread()

    def _serve(self) -> None:
        self._become("loading")
        try:
            self._model = self._load()
            self.title = self._model.name
            self._warm_up(self._model)
        except Exception as error:  # whatever a checkpoint can do wrong: the surfaces stay up and say so
            log.exception("the model could not be loaded")
            self._without_model(f"the model could not be loaded: {error}")
            return
        self._become("warm")
        while (job := self._next()) is not None:
            self._render(self._model, job)
            if not self._waiting:
                self._become("warm")

    def _warm_up(self, model: AceStep) -> None:
        """One short take, thrown away: kernels are compiled, and the pace of this machine is known."""
        request = Request(prompt="warm up", seconds=1, seed=0, num_steps=2)
        for _ in range(2):  # the first one compiles
            started = time.monotonic()
            model.audition(request)
        self._pace.learn(model.work(request), time.monotonic() - started)

    def _without_model(self, message: str) -> None:
        with self._lock:
            self.error = message
            waiting, self._waiting = list(self._waiting), deque()
        for job in waiting:
            self._end("fail", job, GENERATE, 503, message, "see: acestepd doctor")
        self._become("error")

    def _next(self) -> Job | None:
        with self._lock:
            self._wake.wait_for(lambda: self._waiting or self._closing)
            if self._closing:
                return None
            self._running, self._fraction = self._waiting.popleft(), 0.0
            self._running.started = time.monotonic()
            self._become("busy")
            return self._running

    def _render(self, model: AceStep, job: Job) -> None:
        try:
            takes = self._takes(model, job)
            if job.cancelled:
                self._end("cancelled", job)
                return
            landed = clips.write(self._out, job.id, takes)
        except Exception as error:
            code, message, hint = _failure(error)
            if code == 500 and not isinstance(error, ValueError):
                log.exception("job %s failed", job.id)
            self._end("fail", job, GENERATE, code, message, hint)
            return
        self._pace.learn(model.work(job.request), time.monotonic() - job.started)
        used = takes[0].request
        for stem, path in landed.clips:
            self._emit("clip", job, stem, str(path), used.bpm, used.bars, str(used.seed))
        self._end("finished", job, len(landed.clips), str(landed.manifest))

    def _takes(self, model: AceStep, job: Job) -> list[Take]:
        """Every take of the job; leaves the iteration, which stops the work, when the job is cancelled."""
        takes, told = [], 0.0
        with closing(model.render(job.request)) as events:
            for event in events:
                if job.cancelled:
                    break
                if isinstance(event, Take):
                    takes.append(event)
                    continue
                self._fraction = event.fraction
                if time.monotonic() - told >= PROGRESS_SECONDS:
                    told = time.monotonic()
                    self._emit("progress", job, *self._progress(job, event))
        return takes

    def _progress(self, job: Job, progress: Progress) -> tuple[float, str, float]:
        left = self._pace.remaining(job, progress.fraction) if progress.fraction else self._estimate(job)
        return progress.fraction, progress.stage, left

    # --- events --------------------------------------------------------------------------------------------------

    def _emit(self, kind: str, job: Job | None, *values: Any) -> None:
        event = Event(kind, job, values)
        if job is not None:
            job.last = event
            job.clips += (event,) if kind == "clip" else ()
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # a surface must not take the engine with it
                log.exception("a listener failed on %s", kind)

    def _end(self, kind: str, job: Job, *values: Any) -> None:
        with self._lock:
            if job is self._running:
                self._running = None
            self._emit(kind, job, *values)
            ended = [key for key, other in self._jobs.items() if other.ended]
            for key in ended[: max(0, len(ended) - REMEMBERED)]:
                del self._jobs[key]

    def _become(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self._tell_state()

    def _tell_state(self) -> None:
        self._emit("state", None, *self.state_event().values)

    def _eta(self) -> float:
        """Seconds until the last waiting job is done, as far as is known."""
        running = self._running
        left = self._pace.remaining(running, self._fraction) if running else 0.0
        return left + sum(map(self._estimate, self._waiting))

    def _estimate(self, job: Job) -> float:
        return self._pace.seconds(self._model.work(job.request)) if self._model else 0.0

    def _new_id(self, client: Hashable) -> str:
        while (client, id := secrets.token_hex(3)) in self._jobs:
            pass
        return id


def _failure(error: Exception) -> tuple[int, str, str]:
    """Code, message and hint for what went wrong in a job."""
    if isinstance(error, OSError):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = "free some space, then send it under a new id" if full else "check the output folder: acestepd doctor"
        return 507 if full else 500, f"the clip could not be written: {error.strerror or error}", hint
    if isinstance(error, MemoryError):
        return 500, "out of memory", "ask for a shorter clip, or close other programs"
    if isinstance(error, ValueError):
        return 500, str(error), ""
    return 500, f"{type(error).__name__}: {error}", "this is a bug: the daemon's log has the details"
