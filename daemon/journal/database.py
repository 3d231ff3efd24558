"""Opening the database, and what its errors mean."""

from __future__ import annotations

import errno
import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from pipeline.private import make_folder

from ..jobs import Refused
from ..runtime.logs import LimitedLog
from .schema import JournalError, migrate

log = logging.getLogger("acestepd.journal")
limited_log = LimitedLog(log)  # of what every question may say

OPEN_SECONDS = 10.0  # that the start waits for another program's lock
READ_SECONDS = 0.05  # that a question waits for one: no program has to keep readers out
TABLES = ("facts", "jobs", "files")
SUFFIXES = ("", "-wal", "-shm")  # of the files that are one database
PROGRESS_STEPS = 1000  # of SQLite's machine, between two looks at the time
# what a disk, or who changes the file, may cause
UNREADABLE = (
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_CANTOPEN,
)
AGAIN_HINT = "ask again in a moment"


class Opened(NamedTuple):
    """A database that is in order. `warning` says so where another was set aside for it."""

    db: sqlite3.Connection
    warning: str = ""


def open_or_begin(path: Path | None) -> Opened:
    """The journal at a path, or in memory. One that is damaged is set aside. Raises
    `JournalError`.
    """
    try:
        if path is not None:
            make_folder(path.parent)
        return Opened(open_database(path))
    except OSError as error:
        raise JournalError(
            f"the folder {error.filename} cannot be made: {error.strerror}; see state"
        ) from error
    except sqlite3.OperationalError as error:
        raise JournalError(
            f"the journal {path} cannot be opened: {error}; choose another folder with state"
        ) from error
    except sqlite3.DatabaseError as error:
        assert path is not None
        aside = set_aside(path, "damaged")
        warning = f"the journal was damaged ({error}) and is kept as {aside}; a new one was begun"
        log.error("%s", warning)
        return Opened(open_database(path), warning)


def open_database(path: Path | None) -> sqlite3.Connection:
    """A connection that writes, to a database that is whole and of this version."""
    db = connect(path, OPEN_SECONDS)
    try:
        check(db)
        migrate(db, path)
        check_tables(db)
    except BaseException:
        db.close()
        raise
    return db


def connect(path: Path | None, seconds: float) -> sqlite3.Connection:
    """`seconds`: how long it waits for another program's lock. Transactions are the caller's."""
    if path is not None:
        make_file(path)
    db = sqlite3.connect(
        path or ":memory:", check_same_thread=False, timeout=seconds, isolation_level=None
    )
    try:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        # on disk when a commit returns, even if the plug is pulled
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA fullfsync = 1")  # and out of the drive's own memory, on a Mac
        db.execute("PRAGMA foreign_keys = 1")
    except BaseException:
        db.close()
        raise
    return db


def make_file(path: Path) -> None:
    """An empty database for its owner alone, where none is: what SQLite puts beside it gets its
    modes.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def check(db: sqlite3.Connection) -> None:
    """Raises `sqlite3.DatabaseError` where the file is damaged."""
    if (answer := db.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(answer)


def check_tables(db: sqlite3.Connection) -> None:
    """Raises `sqlite3.DatabaseError` where it is a database, and not ours."""
    try:
        for table in TABLES:
            db.execute(f"SELECT * FROM {table} LIMIT 1")
    except sqlite3.OperationalError as error:
        raise sqlite3.DatabaseError(str(error)) from error


def open_read_only(path: Path, seconds: float = OPEN_SECONDS) -> sqlite3.Connection:
    """Raises `JournalError`."""
    if not path.is_file():
        raise JournalError(
            f"there is no journal at {path}: has acestepd played on this machine yet?"
        )
    try:
        db = sqlite3.connect(
            f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False, timeout=seconds
        )
        with ExitStack() as opened:
            opened.callback(db.close)
            db.row_factory = sqlite3.Row
            db.execute("SELECT * FROM jobs LIMIT 1")
            opened.pop_all()
    except sqlite3.Error as error:
        raise JournalError(f"the journal {path} cannot be read: {error}") from error
    return db


def set_aside(path: Path, why: str, suffixes: tuple[str, ...] = SUFFIXES) -> Path:
    """Give a database another name, so that a new one has room: nothing is deleted. Returns it."""
    aside = path.with_name(
        f"{path.stem}.{why}-{time.strftime('%Y%m%d-%H%M%S')}-{make_token()}{path.suffix}"
    )
    for suffix in suffixes:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def make_token() -> str:
    return secrets.token_hex(4)


@contextmanager
def limiting(db: sqlite3.Connection, seconds: float) -> Iterator[None]:
    """Interrupt what is asked within where it takes longer."""
    until = time.monotonic() + seconds
    db.set_progress_handler(lambda: time.monotonic() > until, PROGRESS_STEPS)
    try:
        yield
    finally:
        db.set_progress_handler(None, 0)


@contextmanager
def refusing() -> Iterator[None]:
    """Refuse what is asked within where it cannot be answered now: 503, or 408 where it was
    interrupted. A mistake of ours stays one.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_INTERRUPT:
            text = "the search took too long, and was ended"
            hint = "use fewer words; acestepd history takes as long as it needs"
            raise Refused(408, text, hint) from error
        if is_locked(error):
            raise Refused(503, "another program holds the journal", AGAIN_HINT) from error
        if code in UNREADABLE or is_damage(error):
            limited_log.warning("", "the journal cannot be read now: %s", error)
            text = f"the journal cannot be read now: {error}"
            raise Refused(503, text, AGAIN_HINT) from error
        raise


def is_locked(error: Exception) -> bool:
    """Whether another program holds the lock that this needed."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_damage(error: Exception) -> bool:
    """Whether the file is not what was written, or a table of it is gone."""
    code = getattr(error, "sqlite_errorcode", 0)
    # for which SQLite has no code of its own
    if code == sqlite3.SQLITE_ERROR and str(error).startswith("no such table"):
        return True
    damaged = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return code == sqlite3.SQLITE_IOERR_SHORT_READ or code & 0xFF in damaged


def describe(error: Exception) -> OSError:
    """SQLite's errors as OSError: a full disk is nothing new to the callers."""
    if isinstance(error, OSError):
        return OSError(error.errno, f"the journal could not be written: {error.strerror or error}")
    code = getattr(error, "sqlite_errorcode", None)
    if is_locked(error):
        return OSError(errno.EBUSY, "another program holds the journal")
    number = errno.ENOSPC if code == sqlite3.SQLITE_FULL else errno.EIO
    if not isinstance(error, sqlite3.Error):
        log.error("a change of the journal", exc_info=error)
    return OSError(number, f"the journal could not be written: {error}")
