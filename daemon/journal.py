"""Every accepted job, on disk before its client is told so. The only door to SQLite."""

from __future__ import annotations

import errno
import json
import logging
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from pipeline.private import make_folder
from pipeline.request import Request

from .jobs import ENDED, Event, Insertion, Job, JobState, Priority

log = logging.getLogger("acestepd.journal")

# One script per version of the schema; PRAGMA user_version counts those a file has been through.
MIGRATIONS = (
    """
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        client TEXT NOT NULL, id TEXT NOT NULL, batch TEXT NOT NULL, origin TEXT NOT NULL,
        priority INTEGER NOT NULL, out TEXT NOT NULL,
        wish TEXT NOT NULL, request TEXT NOT NULL, words TEXT NOT NULL, seed INTEGER NOT NULL,
        state TEXT NOT NULL, outcome TEXT NOT NULL DEFAULT '[]', crashes INTEGER NOT NULL DEFAULT 0,
        landing TEXT NOT NULL DEFAULT '', favourite INTEGER NOT NULL DEFAULT 0,
        model TEXT NOT NULL DEFAULT '',
        cost REAL NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0,
        timings TEXT NOT NULL DEFAULT '{}', created REAL NOT NULL, ended REAL NOT NULL DEFAULT 0
    );
    CREATE INDEX jobs_by_id ON jobs (id, client);
    CREATE INDEX jobs_by_batch ON jobs (batch) WHERE batch != '';
    CREATE INDEX jobs_open ON jobs (state) WHERE state NOT IN ('finished', 'fail', 'cancelled');
    CREATE INDEX jobs_by_client ON jobs (client, number);
    CREATE INDEX jobs_by_seed ON jobs (seed);
    CREATE TABLE files (job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
                        stem TEXT NOT NULL, path TEXT NOT NULL);
    CREATE INDEX files_of_job ON files (job);
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    """,
    """
    ALTER TABLE jobs ADD COLUMN parent TEXT NOT NULL DEFAULT '';
    ALTER TABLE jobs ADD COLUMN takes INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE jobs ADD COLUMN insert_for TEXT NOT NULL DEFAULT '';
    ALTER TABLE jobs ADD COLUMN inserted TEXT NOT NULL DEFAULT '';
    CREATE INDEX files_by_path ON files (path);
    CREATE INDEX jobs_to_insert ON jobs (insert_for) WHERE insert_for != '';
    """,
)
SPEED_JOBS = 20  # newest jobs of a model from which its speed is read
ENDED_STATES = tuple(state.value for state in ENDED)
ENDED_MARKS = ", ".join("?" * len(ENDED_STATES))
PRUNE_EVERY = 100  # ended jobs between two looks at how many are remembered


class JournalError(ValueError):
    """The journal cannot be used: says which file and what to do."""


