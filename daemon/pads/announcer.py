"""Announcing a take that exists already: on the next bar if that is wanted, once for that bar."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipeline import untrusted
from pipeline.limits import LIMITS
from pipeline.request import FIELDS
from pipeline.request_files import accept_request

from ..jobs import Event, Job, JobState
from .bank import PadTake


class Announcer:
    """`announce(event, due)` has to publish the event at `due` (time.monotonic()). Guarded by the
    engine's lock.
    """

    def __init__(self, announce: Callable[[Event, float], None]) -> None:
        self._announce = announce
        # when a take is announced, by its job's id, where that is still to come
        self._due: dict[str, float] = {}

    def announce(self, take: PadTake, events: Sequence[Event], due: float) -> None:
        """Announce a take's events, unless they are about to be."""
        now = time.monotonic()
        if self._due.get(take.job_id, 0.0) > now:
            return
        self._due = {job_id: at for job_id, at in self._due.items() if at > now}
        self._due[take.job_id] = due
        for event in events:
            self._announce(event, due)


def read_take_events(folder: Path, take: PadTake, client: str) -> list[Event]:
    """The events that a take had when it landed in that folder; none when its files are not there,
    or are another's. Reads its manifest: not under the engine's lock.
    """
    try:
        return _read_take_events(folder, take, client)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def _read_take_events(folder: Path, take: PadTake, client: str) -> list[Event]:
    manifest = folder / take.manifest
    data: Any = untrusted.read_json(manifest, LIMITS.manifest_bytes)
    if data["id"] != take.job_id:
        return []
    values = {name: value for name, value in data["request"].items() if name in FIELDS}
    request = accept_request(values)
    clips = [(str(clip["stem"]), folder / Path(str(clip["file"])).name) for clip in data["clips"]]
    if not clips or not all(path.is_file() for _, path in clips):
        return []
    job = Job(client, take.job_id, request, request, folder, state=JobState.FINISHED)
    facts = request.bpm, request.bars, str(request.seed)
    job.clip_events = tuple(Event("clip", job, (stem, str(path), *facts)) for stem, path in clips)
    finished = Event("finished", job, (len(clips), str(manifest)))
    return [*job.clip_events, finished]
