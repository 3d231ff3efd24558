"""How those stand who make takes elsewhere, for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WorkerStanding:
    """How a worker elsewhere stands, for people. `state` is idle, busy, loading, silent, error,
    rested or unused; `text` says what it makes, or why it makes nothing.
    """

    name: str
    state: str
    device: str
    text: str


@dataclass(frozen=True)
class ClusterStanding:
    """Those who make takes elsewhere, for people. `trouble` says why the scheduler is not reached,
    where it is not; `is_local`: this machine makes takes, too.
    """

    scheduler: str
    is_reached: bool
    is_local: bool
    trouble: str
    workers: tuple[WorkerStanding, ...]

    @property
    def makes_takes(self) -> bool:
        """Whether somebody does, or will once a model is loaded."""
        able = {worker.state for worker in self.workers} & {"idle", "busy", "loading"}
        return self.is_local or (self.is_reached and bool(able))


def describe_scheduler(found: ClusterStanding) -> str:
    if not found.is_reached:
        meanwhile = "this machine makes takes" if found.is_local else "takes wait for it"
        return f"{found.scheduler} is not reached: {found.trouble}; {meanwhile}"
    if found.makes_takes:
        return found.scheduler
    return f"{found.scheduler}, where no worker can be used: takes wait for one"


def describe_worker(worker: WorkerStanding) -> str:
    """`busy, makes take1, 43%; GPU (Apple M4)`."""
    said = ": ".join(filter(None, (worker.state, worker.text)))
    return "; ".join(filter(None, (said, worker.device)))