class Journal:
    """`path` may be None for one that is kept in memory only. Usable from every thread. Of the jobs
    that have ended, the newest are `remembered`, and all favourites.

    A file that is no journal any more is set aside, never deleted: `warning` then says so.
    """

    def __init__(
        self, path: Path | None, remembered: int = 100_000, read_only: bool = False
    ) -> None:
        self._lock = threading.RLock()
        self._remembered = remembered
        self._ended = 0  # jobs since this was opened
        self.warning = ""
        self.token = ""  # marks staged files as this journal's
        if read_only:
            assert path is not None
            self._db = _open_read_only(path)
        else:
            self._db = self._open_or_begin(path)
            self.token = self._remember_fact("token", _new_token)

    @classmethod
    def open_read_only(cls, path: Path) -> Self:
        """One for questions alone, also while a daemon writes it. Raises `JournalError` when there
        is none.
        """
        return cls(path, read_only=True)

    def _open_or_begin(self, path: Path | None) -> sqlite3.Connection:
        try:
            if path is not None:
                make_folder(path.parent)
            return _open_database(path)
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
            aside = _set_aside(path)
            self.warning = (
                f"the journal was damaged ({error}) and is kept as {aside}; a new one was begun"
            )
            log.error("%s", self.warning)
            return _open_database(path)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # --- a job's life -----------------------------------------------------------------------------

    def add(self, jobs: list[Job], landing: str = "") -> None:
        """Write new jobs down, all or none, and number them. On disk when this returns. Raises
        OSError.

        `landing` is what is known of files that are staged already.
        """
        with self._writing() as db:
            for job in jobs:
                job.created = job.created or time.time()
                columns = _columns_of(job) | {"landing": landing}
                marks = ", ".join(f":{name}" for name in columns)
                row = db.execute(
                    f"INSERT INTO jobs ({', '.join(columns)}) VALUES ({marks})", columns
                )
                job.number = int(row.lastrowid or 0)

    def update(self, job: Job, **columns: object) -> None:
        """Write down how a job stands, and more of its columns. Raises OSError."""
        values: dict[str, object] = {
            "state": job.state.value,
            "crashes": job.crashes,
            "favourite": int(job.favourite),
            "insert_for": job.insert_for,
            "cost": job.cost,
            "outcome": _outcome_of(job),
            "number": job.number,
            **columns,
        }
        if job.has_ended:
            values["ended"] = time.time()
        with self._writing() as db:
            changes = ", ".join(f"{name} = :{name}" for name in values if name != "number")
            db.execute(f"UPDATE jobs SET {changes} WHERE number = :number", values)
            if job.has_ended:
                db.execute("DELETE FROM files WHERE job = ?", (job.number,))
                clips = [(job.number, clip.values[0], clip.values[1]) for clip in job.clip_events]
                db.executemany("INSERT INTO files VALUES (?, ?, ?)", clips)
        if job.has_ended:
            self._ended += 1
            if self._ended % PRUNE_EVERY == 0:
                self._prune()

    def update_favourite(self, job: Job) -> None:
        """Write down whether a job is a favourite. Raises OSError."""
        with self._writing() as db:
            db.execute(
                "UPDATE jobs SET favourite = ? WHERE number = ?", (int(job.favourite), job.number)
            )

    def update_insertion(self, job: Job) -> None:
        """Write down who has still to put a job's clips in, and who has. Raises OSError."""
        inserted = "\t".join(job.inserted) if job.inserted else ""
        with self._writing() as db:
            db.execute(
                "UPDATE jobs SET insert_for = ?, inserted = ? WHERE number = ?",
                (job.insert_for, inserted, job.number),
            )

    def drop_old_inserts(self, program: str, before: float) -> None:
        """Nobody waits any more for a program to put in what ended before that (seconds since the
        epoch). Raises OSError.
        """
        with self._writing() as db:
            db.execute(
                "UPDATE jobs SET insert_for = '' WHERE insert_for = ? AND ended < ?",
                (program, before),
            )

    def read_landing(self, job: Job) -> str:
        """What was noted of a landing that may have been interrupted; empty when there is none."""
        with self._lock:
            found = self._db.execute(
                "SELECT landing FROM jobs WHERE number = ?", (job.number,)
            ).fetchone()
        return str(found["landing"]) if found else ""

    # --- questions --------------------------------------------------------------------------------

    def find_unfinished(self) -> list[Job]:
        """The jobs that have not ended, oldest first."""
        return self._find_jobs(f"state NOT IN ({ENDED_MARKS}) ORDER BY number", ENDED_STATES)

    def find(self, client: str, id: str) -> Job | None:
        """The client's own newest job of that id."""
        return self._find_one("client = ? AND id = ? ORDER BY number DESC", (client, id))

    def find_by_id(self, id: str) -> Job | None:
        """The newest job of that id, whoever sent it."""
        return self._find_one("id = ? ORDER BY number DESC", (id,))

    def find_by_path(self, path: str) -> Job | None:
        """The newest job that has landed a file of that name."""
        return self._find_one(
            "number IN (SELECT job FROM files WHERE path = ?) ORDER BY number DESC", (path,)
        )

    def find_batch(self, client: str, id: str) -> list[Job]:
        """The jobs of the client's newest order of several takes with that id, in order."""
        jobs = self._find_jobs("batch = ? AND client = ? ORDER BY number", (id, client))
        first = max((n for n, job in enumerate(jobs) if job.id == f"{id}.1"), default=0)
        return jobs[first:]

    def find_newest(self, client: str = "") -> Job | None:
        """The client's newest job; without a client, the newest of all."""
        if client:
            return self._find_one("client = ? ORDER BY number DESC", (client,))
        return self._find_one("1 ORDER BY number DESC", ())

    def find_to_insert(self, program: str, since: float, limit: int) -> list[Job]:
        """Jobs that have finished since then (seconds since the epoch) and whose clips a program
        has still to put in, the oldest first.
        """
        where = "insert_for = ? AND state = ? AND ended >= ? ORDER BY number LIMIT ?"
        return self._find_jobs(where, (program, JobState.FINISHED.value, since, limit))

    def find_ended(self, since: float, until: float, limit: int) -> list[Job]:
        """The newest jobs that have finished between these times (seconds since the epoch), in the
        order in which they did.
        """
        where = "state = ? AND ended >= ? AND ended <= ? ORDER BY ended DESC LIMIT ?"
        return self._find_jobs(where, (JobState.FINISHED.value, since, until, limit))[::-1]

    def search(
        self,
        text: str = "",
        seed: int | None = None,
        since: float | None = None,
        until: float | None = None,
        favourite: bool = False,
        limit: int = 50,
    ) -> list[Job]:
        """Jobs, newest first: all words of `text` in prompt, lyrics, name or id; dates in seconds
        since the epoch.
        """
        clauses = ["1"]
        values: list[object] = []
        for word in text.casefold().split():
            clauses.append("words LIKE ? ESCAPE '\\'")
            values.append(f"%{_escape_like(word)}%")
        for clause, value in (
            ("seed = ?", seed),
            ("created >= ?", since),
            ("created <= ?", until),
            ("favourite = ?", 1 if favourite else None),
        ):
            if value is not None:
                clauses.append(clause)
                values.append(value)
        where = " AND ".join(clauses)
        return self._find_jobs(f"{where} ORDER BY number DESC LIMIT ?", (*values, limit))

    def seconds_per_cost(self, model: str) -> float:
        """The median of the seconds per cost of this model's newest jobs; 0 where none is known."""
        with self._lock:
            rows = self._db.execute(
                "SELECT seconds / cost AS speed FROM jobs "
                "WHERE model = ? AND cost > 0 AND seconds > 0 ORDER BY number DESC LIMIT ?",
                (model, SPEED_JOBS),
            ).fetchall()
        speeds = sorted(float(row["speed"]) for row in rows)
        return speeds[len(speeds) // 2] if speeds else 0.0

    def known_since(self, name: str) -> float:
        """Since when the journal knows every job of `name` (seconds since the epoch): since the
        first call with it, or since the oldest job that was not forgotten, if that is later.
        """
        first = float(self._remember_fact(f"since {name}", lambda: repr(time.time())))
        with self._lock:
            kept = self._db.execute(
                "SELECT count(*) AS count, max(number) AS last, "
                "min(CASE WHEN NOT favourite THEN created END) AS oldest FROM jobs"
            ).fetchone()
        forgotten = (kept["last"] or 0) > kept["count"]
        return max(first, kept["oldest"] or first) if forgotten else first

    def read_folders(self) -> list[Path]:
        """Every folder that jobs of this journal have landed in, or were to land in."""
        with self._lock:
            return [Path(row["out"]) for row in self._db.execute("SELECT DISTINCT out FROM jobs")]

    def _find_one(self, where: str, values: tuple[object, ...]) -> Job | None:
        return next(iter(self._find_jobs(f"{where} LIMIT 1", values)), None)

    def _find_jobs(self, where: str, values: tuple[object, ...]) -> list[Job]:
        with self._lock:
            rows = self._db.execute(f"SELECT * FROM jobs WHERE {where}", values).fetchall()
        return [job for row in rows if (job := _read_row(dict(row)))]

    # --- inside -----------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction. SQLite's errors come out as OSError: a full disk is nothing new to the
        callers.
        """
        with self._lock:
            try:
                with self._db:
                    yield self._db
            except sqlite3.Error as error:
                raise OSError(
                    _errno(error), f"the journal could not be written: {error}"
                ) from error

    def _prune(self) -> None:
        with self._writing() as db:
            newest = db.execute("SELECT max(number) AS newest FROM jobs").fetchone()["newest"] or 0
            db.execute(
                "DELETE FROM jobs WHERE number <= ? AND favourite = 0 "
                f"AND state IN ({ENDED_MARKS})",
                (newest - self._remembered, *ENDED_STATES),
            )

    def _remember_fact(self, name: str, make: Callable[[], str]) -> str:
        """What was written down under that name; where nothing was, that which `make` returns."""
        with self._writing() as db:
            db.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, make()))
            return str(
                db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()["value"]
            )


# --- rows -----------------------------------------------------------------------------------------


def _columns_of(job: Job) -> dict[str, object]:
    """What is written down of a new job. `wish` and `request` are the columns' names for what the
    job calls `request` and `resolved`.
    """
    words = (job.id, job.resolved.name, job.resolved.prompt, job.resolved.lyrics)
    return {
        "client": job.client,
        "id": job.id,
        "batch": job.batch,
        "origin": job.origin,
        "parent": job.parent,
        "takes": job.takes,
        "insert_for": job.insert_for,
        "priority": int(job.priority),
        "out": str(job.out),
        "wish": json.dumps(asdict(job.request)),
        "request": json.dumps(asdict(job.resolved)),
        "words": " ".join(words).casefold(),
        "seed": job.resolved.seed,
        "state": job.state.value,
        "created": job.created,
    }


def _read_row(row: Mapping[str, Any]) -> Job | None:
    """None for a row that was damaged: the others are read all the same."""
    try:
        return _job_of(row)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        log.error("job %s of the journal cannot be read and is left out: %s", row["number"], error)
        return None


def _job_of(row: Mapping[str, Any]) -> Job:
    job = Job(
        client=row["client"],
        id=row["id"],
        request=_request(row["wish"]),
        resolved=_request(row["request"]),
        out=Path(row["out"]),
        priority=Priority(row["priority"]),
        batch=row["batch"],
        origin=row["origin"],
        parent=row.get("parent", ""),  # a journal that is only read may be an older one
        takes=row.get("takes", 1),
        insert_for=row.get("insert_for", ""),
        number=row["number"],
        state=JobState(row["state"]),
        crashes=row["crashes"],
        favourite=bool(row["favourite"]),
        created=row["created"],
        cost=row["cost"],
    )
    events = [Event(kind, job, tuple(values)) for kind, values in json.loads(row["outcome"])]
    job.clip_events = tuple(event for event in events if event.kind == "clip")
    job.last_event = events[-1] if events else None
    if inserted := row.get("inserted"):
        program, _, where = inserted.partition("\t")
        job.inserted = Insertion(program, where)
    return job


def _request(text: str) -> Request:
    """The request that was written down, as far as this version knows its fields."""
    return Request.restore(json.loads(text))


def _outcome_of(job: Job) -> str:
    return json.dumps(
        [(event.kind, event.values) for event in job.status_events if event.kind != "progress"]
    )


def _escape_like(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# --- the file -------------------------------------------------------------------------------------


def _open_database(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        with suppress(FileExistsError):  # what SQLite puts beside it gets its modes
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    db = sqlite3.connect(path or ":memory:", check_same_thread=False, timeout=10)
    db.row_factory = sqlite3.Row
    try:
        db.execute("PRAGMA journal_mode = WAL")
        # on disk when a commit returns, even if the plug is pulled
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA fullfsync = 1")  # and out of the drive's own memory, on a Mac
        db.execute("PRAGMA foreign_keys = 1")
        if (answer := db.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(answer)
        _migrate(db, path)
        try:
            for table in ("facts", "jobs", "files"):
                db.execute(f"SELECT * FROM {table} LIMIT 1")
        except sqlite3.OperationalError as error:
            raise sqlite3.DatabaseError(str(error)) from error  # it is one, and not ours
    except BaseException:
        db.close()
        raise
    return db


def _open_read_only(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise JournalError(
            f"there is no journal at {path}: has acestepd played on this machine yet?"
        )
    try:
        db = sqlite3.connect(
            f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False, timeout=10
        )
        with ExitStack() as opened:
            opened.callback(db.close)
            db.row_factory = sqlite3.Row
            db.execute("SELECT * FROM jobs LIMIT 1")
            opened.pop_all()
    except sqlite3.Error as error:
        raise JournalError(f"the journal {path} cannot be read: {error}") from error
    return db


def _migrate(db: sqlite3.Connection, path: Path | None) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise JournalError(
            f"the journal {path} was written by a newer acestepd: update this one, "
            "or choose another state"
        )
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        db.executescript(f"BEGIN; {script}; PRAGMA user_version = {number}; COMMIT;")


def _set_aside(path: Path) -> Path:
    aside = path.with_name(
        f"{path.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{_new_token()}{path.suffix}"
    )
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def _new_token() -> str:
    return secrets.token_hex(4)


def _errno(error: sqlite3.Error) -> int:
    full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return errno.ENOSPC if full else errno.EIO
