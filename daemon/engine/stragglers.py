"""Runs that take much longer where they are than they would elsewhere, while somebody elsewhere has
nothing to do: those are begun there, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .crew import Crew
from .render_worker import RenderWorker
from .run import Run

MUCH_LONGER = 2.0  # times as long as it would take elsewhere
LEAST_GAIN = 2.0  # seconds, for which no take is begun a second time


class Straggler(NamedTuple):
    """`run` is with `worker`, and `other`, which has nothing to do, would have made its take much
    sooner. Both in seconds.
    """

    run: Run
    worker: RenderWorker
    left: float
    other: RenderWorker
    needed: float


def find_straggler(crew: Crew, may_be_doubled: Callable[[Run], bool]) -> Straggler | None:
    """The one where most is gained."""
    late = [
        (_estimate_left(crew, worker, worker.running[index:]), worker, run)
        for worker in crew
        for index, run in enumerate(worker.running)
        if may_be_doubled(run)
    ]
    idle = [worker for worker in crew if not worker.running and worker.is_ready]
    found: list[Straggler] = []
    for left, worker, run in late:
        needed = min((crew.estimate_at_best(other, run.job) for other in idle), default=0.0)
        if _is_much(left, needed) and (other := crew.find_idle(run.job)):
            needed = crew.estimate_at_best(other, run.job)
            found.append(Straggler(run, worker, left, other, needed))
    found = [each for each in found if _is_much(each.left, each.needed)]
    return max(found, key=lambda each: each.left - each.needed, default=None)


def _is_much(left: float, needed: float) -> bool:
    return 0 < MUCH_LONGER * needed < left and left - needed > LEAST_GAIN


def _estimate_left(crew: Crew, worker: RenderWorker, runs: Sequence[Run]) -> float:
    """The seconds until a worker has made the first of these runs, which the others interrupt. One
    that is late already is taken to need as long again as it is late.
    """
    left = 0.0
    for run in runs:
        expected = crew.estimate(worker, run.job)
        speed = expected / run.job.cost if run.job.cost else 0.0
        left += max(run.estimate_remaining(speed), run.elapsed - expected)
    return left
