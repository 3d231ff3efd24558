"""`acestepd history`: what the journal remembers, also while a daemon writes it."""

from __future__ import annotations

import re
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.request import FIELDS

from ..jobs import Job, JobState
from ..journal import Journal
from ..settings import Settings, SettingsError

UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def moment(text: str, ends: bool = False) -> float:
    """`2026-05-01`, `2026-05-01 18:30` or `3d` (ago) as seconds since the epoch; a whole day `ends`
    at midnight.
    """
    if ago := re.fullmatch(r"(\d{1,6})([mhdw])", text.strip()):
        return time.time() - int(ago[1]) * UNITS[ago[2]]
    try:
        when = datetime.fromisoformat(text.strip())
        if ends and len(text.strip()) <= len("2026-05-01"):
            when += timedelta(days=1, microseconds=-1)
        return when.timestamp()
    except (ValueError, OverflowError, OSError):
        raise SettingsError(
            f"a date is written like 2026-05-01, 2026-05-01 18:30 or 3d (ago), got {text!r}"
        ) from None


def find(settings: Settings, **asked: Any) -> list[Job]:
    """The jobs, newest first; `asked` as `Journal.search` takes it. Raises `JournalError` where
    there is none.
    """
    with closing(Journal.open_read_only(settings.state / "journal.sqlite")) as journal:
        return journal.search(**asked)


def as_json(job: Job) -> dict[str, Any]:
    last = job.last_event.values if job.last_event else ()
    files = [{"stem": clip.values[0], "path": clip.values[1]} for clip in job.clip_events]
    values: dict[str, Any] = {
        "id": job.id,
        "client": job.client,
        "batch": job.batch,
        "origin": job.origin,
        "state": job.state,
        "created": job.created,
        "favourite": job.favourite,
        "seed": job.resolved.seed,
        "files": files,
        "request": {name: getattr(job.resolved, name) for name in FIELDS},
    }
    if job.state is JobState.FINISHED:
        values["manifest"] = last[1]
    if job.last_event and job.last_event.kind == "fail":
        values |= dict(zip(("command", "code", "message", "hint"), last))
    return values


def shown(job: Job) -> str:
    """One line, and one for each file or for what went wrong."""
    request = job.resolved
    words = request.prompt or request.name or (request.lyrics.strip().splitlines() or [""])[0]
    when = datetime.fromtimestamp(job.created).strftime("%Y-%m-%d %H:%M")
    head = f"{when} {'*' if job.favourite else ' '} {job.state:9} {job.id}  s{request.seed}  {words[:80]}"
    below = [str(Path(clip.values[1])) for clip in job.clip_events]
    if job.last_event and job.last_event.kind == "fail":
        below.append(": ".join(str(value) for value in job.last_event.values[1:] if value))
    return "\n    ".join([head, *below])
