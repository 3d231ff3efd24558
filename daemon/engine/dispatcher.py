"""The way of every job: it waits, the worker makes it, its files land, and all hear how it
ended.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.take import TakeInfo

from ..jobs import Event, Job, JobState, failure
from ..journal import Journal
from ..landing import clips, folders
from ..settings import Settings
from . import held_jobs, outcomes
from .event_bus import EventBus
from .guesses import Guesses
from .held_jobs import HeldJobs
from .job_queue import JobQueue
from .lander import Lander
from .model_state import ModelState
from .outcomes import Outcomes
from .process import WorkerHandle
from .reassembly import Reassembly, samples
from .shelf import Prepared
from .supervisor import Supervisor, WorkerMessage

log = logging.getLogger("acestepd.engine")

PROGRESS_SECONDS = 0.1  # between two progress events of a job
CRASHES = 2  # of the worker on one job, after which the job is given up
GENERATE = "/ace/generate"  # the command that failures of a job are about
MODEL = "/ace/model"  # the command that failures to load are about
WEAR = "/ace/adapter"
WAITS = "it is kept, and goes on when a model plays; /ace/model tries again or plays another; see: acestepd doctor"
KEPT = (
    "it is kept, and goes on by itself when the folder takes files again; /ace/cancel gives it up"
)


class Dispatcher:
    """The jobs that have not ended, and all that takes them on. Guarded by the engine's lock; it
    takes the lock itself where the landing threads come in (`put_aside`, `landed`, `not_landed`,
    `previewed`).
    """

    def __init__(
        self,
        lock: threading.RLock,
        settings: Settings,
        journal: Journal,
        bus: EventBus,
        model: ModelState,
        start: Callable[[], WorkerHandle],
    ) -> None:
        self._lock = lock
        self._journal = journal
        self._bus = bus
        self._model = model
        self.line = JobQueue()
        # the last one is being worked on; it interrupted the one before
        self.running: list[Job] = []
        self.landing: list[Job] = []
        self.held = HeldJobs()
        self._parcels = Reassembly()
        self._endings = Outcomes(journal, bus)
        self.supervisor = Supervisor(lock, settings, model, self, start)
        self.lander = Lander(settings, journal, self)
        self.guesses = Guesses(settings, self._stop, self._discard)
        self._heard: dict[str, Callable[[dict[str, Any], bytes], None]] = {
            "fetching": lambda *_: None,  # a sign of life: a download may take hours
            "loaded": self._loaded,
            "unloadable": lambda about, _: self._unloadable(about["message"]),
            "worn": self._fitted,
            "unfit": self._unfit,
            "progress": self._progress,
            "sound": self._parcels.sound,
            "latents": self._parcels.latents,
            "planned": self._planned,
            "preview": self._preview,
            "made": self._made,
            "failed": self._failed,
            "cancelled": self._cancelled,
        }

    # --- which jobs there are ---------------------------------------------------------------------

    def active(self) -> list[Job]:
        """The jobs that have not ended: what runs and lands, what waits, in order, and what is
        held.
        """
        known = [*self.landing, *reversed(self.running), *self.line, *self.held]
        return [job for job in known if not job.speculative]

    @property
    def waits(self) -> bool:
        return len(self.line) > 0

    @property
    def runs(self) -> bool:
        return bool(self.running)

    def _asked(self) -> list[Job]:
        """What runs because somebody wants it."""
        return [job for job in self.running if not job.speculative]

    def _by_ticket(self, ticket: int) -> Job | None:
        return next((job for job in self.running if job.ticket == ticket), None)

    # --- in, and to the worker --------------------------------------------------------------------

    def enter(self, *jobs: Job) -> None:
        eta = sum(map(self._model.pace.remaining, [*self._asked(), *self.line]))
        for job in jobs:
            # in the journal: nothing is written twice before the client is answered
            written = job.state is JobState.WAITING
            job.start_over()
            self._model.estimate(job)
            position = len(self._asked()) + self.line.add(job)
            eta += self._model.pace.remaining(job)
            self._bus.publish(Event("queued", job, (position, eta)))
            if not written:
                self._endings.note(job)

    def dispatch(self) -> None:
        """Give the worker the next job, when it has none or a less urgent one."""
        if not self.supervisor.fit():
            return
        while (job := self.line.first()) and self.supervisor.ready:
            if self.running and job.priority <= self.running[-1].priority:
                break
            self.line.pop()
            if refusal := folders.unready(job.out, job.resolved):
                self._hold(job, refusal)
                continue
            if self.running:
                self.running[-1].lay_down()
            self._begin(job)
        if self._model.defaults:
            self._model.become("busy" if self._asked() else "warm")
        self.speculate()

    def speculate(self) -> None:
        """Begin to make a take in advance, where there is nothing else to do."""
        ready = self.supervisor.ready and self.supervisor.fit()
        free = self.guesses.due and not (self.running or self.waits)
        if ready and free and (job := self.guesses.next()):
            self._model.estimate(job)
            self._begin(job)

    def _begin(self, job: Job) -> None:
        self.running.append(job)
        job.take_up()
        self.supervisor.render(job.ticket, dataclasses.asdict(job.resolved))

    def within_reach(self, job: Job) -> bool:
        """Whether it is landing, or being worked on."""
        return job in (*self.running[-1:], *self.landing)

    def claimed(self, job: Job) -> None:
        """Somebody wants what was a guess."""
        self._bus.publish(Event("queued", job, (0, self._model.pace.remaining(job))))
        self._tell_plan(job)
        if job in self.running:
            self._model.become("busy")

    def hand_out(self, job: Job, prepared: Prepared, due: float) -> None:
        """What lies on the shelf, and what the journal knows of by now."""
        self.landing.append(job)
        self._bus.publish(Event("queued", job, (0, 0.0)))
        job.plan_events = outcomes.plan_events(job, prepared.info.planned)
        self._tell_plan(job)
        if clips.show(prepared.staged):
            job.clip_events = outcomes.clip_events(
                job, prepared.staged.clips, prepared.info.request
            )
            for event in job.clip_events:
                self._bus.publish(event, due)
        self.lander.hand_out(job, prepared.staged, prepared.info, due)

    def cancel(self, job: Job) -> None:
        """Its end is told when the worker has stopped, or now."""
        if job in self.running:
            if not job.cancel_requested:
                self.supervisor.cancel(job.ticket)
            job.cancel_requested = True
            return
        if self.held.remove(job):
            self.lander.forget(job)
        self.line.remove(job)
        self._end(job, JobState.CANCELLED, landing="")

    def _stop(self, job: Job) -> None:
        if job in self.running:
            self.supervisor.cancel(job.ticket)

    def look(self) -> None:
        """Now and then: folders may take files again, and a take in advance may be made."""
        if self.held.due:
            self._release()
        self.speculate()

    # --- what the worker says ---------------------------------------------------------------------

    def heard(self, message: WorkerMessage) -> None:
        self._heard[message.say](message.about, message.data)

    def _loaded(self, about: dict[str, Any], _: bytes) -> None:
        self._model.loaded(about, self._journal.pace)
        self.supervisor.used()
        for job in self.active():
            self._model.estimate(job)
        waited = self.held.for_a_model()
        self._model.become("warm")
        self.enter(*waited)
        self.dispatch()

    def _unloadable(self, message: str) -> None:
        """The queue waits for another attempt, or another model."""
        self._model.unloadable(message)
        log.error("%s", message)
        for job in list(self.line):
            self.line.remove(job)
            self._keep(job, held_jobs.UNTIL_A_MODEL_PLAYS, 503, message, WAITS)
        self._model.become("error")
        hint = "see: acestepd doctor; the next order, or /ace/model, tries again"
        self._bus.publish(Event("fail", None, (MODEL, 503, message, hint)))

    def _fitted(self, about: dict[str, Any], _: bytes) -> None:
        self._model.fitted(about)
        self.dispatch()

    def _unfit(self, about: dict[str, Any], _: bytes) -> None:
        self._model.unfit()
        hint = "it goes on with what it wore: " + (
            " ".join(map(str, self._model.worn)) or "nothing"
        )
        self._bus.publish(Event("fail", None, (WEAR, 422, about["message"], hint)))
        self.dispatch()

    def _progress(self, about: dict[str, Any], _: bytes) -> None:
        job = self._by_ticket(about["job"])
        if job and not job.cancel_requested:
            job.fraction = about["fraction"]
            if time.monotonic() - job.told >= PROGRESS_SECONDS:
                job.told = time.monotonic()
                event = Event(
                    "progress", job, (job.fraction, about["stage"], self._model.pace.remaining(job))
                )
                (self.guesses.murmur if job.speculative else self._bus.publish)(event)

    def _planned(self, about: dict[str, Any], _: bytes) -> None:
        if job := self._by_ticket(about["job"]):
            job.plan_events = outcomes.plan_events(job, about["values"])
            self._tell_plan(job)

    def _tell_plan(self, job: Job) -> None:
        for event in job.plan_events:
            if not job.speculative and not job.cancel_requested:
                self._bus.publish(event)

    def _preview(self, about: dict[str, Any], data: bytes) -> None:
        job = self._by_ticket(about["job"])
        if job and not job.speculative:
            self.lander.preview(job, about["step"], samples(data))

    def _made(self, about: dict[str, Any], _: bytes) -> None:
        job = self._by_ticket(about["job"])
        self._model.caches = about["caches"]
        if job is None:
            return
        stems, latents = self._parcels.take(job.ticket)
        self._leave(job)
        if job.cancel_requested:
            self._end(job, JobState.CANCELLED)
        else:
            job.state = JobState.LANDING
            self.landing.append(job)
            self._model.learn(job, about["token"])
            info = TakeInfo.from_json(about["info"])
            self.guesses.learn(info, job.resolved.samples)
            self.lander.land(job, clips.FinishedTake(info, stems), latents)
        self.dispatch()

    def _failed(self, about: dict[str, Any], _: bytes) -> None:
        if job := self._by_ticket(about["job"]):
            self._leave(job)
            self._end(
                job, JobState.FAILED, GENERATE, about["code"], about["message"], about["hint"]
            )
            self.dispatch()

    def _cancelled(self, about: dict[str, Any], _: bytes) -> None:
        if job := self._by_ticket(about["job"]):
            self._leave(job)
            self._end(job, JobState.CANCELLED)
            self.dispatch()

    def _leave(self, job: Job) -> None:
        """The worker is done with a job; the one it interrupted goes on."""
        job.lay_down()
        self.running.remove(job)
        self._parcels.take(job.ticket)
        if not job.speculative:
            self.supervisor.used()
        if self.running and not self.running[-1].since:
            self.running[-1].take_up()

    def crashed(self, how: str, hopeless: bool) -> None:
        running = self.running
        self.running = []
        self._parcels.clear()
        self._model.become("loading")
        if hopeless:
            self._unloadable(f"the engine's process ends while it loads the model ({how})")
            return
        message = f"the engine's process ended ({how}) and is started again"
        self._bus.publish(
            Event(
                "fail", None, (GENERATE, 500, message, "what it was working on goes on by itself")
            )
        )
        for job in running:  # the last one first of them again
            self._lost(job, how, working=job is running[-1])

    def _lost(self, job: Job, how: str, working: bool) -> None:
        """The worker ended; `working` on this one."""
        if job.speculative:
            self._guessed(job, "dropped", spoilt=working)
            return
        if job.cancel_requested:
            self._end(job, JobState.CANCELLED)
            return
        job.crashes += working
        if job.crashes >= CRASHES:
            message = f"the engine's process ended twice while making it: {how}"
            self._end(
                job,
                JobState.FAILED,
                GENERATE,
                500,
                message,
                "ask for something shorter, and see the log",
            )
        else:
            job.start_over()
            self.line.back(job)
            self._endings.note(job)

    # --- what the landing threads say -------------------------------------------------------------

    def put_aside(self, job: Job, staged: clips.Staged, info: TakeInfo) -> bool:
        """Put it on the shelf. False where somebody has asked for it meanwhile, and it must
        land.
        """
        with self._lock:
            if not job.speculative:
                return False
            gone = None if self.supervisor.closing else self.guesses.keep(job, staged, info)
            if gone is None:
                clips.discard(staged)
                self._guessed(job, "dropped")
            else:
                self._guessed(job, "prepared")
                self.guesses.discard(gone)
            self.speculate()
            return True

    def landed(
        self, job: Job, landed: clips.Landed, info: TakeInfo | None = None, due: float = 0.0
    ) -> None:
        """The files are there: write it down, then tell, not before `due`."""
        used, facts = outcomes.facts(job, landed, info)
        with self._lock:
            told = job.clip_events
            job.clip_events = outcomes.clip_events(job, landed.clips, used)
            about = len(job.clip_events), str(landed.manifest)
            self._end(job, JobState.FINISHED, *about, due=due, told=told, landing="", **facts)

    def not_landed(self, job: Job, error: Exception) -> None:
        with self._lock:
            if job.speculative:
                log.info("%s was not made in advance: %s", job.id, error)
                self.guesses.rest(held_jobs.HOLD_SECONDS)
                self._guessed(job, "dropped", spoilt=not isinstance(error, OSError))
            elif isinstance(error, OSError):
                self._hold(job, error)
            else:
                log.error("the files of job %s", job.id, exc_info=error)
                self._end(job, JobState.FAILED, GENERATE, *failure(error))

    def previewed(self, job: Job, step: int, path: Path) -> None:
        with self._lock:
            if not job.ended and not job.cancel_requested:
                self._bus.publish(Event("preview", job, (step, str(path))))

    def _end(self, job: Job, state: JobState, *values: Any, **more: Any) -> None:
        if job.speculative:
            self._guessed(job, "dropped", spoilt=state is JobState.FAILED)
        else:
            self._leave_landing(job)
            self._endings.end(job, state, *values, **more)

    def _guessed(self, job: Job, kind: str, spoilt: bool = False) -> None:
        """A guess is over."""
        self._leave_landing(job)
        self.guesses.over(job, kind, spoilt)

    def _leave_landing(self, job: Job) -> None:
        self.landing = [other for other in self.landing if other is not job]

    def _discard(self, staged: clips.Staged) -> None:
        if not self.supervisor.closing:  # its threads may have ended
            self.lander.discard(staged)

    # --- held, and what an earlier daemon left ----------------------------------------------------

    def _hold(self, job: Job, error: OSError) -> None:
        """Keep a job whose folder takes no files now."""
        self._leave_landing(job)
        code, message, hint = failure(error)
        self._keep(job, held_jobs.next_try(job), code, message, f"{hint}; {KEPT}" if hint else KEPT)

    def _keep(self, job: Job, not_before: float, code: int, message: str, hint: str) -> None:
        self.held.add(job, not_before)
        self._bus.publish(Event("fail", job, (GENERATE, code, message, hint)))
        self._endings.note(job)

    def _release(self) -> None:
        """Queue again what was held, where its folder takes files again."""
        for job in self.held.released():
            try:
                if not self._recovered(job):
                    self.enter(job)
            except OSError as error:
                self._hold(job, error)
            except Exception as error:
                log.exception("the files of job %s", job.id)
                self._end(job, JobState.FAILED, GENERATE, *failure(error))
        self.dispatch()

    def resume(self) -> None:
        """Finish what was landing, queue what was not; remove this journal's own half-written
        files.
        """
        known = {job.number for job in self.active()}
        waiting = []
        for job in self._journal.unfinished():
            if job.number in known:
                continue
            try:
                if not self._recovered(job):
                    waiting.append(job)
            except OSError as error:
                self._hold(job, error)
            except Exception:  # whatever it is, it must not keep the daemon from starting
                log.exception("the files of job %s", job.id)
                waiting.append(job)
        self.enter(*waiting)
        self.lander.sweep(
            {staged.staging for job in self.held if (staged := self.lander.staged(job))}
        )

    def _recovered(self, job: Job) -> bool:
        """Whether the job's files had been staged before; then they land now. Raises OSError."""
        if landed := self.lander.recovered(job):
            self.landed(job, landed)
        return landed is not None
