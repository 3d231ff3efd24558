"""A job under way, and whose it is."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from pipeline.take import TakeInfo

from ..jobs import Event, Job, JobState
from ..landing import staging

LOCAL = "local"  # the name of the worker that is a process of this machine


class Loss(Enum):
    """Why a worker has lost what it had."""

    ENDED = auto()  # the model's process has crashed or hung: what it worked on may be why
    FAILED = auto()  # the worker has failed in another way: the same
    AWAY = auto()  # a machine, the network or a scheduler is away, or no take came: nobody's fault


class RunOwner(Protocol):
    """Whose a run is, the clients' or the speculation's: decides what becomes of its events, its
    files and its end.
    """

    @property
    def serves_clients(self) -> bool:
        """Whether a client waits for it, and sees it among the active jobs."""

    def publish(self, event: Event) -> None:
        """Tell of its progress, its plan or a preview."""

    def keep_staged(self, run: Run, staged: staging.Staged, info: TakeInfo, size: int) -> bool:
        """Its files are on disk, without their names, `size` bytes of them. Returns whether the
        owner keeps them like that. If not, they land for clients, and are removed where no client
        waits for them.
        """

    def handle_worker_exit(self, run: Run, reason: str, loss: Loss) -> None:
        """Its worker has lost it. `reason` is a sentence; of a run that the worker did not work on,
        whose fault it cannot be, `loss` is AWAY.
        """

    def handle_landing_failure(self, run: Run, error: Exception) -> None:
        """Its files could not be written."""

    def end(self, run: Run, state: JobState, *values: object) -> None:
        """It has ended without a take. `values` are those of the event that says so."""


class Nobody:
    """The owner of a run whose take nobody waits for here."""

    serves_clients = False

    def publish(self, event: Event) -> None: ...

    def keep_staged(self, run: Run, staged: staging.Staged, info: TakeInfo, size: int) -> bool:
        return False

    def handle_worker_exit(self, run: Run, reason: str, loss: Loss) -> None: ...

    def handle_landing_failure(self, run: Run, error: Exception) -> None: ...

    def end(self, run: Run, state: JobState, *values: object) -> None: ...


NOBODY = Nobody()


@dataclass(eq=False)
class Run:
    """One job, from when the worker gets it to when its files have landed. Nothing of a run
    outlives the daemon; a job that has to be made again gets another one, and one that takes too
    long a second one, elsewhere: whichever has made its take first goes on, and the other becomes
    nobody's.
    """

    job: Job
    owner: RunOwner
    ticket: int = field(default_factory=itertools.count(1).__next__)  # what the worker calls it
    worker: str = LOCAL  # the name of the one that has it, or had it last
    choice: object = None  # the `ModelChoice` with which it was begun
    fraction: float = 0.0  # of its work that is done
    # the clients one of whose live jobs has gone before this one, though it was live, too
    gave_way_to: set[str] = field(default_factory=set)
    audio_bytes: int = 0  # of its take, while that lands
    progress_published: float = 0.0  # time.monotonic() of its newest progress event
    _elapsed: float = 0.0  # seconds that were spent on it, up to the last interruption
    _started: float = 0.0  # time.monotonic() since when the worker is at it; 0 while it is not

    def start(self) -> None:
        """The worker works on it from now on, perhaps once more."""
        self.job.state = JobState.RUNNING
        self._started = time.monotonic()

    def pause(self) -> None:
        """The worker does not work on it any more."""
        self._elapsed = self.elapsed
        self._started = 0.0

    @property
    def is_paused(self) -> bool:
        return not self._started

    @property
    def elapsed(self) -> float:
        """Seconds that were spent on it until now."""
        if self.is_paused:
            return self._elapsed
        return self._elapsed + time.monotonic() - self._started

    def estimate_remaining(self, seconds_per_cost: float) -> float:
        """The seconds that it still takes: the more of it is done, the more from its own pace; what
        has just begun has none yet.
        """
        expected = self.job.cost * seconds_per_cost
        if not self.fraction:
            return expected
        left = 1 - self.fraction
        measured = self.elapsed / self.fraction
        total = measured * self.fraction + expected * left if expected else measured
        return total * left
