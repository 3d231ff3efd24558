"""The workers: which of them is to begin a job, and when a job that waits will be begun."""

from __future__ import annotations

import itertools
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from pipeline.request import Request

from ..jobs import Job, Priority
from .render_worker import RenderWorker
from .run import Run

MUCH_SLOWER = 2.0  # how many times as slow a worker is that is given what others have no time for
MOST_WARM = 64  # conditions of a worker's newest takes that are remembered

Conditions = tuple[str, ...]


class Lane(NamedTuple):
    """A worker, seen from what waits: in how many seconds it is free, and how quick it is. Whose
    speed is not known is taken for as quick as the others; 0 where none is.
    """

    free_in: float
    seconds_per_cost: float


class Crew:
    """In the order in which they came, the local one first. `find_speed` returns the seconds per
    cost of a worker, by its name; 0 where that is not known. `knows_speed` says whether its takes
    have shown that lately.
    """

    def __init__(
        self, find_speed: Callable[[str], float], knows_speed: Callable[[str], bool]
    ) -> None:
        self._find_speed = find_speed
        self._knows_speed = knows_speed
        self._workers: list[RenderWorker] = []
        # of each worker, by its name, the conditions of its newest takes: when each was begun
        self._warm: dict[str, OrderedDict[Conditions, int]] = defaultdict(OrderedDict)
        self._begun = itertools.count(1)

    def __iter__(self) -> Iterator[RenderWorker]:
        return iter(self._workers)

    def __contains__(self, worker: object) -> bool:
        return any(known is worker for known in self._workers)

    def add(self, worker: RenderWorker) -> None:
        if worker not in self:
            self._workers.append(worker)

    def remove(self, worker: RenderWorker) -> None:
        self._workers = [other for other in self._workers if other is not worker]
        self._warm.pop(worker.name, None)

    @property
    def has_ready(self) -> bool:
        return any(worker.is_ready for worker in self._workers)

    def count_ready(self) -> int:
        return sum(worker.is_ready for worker in self._workers)

    @property
    def has_idle(self) -> bool:
        """Whether one has nothing to do."""
        return any(not worker.running and worker.is_ready for worker in self._workers)

    @property
    def runs(self) -> list[Run]:
        """All that they have: of each worker, what it works on first."""
        return [run for worker in self._workers for run in reversed(worker.running)]

    def find_worker(self, run: Run) -> RenderWorker | None:
        """Who has a run."""
        return next((worker for worker in self._workers if run in worker.running), None)

    def note_begun(self, worker: RenderWorker, run: Run) -> None:
        """A worker begins a run: from now on its caches are warm for others like it."""
        run.worker = worker.name
        warm = self._warm[worker.name]
        conditions = list_conditions(run.job.resolved)
        warm[conditions] = next(self._begun)
        warm.move_to_end(conditions)
        if len(warm) > MOST_WARM:
            warm.popitem(last=False)

    # --- who is to begin it -----------------------------------------------------------------------

    def find_idle(self, job: Job) -> RenderWorker | None:
        """Of those that have nothing to do, the one that is to begin this job."""
        idle = [each for each in self._workers if not each.running and each.is_ready]
        return self._prefer(job, idle)

    def choose(self, job: Job) -> RenderWorker | None:
        """Who is to begin this job now: one that has nothing to do, or else one with something less
        urgent; the least urgent is interrupted first. Nobody is kept waiting for a slow one that
        has nothing to do, where a quick one has something less urgent.
        """
        idle = self.find_idle(job)
        giving_way = self._find_giving_way(job)
        if idle and giving_way and self._is_much_slower(idle, giving_way):
            return giving_way
        return idle or giving_way

    def _find_giving_way(self, job: Job) -> RenderWorker | None:
        busy = [each for each in self._workers if each.running and each.is_ready]
        lowest = min((each.running[-1].job.priority for each in busy), default=job.priority)
        if lowest >= job.priority:
            return None
        return self._prefer(job, [each for each in busy if each.running[-1].job.priority == lowest])

    def _prefer(self, job: Job, workers: Sequence[RenderWorker]) -> RenderWorker | None:
        """Of these workers: no slow one beside a quick one; then the one that has begun something
        under the same conditions last; then the quickest.
        """
        if len(workers) < 2:
            return next(iter(workers), None)
        conditions = list_conditions(job.resolved)
        speeds = {worker.name: self._find_speed(worker.name) for worker in workers}
        quickest = min(filter(None, speeds.values()), default=0.0)

        def rank(worker: RenderWorker) -> tuple[bool, int, float]:
            speed = speeds[worker.name]
            begun = self._warm[worker.name].get(conditions, 0)
            return speed > MUCH_SLOWER * quickest, -begun, speed or quickest

        return min(workers, key=rank)  # the first of those that are equal

    def _is_much_slower(self, worker: RenderWorker, other: RenderWorker) -> bool:
        speed = self._find_speed(other.name)
        return 0 < MUCH_SLOWER * speed < self._find_speed(worker.name)

    def find_job_for(self, worker: RenderWorker, waiting: Iterable[Job]) -> Job | None:
        """The first of these jobs, in order, that this worker has made before those that are much
        quicker, and busy, would have: nobody waits longer because a slow one has begun it. Whose
        takes have not shown lately that it is slow, is tried.
        """
        quicker = [
            other
            for other in self._workers
            if other.is_ready and self._is_much_slower(worker, other)
        ]
        if not quicker or not self._knows_speed(worker.name):
            return next(iter(waiting), None)
        lanes = self._measure([(other, other.running) for other in quicker])
        own = self._find_speed(worker.name)
        best = min(lane.seconds_per_cost for lane in lanes)
        cost_before = 0.0
        for job in waiting:
            if job.cost * own <= estimate_begin(lanes, cost_before) + job.cost * best:
                return job
            cost_before += job.cost
        return None

    # --- how long it takes ------------------------------------------------------------------------

    def estimate(self, worker: RenderWorker, job: Job) -> float:
        """The seconds that a worker needs for a job; one whose speed is not known, as many as the
        others; 0 where that is not known of anybody.
        """
        return job.cost * (self._find_speed(worker.name) or self._usual_speed)

    def estimate_at_best(self, worker: RenderWorker, job: Job) -> float:
        """The same of one that is to be tried: whose takes have not shown lately how quick it is,
        may be as quick as the quickest.
        """
        if self._knows_speed(worker.name):
            return self.estimate(worker, job)
        return min((self.estimate(each, job) for each in self._workers), default=0.0)

    @property
    def _usual_speed(self) -> float:
        """Seconds per cost, of those of whom it is known; 0: of nobody."""
        known = [speed for each in self._workers if (speed := self._find_speed(each.name))]
        return sum(known) / len(known) if known else 0.0

    # --- when it will be begun --------------------------------------------------------------------

    def list_lanes(self, priority: Priority) -> list[Lane]:
        """Those that clients' jobs of this priority wait for: who may be given some, or is at one;
        or else all. What is less urgent gives way to them.
        """
        able = [each for each in self._workers if each.running or each.is_ready] or self._workers
        return self._measure([(each, _list_before(priority, each.running)) for each in able])

    def _measure(self, workers: Sequence[tuple[RenderWorker, list[Run]]]) -> list[Lane]:
        """The lanes of these workers, which have these runs."""
        speeds = [self._find_speed(worker.name) for worker, _ in workers]
        known = [speed for speed in speeds if speed] or [0.0]
        usual = sum(known) / len(known)
        return [
            Lane(sum(run.estimate_remaining(speed or usual) for run in runs), speed or usual)
            for (_, runs), speed in zip(workers, speeds, strict=True)
        ]


