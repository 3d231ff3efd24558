"""The queue and the one thread that owns the model."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.request import Request, Take

from . import clips
from .jobs import Event, Job, Listener, Pace, Refused, failure

if TYPE_CHECKING:
    from pipeline.generate import AceStep

log = logging.getLogger("acestepd.engine")

REMEMBERED = 1000  # ended jobs whose outcome can still be asked for
PROGRESS_SECONDS = 0.1  # between two progress events of a job
LOADING_PATIENCE = 3.0  # seconds that closing waits for a model that is being loaded
GENERATE = "/ace/generate"  # the command that failures of a job are about


def _nobody(event: Event) -> None:
    """For who does not want to hear an outcome again."""


class Engine:
    """Takes jobs from any thread; loads the model and renders on a thread of its own (MLX arrays belong to theirs).

    `load` returns the model. Listeners hear every event, on the thread where it happens, and must be quick. How a job
    stands changes, and is told, under one lock: nobody hears two endings, or progress after the end.
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

    def submit(self, client: Hashable, id: str, wish: Request, again: Listener = _nobody) -> Job:
        """Queue a job. The same (client, id) with the same wish is the job there is: `again` hears how it stands.

        Only a failed job is tried anew. Raises `Refused`: 409 for the same id with another wish, 429 when the queue
        is full, 503 without a model.
        """
        with self._lock:
            known = self._jobs.get((client, id)) if id else None
            if known and known.wish != wish:
                raise Refused(409, f"id {id!r} was used for another request", "send every request under a new id")
            if known and not known.failed:
                for event in known.outcome:
                    again(event)
                return known
            if self._closing or self.error:
                raise Refused(503, self.error or "the daemon is closing", "see: acestepd doctor")
            if len(self._waiting) >= self._limit:
                raise Refused(429, f"the queue is full ({self._limit} jobs)", "wait, or /ace/cancel *")
            job = Job(client, id or self._new_id(client), wish, wish.resolved())
            self._jobs.pop((client, job.id), None)
            self._jobs[client, job.id] = job
            self._waiting.append(job)
            self._emit("queued", job, len(self._waiting) - 1 + bool(self._running), self._eta())
            self._tell_state()
            self._wake.notify()
            return job

    def cancel(self, client: Hashable, id: str) -> int:
        """Cancel a job, the client's own or the newest of that name; `*` cancels all. Returns how many.

        The client hears each of them end. Raises `Refused` 404, or 409 when the files are just landing.
        """
        with self._lock:
            found = [job for job in self.active() if not job.landing] if id == "*" else [self.find(client, id)]
            for job in found:
                if job.ended:
                    raise Refused(404, f"job {id!r} has already ended")
                if job.landing:
                    raise Refused(409, f"job {id!r} is done, its files are just landing")
                job.cancelled = True
                job.also.add(client)
                if job in self._waiting:
                    self._waiting.remove(job)
                    self._end("cancelled", job)
            self._tell_state()
            return len(found)

    def find(self, client: Hashable, id: str) -> Job:
        """The client's own job, or else the newest of that name that has not ended, or else the newest.

        A client may send from a new port every time.
        """
        with self._lock:
            own = self._jobs.get((client, id))
            named = [job for job in self._jobs.values() if job.id == id]
            if own is None and not named:
                raise Refused(404, f"no job is called {id[:40]!r}")
            return own or ([job for job in named if not job.ended] or named)[-1]

    def active(self) -> list[Job]:
        """The running job and those that wait, in order."""
        with self._lock:
            return ([self._running] if self._running else []) + list(self._waiting)

    def state_event(self) -> Event:
        return Event("state", None, (self.state, self.title, len(self._waiting)))

    def close(self) -> None:
        """Cancel and announce what runs and waits, and stop. Blocks until the thread has ended.

        Loading cannot be interrupted (it may be a download of gigabytes): `ended` is False when that still goes on.
        """
        with self._lock:
            self._closing = True
            self.cancel(None, "*")
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(LOADING_PATIENCE if self.state == "loading" else None)

    @property
    def ended(self) -> bool:
        """Whether the thread has ended, and with it everything MLX computes."""
        return not self._thread.is_alive()

    # --- the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._serve()
        except Exception as error:  # whatever a checkpoint can do wrong: the surfaces stay up and say so
            log.exception("the engine stopped")
            self._stopped(f"the model could not be loaded: {error}")
        finally:
            self._model = None
            from pipeline.ops import leave_thread

            leave_thread()

    def _serve(self) -> None:
        self._become("loading")
        model = self._model = self._load()
        self.title = model.name
        self._warm_up(model)
        self._become("warm")
        while (job := self._next()) is not None:
            try:
                self._render(model, job)
            except Exception as error:
                code, message, hint = failure(error)
                if not isinstance(error, OSError | ValueError):
                    log.exception("job %s failed", job.id)
                self._end("fail", job, GENERATE, code, message, hint)
            with self._lock:
                if not self._waiting:
                    self._become("warm")

    def _warm_up(self, model: AceStep) -> None:
        """One short take, thrown away: kernels are compiled, and the pace of this machine is known."""
        request = Request(prompt="warm up", seconds=1, seed=0, num_steps=2)
        for _ in range(0 if self._closing else 2):  # the first one compiles
            started = time.monotonic()
            model.audition(request)
            self._pace.learn(model.cost(request), time.monotonic() - started)

    def _stopped(self, message: str) -> None:
        with self._lock:
            self.error = message
            for job in self.active():
                self._end("fail", job, GENERATE, 503, message, "see: acestepd doctor")
            self._waiting.clear()
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
            landed = clips.write(self._out, job.id, takes, lambda: self._may_land(job))
        except clips.Unwanted:
            self._end("cancelled", job)
            return
        self._pace.learn(job.cost or model.cost(job.request), time.monotonic() - job.started)
        used = takes[0].request
        with self._lock:
            for stem, path in landed.clips:
                self._emit("clip", job, stem, str(path), used.bpm, used.bars, str(used.seed))
            self._end("finished", job, len(landed.clips), str(landed.manifest))

    def _takes(self, model: AceStep, job: Job) -> list[Take]:
        """Every take of the job. Leaves the iteration, which stops the work, when the job is cancelled (`Unwanted`)."""
        takes, told = [], 0.0
        with closing(model.render(job.request)) as events:
            for event in events:
                if job.cancelled:
                    raise clips.Unwanted
                if isinstance(event, Take):
                    takes.append(event)
                    continue
                self._fraction = event.fraction
                if time.monotonic() - told >= PROGRESS_SECONDS:
                    told = time.monotonic()
                    self._emit("progress", job, event.fraction, event.stage, self._left(job))
        return takes

    def _may_land(self, job: Job) -> bool:
        """Whether a job that is all staged is still wanted; from then on it cannot be cancelled."""
        with self._lock:
            job.landing = not job.cancelled
            return job.landing

    # --- events --------------------------------------------------------------------------------------------------

    def _emit(self, kind: str, job: Job | None, *values: Any) -> None:
        event = Event(kind, job, values)
        with self._lock:
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
        return sum(map(self._left, self.active()))

    def _left(self, job: Job) -> float:
        if self._model and not job.cost:
            job.cost = self._model.cost(job.request)
        return self._pace.remaining(job, self._fraction if job is self._running else 0.0)

    def _new_id(self, client: Hashable) -> str:
        while (client, id := secrets.token_hex(3)) in self._jobs:
            pass
        return id
