"""What a job is, what is told about it, and how long this machine takes for one."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from pipeline.request import Request


class Refused(Exception):
    """The engine does not take this. `code` is HTTP-like: 404, 409, 429, 503."""

    def __init__(self, code: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.hint = code, hint


@dataclass(eq=False)
class Job:
    """One accepted request.

    `wish` is what the client sent; `request` is what is made: the wish with its seed fixed, so the take can be
    repeated. `also` are other clients who want to hear how it ends.
    """

    client: Hashable
    id: str
    wish: Request
    request: Request
    last: Event | None = None
    clips: tuple[Event, ...] = ()
    also: set[Hashable] = field(default_factory=set)
    cancelled: bool = False
    landing: bool = False  # its files are getting their names: too late to cancel
    started: float = 0.0
    cost: float = 0.0  # in the model's unit; 0 while it is not known

    @property
    def ended(self) -> bool:
        return self.last is not None and self.last.kind in ("finished", "fail", "cancelled")

    @property
    def failed(self) -> bool:
        return self.last is not None and self.last.kind == "fail"

    @property
    def outcome(self) -> list[Event]:
        """What a client that lost its answers needs to hear: where the job stands, and its clips."""
        return [*self.clips, self.last] if self.last else []


@dataclass(frozen=True)
class Event:
    """Something to tell the surfaces. `values` follow the job's id; protocol: the README's event table."""

    kind: str
    job: Job | None
    values: tuple[Any, ...] = ()


Listener = Callable[[Event], None]


class Pace:
    """How long this machine takes, learned from its own jobs. The unit of `cost` is the model's."""

    def __init__(self) -> None:
        self._seconds_per_cost = 0.0

    def learn(self, cost: float, seconds: float) -> None:
        measured = seconds / cost
        self._seconds_per_cost = (self._seconds_per_cost + measured) / 2 if self._seconds_per_cost else measured

    def remaining(self, job: Job, fraction: float) -> float:
        """Seconds that a job still takes: from its own progress as soon as there is any."""
        spent = time.monotonic() - job.started
        return spent / fraction * (1 - fraction) if fraction else job.cost * self._seconds_per_cost


def failure(error: Exception) -> tuple[int, str, str]:
    """Code, message and hint for what went wrong in a job."""
    if isinstance(error, OSError):
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = "free some space, then send it again" if full else "check the output folder: acestepd doctor"
        return 507 if full else 500, f"the clip could not be written: {error.strerror or error}", hint
    if isinstance(error, MemoryError) or "malloc" in str(error) or "out of memory" in str(error).lower():
        return 500, "out of memory", "ask for a shorter clip, or close other programs"
    if isinstance(error, ValueError):
        return 500, str(error), ""
    return 500, f"{type(error).__name__}: {error}", "this is a bug: the daemon's log has the details"
