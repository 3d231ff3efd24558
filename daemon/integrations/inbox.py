"""out/.inbox: every clip that lands, as a small file, for programs that have no sockets.

`.inbox/<seq>.json` is an entry. A program that is done with it removes it, or moves it to `done`.
What a program does is described in daemon/README.md, "The inbox".
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

from pipeline.limits import LIMITS
from pipeline.private import PART, make_private

from ..jobs import Event, Job
from ..settings import Settings
from .clients import INBOX as READER
from .entries import LandedTake, build_entries
from .inserter import FIRST_TO_COME
from .json_files import list_files, read_object, write_object
from .readers import DONE, ENTRY, Readers

log = logging.getLogger("acestepd.integrations")

INBOX = ".inbox"  # in out
LAST = "last.json"  # says how far the inbox has come
LAST_SEQ = 9_000_000_000_000  # milliseconds, in the year 2255: what is named later is not ours
REMEMBERED = 1_000  # jobs that were entered last
MARGIN_SECONDS = 60.0  # at most so long after its end is a job announced: on the next bar
MINUTE = 60.0  # seconds after which half a file is not being written any more
DAY = 86_400.0  # seconds after which nobody comes for an entry
BUSY_SECONDS = 1.0  # between two looks while a program reads it, or the disk is full
IDLE_SECONDS = 5.0
OWN_PART = re.compile(rf"\.([0-9]{{13}}|last)(\.json)?\{PART}")


class EndedJobs(Protocol):
    """What is used of the journal."""

    def find_ended(self, since: float, until: float, limit: int) -> list[Job]: ...


@dataclass
class InboxProgress:
    """How far the inbox has come: the `seq` of its newest entry, and the newest jobs in it by the
    journal's numbers. What ended after `time`, or a moment before it, and is not among them was
    missed; None where nothing is to be made up for.
    """

    seq: int
    time: float | None
    jobs: deque[int]


class Inbox:
    """All of it is done on one thread, but for `on_event`."""

    def __init__(
        self,
        settings: Settings,
        journal: EndedJobs,
        readers: Readers,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self._folder = settings.out / INBOX
        self._journal = journal
        self._readers = readers
        self._clock = clock
        self._started = clock()
        self._arrived: SimpleQueue[LandedTake] = SimpleQueue()
        self._waiting: deque[LandedTake] = deque()  # to be entered
        self._progress: InboxProgress | None = None  # None while the inbox is off
        self._warning = ""

    def on_event(self, event: Event) -> bool:
        job = event.job
        if job is None or not self.settings.inbox:
            return False
        take: LandedTake | None = None
        if event.kind == "finished":
            take = _find_take(job)
        elif event.kind == "insert" and event.to.startswith(READER):
            take = LandedTake.of(job, event.to.removeprefix(READER))
            track, slot, _ = event.values
            take = take and replace(take, track=track, slot=slot, is_asked_for=True)
        if take:
            self._arrived.put(take)
            return True
        return event.kind == "queued"  # a program that has just begun to read is looked for

    def tick(self) -> float:
        """Hear what programs say, enter what has landed, and sweep."""
        if not self.settings.inbox:
            self._turn_off()
            return math.inf
        try:
            progress = self._open()
            is_read = self._readers.listen(self._folder)
            self._enter_arrived(progress)
            self._sweep()
        except OSError as error:
            self._warn(error)
            return BUSY_SECONDS if self._waiting else IDLE_SECONDS
        self._warning = ""
        return BUSY_SECONDS if is_read else IDLE_SECONDS

    def _warn(self, error: OSError) -> None:
        """Once: it is tried again at every look."""
        reason = str(error.strerror)
        if reason != self._warning:
            log.warning("the inbox %s does not work: %s", self._folder, reason)
        self._warning = reason

    def _turn_off(self) -> None:
        """What lands from now on is not made up for later."""
        self._progress = None
        self._waiting.clear()
        while not self._arrived.empty():
            self._arrived.get_nowait()
        with suppress(OSError):
            if not self._folder.is_symlink():
                (self._folder / LAST).unlink()

    # --- how far it has come ----------------------------------------------------------------------

    def _open(self) -> InboxProgress:
        """The folder is there, and ours. At first, what an earlier daemon did not get to waits to
        be entered.
        """
        make_private(self._folder)
        if self._progress is None:
            progress = self._read_progress()
            if progress.time is None:
                self._write_progress(progress)
            else:  # its time stays until all of that is entered
                since = progress.time - MARGIN_SECONDS
                missed = self._journal.find_ended(since, self._started, self.settings.inbox)
                takes = (_find_take(job) for job in missed if job.number not in progress.jobs)
                self._waiting.extend(take for take in takes if take)
            self._progress = progress
        return self._progress

    def _read_progress(self) -> InboxProgress:
        names = list_files(self._folder, ENTRY)
        with suppress(OSError):
            names += list_files(self._folder / DONE, ENTRY)
        data: dict[str, object] = {}
        try:
            data = read_object(self._folder / LAST, LIMITS.inbox_bytes)
        except FileNotFoundError:
            pass
        except ValueError as error:
            log.warning("the inbox begins anew: %s", error)
        recorded = _read_integer(data.get("seq"))
        newest = max(recorded, int((self._clock() + DAY) * 1000))  # later ones are not ours
        seqs = [recorded, *(seq for seq in (int(name[:13]) for name in names) if seq <= newest)]
        written = _read_integer(data.get("time"))
        jobs = data.get("jobs")
        return InboxProgress(
            seq=max(seq for seq in seqs if seq < LAST_SEQ),
            time=float(written) if 0 < written < LAST_SEQ else None,
            jobs=deque(map(_read_integer, jobs if isinstance(jobs, list) else ()), REMEMBERED),
        )

    def _write_progress(self, progress: InboxProgress) -> None:
        now = int(self._clock())
        values = {"seq": progress.seq, "time": now, "jobs": list(progress.jobs)}
        write_object(self._folder / LAST, values)

    # --- entries ----------------------------------------------------------------------------------

    def _enter_arrived(self, progress: InboxProgress) -> None:
        """Write entries, as far as the disk takes them; what it does not take waits. Raises
        OSError.
        """
        while not self._arrived.empty():
            self._waiting.append(self._arrived.get_nowait())
        while len(self._waiting) > self.settings.inbox:
            self._waiting.popleft()
        if not self._waiting:
            return
        while self._waiting:
            take = self._waiting[0]
            self._enter(take, progress)
            self._waiting.popleft()
            if take.job.number:
                progress.jobs.append(take.job.number)
        self._write_progress(progress)

    def _enter(self, take: LandedTake, progress: InboxProgress) -> None:
        """Write the entries of a take: all, or none. Raises OSError."""
        if take.is_asked_for and self._holds(take):
            return
        try:
            entries = build_entries(take)
        except (ValueError, OSError) as error:
            log.info("%s is not entered into the inbox: %s", take.manifest, error)
            return
        written: list[Path] = []
        try:
            for entry in entries:
                now = self._clock()
                progress.seq = max(progress.seq + 1, int(now * 1000))
                path = self._folder / f"{progress.seq:013}.json"
                while path.exists():  # somebody else's
                    progress.seq += 1
                    path = self._folder / f"{progress.seq:013}.json"
                write_object(path, {"seq": progress.seq, "time": now, **entry})
                written.append(path)
        except OSError:
            for path in written:
                with suppress(OSError):
                    path.unlink()
            raise

    def _holds(self, take: LandedTake) -> bool:
        """Whether the entries of a take wait for its program already, for the same place."""
        for name in list_files(self._folder, ENTRY):
            with suppress(OSError, ValueError):
                entry = read_object(self._folder / name, LIMITS.inbox_bytes)
                found = [entry.get(name) for name in ("manifest", "insert", "track", "slot")]
                if found == [str(take.manifest), take.insert, take.track, take.slot]:
                    return True
        return False

    def _sweep(self) -> None:
        """Remove the oldest entries beyond the limit, those that nobody came for, and half files
        that a crash left.
        """
        now = self._clock()
        parts = list_files(self._folder, OWN_PART)
        self._remove([name for name in parts if self._was_changed_before(name, now - MINUTE)])
        names = list_files(self._folder, ENTRY)
        if self._progress:  # what was not entered here takes no room from what was
            names = [name for name in names if int(name[:13]) <= self._progress.seq]
        oldest = int((now - DAY) * 1000)
        old = [name for name in names if int(name[:13]) < oldest]
        gone = max(len(old), self._count_surplus(names))
        self._remove(names[:gone])

    def _was_changed_before(self, name: str, time: float) -> bool:
        with suppress(FileNotFoundError):
            return (self._folder / name).lstat().st_mtime < time
        return False

    def _remove(self, names: Iterable[str]) -> None:
        """Raises OSError for one that stays, when the others are gone."""
        staying: OSError | None = None
        for name in names:
            try:
                (self._folder / name).unlink(missing_ok=True)
            except OSError as error:
                staying = error
        if staying:
            raise staying

    def _count_surplus(self, names: list[str]) -> int:
        """How many of the oldest entries have to go: whole takes, as a program waits for all clips
        of one, and never the newest.
        """
        gone = len(names) - self.settings.inbox
        if gone <= 0:
            return 0
        firsts = [n for n, name in enumerate(names) if self._read_file_number(name) <= 1]
        return next((first for first in firsts if first >= gone), max(firsts, default=0))

    def _read_file_number(self, name: str) -> int:
        """Which clip of its take an entry is about."""
        with suppress(OSError, ValueError):
            return _read_integer(read_object(self._folder / name, LIMITS.inbox_bytes).get("file"))
        return 0


def _find_take(job: Job) -> LandedTake | None:
    """What a finished job has landed, and for whom."""
    program = job.insert_for
    return LandedTake.of(job, "" if program == FIRST_TO_COME else program)


def _read_integer(value: object) -> int:
    """0 where it is none."""
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return value if 0 < value < 2**53 else 0
