"""The jobs that clients have ordered: written down before anybody is told of them, queued again or
held when something is in their way, and ended once.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Sequence

from pipeline.take import TakeInfo

from ..jobs import Event, Failure, Job, JobState, Refused, describe_failure
from ..journal import Journal
from ..landing import staging
from .event_bus import EventBus
from .held_jobs import HeldJobs
from .job_queue import JobQueue
from .run import Loss, Run

log = logging.getLogger("acestepd.engine")

CRASHES = 2  # of workers at one job, and failures, after which the job is given up
HOLD_HINT = (
    "it is kept, and goes on by itself when the folder takes files again; /ace/cancel gives it up"
)

LOCKED_HINT = (
    "close what has the journal open, a backup or a browser for SQLite; then send it again"
)


class ClientJobs:
    """The owner of every run that a client waits for."""

    serves_clients = True

    def __init__(self, journal: Journal, bus: EventBus, queue: JobQueue, held: HeldJobs) -> None:
        self._journal = journal
        self._bus = bus
        self._queue = queue
        self._held = held

    # --- written down -----------------------------------------------------------------------------

    def begin_accept(
        self, jobs: list[Job], landing: str, on_done: Callable[[Refused | None], None]
    ) -> None:
        """Into the journal, before anybody is told of them. `landing` is what is known of files
        that are staged already. `on_done` is called on another thread: with None when they are on
        disk, or `Refused` 503 or 507.
        """

        def finish(error: OSError | None) -> None:
            hint = "free some space: nothing is accepted that could be lost"
            on_done(describe_refusal(error, hint) if error else None)

        self._journal.begin_add(jobs, landing, finish)

    def note(self, job: Job, **columns: object) -> None:
        """Write down how it stands. The job was written down when it was accepted: a crash before
        would only repeat something.
        """
        self._journal.note(job, columns)

    def end_job(
        self,
        job: Job,
        state: JobState,
        *values: object,
        due: float = 0.0,
        published: Sequence[Event] = (),
        **columns: object,
    ) -> None:
        """Its last event: written down first, so that nobody is told of an end that a crash could
        undo; but a journal that cannot be written keeps nobody waiting. `published` are those of
        its clip events that were published before.
        """
        job.state = state
        job.last_event = Event(state.value, job, values)
        self._held.forget(job)
        events = [event for event in (*job.clip_events, job.last_event) if event not in published]

        def publish(error: OSError | None) -> None:
            for event in events:
                self._bus.publish(event, due)

        self._journal.note(job, columns, publish)

    def fail_job(self, job: Job, failure: Failure) -> None:
        self.end_job(job, JobState.FAILED, job.command, *failure)

    # --- held -------------------------------------------------------------------------------------

    def hold(self, job: Job, error: OSError) -> None:
        """Keep a job whose folder takes no files now."""
        self._held.add_for_retry(job)
        failure = describe_failure(error)
        hint = f"{failure.hint}; {HOLD_HINT}" if failure.hint else HOLD_HINT
        self._tell_held(job, failure._replace(hint=hint))

    def hold_for_model(self, job: Job, failure: Failure) -> None:
        """Keep a job for when a model plays again."""
        self._held.add_for_model(job)
        self._tell_held(job, failure)

    def _tell_held(self, job: Job, failure: Failure) -> None:
        self._bus.publish(Event("fail", job, (job.command, *failure)))
        self.note(job)

    # --- as the owner of a run --------------------------------------------------------------------

    def publish(self, event: Event) -> None:
        self._bus.publish(event)

    def keep_staged(self, run: Run, staged: staging.Staged, info: TakeInfo, size: int) -> bool:
        return False

    def handle_worker_exit(self, run: Run, reason: str, loss: Loss) -> None:
        job = run.job
        if job.cancel_requested:
            self.end_job(job, JobState.CANCELLED)
            return
        if loss is Loss.ENDED:
            job.crashes += 1
        elif loss is Loss.FAILED:
            job.failures += 1
        if job.crashes + job.failures >= CRASHES:
            self.fail_job(job, _describe_loss(job, reason))
        else:
            job.start_over()
            self._queue.put_back(job)
            self.note(job)
            self._bus.publish(Event("queued", job, (0, 0.0)))  # before everybody else's like it
            log.warning("%s: %s is made again", reason, job.id)
            self._bus.publish(Event("note", job, (f"{reason}: this take is made again",)))

    def handle_landing_failure(self, run: Run, error: Exception) -> None:
        if isinstance(error, OSError):
            self.hold(run.job, error)
        else:
            log.error("the files of job %s", run.job.id, exc_info=error)
            self.fail_job(run.job, describe_failure(error))

    def end(self, run: Run, state: JobState, *values: object) -> None:
        self.end_job(run.job, state, *values)


def _describe_loss(job: Job, reason: str) -> Failure:
    """Why a job is given up: only a process that has ended may have had too much to make."""
    hint = "see the worker's log" if job.failures else "ask for something shorter, and see the log"
    return Failure(500, f"making it has failed twice, at last as {reason}", hint)


def describe_refusal(error: OSError, hint: str) -> Refused:
    """What cannot be written down is refused: 503 while another program holds the journal, or else
    507 with this hint.
    """
    if error.errno == errno.EBUSY:
        return Refused(503, str(error.strerror), LOCKED_HINT)
    return Refused(507, str(error.strerror), hint)
