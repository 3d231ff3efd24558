"""Which job is meant: what a client calls by an id, whether it lives or only the journal remembers
it.
"""

from __future__ import annotations

from collections.abc import Callable

from ..jobs import Job, JobState, Order, Refused
from ..journal import Journal

Active = Callable[[], list[Job]]


class JobLookup:
    """`active` are the jobs that have not ended. The engine guards it with its lock."""

    def __init__(self, journal: Journal, active: Active) -> None:
        self._journal = journal
        self._active = active

    def known(self, order: Order) -> list[Job]:
        """The jobs of an order that was accepted before; none for a new one. Raises `Refused` 409
        for another request.
        """
        if not order.id:
            return []
        job = self._journal.get(order.client, order.id)
        jobs = [job] if job else self._journal.batch(order.client, order.id)
        if jobs and len(jobs) != order.count:
            count = len(jobs)
            raise Refused(
                409,
                f"id {order.id!r} was used for {count} takes",
                "send every request under a new id",
            )
        if any(job.request != order.request for job in jobs[:1]):
            raise Refused(
                409,
                f"id {order.id!r} was used for another request",
                "send every request under a new id",
            )
        return self._living(jobs)

    def find(self, client: str, id: str) -> Job:
        """The client's own job, or else the newest of that name that has not ended, or else the
        newest.

        A client may send from a new port every time. The id of an order of several is its first
        job.
        """
        open_jobs = [job for job in self._active() if id in (job.id, job.batch)]
        if mine := [job for job in open_jobs if job.client == client]:
            return mine[0]
        if job := self._journal.get(client, id) or self._journal.get(client, f"{id}.1"):
            return job
        if open_jobs:
            return open_jobs[-1]
        if job := self._journal.named(id) or self._journal.named(f"{id}.1"):
            return job
        raise Refused(404, f"no job is called {id[:40]!r}")

    def newest(self, client: str) -> Job:
        """The client's, or the newest of all."""
        newest = self._journal.newest(client) or self._journal.newest()
        if newest is None:
            raise Refused(404, "there is nothing to reroll yet", "send /ace/generate first")
        return newest

    def batch(self, client: str, id: str) -> list[Job]:
        """The jobs of an order of several, also those that have ended."""
        return self._living(self._journal.batch(client, id))

    def cancellable(self, client: str, id: str) -> list[Job]:
        """What a client means to cancel: `*` is everything. Raises `Refused` 404, or 409 for what
        is landing.
        """
        free = [job for job in self._active() if job.state is not JobState.LANDING]
        if id == "*":
            return free
        several = [job for job in self._active() if job.batch == id]
        mine = [job for job in several if job.client == client] or several
        if several := [job for job in mine if job in free]:
            return several
        job = self.find(client, id)
        if job.ended:
            raise Refused(404, f"job {id!r} has already ended")
        if job.state is JobState.LANDING:
            raise Refused(409, f"job {id!r} is done, its files are just landing")
        return [job]

    def _living(self, jobs: list[Job]) -> list[Job]:
        """The very objects that are at work, where the journal's are of the same jobs."""
        living = {job.number: job for job in self._active()}
        return [living.get(job.number, job) for job in jobs]
