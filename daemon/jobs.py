"""What a job is, what is told about it, and how long this machine takes for one."""

from __future__ import annotations

import errno
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

from pipeline.request import BadRequest, MissingFile, Request


class JobState(StrEnum):
    """How a job stands, in the words that the journal and the clients see."""

    WAITING = "waiting"
    RUNNING = "running"
    LANDING = "landing"  # its files are being written
    HELD = "held"  # its folder takes no files now, or no model plays
    FINISHED = "finished"
    FAILED = "fail"
    CANCELLED = "cancelled"


ENDED = (JobState.FINISHED, JobState.FAILED, JobState.CANCELLED)


class Refused(Exception):
    """The engine does not take this. `code` is HTTP-like: 404, 409, 429, 503."""

    def __init__(self, code: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


class Priority(IntEnum):
    """What goes first. A higher one also interrupts a lower one between two steps."""

    SPECULATION = 0
    BATCH = 1
    NORMAL = 2
    LIVE = 3


@dataclass(frozen=True)
class Order:
    """What a surface asks of the engine: `count` takes of one request.

    `client` is who asks, as text, so that it outlives the daemon: "udp:127.0.0.1:9001", "tcp:3",
    "watch:/folder". `origin` is kept with the job, for whoever asked: the file it came from, the
    job it is a variation of.
    """

    client: str
    id: str
    request: Request
    count: int = 1
    priority: Priority = Priority.NORMAL
    out: Path | None = None  # None: the settings' folder
    origin: str = ""
    # time.monotonic() before which nobody is told that its take, if made in advance, is there
    due: float = 0.0


@dataclass(eq=False)
class Job:
    """One accepted request: one take, with its stems.

    `request` is what the client sent; `resolved` is what is made: the request with its seeds and
    tempo fixed, so that the take can be repeated. `observers` are other clients that are told how
    it ends.
    """

    client: str
    id: str
    request: Request
    resolved: Request
    out: Path
    priority: Priority = Priority.NORMAL
    batch: str = ""  # the order's id, where it asked for several takes
    origin: str = ""
    number: int = 0  # the journal's; 0 for one that nobody has asked for yet
    # what the worker calls it
    ticket: int = field(default_factory=itertools.count(1).__next__, repr=False)
    state: JobState = JobState.WAITING
    last_event: Event | None = field(default=None, repr=False)
    # what its planner filled in
    plan_events: tuple[Event, ...] = field(default=(), repr=False)
    clip_events: tuple[Event, ...] = field(default=(), repr=False)
    observers: set[str] = field(default_factory=set)
    cancel_requested: bool = False  # while it runs
    crashes: int = 0  # of the engine, while it ran
    favourite: bool = False
    created: float = 0.0  # seconds since the epoch
    holds: int = 0  # times its folder did not take its files
    not_before: float = 0.0  # time.monotonic() of the next try
    fraction: float = 0.0  # of the work that is done
    told: float = 0.0  # time.monotonic() of its newest progress event
    worked: float = 0.0  # seconds that were spent on it, up to the last interruption
    since: float = 0.0  # time.monotonic() when it was taken up again; 0 while nobody works on it
    cost: float = 0.0  # in the model's unit; 0 while it is not known

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def speculative(self) -> bool:
        """Nobody has asked for it yet: the journal does not know it, and nobody hears of it."""
        return self.priority is Priority.SPECULATION

    @property
    def seconds(self) -> float:
        """What it has taken until now."""
        return self.worked + (time.monotonic() - self.since if self.since else 0.0)

    def take_up(self) -> None:
        self.state = JobState.RUNNING
        self.since = time.monotonic()

    def lay_down(self) -> None:
        self.worked = self.seconds
        self.since = 0.0

    def start_over(self) -> None:
        """Nothing of it is made."""
        self.state = JobState.WAITING
        self.fraction = 0.0
        self.worked = 0.0
        self.since = 0.0
        self.plan_events = ()

    @property
    def status_events(self) -> list[Event]:
        """What a client that lost its answers has to be told: the job's plan, its clips, and how it
        stands.
        """
        if self.last_event is None:
            return []
        return [*self.plan_events, *self.clip_events, self.last_event]


@dataclass(frozen=True)
class Event:
    """Something to tell the surfaces. `values` follow the job's id; protocol: the README's event
    table.
    """

    kind: str
    job: Job | None
    values: tuple[Any, ...] = ()


Listener = Callable[[Event], None]


class Pace:
    """How long this machine takes, learned from its own jobs. The unit of `cost` is the model's."""

    def __init__(self, seconds_per_cost: float = 0.0) -> None:
        self._seconds_per_cost = seconds_per_cost

    def learn(self, cost: float, seconds: float) -> None:
        measured = seconds / cost
        self._seconds_per_cost = (
            (self._seconds_per_cost + measured) / 2 if self._seconds_per_cost else measured
        )

    def remaining(self, job: Job) -> float:
        """Seconds that a job still takes: from its own progress as soon as there is any."""
        if job.fraction:
            return job.seconds / job.fraction * (1 - job.fraction)
        return job.cost * self._seconds_per_cost


FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
GONE = (errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.ESTALE)


def failure(error: Exception) -> tuple[int, str, str]:
    """Code, message and hint for what went wrong in a job."""
    if isinstance(error, BadRequest):  # the request's mistake, found when it was looked at closely
        return 404 if isinstance(error, MissingFile) else 422, str(error), error.hint
    if isinstance(error, OSError):
        return _disk_failure(error)
    if (
        isinstance(error, MemoryError)
        or "malloc" in str(error)
        or "out of memory" in str(error).lower()
    ):
        return 500, "out of memory", "ask for a shorter clip, or close other programs"
    if isinstance(error, ValueError):
        return 500, str(error), getattr(error, "hint", "")
    return (
        500,
        f"{type(error).__name__}: {error}",
        "this is a bug: the daemon's log has the details",
    )


def _disk_failure(error: OSError) -> tuple[int, str, str]:
    message = f"the clip could not be written: {error.strerror or error}"
    if error.errno in FULL:
        return 507, message, "free some space"
    if error.errno in FORBIDDEN:
        return 403, message, "let acestepd write into the folder"
    if error.errno in GONE:
        return 404, message, "bring the folder back"
    return 500, message, "check the output folder: acestepd doctor"
