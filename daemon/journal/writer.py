"""What is to be written down: a thread commits in one go what has gathered meanwhile, and those who
wait for it are told.
"""

from __future__ import annotations

import errno
import logging
import math
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue

from ..jobs import Job
from ..runtime.logs import LimitedLog
from . import database
from .file import PUT_TRIES, JournalFile
from .rows import put_row_back, update_row
from .schema import JournalError

log = logging.getLogger("acestepd.journal")
limited_log = LimitedLog(log)  # of what is said of one job after the other

# seconds that a change waits while another program holds the journal, before it is refused: a
# client has its answer within twice that
LOCK_SECONDS = 0.04
LOCK_POLL = 0.005  # seconds between two tries then
NOTE_SECONDS = 0.25  # seconds after which it is told how a job ended, although it is not written
RETRY_SECONDS = 1.0  # between two tries to write what a full disk did not take
# Between two commits where so much comes that some of it does so during each: it gathers. A commit
# costs as much computing as three orders, and who answers a player meanwhile waits for the
# interpreter.
GATHER_SECONDS = 0.01
HASTY_COMMITS = 8  # that may follow each other at once all the same: a chord on pads does not wait
LOOK_SECONDS = 0.5  # between two looks whether the file is still there
CLOSE_SECONDS = 5.0  # that the end of the daemon waits for another program
MAX_GROUP = 256  # changes in one commit
CLOSED = "the journal is closed"

Change = Callable[[sqlite3.Connection], None]
Done = Callable[[OSError | None], None]  # None: it is on disk


def ignore_done(error: OSError | None) -> None:
    """Where nobody waits for it."""


class Waiter:
    """A `Done` that a thread waits for."""

    def __init__(self) -> None:
        self._answers = SimpleQueue[OSError | None]()

    def __call__(self, error: OSError | None) -> None:
        self._answers.put(error)

    def wait(self) -> None:
        """Raises OSError."""
        if error := self._answers.get():
            raise error


@dataclass(eq=False)
class Write:
    """A change that is written, or refused. One that is `kept` is not refused: it is tried again
    until it is written.
    """

    change: Change
    on_done: Done | None  # None: it was told
    is_kept: bool
    deadline: float  # time.monotonic() until which it waits for another program


@dataclass(eq=False)
class JobUpdate:
    """How a job stands: its newest columns, until they are written. It is never lost; those who
    wait for it are told of the first error, or that it takes too long.
    """

    job: Job
    columns: dict[str, object]
    waiting: list[tuple[Done, float]]  # and until when each waits, in time.monotonic()

    @property
    def is_whole(self) -> bool:
        """Whether the job's row can be made anew with it."""
        return "state" in self.columns

    def add(self, later: JobUpdate) -> None:
        self.columns |= later.columns
        self.waiting += later.waiting


