"""Jobs as rows of the journal, and back."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.request import FIELDS, Request

from ..jobs import GENERATE, Event, Insertion, Job, JobState, Priority

log = logging.getLogger("acestepd.journal")


class PastJob(NamedTuple):
    """What a history tells of a job. `path` is that of its mix, or of its first file; "" where it
    has landed no files.
    """

    number: int
    id: str
    state: str
    seed: int
    path: str


# the columns of a `PastJob`
PAST_COLUMNS = (
    "number, id, state, seed, coalesce((SELECT path FROM files WHERE job = number "
    "ORDER BY stem != 'mix', files.rowid LIMIT 1), '') AS path"
)


def make_row(job: Job) -> dict[str, object]:
    """What is written down of a new job. `wish` and `request` are the columns' names for what the
    job calls `request` and `resolved`.
    """
    return {
        "client": job.client,
        "id": job.id,
        "batch": job.batch,
        "origin": job.origin,
        "command": job.command,
        "parent": job.parent,
        "takes": job.takes,
        "priority": int(job.priority),
        "out": str(job.out),
        "wish": write_request(job.request),
        "request": write_request(job.resolved),
        "words": list_words(job),
        "seed": job.resolved.seed,
        "favourite": int(job.favourite),
        "insert_for": job.insert_for,
        "notes": json.dumps(job.notes),
        "state": job.state.value,
        "created": job.created,
    }


def list_words(job: Job) -> str:
    """What a search finds a job by: its texts, and what a list shows of it."""
    request = job.resolved
    tempo = f"{request.bpm:g} bpm" if request.bpm else ""
    texts = (job.id, request.name, request.prompt, request.lyrics)
    facts = (tempo, request.key, request.task, str(request.seed))
    return " ".join((*texts, *filter(None, facts))).casefold()


def write_request(request: Request) -> str:
    """A request as the columns `wish` and `request` keep it."""
    return json.dumps({name: getattr(request, name) for name in FIELDS})


def insert_row(db: sqlite3.Connection, row: Mapping[str, object]) -> int:
    """Returns the job's number."""
    marks = ", ".join(f":{name}" for name in row)
    return int(
        db.execute(f"INSERT INTO jobs ({', '.join(row)}) VALUES ({marks})", row).lastrowid or 0
    )


def update_row(db: sqlite3.Connection, job: Job, columns: Mapping[str, object]) -> bool:
    """Write these columns of a job, and at its end its files. False where its row is gone: then
    nothing was written.
    """
    changes = ", ".join(f"{name} = :{name}" for name in columns)
    values = {**columns, "number": job.number}
    if not db.execute(f"UPDATE jobs SET {changes} WHERE number = :number", values).rowcount:
        return False
    if job.has_ended and "clips" in columns:
        db.execute("DELETE FROM files WHERE job = ?", (job.number,))
        clips = [(job.number, clip.values[0], clip.values[1]) for clip in job.clip_events]
        db.executemany("INSERT INTO files VALUES (?, ?, ?)", clips)
    return True


def put_row_back(db: sqlite3.Connection, job: Job, columns: Mapping[str, object]) -> None:
    """Write a job down again whose row is gone, under the number it had."""
    insert_row(db, make_row(job) | {"number": job.number})
    update_row(db, job, columns)


def read_row(row: Mapping[str, Any]) -> Job | None:
    """None for a row that was damaged: the others are read all the same."""
    try:
        return _make_job(row)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        log.error("job %s of the journal cannot be read and is left out: %s", row["number"], error)
        return None


def describe_past(job: Job) -> PastJob:
    return PastJob(job.number, job.id, job.state.value, job.resolved.seed, job.mix_path)


def describe_outcome(job: Job) -> str:
    """The column `outcome`: the events that say how a job stands, other than what its request says
    itself, and its progress.
    """
    events = [event for event in job.status_events if event.kind not in ("note", "progress")]
    return json.dumps([(event.kind, event.values) for event in events])


def _make_job(row: Mapping[str, Any]) -> Job:
    job = Job(
        client=row["client"],
        id=row["id"],
        request=_read_request(row["wish"]),
        resolved=_read_request(row["request"]),
        out=Path(row["out"]),
        priority=Priority(row["priority"]),
        batch=row["batch"],
        origin=row["origin"],
        command=row.get("command", GENERATE),  # a journal that is only read may be an older one
        parent=row.get("parent", ""),
        takes=row.get("takes", 1),
        insert_for=row.get("insert_for", ""),
        number=row["number"],
        state=JobState(row["state"]),
        crashes=row["crashes"],
        favourite=bool(row["favourite"]),
        created=row["created"],
        ended=row["ended"],
        cost=row["cost"],
        notes=tuple(json.loads(row.get("notes", "[]"))),
    )
    events = [Event(kind, job, tuple(values)) for kind, values in json.loads(row["outcome"])]
    job.clip_events = tuple(event for event in events if event.kind == "clip")
    job.last_event = events[-1] if events else None
    if inserted := row.get("inserted"):
        program, _, where = inserted.partition("\t")
        job.inserted = Insertion(program, where)
    return job


def _read_request(text: str) -> Request:
    return Request.restore(json.loads(text))
