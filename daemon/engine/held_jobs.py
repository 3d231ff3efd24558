"""Jobs that are kept for later: their folder takes no files now, or no model plays."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

from ..jobs import Job, JobState
from ..landing import folders

HOLD_SECONDS = 3.0  # between two looks whether a folder takes files again
LONGEST_HOLD = (
    300.0  # seconds before a job is tried again whose folder seemed to be well, and was not
)
UNTIL_A_MODEL_PLAYS = math.inf


class HeldJobs:
    """The engine guards it with its lock."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._looked = time.monotonic()

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs)

    def add(self, job: Job, not_before: float) -> None:
        job.start_over()
        job.state = JobState.HELD
        job.not_before = not_before
        job.clip_events = ()
        self._jobs.append(job)

    def remove(self, job: Job) -> bool:
        """Whether it was here."""
        kept = [other for other in self._jobs if other is not job]
        found = len(kept) < len(self._jobs)
        self._jobs = kept
        return found

    def for_a_model(self) -> list[Job]:
        """Those that waited for a model, which are not held any more."""
        waited = [job for job in self._jobs if job.not_before == UNTIL_A_MODEL_PLAYS]
        self._jobs = [job for job in self._jobs if job.not_before < UNTIL_A_MODEL_PLAYS]
        return waited

    @property
    def due(self) -> bool:
        """Whether it is time to look after them again."""
        return bool(self._jobs) and time.monotonic() - self._looked >= HOLD_SECONDS

    def released(self) -> Iterator[Job]:
        """Those whose folders take files again, one after the other: each is not held any more."""
        self._looked = time.monotonic()
        for job in list(self._jobs):
            if (
                time.monotonic() >= job.not_before
                and not folders.unready(job.out, job.resolved)
                and self.remove(job)
            ):
                yield job


def next_try(job: Job) -> float:
    """When a job is due whose folder has just refused it: each time after a longer while."""
    job.holds += 1
    return time.monotonic() + min(LONGEST_HOLD, HOLD_SECONDS * 2 ** (job.holds - 1))