class Writer:
    """Everything that is written goes through it, from any thread. Who waits is told on a thread of
    its own, in the order of the changes; a `Waiter` at once.

    `complete(db)` writes down what is missing in a journal that is put back, or whose rows another
    program has deleted, and `on_restored(text)` hears of it. `on_told()` is called when all are
    told that wait for one commit.
    """

    def __init__(
        self,
        file: JournalFile,
        complete: Change,
        on_restored: Callable[[str], None],
        on_told: Callable[[], None],
    ) -> None:
        self._file = file
        self._complete = complete
        self._on_restored = on_restored
        self._on_told = on_told
        lock = threading.RLock()
        self._changed = threading.Condition(lock)  # the journal's thread waits for it
        self._all_told = threading.Condition(lock)
        self._writes: deque[Write] = deque()
        self._notes: dict[int, JobUpdate] = {}  # by the job's number
        self._writing: dict[int, JobUpdate] = {}  # those of the commit that is under way
        self._retry_at = 0.0  # time.monotonic() before which nothing is tried by itself
        # the same, of a commit beyond those that may follow each other at once
        self._crowded_until = 0.0
        self._close_by = math.inf
        self._is_closed = False
        self._trouble = ""  # why nothing could be written lately
        self._untold = 0  # callbacks that were not called yet
        self._answers: SimpleQueue[list[tuple[Done, OSError | None]]] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name="journal", daemon=True),
            threading.Thread(target=self._answer, name="journal's answers", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def put(self, change: Change, on_done: Done = ignore_done, is_kept: bool = False) -> None:
        """Write a change, as soon as that is possible."""
        write = Write(change, on_done, is_kept, time.monotonic() + LOCK_SECONDS)
        with self._changed:
            if not self._is_closed:
                is_asleep = bool(self._retry_at) or not (self._writes or self._notes)
                self._writes.append(write)
                self._untold += 1
                self._retry_at = 0.0
                if is_asleep:  # or else it wakes by itself, for what came before
                    self._changed.notify()
                return
        on_done(OSError(errno.EIO, CLOSED))

    def note(
        self,
        job: Job,
        columns: dict[str, object],
        on_done: Done = ignore_done,
        seconds: float = NOTE_SECONDS,
    ) -> None:
        """Write down how a job stands that was written before. `on_done` is called within so many
        seconds, whether or not it is on disk by then.
        """
        note = JobUpdate(job, columns, [(on_done, time.monotonic() + seconds)])
        with self._changed:
            if not self._is_closed:
                if known := self._notes.get(job.number):
                    known.add(note)
                else:
                    self._notes[job.number] = note
                self._untold += 1
                self._changed.notify()
                return
        on_done(OSError(errno.EIO, CLOSED))

    def list_unwritten(self) -> dict[int, Job]:
        """The jobs whose notes are not on disk yet, by their numbers."""
        with self._changed:
            return {number: note.job for number, note in (self._writing | self._notes).items()}

    def flush(self) -> None:
        """Wait until all are told of what was put before."""
        with self._all_told:
            self._all_told.wait_for(lambda: not self._untold)

    def close(self) -> None:
        """Write what is left, as far as another program or the disk lets it."""
        with self._changed:
            self._close_by = time.monotonic() + CLOSE_SECONDS
            self._retry_at = 0.0
            self._crowded_until = 0.0
            self._changed.notify()
        for thread in self._threads:
            thread.join()

    # --- its thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._wait():
            try:
                self._write()
            except Exception as error:  # whatever it is, the next changes are tried
                log.exception("the journal")
                self._put_off(OSError(errno.EIO, f"the journal could not be written: {error}"))
        with self._changed:
            left = [write for write in self._writes if write.on_done]
            notes = list(self._notes.values())
        self._tell(left, notes, OSError(errno.EIO, CLOSED))
        self._answers.put([])

    def _wait(self) -> bool:
        """Wait for something to write, or for the next look at the file. False: it is over."""
        with self._changed:
            look_at = time.monotonic() + LOOK_SECONDS
            while (now := time.monotonic()) < look_at:
                has_work = bool(self._writes or self._notes)
                if self._close_by < math.inf and (not has_work or now >= self._close_by):
                    self._is_closed = True
                    if has_work:
                        log.error("what is new could not be written into the journal")
                    return False
                gathered_at = self._crowded_until - HASTY_COMMITS * GATHER_SECONDS
                begin_at = max(self._retry_at, gathered_at)
                if has_work and now >= begin_at:
                    return True
                until = min(look_at, self._close_by, begin_at if has_work else look_at)
                self._changed.wait(max(0.0, until - now))
            return True

    def _write(self) -> None:
        """Commit what has gathered, and look after the file."""
        try:
            if self._file.find_loss():
                self._restore()
            self._file.db.execute("BEGIN IMMEDIATE")
        except (sqlite3.Error, OSError, JournalError) as error:
            self._note_damage(error)
            self._put_off(database.describe(error))
            return
        with self._changed:
            writes = [self._writes.popleft() for _ in range(min(MAX_GROUP, len(self._writes)))]
            self._writing, self._notes = self._notes, {}
            notes = list(self._writing.values())
        failed = self._try_to_commit(writes, notes)
        if failed is None:  # all of it, and not only what was tried beside one that cannot be
            if self._trouble:
                log.warning("the journal is written again")
                self._trouble = ""
            return
        self._note_damage(failed)
        self._keep_in_place()
        # one that cannot be written must not take the others with it
        for write in writes:
            self._write_alone([write], [])
        for note in notes:
            self._write_alone([], [note])

    def _write_alone(self, writes: list[Write], notes: list[JobUpdate]) -> None:
        try:
            self._file.db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as obstacle:
            self._take_back(writes, notes, obstacle)
            return
        if error := self._try_to_commit(writes, notes):
            self._take_back(writes, notes, error)

    def _try_to_commit(self, writes: list[Write], notes: list[JobUpdate]) -> Exception | None:
        """Write these in the transaction that has begun, and answer; where that fails, nothing has
        happened.
        """
        db = self._file.db
        try:
            for write in writes:
                write.change(db)
            lost = [note for note in notes if not update_row(db, note.job, note.columns)]
            is_put_back = self._put_rows_back(db, lost)
            db.execute("COMMIT")
        except Exception as error:  # whatever it is, it is that change's
            if db.in_transaction:
                db.execute("ROLLBACK")
            return error
        self._keep_in_place()
        with self._changed:
            if self._writes:  # they came meanwhile
                self._crowded_until = max(self._crowded_until, time.monotonic()) + GATHER_SECONDS
            for note in notes:
                self._writing.pop(note.job.number, None)
        if is_put_back:
            self._say_restored(
                f"jobs were gone from the journal {self._file.path}, which another program may "
                "have deleted: those that had not ended were put back"
            )
        self._tell(writes, notes, None)
        return None

    def _put_rows_back(self, db: sqlite3.Connection, lost: list[JobUpdate]) -> bool:
        """The rows of these notes are gone: write down what must be there, and return whether
        something had to be. What is said of a job that had ended has no place any more.
        """
        is_needed = any(note.is_whole for note in lost)
        if is_needed:
            self._complete(db)
        for note in lost:
            if not note.is_whole:
                text = "job %s is not in the journal any more: what is new of it is not kept"
                limited_log.warning("", text, note.job.id)
            elif not update_row(db, note.job, note.columns):
                put_row_back(db, note.job, note.columns)
        return is_needed

    def _keep_in_place(self) -> None:
        """Nobody is told of what only a deleted file holds."""
        try:
            for _ in range(PUT_TRIES):  # somebody may be deleting one file after the other
                if not self._file.find_loss():
                    break
                self._restore()
        except (sqlite3.Error, OSError, JournalError) as error:
            log.error("the journal could not be put back yet: %s", error)

    def _restore(self) -> None:
        self._say_restored(self._file.restore(self._complete))

    def _say_restored(self, text: str) -> None:
        log.error("%s", text)
        with self._changed:
            self._untold += 1
        self._answers.put([(lambda error: self._on_restored(text), None)])

    # --- what could not be written ----------------------------------------------------------------

    def _take_back(self, writes: list[Write], notes: list[JobUpdate], error: Exception) -> None:
        """Refuse what could not be written, and keep what is to be tried again."""
        self._note_damage(error)
        with self._changed:
            self._writes.extendleft(write for write in reversed(writes) if write.is_kept)
            for note in notes:
                number = note.job.number
                if later := self._notes.get(number):
                    note.add(later)
                self._notes[number] = note
                self._writing.pop(number, None)
            self._retry_at = time.monotonic() + RETRY_SECONDS
        described = database.describe(error)
        self._log_trouble(described)
        self._tell(writes, notes, described)

    def _put_off(self, error: OSError) -> None:
        """Nothing can be written now. Refuse what does not wait for that any longer."""
        is_locked = error.errno == errno.EBUSY
        now = time.monotonic()
        overdue = now if is_locked else math.inf  # a full disk is said at once
        with self._changed:
            self._retry_at = now + (LOCK_POLL if is_locked else RETRY_SECONDS)
            writes = [write for write in self._writes if write.deadline <= overdue]
            self._writes = deque(
                write for write in self._writes if write.is_kept or write.deadline > overdue
            )
            notes = list(self._notes.values())
        if writes or notes:
            self._log_trouble(error)
        self._tell(writes, notes, error, overdue)

    def _log_trouble(self, error: OSError) -> None:
        """Once, until something could be written again."""
        if not self._trouble:
            self._trouble = str(error.strerror)
            log.error("%s; what is new waits", self._trouble)

    def _note_damage(self, error: Exception) -> None:
        if database.is_damage(error):
            self._file.note_damage()

    # --- answers ----------------------------------------------------------------------------------

    def _tell(
        self,
        writes: Iterable[Write],
        notes: Iterable[JobUpdate],
        error: OSError | None,
        until: float = math.inf,
    ) -> None:
        """Tell those who wait for these what has become of them, once; of notes, those who wait no
        longer than `until`.
        """
        told: list[Done] = []
        with self._changed:
            for write in writes:
                if write.on_done:
                    told.append(write.on_done)
                    write.on_done = None
            for note in notes:
                told += [done for done, deadline in note.waiting if deadline <= until]
                note.waiting = [each for each in note.waiting if each[1] > until]
            waiters = [done for done in told if isinstance(done, Waiter)]
            self._untold -= len(waiters)
            self._all_told.notify_all()
        for waiter in waiters:
            waiter(error)
        if answers := [(done, error) for done in told if not isinstance(done, Waiter)]:
            self._answers.put(answers)

    def _answer(self) -> None:
        """On a thread of its own: what is called takes locks, and the next commit does not wait for
        it.
        """
        while answers := self._answers.get():
            for done, error in answers:
                _call_safely(partial(done, error))
            _call_safely(self._on_told)
            with self._changed:
                self._untold -= len(answers)
                self._all_told.notify_all()


def _call_safely(call: Callable[[], None]) -> None:
    """It must not take the others with it."""
    try:
        call()
    except Exception:
        log.exception("an answer of the journal")
