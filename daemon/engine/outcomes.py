"""How jobs end: written down first, then told."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.request import Request
from pipeline.take import TakeInfo

from ..jobs import Event, Job, JobState
from ..journal import Journal
from ..landing import clips
from .event_bus import EventBus

log = logging.getLogger("acestepd.engine")


class Outcomes:
    """The engine guards it with its lock."""

    def __init__(self, journal: Journal, bus: EventBus) -> None:
        self._journal = journal
        self._bus = bus

    def end(
        self,
        job: Job,
        state: JobState,
        *values: Any,
        due: float = 0.0,
        told: Sequence[Event] = (),
        **facts: Any,
    ) -> None:
        """A job's last event: written down first, so that nobody hears of an end that a crash could
        undo. `told` are its clips that have been told of before.
        """
        job.state = state
        job.last_event = Event(state.value, job, values)
        self.note(job, **facts)
        for event in (*job.clip_events, job.last_event):
            if event not in told:
                self._bus.publish(event, due)

    def note(self, job: Job, **facts: Any) -> None:
        try:
            self._journal.note(job, **facts)
        # the job was written down when it was accepted: a crash now would only repeat it
        except OSError as error:
            log.error("job %s: %s", job.id, error)


def facts(job: Job, landed: clips.Landed, info: TakeInfo | None) -> tuple[Request, dict[str, Any]]:
    """What was played in the end, and what the journal keeps of it. Reads the manifest where `info`
    is not known.
    """
    try:
        read = info or clips.read_manifest(landed.manifest)
        used = read.request
        model = read.model
    except ValueError:  # somebody has taken it away already
        used = job.resolved
        model = ""
    known = {
        "model": model,
        "seconds": job.seconds,
        "request": json.dumps(dataclasses.asdict(used)),
    }
    if info:
        known["timings"] = json.dumps(info.timings)
    return used, known


def plan_events(job: Job, filled: Mapping[str, Any]) -> tuple[Event, ...]:
    """What a planner filled in, as texts: a parameter each."""
    texts = {
        name: f"{value:.10g}" if isinstance(value, float) else str(value)
        for name, value in filled.items()
    }
    return tuple(Event("planned", job, named) for named in texts.items())


def clip_events(job: Job, files: Sequence[tuple[str, Path]], used: Request) -> tuple[Event, ...]:
    about = used.bpm, used.bars, str(used.seed)
    return tuple(Event("clip", job, (stem, str(path), *about)) for stem, path in files)
