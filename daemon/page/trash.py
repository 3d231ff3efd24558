"""Takes that are thrown away: their files go where the desktop keeps what was deleted."""

from __future__ import annotations

import send2trash

from ..jobs import Job, Refused
from .takes import Takes


def throw_away(takes: Takes, job: Job) -> int:
    """Returns how many files it were. Raises `Refused`: 409 where it is still being made, 404 where
    its files are gone, 507 where they cannot be moved there.
    """
    if not job.has_ended:
        raise Refused(409, f"{job.id} is still being made", "cancel it first")
    files = takes.list_files(job)
    if not files:
        raise Refused(404, f"the files of {job.id} are not there any more")
    for path in files:
        try:
            send2trash.send2trash(path)
        except OSError as error:
            reason = error.strerror or "it has none"
            text = f"{path.name} cannot be moved to the trash: {reason}"
            raise Refused(507, text, "delete it where it lies") from error
    return len(files)
