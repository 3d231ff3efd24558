"""Announcing a take that exists already: on the next bar if that is wanted, once for that bar."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline import untrusted
from pipeline.limits import LIMITS
from pipeline.request import FIELDS, Request
from pipeline.request_files import check_files
from pipeline.untrusted import FileState

from ..jobs import Event, Job, JobState
from .bank import MAX_PADS, PadTake

MAX_KNOWN = 2 * MAX_PADS  # manifests: those of two banks


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


class TakeManifest(NamedTuple):
    """What a manifest says."""

    job_id: str
    request: Request
    clips: tuple[tuple[str, Path], ...]  # stem and file


class TakeManifests:
    """The manifests of takes, each read once as long as its file stays the same. Any thread may
    ask, but not under the engine's lock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # by manifest, the oldest first; None where it cannot be read
        self._known: dict[Path, tuple[FileState, TakeManifest | None]] = {}

    def is_known(self, folder: Path, take: PadTake) -> bool:
        """Whether there is nothing to be read. It is only looked at how its file is."""
        manifest = folder / take.manifest
        state = _find_state(manifest)
        with self._lock:
            return state is None or self._known.get(manifest, (None, None))[0] == state

    def read_events(self, folder: Path, take: PadTake, client: str) -> list[Event]:
        """The events that a take had when it landed in that folder; none when its files are not
        there, or are another's.
        """
        manifest = folder / take.manifest
        landed = self.read(folder, take)
        if not landed or landed.job_id != take.job_id or not _is_complete(landed):
            return []
        request = landed.request
        job = Job(client, take.job_id, request, request, folder, state=JobState.FINISHED)
        facts = request.bpm, request.bars, str(request.seed)
        job.clip_events = tuple(
            Event("clip", job, (stem, str(path), *facts)) for stem, path in landed.clips
        )
        finished = Event("finished", job, (len(landed.clips), str(manifest)))
        return [*job.clip_events, finished]

    def read(self, folder: Path, take: PadTake) -> TakeManifest | None:
        """What the manifest of a take in that folder says; None where it cannot be read."""
        manifest = folder / take.manifest
        state = _find_state(manifest)
        if state is None:
            return None
        with self._lock:
            known, landed = self._known.get(manifest, (None, None))
        if known != state:
            landed = _read_manifest(manifest)
            with self._lock:
                self._known.pop(manifest, None)
                self._known[manifest] = state, landed
                while len(self._known) > MAX_KNOWN:
                    del self._known[next(iter(self._known))]
        return landed


def _find_state(path: Path) -> FileState | None:
    try:
        return FileState.of(path)
    except OSError:
        return None


def _read_manifest(manifest: Path) -> TakeManifest | None:
    try:
        data: Any = untrusted.read_json(manifest, LIMITS.manifest_bytes)
        values = {name: value for name, value in data["request"].items() if name in FIELDS}
        clips = tuple(
            (str(clip["stem"]), manifest.with_name(Path(str(clip["file"])).name))
            for clip in data["clips"]
        )
        return TakeManifest(data["id"], Request(**values), clips)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _is_complete(landed: TakeManifest) -> bool:
    """Whether all of its files are there, and those that it was made of."""
    try:
        check_files(landed.request)
        return bool(landed.clips) and all(path.is_file() for _, path in landed.clips)
    except (OSError, ValueError):
        return False
