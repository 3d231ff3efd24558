"""What the journal is asked."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from pipeline.request import OutOfRange

from ..jobs import Job, JobState
from .rows import PAST_COLUMNS, PastJob, describe_past, read_row

SPEED_JOBS = 20  # newest jobs of a model from which its speed is read
MAX_WORDS = 32  # of a search
MAX_CHARS = 256  # of all of them
SEARCH_SECONDS = 2.0  # that a history with words may take: what comes behind it waits

# an order of several takes: of the client, by its id and that of its first take
NEWEST_BATCH = (
    "batch != '' AND client = ? AND batch = ? AND number >= coalesce("
    "(SELECT max(number) FROM jobs AS firsts WHERE firsts.client = ? AND firsts.id = ?), 0)"
)

ID_IS_USED = (
    "SELECT EXISTS (SELECT 1 FROM jobs WHERE client = ? AND id = ?) OR "
    "EXISTS (SELECT 1 FROM jobs WHERE batch != '' AND client = ? AND batch = ?) AS used"
)

Values = tuple[object, ...]


class ReadableFile(Protocol):
    """Where the answers come from."""

    def reading(self) -> AbstractContextManager[sqlite3.Connection]: ...

    def reading_aside(
        self, seconds: float = math.inf
    ) -> AbstractContextManager[sqlite3.Connection]:
        """For a question that takes long: the others go on. Raises `Refused` 408 where it takes
        longer than `seconds`.
        """


class Questions:
    """Answered from any thread. `list_unwritten` returns the jobs, by number, that are known better
    than the file knows them: what is new about them is not on disk yet.

    What an index is `WHERE`, a question says in the same words: SQLite does not look at values.
    """

    def __init__(self, file: ReadableFile, list_unwritten: Callable[[], dict[int, Job]]) -> None:
        self._file = file
        self._list_unwritten = list_unwritten

    def is_used(self, client: str, id: str) -> bool:
        """Whether the client has a job or an order of several of that id. One short question: it is
        asked for every order that comes.
        """
        with self._file.reading() as db:
            found = db.execute(ID_IS_USED, (client, id, client, id)).fetchone()
        return bool(found["used"])

    def find(self, client: str, id: str) -> Job | None:
        """The client's own newest job of that id."""
        return self._find_one("client = ? AND id = ? ORDER BY number DESC", (client, id))

    def find_by_id(self, id: str) -> Job | None:
        """The newest job of that id, whoever sent it."""
        return self._find_one("id = ? ORDER BY number DESC", (id,))

    def list_states(self, prefix: str) -> dict[str, JobState]:
        """How the newest job of each id stands that begins so. `prefix` is ASCII, and not empty."""
        behind = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        query = "SELECT id, state FROM jobs WHERE id >= ? AND id < ? ORDER BY number"
        unwritten = self._list_unwritten()
        with self._file.reading_aside() as db:
            states = {
                row["id"]: JobState(row["state"]) for row in db.execute(query, (prefix, behind))
            }
        known = {job.id: job.state for job in unwritten.values() if job.id.startswith(prefix)}
        return states | known

    def find_by_number(self, number: int) -> Job | None:
        return self._find_one("number = ?", (number,))

    def find_by_path(self, path: str) -> Job | None:
        """The newest job that has landed a file of that name."""
        return self._find_newest_of(
            "number IN (SELECT job FROM files WHERE path = ?)",
            (path,),
            lambda job: any(clip.values[1] == path for clip in job.clip_events),
        )

    def is_taken_over(self, job: Job, path: str) -> bool:
        """Whether another job has landed a file of that name later than `job` did: its own must
        have been gone.
        """
        unwritten = self._list_unwritten()
        with self._file.reading() as db:
            found = db.execute(
                "SELECT number, ended FROM jobs WHERE number IN "
                "(SELECT job FROM files WHERE path = ?)",
                (path,),
            ).fetchall()
        landed = {row["number"]: row["ended"] for row in found}
        for other in unwritten.values():
            if other.has_ended and any(clip.values[1] == path for clip in other.clip_events):
                landed[other.number] = other.ended
        return any(ended > job.ended for number, ended in landed.items() if number != job.number)

    def find_batch(self, client: str, id: str) -> list[Job]:
        """The jobs of the client's newest order of several takes with that id, in order."""
        return self._find_jobs(f"{NEWEST_BATCH} ORDER BY number", (client, id, client, f"{id}.1"))

    def count_batch(self, client: str, id: str) -> int:
        """How many those are; 0 where there is no such order."""
        with self._file.reading() as db:
            query = f"SELECT count(*) AS count FROM jobs WHERE {NEWEST_BATCH}"
            found = db.execute(query, (client, id, client, f"{id}.1")).fetchone()
        return int(found["count"])

    def find_newest(self, client: str = "") -> Job | None:
        """The client's newest job; without a client, the newest of all."""
        if client:
            return self._find_one("client = ? ORDER BY number DESC", (client,))
        return self._find_one("1 ORDER BY number DESC", ())

    def find_newest_clip(self, client: str) -> Job | None:
        """The newest job that has landed files: the client's own, or else of all."""
        return self._find_newest_of(
            "client = ? AND clips > 0",
            (client,),
            lambda job: job.client == client and bool(job.clip_events),
        ) or self._find_newest_of("clips > 0", (), lambda job: bool(job.clip_events))

    def find_to_insert(self, program: str, since: float, limit: int) -> list[Job]:
        """Jobs that have finished since then (seconds since the epoch) and whose clips a program
        has still to put in, the oldest first.
        """
        return self._find_changing(
            "insert_for != '' AND insert_for = ? AND state = 'finished' AND ended >= ? "
            "ORDER BY number",
            (program, since),
            lambda job: (
                job.insert_for == program and job.state is JobState.FINISHED and job.ended >= since
            ),
            lambda job: job.number,
            limit,
        )

    def find_ended(self, since: float, until: float, limit: int) -> list[Job]:
        """The newest jobs that have finished between these times (seconds since the epoch), in the
        order in which they did.
        """
        return self._find_changing(
            "state = 'finished' AND ended >= ? AND ended <= ? ORDER BY ended DESC",
            (since, until),
            lambda job: job.state is JobState.FINISHED and since <= job.ended <= until,
            lambda job: -job.ended,
            limit,
        )[::-1]

    def search(
        self,
        text: str = "",
        seed: int | None = None,
        since: float | None = None,
        until: float | None = None,
        favourite: bool = False,
        limit: int = 50,
        before: int | None = None,
        seconds: float = math.inf,
        listed: bool = False,
    ) -> list[Job]:
        """Jobs, newest first: all words of `text` in prompt, lyrics, name, id, tempo, key, task or
        seed, a single letter only where it is a word; dates in seconds since the epoch; only older
        ones than that of the number `before`; none that was dismissed, where they are to be
        `listed`. Raises `OutOfRange` for too many words. It may take long, and keeps no other
        question waiting: `Refused` 408 where it takes longer than `seconds`.
        """
        clauses, values = _match_words(text)
        for clause, value in (
            ("seed = ?", seed),
            ("created >= ?", since),
            ("created <= ?", until),
            ("favourite = 1", favourite or None),
            ("number < ?", before),
            ("dismissed = 0", listed or None),
        ):
            if value is not None:
                clauses.append(clause)
                values += [value] if "?" in clause else []
        where = f"{' AND '.join(clauses)} ORDER BY number DESC LIMIT ?"
        unwritten = self._list_unwritten()
        with self._file.reading_aside(seconds) as db:
            rows = _select(db, where, (*values, limit))
        return _read_rows(rows, unwritten)

    def count_listed(self, text: str = "", favourite: bool = False) -> int:
        """How many jobs a search of these finds that are `listed`. Raises `OutOfRange` for too many
        words.
        """
        clauses, values = _match_words(text)
        where = " AND ".join([*clauses, "dismissed = 0", *(["favourite = 1"] if favourite else [])])
        with self._file.reading_aside(SEARCH_SECONDS) as db:
            found = db.execute(f"SELECT count(*) AS count FROM jobs WHERE {where}", values)
            return int(found.fetchone()["count"])

    def list_past(self, limit: int, text: str = "") -> list[PastJob]:
        """What a history tells of the newest jobs. With words in `text`, as `search` takes them, it
        may take long, and keeps no other question waiting. Raises `OutOfRange` for too many words,
        and `Refused` 408 after `SEARCH_SECONDS`.
        """
        clauses, values = _match_words(text)
        where = f"{' AND '.join(clauses)} ORDER BY number DESC LIMIT ?"
        unwritten = self._list_unwritten()
        file = self._file
        with file.reading_aside(SEARCH_SECONDS) if text.strip() else file.reading() as db:
            rows = _select(db, where, (*values, limit), PAST_COLUMNS)
        return [
            describe_past(job) if (job := unwritten.get(row["number"])) else PastJob(**row)
            for row in rows
        ]

    def seconds_per_cost(self, model: str, worker: str = "") -> float:
        """The median of the seconds per cost of this model's newest jobs by a worker, or by this
        machine; 0 where none is known.
        """
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT seconds / cost AS speed FROM jobs "
                "WHERE model = ? AND worker = ? AND cost > 0 AND seconds > 0 "
                "ORDER BY number DESC LIMIT ?",
                (model, worker, SPEED_JOBS),
            ).fetchall()
        speeds = sorted(float(row["speed"]) for row in rows)
        return speeds[len(speeds) // 2] if speeds else 0.0

    def read_folders(self) -> list[Path]:
        """Every folder that jobs of this journal have landed in, or were to land in."""
        with self._file.reading_aside() as db:
            return [Path(row["out"]) for row in db.execute("SELECT DISTINCT out FROM jobs")]

    # --- inside -----------------------------------------------------------------------------------

    def _find_one(self, where: str, values: Values) -> Job | None:
        return next(iter(self._find_jobs(f"{where} LIMIT 1", values)), None)

    def _find_jobs(self, where: str, values: Values) -> list[Job]:
        """By what never changes about a job."""
        unwritten = self._list_unwritten()
        with self._file.reading() as db:
            rows = _select(db, where, values)
        return _read_rows(rows, unwritten)

    def _find_newest_of(
        self, where: str, values: Values, matches: Callable[[Job], bool]
    ) -> Job | None:
        found = self._find_changing(
            f"{where} ORDER BY number DESC", values, matches, lambda job: -job.number, 1
        )
        return next(iter(found), None)

    def _find_changing(
        self,
        where: str,
        values: Values,
        matches: Callable[[Job], bool],
        order: Callable[[Job], float],
        limit: int,
    ) -> list[Job]:
        """By what may change: `matches` and `order` say the same as `where` does, of the jobs that
        are not on disk as they are now.
        """
        unwritten = self._list_unwritten()
        with self._file.reading() as db:
            rows = _select(db, f"{where} LIMIT ?", (*values, limit + len(unwritten)))
        if not unwritten:
            return _read_rows(rows, {})
        written = [row for row in rows if row["number"] not in unwritten]
        jobs = _read_rows(written[:limit], {})  # they come in order
        jobs += filter(matches, unwritten.values())
        return sorted(jobs, key=order)[:limit]


def _select(
    db: sqlite3.Connection, where: str, values: Values, columns: str = "*"
) -> list[dict[str, Any]]:
    rows = db.execute(f"SELECT {columns} FROM jobs WHERE {where}", values).fetchall()
    return [dict(row) for row in rows]


def _read_rows(rows: list[dict[str, Any]], unwritten: Mapping[int, Job]) -> list[Job]:
    jobs = (unwritten.get(row["number"]) or read_row(row) for row in rows)
    return [job for job in jobs if job]


_PADDED = "' ' || words || ' '"  # so that every word is between spaces


def _split_words(text: str) -> list[str]:
    """The words of a search. Raises `OutOfRange` where there are too many."""
    words = text.casefold().split()
    if len(words) > MAX_WORDS or sum(map(len, words)) > MAX_CHARS:
        raise OutOfRange(
            f"a search takes {MAX_WORDS} words of {MAX_CHARS} characters together, "
            f"got {len(words)} words of {sum(map(len, words))}",
            "use fewer words: those that few takes have",
        )
    return words


def _match_words(text: str) -> tuple[list[str], list[object]]:
    """Clauses for all words of a text, and their values. Raises `OutOfRange`."""
    words = _split_words(text)
    clauses = ["1"]
    values: list[object] = []
    for word in words:
        is_letter = len(word) == 1 and "a" <= word <= "z"  # of a key, like F minor
        clauses.append(f"{_PADDED if is_letter else 'words'} LIKE ? ESCAPE '\\'")
        values.append(f"% {word} %" if is_letter else f"%{_escape_like(word)}%")
    return clauses, values


def _escape_like(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
