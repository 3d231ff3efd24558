"""Which job a client means by an id, be it active or only in the journal."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..jobs import Job, JobState, Order, Refused
from ..journal import Journal

NUMBERED = re.compile("#([0-9]{1,15})")  # a job by its number in the journal
FEW_TAKES = 16  # of an order: more are looked up aside


class JobLookup:
    """`active` returns the jobs that have not ended; `incoming` those of them that are just being
    written down, the newest last.
    """

    def __init__(
        self,
        journal: Journal,
        active: Callable[[], list[Job]],
        incoming: Callable[[], list[Job]] = list,
    ) -> None:
        self._journal = journal
        self._active = active
        self._incoming = incoming

    def find_accepted(self, order: Order) -> list[Job]:
        """The jobs of an order that was accepted before; none for a new one. Raises `Refused` 409
        where its id was used for another request.
        """
        if not order.id or not self._journal.is_used(order.client, order.id):
            return []
        job = self._journal.find(order.client, order.id)
        count = 1 if job else self._journal.count_batch(order.client, order.id)
        if count and count != order.count:
            raise Refused(
                409,
                f"id {order.id!r} was used for {count} takes",
                "send every request under a new id",
            )
        if not count:
            return []
        jobs = [job] if job else self._journal.find_batch(order.client, order.id)
        if any(job.request != order.request for job in jobs[:1]):
            raise Refused(
                409,
                f"id {order.id!r} was used for another request",
                "send every request under a new id",
            )
        return self._prefer_active(jobs)

    def find(self, client: str, id: str) -> Job:
        """The client's own job, or else the newest of that name that has not ended, or else the
        newest. `#7`, which is the id of none, is the journal's seventh job: ids may be used twice.

        A client may send from a new port every time. The id of an order of several is its first
        job.
        """
        active = [job for job in self._active() if id in (job.id, job.batch)]
        if own := [job for job in active if job.client == client]:
            return own[0]
        if job := self._journal.find(client, id) or self._journal.find(client, f"{id}.1"):
            return job
        if active:
            return active[-1]
        if job := self._journal.find_by_id(id) or self._journal.find_by_id(f"{id}.1"):
            return job
        if (number := NUMBERED.fullmatch(id)) and (
            job := self._journal.find_by_number(int(number[1]))
        ):
            return self._prefer_active([job])[0]
        hint = "/ace/history tells the newest ones, and so does acestepd history"
        raise Refused(404, f"no job is called {id[:40]!r}", hint)

    def find_newest(self, client: str) -> Job:
        """The client's, or the newest of all."""
        incoming = self._incoming()
        own = [job for job in incoming if job.client == client]
        newest = (
            next(reversed(own), None)
            or self._journal.find_newest(client)
            or next(reversed(incoming), None)
            or self._journal.find_newest()
        )
        if newest is None:
            raise Refused(404, "there is nothing to reroll yet", "send /ace/generate first")
        return newest

    def find_batch(self, client: str, id: str) -> list[Job]:
        """The jobs of an order of several, also those that have ended."""
        return self._prefer_active(self._journal.find_batch(client, id))

    def find_cancellable(self, client: str, id: str) -> list[Job]:
        """What a client means to cancel: `*` is everything. Raises `Refused` 404, or 409 for what
        is landing.
        """
        cancellable = [job for job in self._active() if job.state is not JobState.LANDING]
        if id == "*":
            return cancellable
        batch = [job for job in self._active() if job.batch == id]
        own = [job for job in batch if job.client == client] or batch
        if found := [job for job in own if job in cancellable]:
            return found
        job = self.find(client, id)
        if job.has_ended:
            raise Refused(404, f"job {id!r} has already ended")
        if job.state is JobState.LANDING:
            raise Refused(409, f"job {id!r} is done, its files are just landing")
        return [job]

    def _prefer_active(self, jobs: list[Job]) -> list[Job]:
        """The objects that the engine moves on, where the journal's are of the same jobs."""
        if not jobs:
            return []
        active = {job.number: job for job in self._active()}
        return [active.get(job.number, job) for job in jobs]
