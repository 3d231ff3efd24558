"""The way of every job: it waits, a worker makes it, its files land, and all are told how it
ended.
"""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from pipeline.explain import Explanation
from pipeline.request import Request
from pipeline.take import TakeInfo

from ..jobs import GENERATE, Event, Failure, Job, JobState, Priority
from ..journal import Journal
from ..landing import clips, folders, staging
from ..landing.finished_take import add_notes
from ..messages import (
    AdaptersRefused,
    AdaptersSet,
    MixLatents,
    ModelLoaded,
    ModelLoadFailed,
    PreviewAudio,
    RenderCancelled,
    RenderClip,
    RenderDescribed,
    RenderFailed,
    RenderFinished,
    RenderLines,
    RenderNotes,
    RenderPlan,
    RenderProgress,
    WorkerMessage,
)
from ..settings import Settings
from .client_jobs import CRASHES, ClientJobs
from .crew import Crew, estimate_end
from .event_bus import EventBus
from .fair_lock import FairLock
from .given_up import GivenUpAdapters
from .held_jobs import HeldJobs
from .job_events import (
    list_take_notes,
    make_clip_events,
    make_line_events,
    make_plan_events,
    read_landed,
)
from .job_queue import JobQueue
from .lander import LANDING_THREADS, Lander
from .model_state import ModelChoice, ModelState
from .prepared_takes import PreparedTake
from .process import WorkerHandle
from .reassembly import Reassembly
from .render_worker import RenderWorker
from .run import LOCAL, NOBODY, Loss, Run
from .stragglers import find_straggler
from .supervisor import Supervisor

log = logging.getLogger("acestepd.engine")

ENDED_AT_ONCE = 8  # jobs that are cancelled, under one hold of the lock
INSPECTED_SECONDS = 0.5  # for which a folder is believed to take files of batches
# takes that wait for the disk, and bytes of their audio, before no other job is begun
MOST_LANDING = 4 * LANDING_THREADS
MOST_LANDING_BYTES = 2**28
PROGRESS_SECONDS = 0.1  # between two progress events of a job
MODEL = "/ace/model"  # the command that failures to load are about
ADAPTER = "/ace/adapter"  # the command that failures of adapters are about
WAIT_FOR_WORKER = "no worker is ready: this take waits for one; acestepd status says who is there"
HOLD_FOR_MODEL_HINT = (
    "it is kept, and goes on when a model plays; /ace/model tries again or plays another; "
    "see: acestepd doctor"
)


class Assignment(NamedTuple):
    """A job that can be begun now, and by whom."""

    job: Job
    worker: RenderWorker


class ClaimedTake(NamedTuple):
    """A prepared take that a client has just ordered, and whose files have no names yet."""

    run: Run
    staged: staging.Staged
    info: TakeInfo
    due: float
    is_noted: bool  # whether the journal knows of its files


class Suspicion(NamedTuple):
    """What was given up as the engine failed with it, what plays instead, and the job that was
    under way, if any was: if that ends the engine once more, it was the job.
    """

    given_up: ModelChoice
    fallback: ModelChoice
    job: Job | None


