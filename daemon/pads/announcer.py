"""News of a take that is there already: told again, on the next bar if that is wanted, and once for
each bar.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.request import FIELDS, Request

from ..jobs import Event, Job, JobState
from .bank import PadTake, Slot


class Announcer:
    """`tell(event, due)` is to tell everybody at that time.monotonic()."""

    def __init__(self, tell: Callable[[Event, float], None]) -> None:
        self._tell = tell
        self._held: dict[str, float] = {}  # id -> when it is announced, where that is still to come

    def announce(self, folder: Path, slot: Slot, client: str, due: float) -> bool:
        """Tell of its files again, at `due`. Whether they are there in that folder."""
        assert slot.take
        events = _events(folder, slot.take, client)
        slot.gone = not events
        if events and self._held.get(slot.take.id, 0.0) <= time.monotonic():
            self._held = {id: at for id, at in self._held.items() if at > time.monotonic()} | {
                slot.take.id: due
            }
            for event in events:
                self._tell(event, due)
        return bool(events)


def _events(folder: Path, take: PadTake, client: str) -> list[Event]:
    """What was told of a take when it landed; nothing when its files are not there, or are
    another's.
    """
    try:
        manifest = folder / take.file
        data: Any = json.loads(manifest.read_bytes())
        if data["id"] != take.id:
            return []
        kept = {name: value for name, value in data["request"].items() if name in FIELDS}
        request = Request(**kept)
        job = Job(client, take.id, request, request, folder, state=JobState.FINISHED)
        files = [
            (str(clip["stem"]), folder / Path(str(clip["file"])).name) for clip in data["clips"]
        ]
        about = request.bpm, request.bars, str(request.seed)
        job.clip_events = tuple(
            Event("clip", job, (stem, str(path), *about)) for stem, path in files if path.is_file()
        )
        finished = Event("finished", job, (len(files), str(manifest)))
        return [*job.clip_events, finished] if files and len(job.clip_events) == len(files) else []
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
