"""Takes that are thrown away: their files go where the desktop keeps what was deleted, and they are
listed no more.
"""

from __future__ import annotations

from ..jobs import Job, Refused
from ..runtime.trash import move_to_trash
from .takes import LandedTakes


def throw_away(takes: LandedTakes, job: Job) -> int:
    """Returns how many files it were: none of a job that failed, was cancelled, or whose files are
    gone. Raises `Refused`: 409 where it is still being made, 404 where it was thrown away before,
    507 where its files cannot be moved there.
    """
    if not job.has_ended:
        raise Refused(409, f"{job.id} is still being made", "cancel it first")
    files = takes.list_files(job)
    for path in files:
        move_to_trash(path)
    if not takes.dismiss(job) and not files:
        raise Refused(404, f"{job.id} was thrown away before")
    return len(files)