def _list_before(priority: Priority, running: Iterable[Run]) -> list[Run]:
    """What of it a client's job of that priority waits for."""
    return [run for run in running if run.owner.serves_clients and run.job.priority >= priority]


def list_conditions(request: Request) -> Conditions:
    """What a model computes once for all takes that have it in common."""
    return (
        request.prompt,
        request.lyrics,
        request.guide,
        request.source,
        request.reference,
    )


def estimate_begin(lanes: Sequence[Lane], cost: float) -> float:
    """The seconds until these workers have made what waits and costs so much, as early as any of
    them is free for the next job then.
    """
    begin = 0.0
    rate = 0.0  # cost that is made in a second by those that are free until then
    for lane in sorted(lanes):
        if not lane.seconds_per_cost:
            return lane.free_in
        made = rate * (lane.free_in - begin)
        if rate and made >= cost:
            break
        cost -= made
        begin = lane.free_in
        rate += 1 / lane.seconds_per_cost
    return begin + cost / rate if rate else begin


def estimate_end(lanes: Sequence[Lane], cost_before: float, cost: float) -> float:
    """The seconds until a job of that cost has been made, behind what waits before it."""
    quickest = min((lane.seconds_per_cost for lane in lanes), default=0.0)
    return estimate_begin(lanes, cost_before) + cost * quickest
