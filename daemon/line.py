"""The jobs that wait: the most urgent first, and between clients in turn."""

from __future__ import annotations

from collections.abc import Iterator

from .jobs import Job, Priority


class Line:
    """Jobs of one priority come out fairly: a client with fifty jobs and one with a single job take turns.

    Each job gets a turn when it enters: one after its client's last waiting one, and not before the turn that is being
    served. The lowest turn comes out first, and of those the job that came first.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, int, Job]] = []  # (-priority, turn, arrival, job)
        self._served: dict[Priority, int] = {}
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Job]:
        """In the order in which they would come out if nothing else came."""
        return (job for *_, job in sorted(self._waiting, key=lambda entry: entry[:3]))

    def add(self, job: Job) -> None:
        own = [turn for _, turn, _, other in self._waiting if _lane(other) == _lane(job)]
        turn = max([self._served.get(job.priority, 0), *own]) + 1
        self._arrivals += 1
        self._waiting.append((-job.priority, turn, self._arrivals, job))

    def back(self, job: Job) -> None:
        """A job that was interrupted: before all others of its priority."""
        self._arrivals += 1
        self._waiting.append((-job.priority, 0, -self._arrivals, job))

    def first(self) -> Job | None:
        return min(self._waiting, key=lambda entry: entry[:3])[3] if self._waiting else None

    def pop(self) -> Job:
        entry = min(self._waiting, key=lambda entry: entry[:3])
        self._waiting.remove(entry)
        job = entry[3]
        self._served[job.priority] = max(self._served.get(job.priority, 0), entry[1])
        return job

    def remove(self, job: Job) -> bool:
        """Whether it was waiting."""
        kept = [entry for entry in self._waiting if entry[3] is not job]
        found = len(kept) < len(self._waiting)
        self._waiting = kept
        return found

    def of(self, client: str) -> int:
        """How many jobs of the client wait."""
        return sum(job.client == client for *_, job in self._waiting)


def _lane(job: Job) -> tuple[Priority, str]:
    return job.priority, job.client
