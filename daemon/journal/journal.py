"""The journal as the daemon uses it."""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from ..jobs import Job
from . import database
from .file import JournalFile
from .questions import Questions
from .rows import describe_outcome, insert_row, make_row, put_row_back
from .writer import Done, Waiter, Writer, ignore_done

ENDED = "'finished', 'fail', 'cancelled'"  # the states of jobs.ENDED, as an index has them
PRUNE_EVERY = 100  # ended jobs between two looks at how many are remembered
PRUNED_AT_MOST = 1000  # jobs in one commit
UPDATE_SECONDS = 10.0  # that `update` waits for another program
NO_COLUMNS: Mapping[str, object] = MappingProxyType({})
TOKEN = "token"  # the fact that marks staged files as this journal's


class Journal(Questions):
    """`path` may be None for one that is kept in memory only. Usable from every thread. Of the jobs
    that have ended, the newest are `remembered`, and all favourites.

    A thread of its own writes. What is noted of a job is found from then on, also while it is not
    on disk. Callbacks get None when it is, or an OSError: EBUSY where another program holds the
    journal, ENOSPC where the disk is full. They are called on another thread, which may wait for
    locks; `on_told` behind those of each commit.

    A file that is no journal any more is set aside, never deleted: `warning` then says so. One that
    is deleted, replaced or damaged while it is open is put back, and so are rows of jobs that have
    not ended; `on_restored` is called with what to tell.
    """

    _file: JournalFile

    def __init__(self, path: Path | None, remembered: int = 100_000) -> None:
        self._file = JournalFile(path)
        super().__init__(self._file, lambda: self._writer.list_unwritten())
        self.warning = self._file.warning
        self.on_restored: Callable[[str], None] = lambda text: None
        self.on_told: Callable[[], None] = lambda: None
        self._remembered = remembered
        self._ended = 0  # jobs since this was opened
        self._lock = threading.Lock()
        self._open: dict[int, Job] = {}  # by number: what must not be missing, whatever happens
        self._landings: dict[int, str] = {}  # what is known of their staged files
        # marks staged files as this journal's
        self.token = _remember_fact(self._file.db, TOKEN, database.make_token)
        self._writer = Writer(
            self._file,
            self._complete,
            lambda text: self.on_restored(text),
            lambda: self.on_told(),
        )

    @staticmethod
    def open_read_only(path: Path) -> ReadOnlyJournal:
        """One for questions alone, also while a daemon writes it. Raises `JournalError` when there
        is none.
        """
        return ReadOnlyJournal(path)

    def flush(self) -> None:
        """Wait until everybody has been told of what was written until now."""
        self._writer.flush()

    def close(self) -> None:
        """Write what is left, as far as the disk and other programs let it."""
        self._writer.close()
        self._file.close()

    # --- a job's life -----------------------------------------------------------------------------

    def begin_add(self, jobs: list[Job], landing: str, on_done: Done) -> None:
        """Write new jobs down, all or none, and number them. Refused where another program holds
        the journal for longer than a moment.

        `landing` is what is known of files that are staged already.
        """
        now = time.time()
        for job in jobs:
            job.created = job.created or now

        # the rows are made there: that takes longer than all else that is done of an order at once
        def insert(db: sqlite3.Connection) -> None:
            for job in jobs:
                job.number = insert_row(db, make_row(job) | {"landing": landing})

        def finish(error: OSError | None) -> None:
            for job in jobs:
                if error:
                    job.number = 0
                else:
                    self._keep(job, landing)
            on_done(error)

        self._writer.put(insert, finish)

    def add(self, jobs: list[Job], landing: str = "") -> None:
        """The same, and on disk when this returns. Raises OSError."""
        waiter = Waiter()
        self.begin_add(jobs, landing, waiter)
        waiter.wait()

    def note(
        self, job: Job, columns: Mapping[str, object] = NO_COLUMNS, on_done: Done = ignore_done
    ) -> None:
        """Write down how a job stands, and more of its columns. It is kept until it can be written;
        `on_done` is called within a moment all the same.
        """
        self._writer.note(job, self._describe(job, columns), on_done)

    def update(self, job: Job, **columns: object) -> None:
        """The same, and on disk when this returns. Raises OSError; it is written later then."""
        waiter = Waiter()
        self._writer.note(job, self._describe(job, columns), waiter, UPDATE_SECONDS)
        waiter.wait()

    def begin_mark(self, job: Job, on_done: Done) -> None:
        """Write down whether a job is a favourite. Refused where another program holds the journal
        for longer than a moment.
        """
        favourite = int(job.favourite)
        change = "UPDATE jobs SET favourite = ? WHERE number = ?"
        self._writer.put(lambda db: _execute(db, change, (favourite, job.number)), on_done)

    def dismiss(self, job: Job) -> bool:
        """Take a job off the list of takes, for good; it stays in the history. Returns whether it
        was on it. On disk when this returns. Raises OSError.
        """
        changed: list[int] = []
        change = "UPDATE jobs SET dismissed = 1 WHERE number = ? AND dismissed = 0"
        waiter = Waiter()
        self._writer.put(
            lambda db: changed.append(db.execute(change, (job.number,)).rowcount), waiter
        )
        waiter.wait()
        return changed[-1] > 0

    def note_insertion(self, job: Job) -> None:
        """Write down who has still to put a job's clips in, and who has."""
        inserted = "\t".join(job.inserted) if job.inserted else ""
        self._writer.note(job, {"insert_for": job.insert_for, "inserted": inserted})

    def drop_old_inserts(self, program: str, before: float) -> None:
        """Nobody waits any more for a program to put in what ended before that (seconds since the
        epoch).
        """
        change = (
            "UPDATE jobs SET insert_for = '' WHERE insert_for != '' AND insert_for = ? "
            "AND ended < ?"
        )
        self._writer.put(lambda db: _execute(db, change, (program, before)), is_kept=True)

    def read_landing(self, job: Job) -> str:
        """What was noted of a landing that may have been interrupted; empty when there is none."""
        with self._lock:
            return self._landings.get(job.number, "")

    def find_unfinished(self) -> list[Job]:
        """The jobs that have not ended, oldest first; from now on these are the ones that are kept
        whatever happens.
        """
        jobs = self._find_jobs(f"state NOT IN ({ENDED}) ORDER BY +number", ())
        with self._file.reading() as db:
            for job in jobs:
                query = "SELECT landing FROM jobs WHERE number = ?"
                self._keep(job, str(db.execute(query, (job.number,)).fetchone()["landing"]))
        return jobs

    def known_since(self, name: str) -> float:
        """Since when the journal knows every job of `name` (seconds since the epoch): since the
        first call with it, or since the oldest job that was not forgotten, if that is later. Raises
        OSError.
        """
        first = float(self._remember(f"since {name}", repr(time.time())))
        with self._file.reading_aside() as db:
            kept = db.execute(
                "SELECT count(*) AS count, max(number) AS last, "
                "min(CASE WHEN NOT favourite THEN created END) AS oldest FROM jobs"
            ).fetchone()
        forgotten = (kept["last"] or 0) > kept["count"]
        return max(first, kept["oldest"] or first) if forgotten else first

    def remember_first(self, name: str, text: str) -> str:
        """What was written down first under that name; where nothing was, `text` is, and is given
        back. Raises OSError.
        """
        return self._remember(f"first {name}", text)

    # --- inside -----------------------------------------------------------------------------------

    def _remember(self, name: str, value: str) -> str:
        """What was written down under that name; where nothing was, `value`. Raises OSError."""
        with self._file.reading() as db:
            known = _find_fact(db, name)
        if known is not None:
            return known
        found: list[str] = []
        waiter = Waiter()
        self._writer.put(
            lambda db: found.append(_remember_fact(db, name, lambda: value)), waiter, is_kept=True
        )
        waiter.wait()
        return found[-1]

    def _describe(self, job: Job, columns: Mapping[str, object]) -> dict[str, object]:
        """The columns that say how a job stands, and these."""
        if job.has_ended:
            job.ended = job.ended or time.time()
            self._forget(job)
        elif "landing" in columns:
            self._keep(job, str(columns["landing"]))
        return {
            "state": job.state.value,
            "crashes": job.crashes,
            "insert_for": job.insert_for,
            "cost": job.cost,
            "outcome": describe_outcome(job),
            "ended": job.ended,
            "clips": len(job.clip_events) if job.has_ended else 0,
            **columns,
        }

    def _keep(self, job: Job, landing: str) -> None:
        with self._lock:
            if not job.has_ended:
                self._open[job.number] = job
                self._landings[job.number] = landing

    def _forget(self, job: Job) -> None:
        with self._lock:
            self._open.pop(job.number, None)
            self._landings.pop(job.number, None)
            self._ended += 1
            is_time = self._ended % PRUNE_EVERY == 0
        if is_time:
            self._writer.put(self._prune, is_kept=True)

    def _prune(self, db: sqlite3.Connection) -> None:
        newest = db.execute("SELECT max(number) AS newest FROM jobs").fetchone()["newest"] or 0
        db.execute(
            "DELETE FROM jobs WHERE number IN (SELECT number FROM jobs WHERE number <= ? "
            f"AND favourite = 0 AND state IN ({ENDED}) ORDER BY number LIMIT ?)",
            (newest - self._remembered, PRUNED_AT_MOST),
        )

    def _complete(self, db: sqlite3.Connection) -> None:
        """What must not be missing in a journal: its token, and the open jobs."""
        db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (TOKEN, self.token))
        with self._lock:
            jobs = [(job, self._landings[number]) for number, job in self._open.items()]
        for job, landing in jobs:
            query = "SELECT 1 FROM jobs WHERE number = ?"
            if not db.execute(query, (job.number,)).fetchone():
                put_row_back(db, job, self._describe(job, {"landing": landing}))


class ReadOnlyJournal(Questions):
    """For questions alone, which raise `Refused` 503 where the file cannot be read."""

    def __init__(self, path: Path) -> None:
        self._db = database.open_read_only(path)
        super().__init__(self, dict)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with database.refusing():
            yield self._db

    @contextmanager
    def reading_aside(self, seconds: float = math.inf) -> Iterator[sqlite3.Connection]:
        with database.refusing(), database.limiting(self._db, seconds):
            yield self._db

    def close(self) -> None:
        self._db.close()


def _find_fact(db: sqlite3.Connection, name: str) -> str | None:
    found = db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return str(found["value"]) if found else None


def _remember_fact(db: sqlite3.Connection, name: str, make: Callable[[], str]) -> str:
    """What was written down under that name; where nothing was, that which `make` returns. Writes
    nothing that is there: another program may hold the journal.
    """
    if (known := _find_fact(db, name)) is not None:
        return known
    made = make()
    db.execute("INSERT INTO facts VALUES (?, ?)", (name, made))
    return made


def _execute(db: sqlite3.Connection, change: str, values: tuple[object, ...]) -> None:
    db.execute(change, values)