class Dispatcher:
    """The jobs that have not ended, and what moves them on. What becomes of a run's events and end
    is its owner's business: `client_jobs`, or the speculation.
    """

    def __init__(
        self,
        lock: FairLock,
        settings: Settings,
        journal: Journal,
        bus: EventBus,
        model: ModelState,
        start_worker: Callable[[], WorkerHandle] | None,
        given_up: GivenUpAdapters,
    ) -> None:
        self._lock = lock
        self._journal = journal
        self._bus = bus
        self._model = model
        self._given_up = given_up
        self.queue = JobQueue()
        self.held = HeldJobs()
        self.landing: list[Run] = []
        self._waits_for_disk = False  # a job that could be begun
        self._well_until: dict[Path, float] = {}  # folders: time.monotonic()
        # jobs that are cancelled and have yet to be ended: whether they were held
        self._cancelled: dict[Job, bool] = {}
        self._suspicion: Suspicion | None = None
        self._is_releasing = False  # held jobs, on another thread
        self._is_dispatching = False  # soon, on this thread:
        self._dispatch_thread = ThreadPoolExecutor(1, "dispatch")
        self.client_jobs = ClientJobs(journal, bus, self.queue, self.held)
        self._is_local = start_worker is not None  # this machine makes takes, too
        self.supervisor = Supervisor(lock, settings, model, self, start_worker)
        self._crew = Crew(model.find_speed, model.knows_speed)
        self._crew.add(self.supervisor)
        self._is_closed = False
        self.lander = Lander(settings, journal, self)
        self._reassembly = Reassembly()
        self._make_idle_run: Callable[[], Run | None] = lambda: None
        self._choose_inserter: Callable[[Job], str] = lambda job: ""

    def close(self) -> None:
        """What is landing, lands. The supervisor was closed before."""
        with self._lock:
            self._is_closed = True
            self._end_cancelled(len(self._cancelled))
            self._reassembly.close()
        self._dispatch_thread.shutdown()
        self.lander.close()

    # --- which jobs there are ---------------------------------------------------------------------

    def active(self) -> list[Job]:
        """The clients' jobs that have not ended: what lands and runs, what waits, in order, what is
        held, and what is cancelled.
        """
        runs = [*self.landing, *self._crew.runs]
        under_way = dict.fromkeys(run.job for run in runs if run.owner.serves_clients)
        return [*under_way, *self.queue, *self.held, *self._cancelled]

    @property
    def has_waiting(self) -> bool:
        return len(self.queue) > 0 and not self._crew.has_idle

    @property
    def choice(self) -> ModelChoice:
        return self._model.choice

    def _clients_running(self) -> list[Run]:
        return [run for run in self._crew.runs if run.owner.serves_clients]

    def check_model(self, request: Request) -> None:
        """Raises `Refused` 422 for what is known that the model that plays the next job cannot
        make.
        """
        if not self.supervisor.replaces_worker:
            self._model.check(request)

    def explain_limits(self, request: Request) -> tuple[Explanation, ...]:
        """What is known that the model that plays the next job makes otherwise than it is asked
        for.
        """
        return () if self.supervisor.replaces_worker else self._model.explain_limits(request)

    # --- to the queue, and to the workers ---------------------------------------------------------

    def enqueue(self, *jobs: Job) -> None:
        """Let clients' jobs wait for their turn, and publish when that will be."""
        # `accept` has just written a new job: one commit less before its client is answered
        unwritten = {job for job in jobs if job.state is not JobState.WAITING}
        for job in jobs:
            job.start_over()
            self._model.estimate_cost(job)
            self.queue.add(job)
        lanes = {priority: self._crew.list_lanes(priority) for priority in Priority}
        jobs_running = {run.job for run in self._clients_running()}
        for job, (before, cost_before) in self.queue.locate(jobs).items():
            own = lanes[job.priority]
            running = sum(each.priority >= job.priority for each in jobs_running)
            # how many have to end before a worker can begin it
            position = max(0, running + before - max(0, len(own) - 1))
            self._publish_queued(job, position, estimate_end(own, cost_before, job.cost))
            if job in unwritten:
                self.client_jobs.note(job)
        if jobs and not (self._is_local or self._crew.has_ready):
            self._bus.publish(Event("note", jobs[0], (WAIT_FOR_WORKER,)))

    def _publish_queued(self, job: Job, position: int, eta: float) -> None:
        """Tell where a job waits, and what was read out of its request."""
        for event in (Event("queued", job, (position, eta)), *job.note_events):
            self._bus.publish(event)

    def dispatch_soon(self) -> None:
        """Give the next job to a worker on another thread, where there is one that can be begun, or
        other adapters: the job's folder is looked at. Takes the lock.
        """
        with self._lock:
            is_needed = self._find_startable() or self._model.needs_adapters
            if is_needed and not (self._is_dispatching or self.supervisor.closing):
                self._is_dispatching = True
                self._dispatch_thread.submit(self._dispatch_now)

    def _dispatch_now(self) -> None:
        with self._lock:
            self._is_dispatching = False
        self.dispatch()

    def dispatch(self) -> None:
        """Give the workers the next jobs, where one has none or a less urgent one. Takes the lock,
        and looks at the jobs' folders without it.
        """
        inspected: Job | None = None  # its folder was looked at
        obstacle: OSError | None = None  # what was found there
        while True:
            with self._lock:
                self.supervisor.sync_adapters()
                found = self._find_startable()
                if found is None:
                    self.show_status()
                    self.start_idle_run()
                    return
                if found.job is inspected:
                    self._start_or_hold(found, obstacle)
                    inspected = None
                    continue
            inspected = found.job
            obstacle = self._find_obstacle(inspected)

    def _find_obstacle(self, job: Job) -> OSError | None:
        """Why its folder cannot take its files now. Not under the lock. A folder of many takes is
        not looked at for each: one whose files could not be written is held then.
        """
        now = time.monotonic()
        is_batch = job.priority <= Priority.BATCH
        if is_batch and now < self._well_until.get(job.out, 0.0):
            return None
        obstacle = folders.find_obstacle(job.out, job.resolved)
        if obstacle is None:
            self._well_until = {job.out: now + INSPECTED_SECONDS} if is_batch else {}
        return obstacle

    def show_status(self) -> None:
        if self._clients_running():
            self._model.set_status("busy")
        elif self._crew.has_ready:
            self._model.set_status("warm")
        else:
            self._model.set_status("error" if self._model.error else self.supervisor.status)

    def _find_startable(self) -> Assignment | None:
        """The next job, where a worker has none or one that gives way to it."""
        job = self.queue.first()
        if job is None or self.supervisor.closing:
            return None
        if job.priority < Priority.LIVE and self._is_disk_behind:
            self._waits_for_disk = True
            return None
        worker = self._crew.choose(job)
        if worker is None:
            return self._find_interjection() if job.priority is Priority.LIVE else None
        if worker.running:
            return Assignment(job, worker)
        found = self._crew.find_job_for(worker, self.queue)
        return Assignment(found, worker) if found else None

    @property
    def _is_disk_behind(self) -> bool:
        """Whether takes are made faster than they land: they must not fill the memory."""
        if len(self.landing) > MOST_LANDING:
            return True
        waiting = sum(run.audio_bytes for run in self.landing)
        return waiting > MOST_LANDING_BYTES and len(self.landing) > 1

    def _find_interjection(self) -> Assignment | None:
        """A live job that goes before a live run: another client's, and shorter than what is left
        of the run. One of each client does, so that clients take turns here, too, and the run goes
        on; and one at a time, as a run that is interrupted keeps its memory.
        """
        for worker in self._crew:
            if worker.is_ready and (job := self._find_shorter(worker.running)):
                return Assignment(job, worker)
        return None

    def _find_shorter(self, running: list[Run]) -> Job | None:
        run = running[-1]
        if [each.job.priority for each in running].count(Priority.LIVE) != 1:
            return None
        if run.job.priority is not Priority.LIVE:
            return None
        left = run.job.cost * (1 - run.fraction)
        for job in self.queue.list_of(Priority.LIVE):
            is_others = job.client != run.job.client and job.client not in run.gave_way_to
            if is_others and job.cost < left:
                return job
        return None

    def _start_or_hold(self, found: Assignment, obstacle: OSError | None) -> None:
        """Give the worker the job, or keep it where its folder takes no files."""
        job, worker = found
        self.queue.pop(job)
        if obstacle:
            self.client_jobs.hold(job, obstacle)
            return
        if worker.running:
            worker.running[-1].gave_way_to.add(job.client)
            worker.running[-1].pause()
        self._start(worker, Run(job, self.client_jobs))

    def cancel(self, *jobs: Job) -> Iterator[None]:
        """None of these clients' jobs is made any more, from now on. The workers stop what they
        work on; the others are ended by the iterator, a few in each step, which takes the lock.
        Whoever does not go on with it leaves the rest to `close`.
        """
        running: dict[Job, list[Run]] = {}
        for run in self._crew.runs:
            if run.owner is not NOBODY:
                running.setdefault(run.job, []).append(run)
        for job in jobs:
            if job in running:
                if not job.cancel_requested:
                    for run in running[job]:
                        self.stop(run)
                job.cancel_requested = True
        waiting = [job for job in jobs if job not in running and job not in self._cancelled]
        self.queue.remove(*waiting)
        for job in waiting:
            self._cancelled[job] = self.held.remove(job)
        return self._end_step_by_step()

    def _end_step_by_step(self) -> Iterator[None]:
        while self._cancelled:
            with self._lock:
                self._end_cancelled(ENDED_AT_ONCE)
            yield

    def _end_cancelled(self, most: int) -> None:
        """End so many of the jobs that are cancelled."""
        for job, was_held in list(itertools.islice(self._cancelled.items(), most)):
            del self._cancelled[job]
            if was_held and (staged := self.lander.read_staged(job)):
                self.discard(staged)
            self.client_jobs.end_job(job, JobState.CANCELLED, landing="")

    def on_tick(self) -> None:
        """Folders may take files again, and there may be nothing else to do."""
        if self.held.is_due and not self._is_releasing:
            due = self.held.list_due()
            self._is_releasing = True
            self.call_aside(lambda: self._release_held(due))
        self.start_idle_run()

    def _start(self, worker: RenderWorker, run: Run) -> None:
        worker.running.append(run)
        self._crew.note_begun(worker, run)
        run.choice = self._model.choice
        run.start()
        worker.render(run)

    def ask_inserter(self, choose: Callable[[Job], str]) -> None:
        """Call this for who is to put a finished job's clips in; empty: nobody. It is called under
        the engine's lock.
        """
        self._choose_inserter = choose

    # --- for runs that no client has ordered ------------------------------------------------------

    def when_idle(self, make_run: Callable[[], Run | None]) -> None:
        """Call this for a run whenever nothing else is to do; it may have none. It is called under
        the engine's lock.
        """
        self._make_idle_run = make_run

    def start_idle_run(self) -> None:
        """Begin runs that no client has ordered, where workers have nothing else to do: not even
        what takes much longer where it is.
        """
        self.supervisor.sync_adapters()
        self._start_second_runs()
        while self._crew.has_idle and not (self.supervisor.closing or len(self.queue)):
            run = self._make_idle_run()
            worker = self._crew.find_idle(run.job) if run else None
            if run is None or worker is None:
                return
            self._model.estimate_cost(run.job)
            self._start(worker, run)

    def _start_second_runs(self) -> None:
        while self._crew.has_idle and not (self.supervisor.closing or len(self.queue)):
            found = find_straggler(self._crew, self._may_be_doubled)
            if found is None:
                return
            run, worker, left, other, needed = found
            log.info(
                "%s takes about %.0f s more on %s: %s, which needs %.0f, makes it, too",
                *(run.job.id, left, worker.name, other.name, needed),
            )
            self._start(other, Run(run.job, self.client_jobs))
            said = f"{_call(worker)} is late: {_call(other)} makes this take, too"
            self._bus.publish(Event("note", run.job, (said,)))

    def _may_be_doubled(self, run: Run) -> bool:
        job = run.job
        return (
            run.owner is self.client_jobs
            and run.choice == self._model.choice
            and not (job.cancel_requested or job.crashes or job.failures)
            and self._find_other(run) is None
        )

    def _find_other(self, run: Run) -> Run | None:
        """The other run of its job, where somebody makes that, too."""
        return next(
            (
                other
                for other in self._crew.runs
                if other.job is run.job and other is not run and other.owner is run.owner
            ),
            None,
        )

    def count_idle_runs(self) -> int:
        """How many of those may be made at a time: of several workers one stays free for who asks
        for something.
        """
        return max(1, self._crew.count_ready() - 1)

    def call_aside(self, task: Callable[[], None]) -> None:
        """Call it without the lock, on a thread that no client waits for."""
        self.lander.call_aside(task)

    def stop(self, run: Run) -> None:
        """Let its worker stop it, where one has it. Its owner is told when it has ended."""
        if worker := self._crew.find_worker(run):
            worker.cancel(run)

    def is_progressing(self, run: Run) -> bool:
        """Whether a worker works on it, or its files are being written."""
        worker = self._crew.find_worker(run)
        return worker.running[-1] is run if worker else run in self.landing

    def hand_over(self, run: Run, job: Job) -> None:
        """A client has ordered what is being made: from now on the run is of this job."""
        run.job = job
        run.owner = self.client_jobs
        self._publish_queued(job, 0, self._model.estimate_remaining(run))
        self._publish(run, (*job.plan_events, *job.line_events))
        self.show_status()

    def land_staged(
        self, run: Run, job: Job, take: PreparedTake, due: float, is_noted: bool
    ) -> None:
        """A client has ordered what is made and staged: from now on the run is of this job. It
        lands on another thread, where the lander's have not ended: then the next daemon goes on
        from here. Its clips are announced at `due` (time.monotonic()). `is_noted`: the journal
        knows of the staged files.
        """
        run.job = job
        run.owner = self.client_jobs
        job.state = JobState.LANDING
        self.landing.append(run)
        self._publish_queued(job, 0, 0.0)
        job.plan_events = make_plan_events(job, take.info.planned)
        job.line_events = make_line_events(job, take.info.lines)
        self._publish(run, (*job.plan_events, *job.line_events))
        claimed = ClaimedTake(run, take.staged, take.info, due, is_noted)
        if not self.supervisor.closing:
            self.lander.call_prepared(lambda: self._land_claimed(claimed))

    def _land_claimed(self, claimed: ClaimedTake) -> None:
        """Give the files of a prepared take that was just ordered their names. Takes the lock, and
        touches the files without it.
        """
        run, staged, info, due, is_noted = claimed
        try:
            if not is_noted:
                self.lander.note_staged(run.job, staged)
            is_revealed = clips.reveal(staged)
        except Exception as error:
            self.on_landing_failure(run, error)
            return
        if is_revealed:
            with self._lock:
                run.job.clip_events = make_clip_events(run.job, staged.clips, info.request)
                for event in run.job.clip_events:
                    self._bus.publish(event, due)
        self.lander.name_files(run, staged, info, due)

    def discard(self, staged: staging.Staged) -> None:
        """Remove staged files that nobody wants."""
        if not self.supervisor.closing:  # the lander's threads may have ended
            self.lander.discard(staged)

    # --- what the workers say ---------------------------------------------------------------------

    def add_worker(self, worker: RenderWorker) -> None:
        self._crew.add(worker)
        self.show_status()

    def remove_worker(self, worker: RenderWorker) -> None:
        lost = self._take_runs(worker)
        self._crew.remove(worker)
        self._model.on_left(worker.name)
        self.lander.forget_worker(worker.name)
        self._give_back(lost, f"{worker.name} has left", Loss.AWAY)
        self.show_status()

    def on_message(self, worker: RenderWorker, message: WorkerMessage) -> None:
        """Messages that match no case are signs of life only."""
        if self._is_closed:
            return
        match message:
            case ModelLoaded():
                self._on_loaded(worker, message)
            case ModelLoadFailed():
                self._on_load_failed(message.message)
            case AdaptersSet():
                self._model.on_adapters_set(message)
            case AdaptersRefused():
                self._on_adapters_refused(message)
            case _:
                ticket = getattr(message, "ticket", None)
                run = next((run for run in worker.running if run.ticket == ticket), None)
                if run:
                    self._on_run_message(worker, run, message)

    def _on_run_message(self, worker: RenderWorker, run: Run, message: WorkerMessage) -> None:
        if run.owner is NOBODY:
            if isinstance(message, RenderFinished | RenderFailed | RenderCancelled):
                self._leave_worker(worker, run)
            return
        match message:
            case RenderProgress():
                self._on_progress(run, message)
            case RenderPlan():
                planned = make_plan_events(run.job, message.planned)
                if planned != run.job.plan_events:  # or else it is another run that says so, too
                    run.job.plan_events = planned
                    self._publish(run, planned)
            case RenderLines():
                lines = make_line_events(run.job, message.lines)
                if lines != run.job.line_events:
                    run.job.line_events = lines
                    self._publish(run, lines)
            case RenderNotes():
                self._publish(run, run.job.add_notes(message.notes))
            case PreviewAudio():
                other = self._find_other(run)
                is_first = other is None or run.ticket < other.ticket
                if run.owner.serves_clients and is_first:
                    self.lander.write_preview(run, message.step, message.audio)
            case RenderDescribed():
                self.lander.land(run, self._reassembly.begin(message))
            case RenderClip():
                self._reassembly.add_clip(message)
            case MixLatents():
                self._reassembly.add_latents(message)
            case RenderFinished():
                self._on_finished(worker, run, message)
            case RenderFailed():
                values = run.job.command, message.code, message.message, message.hint
                self._on_end(worker, run, JobState.FAILED, *values)
            case RenderCancelled():
                self._on_end(worker, run, JobState.CANCELLED)

    def on_worker_exit(
        self, worker: RenderWorker, reason: str, gives_up: bool = False, loss: Loss = Loss.ENDED
    ) -> None:
        lost = self._take_runs(worker)
        if worker is self.supervisor:
            self._on_local_exit(lost, reason, gives_up)
            return
        self.show_status()
        self._give_back(lost, reason, loss)

    def _take_runs(self, worker: RenderWorker) -> list[Run]:
        """A worker has none of its runs any more. They are returned in their order."""
        lost = list(worker.running)
        worker.running.clear()
        self._reassembly.abandon(*(run.ticket for run in lost))
        return lost

    def _give_back(self, lost: list[Run], reason: str, loss: Loss) -> None:
        for run in lost:  # in this order the last one is the first in the queue again
            own = loss if run is lost[-1] else Loss.AWAY
            other = self._find_other(run)
            if other is None:
                run.owner.handle_worker_exit(run, reason, own)
                continue
            log.warning("%s: %s goes on with %s", reason, run.job.id, other.worker)
            if own is Loss.ENDED:
                run.job.crashes += 1

    def _on_local_exit(self, lost: list[Run], reason: str, gives_up: bool) -> None:
        if given_up := self._model.note_failure(has_crashed=True):
            job = lost[-1].job if lost and lost[-1].owner.serves_clients else None
            self._suspicion = Suspicion(given_up, self._model.choice, job)
            self.show_status()
            self._fall_back(given_up, reason, lost)
            return
        if gives_up:
            self._on_load_failed(f"the engine's process ends while it loads the model ({reason})")
            return
        self.show_status()
        message = f"the engine's process ended ({reason}) and is started again"
        hint = "what it was working on goes on by itself"
        self._bus.publish(Event("fail", None, (GENERATE, 500, message, hint)))
        self._give_back(lost, f"the engine's process ended ({reason})", Loss.ENDED)
        self._clear_suspicion()

    def _clear_suspicion(self) -> None:
        """Choose what was given up again, where the job has ended the engine without it too."""
        suspicion = self._suspicion
        job = suspicion.job if suspicion else None
        if suspicion is None or job is None or not job.has_ended:
            return
        self._suspicion = None
        if job.crashes < CRASHES or self._model.choice != suspicion.fallback:
            return
        self._model.choose(suspicion.given_up)
        self.call_aside(lambda: self._given_up.forget(suspicion.given_up.adapters))
        command, what = _describe_difference(suspicion.given_up, suspicion.fallback)
        message = f"{job.id} ends the engine's process without {what} too"
        hint = f"so it was not {what}: put on again"
        log.warning("%s; %s", message, hint)
        self._bus.publish(Event("fail", None, (command, 500, message, hint)))

    def _confirm_suspicion(self, job: Job) -> None:
        """A take is made with what plays instead: it was what was given up, and the next daemon
        leaves that off too.
        """
        suspicion = self._suspicion
        if suspicion is None or self._model.choice != suspicion.fallback:
            return
        if suspicion.job in (None, job):
            self._suspicion = None
        adapters = set(suspicion.given_up.adapters) - set(suspicion.fallback.adapters)
        self.call_aside(lambda: self._given_up.add(adapters))

    def _fall_back(self, given_up: ModelChoice, reason: str, lost: list[Run]) -> None:
        """Play on with what played before. The jobs that were lost are not to blame: they are begun
        anew.
        """
        choice = self._model.choice
        command, what = _describe_difference(given_up, choice)
        hint = f"not put on again by itself; it goes on with {choice.title}"
        message = f"the engine has failed twice with {what}: {reason}"
        log.error("%s; %s", message, hint)
        self.supervisor.replace_worker()
        self._bus.publish(Event("fail", None, (command, 500, message, hint)))
        for run in lost:
            run.job.crashes = 0
        self._give_back(lost, message, Loss.AWAY)

    def _on_loaded(self, worker: RenderWorker, message: ModelLoaded) -> None:
        if worker is self.supervisor:
            self._model.on_loaded(message, self._journal.seconds_per_cost)
            self.supervisor.note_use()
        else:
            self._model.on_joined(worker.name, message, self._journal.seconds_per_cost)
        for job in self.active():
            self._model.estimate_cost(job)
        released = self.held.release_for_model()
        self.show_status()
        self.enqueue(*released)

    def _on_load_failed(self, message: str) -> None:
        """The queue waits for another attempt, or another model, unless other workers have this
        one; where there was one attempt already, what played before plays on.
        """
        if given_up := self._model.note_failure(has_crashed=False):
            self.show_status()
            self._fall_back(given_up, message, [])
            return
        self._model.on_load_failed(message)
        log.error("%s", message)
        for job in [] if self._crew.has_ready else list(self.queue):
            self.queue.remove(job)
            self.client_jobs.hold_for_model(job, Failure(503, message, HOLD_FOR_MODEL_HINT))
        self.show_status()
        hint = "see: acestepd doctor; the next order, or /ace/model, tries again"
        self._bus.publish(Event("fail", None, (MODEL, 503, message, hint)))

    def _on_adapters_refused(self, message: AdaptersRefused) -> None:
        self._model.on_adapters_refused()
        remaining = " ".join(map(str, self._model.adapters)) or "nothing"
        hint = f"it goes on with what it wore: {remaining}"
        self._bus.publish(Event("fail", None, (ADAPTER, 422, message.message, hint)))

    def _on_progress(self, run: Run, message: RenderProgress) -> None:
        if run.job.cancel_requested:
            return
        run.fraction = message.fraction
        if (other := self._find_other(run)) and other.fraction > run.fraction:
            return
        if time.monotonic() - run.progress_published >= PROGRESS_SECONDS:
            run.progress_published = time.monotonic()
            values = run.fraction, message.stage, self._model.estimate_remaining(run)
            run.owner.publish(Event("progress", run.job, values))

    def _publish(self, run: Run, events: Iterable[Event]) -> None:
        for event in events:
            if not run.job.cancel_requested:
                run.owner.publish(event)

    def _on_finished(self, worker: RenderWorker, run: Run, message: RenderFinished) -> None:
        self._model.note_caches(worker.name, message.cache_counts)
        take = self._reassembly.pop(run.ticket)
        if other := self._find_other(run):
            self._model.learn_lateness(other)
            other.owner = NOBODY
            self.stop(other)
        self._leave_worker(worker, run)
        if worker is self.supervisor:
            self._confirm_suspicion(run.job)
        if run.job.cancel_requested:
            take.abandon()
            run.owner.end(run, JobState.CANCELLED)
        else:
            run.job.state = JobState.LANDING
            self.landing.append(run)
            self._model.learn(run, message)
            run.audio_bytes = take.audio_bytes
            take.finish(add_notes(message.info, run.job.notes))

    def _on_end(self, worker: RenderWorker, run: Run, state: JobState, *values: object) -> None:
        self._leave_worker(worker, run)
        if self._find_other(run):  # which goes on
            said = " ".join(map(str, values))
            log.info("%s is not made by %s: %s", run.job.id, worker.name, said)
        else:
            run.owner.end(run, state, *values)

    def _leave_worker(self, worker: RenderWorker, run: Run) -> None:
        """A worker is done with a run; the one that it interrupted goes on."""
        run.pause()
        worker.running.remove(run)
        self._reassembly.abandon(run.ticket)
        if worker is self.supervisor and run.owner.serves_clients:
            self.supervisor.note_use()
        if worker.running and worker.running[-1].is_paused:
            worker.running[-1].start()

    # --- what the lander says, on its threads: these take the lock --------------------------------

    def on_staged(self, run: Run, staged: staging.Staged, info: TakeInfo) -> bool:
        size = sum(file.source.stat().st_size for file in staged.files)
        with self._lock:
            is_kept = run.owner.keep_staged(run, staged, info, size)
            if run.owner.serves_clients:
                return False
            self._leave_landing(run)
            self.start_idle_run()
        if not is_kept:
            staging.discard(staged)
        return True

    def on_landed(
        self, run: Run, landed: clips.Landed, info: TakeInfo | None = None, due: float = 0.0
    ) -> None:
        """The files are there: write it down, then tell, not before `due`."""
        used, columns = read_landed(run, landed, info)
        told = list_take_notes(landed, info)
        with self._lock:
            self._leave_landing(run)
            job = run.job
            self._publish(run, job.add_notes(told))
            columns["notes"] = json.dumps(job.notes)
            published = job.clip_events
            job.clip_events = make_clip_events(job, landed.clips, used)
            job.insert_for = self._choose_inserter(job)
            self.client_jobs.end_job(
                job,
                JobState.FINISHED,
                len(job.clip_events),
                str(landed.manifest),
                due=due,
                published=published,
                landing="",
                **columns,
            )

    def on_landing_failure(self, run: Run, error: Exception) -> None:
        with self._lock:
            self._leave_landing(run)
            run.owner.handle_landing_failure(run, error)

    def on_preview(self, run: Run, step: int, path: Path) -> None:
        with self._lock:
            if not run.job.has_ended and not run.job.cancel_requested:
                run.owner.publish(Event("preview", run.job, (step, str(path))))

    def _leave_landing(self, run: Run) -> None:
        run.audio_bytes = 0
        self.landing = [other for other in self.landing if other is not run]
        if self._waits_for_disk and not self._is_disk_behind:
            self._waits_for_disk = False
            self.dispatch_soon()

    # --- held jobs, and what an earlier daemon left -----------------------------------------------

    def resume(self) -> None:
        """Finish what was landing, queue what was not; remove this journal's own half-written
        files.
        """
        known = {job.number for job in self.active()}
        waiting = []
        for job in self._journal.find_unfinished():
            if job.number in known:
                continue
            try:
                if not self._recover(job):
                    waiting.append(job)
            except OSError as error:
                self.client_jobs.hold(job, error)
            except Exception:  # whatever it is, it must not keep the daemon from starting
                log.exception("the files of job %s", job.id)
                waiting.append(job)
        self.enqueue(*waiting)
        staged = (self.lander.read_staged(job) for job in self.held)
        self.lander.sweep({each.staging for each in staged if each})

    def _release_held(self, due: list[Job]) -> None:
        """Go on with what was held, where its folder takes files again. Takes the lock, and touches
        files without it.
        """
        try:
            for job in due:
                if not folders.find_obstacle(job.out, job.resolved):
                    self._release(job)
        finally:
            with self._lock:
                self._is_releasing = False
        self.dispatch()

    def _release(self, job: Job) -> None:
        """Land what was staged of a held job, or queue it again."""
        run = Run(job, self.client_jobs)
        with self._lock:
            if not self.held.remove(job):  # it was cancelled meanwhile
                return
            if self.lander.read_staged(job) is None:
                self.enqueue(job)
                return
            job.state = JobState.LANDING
            self.landing.append(run)
        try:
            landed = self.lander.recover(job)
        except Exception as error:
            self.on_landing_failure(run, error)
            return
        if landed:
            self.on_landed(run, landed)
            return
        with self._lock:
            self._leave_landing(run)
            self.enqueue(job)

    def _recover(self, job: Job) -> bool:
        """Whether the job's files had been staged before; then they land now. Raises OSError."""
        landed = self.lander.recover(job)
        if landed is None:
            return False
        self.on_landed(Run(job, self.client_jobs), landed)
        return True


def _call(worker: RenderWorker) -> str:
    """What a worker is called in a sentence."""
    return "this machine" if worker.name == LOCAL else worker.name


def _describe_difference(given_up: ModelChoice, choice: ModelChoice) -> tuple[str, str]:
    """The command that has put on what was given up, and what that is."""
    if given_up[:2] != choice[:2]:
        return MODEL, f"the model {given_up.title}"
    return ADAPTER, f"the adapters {' '.join(map(str, given_up.adapters)) or 'off'}"
