"""Who puts a clip into a DAW: one program and no other, which is asked again until it says where
the clip is.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..jobs import Event, Insertion, Job, Listener, Priority, Refused
from ..settings import AUTO, NOBODY, Settings
from .clients import PRESENT_SECONDS, Clients, NamedClient

INSERT = "/ace/insert"  # the command that failures are about
MAX_WHERE = 250  # bytes
ANYWHERE = -1  # the track or slot that is left to the program
ANSWER_SECONDS = 10.0  # in which a program says that a clip is in
ASKED_AT_MOST = 2  # times
REDELIVERY_SECONDS = 600.0  # as old may a clip be that a program gets when it comes back
REDELIVERED = 64  # of them at a time
# in a job's insert_for: whichever program comes first, as none can have come yet
FIRST_TO_COME = AUTO


class InsertionJournal(Protocol):
    """What is used of the journal."""

    def note_insertion(self, job: Job) -> None: ...
    def find_to_insert(self, program: str, since: float, limit: int) -> list[Job]: ...
    def drop_old_inserts(self, program: str, before: float) -> None: ...


class InsertionEngine(Protocol):
    """What is used of the engine."""

    @property
    def journal(self) -> InsertionJournal: ...
    def publish(self, event: Event) -> None: ...
    def find(self, client: str, id: str) -> Job: ...


@dataclass(frozen=True)
class Outstanding:
    """A clip that a program was asked to put in, and has not said anything about."""

    job: Job
    program: str
    track: int
    slot: int
    asked: float  # when it was asked last, on the clock
    times: int  # it was asked

    @property
    def key(self) -> tuple[str, str]:
        return self.program, self.job.mix_path


class Inserter:
    """Chooses the program when a job ends, asks it, and notes its answer. The journal knows for
    whom a clip is until then: a program that was away, or a daemon that was, loses none.
    """

    def __init__(
        self,
        settings: Settings,
        clients: Clients,
        engine: InsertionEngine,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self._clients = clients
        self._engine = engine
        self._clock = clock
        self._started = clock()
        self._lock = threading.Lock()  # never held while something is published
        # by program and path, as ids are their clients' own
        self._outstanding: dict[tuple[str, str], Outstanding] = {}

    # --- who --------------------------------------------------------------------------------------

    def choose(self, job: Job) -> str:
        """The program that is to put a finished job's clips in; empty: nobody by itself. What comes
        in great numbers only goes to the program that asked for it, or that its order names.
        """
        if job.insert_for not in ("", AUTO, NOBODY):
            return job.insert_for if job.clip_events else ""
        wanted = job.insert_for or self.settings.insert_to
        if not job.clip_events or wanted in ("", NOBODY):
            return ""
        # nobody can have said since the start that it is there
        nobody = FIRST_TO_COME if self._clock() < self._started + PRESENT_SECONDS else ""
        asker = self._clients.find_by_client(job.client)
        if _is_batch(job):
            is_wanted = asker and asker.inserts and wanted in (AUTO, asker.name)
            return asker.name if asker and is_wanted else nobody
        if wanted != AUTO:
            return wanted
        found = asker if asker and asker.inserts else self._clients.find_inserter()
        return found.name if found else nobody

    def find_program(self, client: str) -> NamedClient | None:
        """The program that is there now for a clip that a client wants to have put in: the one that
        the settings name, the client itself, or the first. Raises `Refused` 503 where the settings
        name one that is away.
        """
        name = self.settings.insert_to
        if name in ("", AUTO):
            asker = self._clients.find_by_client(client)
            own = self._clients.find(asker.name) if asker else None
            return own or self._clients.find_inserter()
        found = self._clients.find(name)
        if found is None:
            hint = "open it, or name another one with insert_to in the settings"
            raise Refused(503, f"{name}, which puts clips in, is not there", hint)
        return found

    # --- it is asked ------------------------------------------------------------------------------

    def ask(self, program: NamedClient, job: Job, track: int, slot: int) -> None:
        """Have a program put a clip there, although it would not have been its turn."""
        if job.insert_for != program.name:
            job.insert_for = program.name
            self._engine.journal.note_insertion(job)
        self._ask(program, job, track, slot, times=1)

    def redeliver(self, name: str, send: Listener) -> None:
        """A program is there again: what waits for it is sent to it by `send`, and it is asked to
        put that in. What is older is not waited for any more, nor what somebody has removed.
        """
        program = self._clients.find(name)
        if program is None:
            return
        waiting = self._find_waiting(FIRST_TO_COME, 2 * PRESENT_SECONDS)
        jobs = [job for job in waiting if not _is_batch(job) or program.is_at(job.client)]
        jobs += self._find_waiting(name, REDELIVERY_SECONDS)
        gone = [job for job in jobs if _is_removed(Path(job.mix_path))]
        self._forget(gone, name)
        there = [job for job in jobs if Path(job.mix_path).is_file()]
        for job in sorted(there, key=lambda job: job.number)[:REDELIVERED]:
            for event in job.status_events:
                send(event)
            self.ask(program, job, ANYWHERE, ANYWHERE)

    def _forget(self, jobs: list[Job], name: str) -> None:
        """Nobody is asked any more to put these clips in, which is said."""
        for job in jobs:
            job.insert_for = ""
            self._engine.journal.note_insertion(job)
        if jobs:
            message = f"{name} is not asked to put {jobs[0].id} in"
            message += f", nor {len(jobs) - 1} more" if len(jobs) > 1 else ""
            hint = f"there is no file any more: {jobs[0].mix_path}; /ace/reroll makes another"
            self._engine.publish(Event("fail", None, (INSERT, 404, message, hint)))

    def _find_waiting(self, program: str, seconds: float) -> list[Job]:
        """The jobs whose clips wait for a program, the oldest first."""
        since = self._clock() - seconds
        self._engine.journal.drop_old_inserts(program, since)
        return self._engine.journal.find_to_insert(program, since, REDELIVERED)

    def _ask(self, program: NamedClient, job: Job, track: int, slot: int, times: int) -> None:
        if not program.reads_inbox:  # who does waits for nobody's answer
            one = Outstanding(job, program.name, track, slot, self._clock(), times)
            with self._lock:
                self._outstanding[one.key] = one
        event = Event("insert", job, (track, slot, job.mix_path), program.client)
        self._engine.publish(event)

    def on_event(self, event: Event) -> bool:
        """Any event of the engine, under its lock. Whether there is something to do later."""
        job = event.job
        if job and job.clip_events and event.kind == "finished":
            if not job.number:  # announced again: the journal does not know it under this client
                job.insert_for = self.choose(job)
            program = self._clients.find(job.insert_for)
            if program and not program.reads_inbox:  # the inbox says for whom a clip is
                self._ask(program, job, ANYWHERE, ANYWHERE, times=1)
        return event.kind == "insert"

    def tick(self) -> float:
        """Ask again who has not answered, and then say so."""
        now = self._clock()
        with self._lock:
            overdue = [one for one in self._outstanding.values() if _due(one) <= now]
            for one in overdue:
                del self._outstanding[one.key]
        for one in overdue:
            # one that is away is asked when it comes back
            if program := self._clients.find(one.program):
                self._ask_again(program, one)
        with self._lock:
            return min((_due(one) - now for one in self._outstanding.values()), default=math.inf)

    def _ask_again(self, program: NamedClient, one: Outstanding) -> None:
        if one.times < ASKED_AT_MOST:
            self._ask(program, one.job, one.track, one.slot, one.times + 1)
            return
        message = f"{one.program} does not say that it has put {one.job.id} in"
        hint = "see what it shows; /ace/insert asks it again"
        self._engine.publish(Event("fail", None, (INSERT, 503, message, hint)))

    # --- it answers -------------------------------------------------------------------------------

    def find_job(self, client: str, id: str, program: str) -> Job:
        """The job whose clip a program says something about: one that it is to put in comes first,
        as ids are their clients' own. Raises `Refused`: 404 where there is none, 409 for one
        without files.
        """
        with self._lock:
            asked = [one for one in self._outstanding.values() if one.program == program]
        since = self._clock() - REDELIVERY_SECONDS
        waiting = self._engine.journal.find_to_insert(program, since, REDELIVERED)
        jobs = (*(one.job for one in asked), *waiting)
        job = next((job for job in jobs if job.id == id), None) or self._engine.find(client, id)
        if not job.clip_events:
            raise Refused(409, f"job {id!r} has no files", "only a finished one has")
        return job

    def note_inserted(self, job: Job, program: str, where: str) -> None:
        """A program has put a job's clip in; or could not, and says no `where`: it is not asked
        again. What was said before is not told again.
        """
        where = shorten_where(where)
        with self._lock:
            asked = self._outstanding.pop((program, job.mix_path), None)
        insertion = Insertion(program, where)
        is_new = bool(asked) or job.insert_for == program
        if where and job.inserted != insertion:
            job.inserted = insertion
            is_new = True
        if job.insert_for == program:
            job.insert_for = ""
        if is_new:
            # after a crash before that is written it is asked again, and knows the clip's path
            self._engine.journal.note_insertion(job)
            self._engine.publish(Event("inserted", job, (*insertion, job.mix_path)))


def shorten_where(text: str) -> str:
    """Where a clip is, on one line of at most `MAX_WHERE` bytes."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line.encode("utf-8", "replace")[:MAX_WHERE].decode("utf-8", "ignore")


def _due(one: Outstanding) -> float:
    """When its program ought to have answered."""
    return one.asked + ANSWER_SECONDS


def _is_removed(path: Path) -> bool:
    """Whether somebody has removed a file. A volume that is not there may come back with it."""
    try:
        return path.parent.is_dir() and not path.exists()
    except OSError:
        return False


def _is_batch(job: Job) -> bool:
    return job.priority is Priority.BATCH or job.takes > 1
