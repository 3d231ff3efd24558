"""The journal's file, and that it stays where it is: what becomes of it while the daemon runs is
noticed, and it is put back.
"""

from __future__ import annotations

import logging
import math
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from pipeline.private import make_folder

from ..landing import disk
from ..runtime.logs import LimitedLog
from . import database
from .schema import JournalError

log = logging.getLogger("acestepd.journal")
limited_log = LimitedLog(log)  # of what every question may say

GONE = "is not there any more"
REPLACED = "was replaced by another file"
WITHOUT_WAL = "has lost its -wal file"
DAMAGED = "was damaged"
PUT_TRIES = 5  # to put it back
PUT_AGAIN = 0.05  # seconds between them
PLACED = ".placed"  # behind the name of a copy, until it has the journal's


class FileIdentity(NamedTuple):
    """Which file it is, wherever its name is now, and how many bytes it has."""

    device: int
    inode: int
    size: int

    @classmethod
    def look(cls, path: Path) -> FileIdentity | None:
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        return cls(found.st_dev, found.st_ino, found.st_size)

    def is_same_file(self, other: FileIdentity | None) -> bool:
        return other is not None and self[:2] == other[:2]


class JournalFile:
    """The connections to it: `db` is the writer's, and `reading()` has one for questions. In memory
    (no path), both are the same.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._wal_path = path.with_name(path.name + "-wal") if path else Path()
        self.db, self.warning = database.open_or_begin(path)
        self._lock = threading.RLock()  # of the reader; and in memory, of the writer
        self._loss = ""
        self._main: FileIdentity
        self._wal: FileIdentity
        self._open_reader()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Raises `Refused` 503 for a question within that cannot be answered now: the file was
        damaged, say. Then it is put back.
        """
        with self._lock, database.refusing():
            try:
                yield self._reader
            except sqlite3.Error as error:
                if database.is_damage(error):
                    self.note_damage()
                raise

    @contextmanager
    def reading_aside(self, seconds: float = math.inf) -> Iterator[sqlite3.Connection]:
        """For a question that takes long: the others go on, unless the file is not in its place.
        Raises `Refused` as `reading` does, and 408 for one that takes longer than `seconds`.
        """
        with ExitStack() as opened, database.refusing():
            aside = self._open_aside()
            db = opened.enter_context(closing(aside) if aside else self.reading())
            with database.limiting(db, seconds):
                yield db

    def _open_aside(self) -> sqlite3.Connection | None:
        """Another connection for questions; None where there cannot be one now."""
        if self.path is None:
            return None
        try:
            return database.open_read_only(self.path)
        except JournalError as error:
            limited_log.warning("", "asked what is still open: %s", error)
            return None

    def close(self) -> None:
        with self._lock:
            self._reader.close()
            self.db.close()

    # --- what may happen to it --------------------------------------------------------------------

    def find_loss(self) -> str:
        """What has become of the file that is written to; empty where it is in its place."""
        if self.path is None or self._loss:
            return self._loss
        main = FileIdentity.look(self.path)
        wal = FileIdentity.look(self._wal_path)
        if main is None:
            self._loss = GONE
        elif not main.is_same_file(self._main):
            self._loss = REPLACED
        elif wal is None or not wal.is_same_file(self._wal):
            self._loss = WITHOUT_WAL
        else:
            is_shorter = main.size < self._main.size or wal.size < self._wal.size
            self._main = main
            self._wal = wal
            if is_shorter and not self._is_whole(self.path):  # another program may tidy it up
                self._loss = DAMAGED
        return self._loss

    def note_damage(self) -> None:
        """SQLite cannot write it any more as it is."""
        self._loss = self._loss or DAMAGED

    def restore(self, complete: Callable[[sqlite3.Connection], None]) -> str:
        """Put it back into its place: as the open connection still knows it, or begun anew where it
        does not. `complete` adds what is missing. What lies in the place is set aside. Returns what
        to tell. Raises OSError and `sqlite3.Error`; then it can be tried again.
        """
        assert self.path
        make_folder(self.path.parent)
        fresh = self.path.with_name(f"{self.path.stem}.{database.make_token()}.new")
        try:
            is_anew = self._copy(fresh, complete)
            with self._lock:
                aside = self._clear_place()
                self._put_in_place(fresh)
        finally:
            for suffix in (*database.SUFFIXES, PLACED):
                with suppress(FileNotFoundError):
                    fresh.with_name(fresh.name + suffix).unlink()
        text = f"the journal {self.path} {self._loss}"
        text += ": it was begun anew with the jobs that wait" if is_anew else " and was put back"
        if aside:
            text += f"; what was there is kept as {aside.name}"
        self._loss = ""
        return text

    def _put_in_place(self, fresh: Path) -> None:
        """Open a copy of a file at the journal's path. Whoever deletes what is there may still be
        at it: then once more. Raises OSError and `sqlite3.Error`.
        """
        assert self.path
        placed = fresh.with_name(fresh.name + PLACED)
        for left in reversed(range(PUT_TRIES)):
            database.make_file(placed)
            shutil.copyfile(fresh, placed)
            os.replace(placed, self.path)
            disk.sync_folder(self.path.parent)
            try:
                self.db = database.open_database(self.path)
                if not self._wal_path.exists():  # the reader would begin another one
                    raise FileNotFoundError(f"{self._wal_path} is not there any more")
                self._open_reader()
            except (sqlite3.Error, OSError):
                if not left:
                    raise
                self.close()
                time.sleep(PUT_AGAIN)
            else:
                return

    def _copy(self, fresh: Path, complete: Callable[[sqlite3.Connection], None]) -> bool:
        """Write all of it into a file. Returns whether that had to be begun anew."""
        is_anew = False
        try:
            database.make_file(fresh)
            with closing(sqlite3.connect(fresh, isolation_level=None)) as copy:
                self.db.backup(copy)
                database.check(copy)
                database.check_tables(copy)
        except sqlite3.Error as error:
            log.error("the journal cannot be read any more: %s", error)
            fresh.unlink(missing_ok=True)
            is_anew = True
        with closing(database.open_database(fresh)) as copy:
            copy.execute("BEGIN IMMEDIATE")
            complete(copy)
            copy.execute("COMMIT")
        return is_anew

    def _clear_place(self) -> Path | None:
        """Close what is open, and set aside what lies at the path and is not ours, or is damaged.
        Returns where it is.
        """
        assert self.path
        main = FileIdentity.look(self.path)
        wal = FileIdentity.look(self._wal_path)
        has_foreign_wal = wal is not None and not wal.is_same_file(self._wal)
        is_foreign = main is not None and not main.is_same_file(self._main)
        aside = None
        if self._loss == DAMAGED or has_foreign_wal or is_foreign:
            why = "damaged" if self._loss == DAMAGED else "replaced"
            # our own -wal is no part of another database
            keeps_wal = is_foreign and not has_foreign_wal
            suffixes = ("",) if keeps_wal else database.SUFFIXES
            aside = database.set_aside(self.path, why, suffixes)
        self.close()  # which removes the -wal of that name
        for suffix in database.SUFFIXES[1:]:  # one that stayed would be taken for the new file's
            with suppress(FileNotFoundError):
                self.path.with_name(self.path.name + suffix).unlink()
        return aside

    def _open_reader(self) -> None:
        if self.path is None:
            self._reader = self.db
            return
        self._reader = database.connect(self.path, database.READ_SECONDS)
        self._reader.execute("PRAGMA query_only = 1")
        self._reader.execute("SELECT count(*) FROM facts")  # now there is a -wal file
        self.db.execute("PRAGMA busy_timeout = 0")  # the writer has other things to do than wait
        main = FileIdentity.look(self.path)
        wal = FileIdentity.look(self._wal_path)
        if main is None or wal is None:
            raise FileNotFoundError(f"{self.path} is not there any more")
        self._main = main
        self._wal = wal

    @staticmethod
    def _is_whole(path: Path) -> bool:
        try:
            with closing(database.open_read_only(path)) as db:
                database.check(db)
        except (sqlite3.Error, JournalError):
            return False
        return True
