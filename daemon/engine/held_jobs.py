"""Jobs that are held: their folder takes no files now, or no model plays."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import NamedTuple

from ..jobs import Job, JobState

HOLD_SECONDS = 3.0  # between two looks whether folders take files again
# seconds before a job is tried again whose folder seemed to be well, and was not
LONGEST_HOLD = 300.0
UNTIL_A_MODEL_PLAYS = math.inf


class HeldJob(NamedTuple):
    job: Job
    not_before: float  # time.monotonic() of the next try


class HeldJobs:
    """In the order in which they came."""

    def __init__(self) -> None:
        self._held: list[HeldJob] = []
        self._holds: dict[Job, int] = {}  # how often a folder has refused a job
        self._looked_at = time.monotonic()

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, job: object) -> bool:
        return any(held is job for held in self)

    def __iter__(self) -> Iterator[Job]:
        return (held.job for held in self._held)

    def add_for_retry(self, job: Job) -> None:
        """Hold a job that its folder has just refused: each time for longer."""
        holds = self._holds.get(job, 0) + 1
        self._holds[job] = holds
        wait = min(LONGEST_HOLD, HOLD_SECONDS * 2 ** (holds - 1))
        self._add(job, time.monotonic() + wait)

    def add_for_model(self, job: Job) -> None:
        """Hold a job until a model plays."""
        self._add(job, UNTIL_A_MODEL_PLAYS)

    def remove(self, job: Job) -> bool:
        """Whether it was held."""
        kept = [held for held in self._held if held.job is not job]
        found = len(kept) < len(self._held)
        self._held = kept
        return found

    def forget(self, job: Job) -> None:
        """It has ended: how often it was held does not matter any more."""
        self._holds.pop(job, None)

    def release_for_model(self) -> list[Job]:
        """Those that waited for a model: they are not held any more."""
        released = [held.job for held in self._held if held.not_before == UNTIL_A_MODEL_PLAYS]
        self._held = [held for held in self._held if held.not_before < UNTIL_A_MODEL_PLAYS]
        return released

    @property
    def is_due(self) -> bool:
        """Whether it is time to look after them again."""
        return bool(self._held) and time.monotonic() - self._looked_at >= HOLD_SECONDS

    def list_due(self) -> list[Job]:
        """Those that are looked after now. They stay held until they are removed."""
        self._looked_at = time.monotonic()
        return [job for job, not_before in self._held if self._looked_at >= not_before]

    def _add(self, job: Job, not_before: float) -> None:
        job.start_over()
        job.state = JobState.HELD
        job.clip_events = ()
        self._held.append(HeldJob(job, not_before))
