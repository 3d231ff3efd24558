"""The jobs that wait: the most urgent first, and between clients in turn."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterator
from typing import NamedTuple

from ..jobs import Job, Priority


class QueuePosition(NamedTuple):
    """Where a job waits: how many are before it, and what those cost."""

    position: int
    cost_before: float


class JobQueue:
    """Jobs of one priority come out fairly: a client with fifty jobs and one with a single job take
    turns.

    Each job gets a turn when it comes: one after its client's last waiting one, and not before the
    turn that is being served. The lowest turn comes out first, and of those the job that came
    first.
    """

    def __init__(self) -> None:
        # (-priority, turn, arrival, job), sorted
        self._waiting: list[tuple[int, int, int, Job]] = []
        self._served_turns: dict[Priority, int] = {}
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, job: object) -> bool:
        return any(waiting is job for waiting in self)

    def __iter__(self) -> Iterator[Job]:
        """In the order in which they would come out if no other came."""
        return (job for *_, job in self._waiting)

    def add(self, job: Job) -> None:
        lane = _lane_of(job)
        last_turn = next(
            (turn for _, turn, _, other in reversed(self._waiting) if _lane_of(other) == lane), 0
        )
        self._insert(max(self._served_turns.get(job.priority, 0), last_turn) + 1, job)

    def put_back(self, job: Job) -> None:
        """A job that was interrupted: before all others of its priority."""
        self._insert(0, job)

    def locate(self, jobs: Collection[Job]) -> dict[Job, QueuePosition]:
        """Where those of these jobs are that wait."""
        wanted = set(jobs)
        found: dict[Job, QueuePosition] = {}
        cost_before = 0.0
        for position, job in enumerate(self):
            if len(found) == len(wanted):
                break
            if job in wanted:
                found[job] = QueuePosition(position, cost_before)
            cost_before += job.cost
        return found

    def first(self) -> Job | None:
        return self._waiting[0][3] if self._waiting else None

    def list_of(self, priority: Priority) -> list[Job]:
        """The jobs of that priority, in order."""
        start, end = (bisect_left(self._waiting, (-each,)) for each in (priority, priority - 1))
        return [job for *_, job in self._waiting[start:end]]

    def pop(self, wanted: Job | None = None) -> Job:
        """The first one, or that which is wanted."""
        index = next(
            index for index, entry in enumerate(self._waiting) if wanted in (None, entry[3])
        )
        _, turn, _, job = self._waiting.pop(index)
        self._served_turns[job.priority] = max(self._served_turns.get(job.priority, 0), turn)
        return job

    def remove(self, *jobs: Job) -> bool:
        """Whether any of them was waiting."""
        if not jobs:
            return False
        removed = set(jobs)
        kept = [entry for entry in self._waiting if entry[3] not in removed]
        found = len(kept) < len(self._waiting)
        self._waiting = kept
        return found

    def _insert(self, turn: int, job: Job) -> None:
        self._arrivals += 1
        # of those that were put back, the newest comes first
        arrival = self._arrivals if turn else -self._arrivals
        # arrivals differ: jobs are never compared
        insort(self._waiting, (-job.priority, turn, arrival, job))


def _lane_of(job: Job) -> tuple[Priority, str]:
    """The jobs among which a client waits for its own."""
    return job.priority, job.client
