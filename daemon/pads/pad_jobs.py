"""The jobs of pads that have not ended: what their events mean for the pads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..engine import Engine
from ..jobs import Event, Job, JobState
from .bank import Pad, PadTake, Values
from .interface import PadState


class PadJob(NamedTuple):
    pad: Pad
    values: Values  # that were ordered


class PadJobs:
    """By their id. Guarded by the engine's lock; `on_end` is called under it when one has ended,
    and `on_change` after every event about one of them.
    """

    def __init__(
        self, engine: Engine, on_end: Callable[[], None], on_change: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._on_end = on_end
        self._on_change = on_change
        self._jobs: dict[str, PadJob] = {}

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._jobs

    def add(self, job_id: str, pad: Pad, values: Values) -> None:
        """A job that is about to be ordered."""
        pad.job_id = job_id
        pad.state = PadState.QUEUED
        pad.progress = 0.0
        pad.files_missing = False
        pad.made = {}
        self._jobs[job_id] = PadJob(pad, values)

    def withdraw(self, job_id: str) -> None:
        """It was not accepted."""
        if entry := self._jobs.pop(job_id, None):
            entry.pad.job_id = ""
            entry.pad.state = None

    def remove(self, job_id: str) -> None:
        """Its pad plays something else from now on."""
        self._jobs.pop(job_id, None)

    def restore(self, pad: Pad, job: Job) -> None:
        """A pad was loaded whose newest job is that one, for what a hit would play now."""
        if not job.has_ended:
            making = job.state in (JobState.RUNNING, JobState.LANDING)
            pad.state = PadState.RENDERING if making else PadState.QUEUED
            self._jobs[job.id] = PadJob(pad, pad.resolved)
        elif job.state is JobState.FINISHED and job.last_event:
            pad.take = _make_take(job.last_event, job, pad.resolved)
        elif job.state is JobState.FAILED:
            pad.state = PadState.FAILED

    def on_event(self, event: Event) -> None:
        """Any event of the engine."""
        job = event.job
        if job is None or job.id not in self._jobs:
            return
        pad, values = self._jobs[job.id]
        if event.kind == "queued":
            pad.state = PadState.QUEUED
        elif event.kind == "progress":
            pad.state = PadState.RENDERING
            pad.progress = event.values[0]
        elif event.kind == "finished":
            pad.take = _make_take(event, job, values)
            pad.state = None
            if pad.favourite:  # it was marked before there was a take
                self._engine.begin_mark(job, True, lambda refused: None)
        elif event.kind == "fail":
            # one that is held waits for its folder
            pad.state = PadState.FAILED if job.has_ended else PadState.QUEUED
        elif event.kind == "cancelled":
            pad.state = None
            pad.job_id = ""
        else:
            return
        if event.kind in ("finished", "cancelled") or (event.kind == "fail" and job.has_ended):
            del self._jobs[job.id]
            self._on_end()
        self._on_change()


def _make_take(finished: Event, job: Job, values: Values) -> PadTake:
    manifest = Path(str(finished.values[1])).name
    return PadTake(manifest, job.id, values)
