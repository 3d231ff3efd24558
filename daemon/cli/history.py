"""`acestepd history`: what the journal remembers, also while a daemon writes it."""

from __future__ import annotations

import re
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from pipeline.request import FIELDS

from ..jobs import Job, JobState
from ..journal import Journal
from ..runtime.lines import escape_line
from ..settings import Settings, SettingsError

UNIT_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def parse_moment(text: str, ends: bool = False) -> float:
    """`2026-05-01`, `2026-05-01 18:30` or `3d` (ago) as seconds since the epoch; a whole day `ends`
    at midnight.
    """
    if ago := re.fullmatch(r"(\d{1,6})([mhdw])", text.strip()):
        return time.time() - int(ago[1]) * UNIT_SECONDS[ago[2]]
    try:
        when = datetime.fromisoformat(text.strip())
        if ends and len(text.strip()) <= len("2026-05-01"):
            when += timedelta(days=1, microseconds=-1)
        return when.timestamp()
    except (ValueError, OverflowError, OSError):
        raise SettingsError(
            f"a date is written like 2026-05-01, 2026-05-01 18:30 or 3d (ago), got {text!r}"
        ) from None


def find_jobs(
    settings: Settings,
    *,
    text: str = "",
    seed: int | None = None,
    since: float | None = None,
    until: float | None = None,
    favourite: bool = False,
    limit: int = 20,
) -> list[Job]:
    """The jobs, newest first, as `Journal.search` finds them. Raises `JournalError` where there is
    no journal.
    """
    with closing(Journal.open_read_only(settings.state / "journal.sqlite")) as journal:
        return journal.search(text, seed, since, until, favourite, limit)


def to_json(job: Job) -> dict[str, object]:
    """Everything a script may want; from `request`, the same take can be made again."""
    ending = job.last_event.values if job.last_event else ()
    values: dict[str, object] = {
        "id": job.id,
        "client": job.client,
        "batch": job.batch,
        "origin": job.origin,
        "parent": job.parent,
        "take": job.take,
        "takes": job.takes,
        "state": job.state,
        "created": job.created,
        "favourite": job.favourite,
        "seed": job.resolved.seed,
        "inserted": job.inserted._asdict() if job.inserted else None,
        "files": [{"stem": clip.values[0], "path": clip.values[1]} for clip in job.clip_events],
        "request": {name: getattr(job.resolved, name) for name in FIELDS},
    }
    if job.state is JobState.FINISHED:
        values["manifest"] = ending[1]
    if job.last_event and job.last_event.kind == "fail":
        values |= dict(zip(("command", "code", "message", "hint"), ending))
    return values


def format_job(job: Job) -> str:
    """One line, and one for each file or for what went wrong."""
    request = job.resolved
    words = request.prompt or request.name or (request.lyrics.strip().splitlines() or [""])[0]
    when = datetime.fromtimestamp(job.created).strftime("%Y-%m-%d %H:%M")
    mark = "*" if job.favourite else " "
    lines = [f"{when} {mark} {job.state:9} {job.id}  s{request.seed}  {words[:80]}"]
    lines += [str(Path(clip.values[1])) for clip in job.clip_events]
    if job.last_event and job.last_event.kind == "fail":
        lines.append(": ".join(str(value) for value in job.last_event.values[1:] if value))
    return "\n    ".join(map(escape_line, lines))
