"""All watched folders, and the thread that polls them. The only module that imports watchdog.

What watchdog says is only a hint to poll now: events get lost, come twice, or stop coming. See
folder.py.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from watchdog.events import (
    DirDeletedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from ..jobs import Event
from ..panel import Panel
from ..paths import AllowedFolders
from ..settings import Watch
from .engine_api import EngineApi
from .folder import WatchedFolder
from .watched_files import is_input

log = logging.getLogger("acestepd.watch")

POLL_SECONDS = 2.0  # between two polls without any hint
DEBOUNCE_SECONDS = 0.05  # in which hints are gathered

# Not: opened, or closed without writing. Our own reading causes those.
OBSERVED_EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    FileClosedEvent,
    DirDeletedEvent,
]


class _HintHandler(FileSystemEventHandler):
    """Names that watchdog mentions, for the thread that polls."""

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake
        self._names: queue.SimpleQueue[str] = queue.SimpleQueue()
        # its events will not come any more, although watchdog does not say so
        self.folder_deleted = False

    def on_any_event(self, event: FileSystemEvent) -> None:
        if isinstance(event, DirDeletedEvent):
            self.folder_deleted = True
        for path in (event.src_path, event.dest_path):
            name = os.path.basename(os.fsdecode(path))
            if is_input(name):
                self._names.put(name)
        self._wake.set()

    def take_names(self) -> list[str]:
        return [self._names.get_nowait() for _ in range(self._names.qsize())]


class _FolderIdentity(NamedTuple):
    """The folder that is there now, whatever its path leads to later."""

    path: str
    device: int
    inode: int


@dataclass
class _Observation:
    """A folder and what observes it."""

    folder: WatchedFolder
    hints: _HintHandler
    observed: _FolderIdentity | None = None
    watch: ObservedWatch | None = None
    warned: bool = False


class Watchers:
    """All watched folders, on a thread of their own. `change_settings` takes other ones while it
    runs.
    """

    def __init__(
        self,
        watches: Sequence[Watch],
        engine: EngineApi,
        panel: Panel,
        allowed_folders: AllowedFolders,
    ) -> None:
        self._watches = tuple(watches)
        self._engine = engine
        self._panel = panel
        self._allowed_folders = allowed_folders
        self._observations: dict[Path, _Observation] = {}
        self._job_events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._observer: BaseObserver = Observer()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        engine.subscribe(self._on_event)

    def start(self) -> None:
        """After the engine's: it then knows what an earlier daemon had accepted."""
        self._apply_settings()
        self._observer.start()
        self._thread.start()

    def change_settings(self, watches: Sequence[Watch], allowed_folders: AllowedFolders) -> None:
        """Watch these from now on. Of a folder that stays, other settings hold from the next save
        on.
        """
        self._allowed_folders = allowed_folders
        self._watches = tuple(watches)
        self._wake.set()

    def close(self) -> None:
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
            self._observer.stop()
            self._observer.join()

    def _on_event(self, event: Event) -> None:
        if event.job is None or event.kind not in ("note", "words", "fail", "finished"):
            return
        if event.job.client.startswith("watch:"):
            self._job_events.put(event)
            self._wake.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            _call_safely(self._apply_settings)
            for observation in self._observations.values():
                _call_safely(self._poll, observation)
            _call_safely(self._pass_on_job_events)
            self._wake.wait(self._seconds_to_next_poll())
            self._closing.wait(DEBOUNCE_SECONDS)

    def _seconds_to_next_poll(self) -> float | None:
        """None where there is nothing to poll."""
        if not self._observations:
            return None
        now = time.monotonic()
        reads = (observation.folder.next_read for observation in self._observations.values())
        due = min([now + POLL_SECONDS, *(read for read in reads if read is not None)])
        return max(0.0, due - now)

    def _apply_settings(self) -> None:
        watches = {watch.folder: watch for watch in self._watches}
        for path in [path for path in self._observations if path not in watches]:
            self._stop_observing(self._observations.pop(path))
        for path, watch in watches.items():
            if path not in self._observations:
                folder = WatchedFolder(watch, self._engine, self._panel, self._allowed_folders)
                self._observations[path] = _Observation(folder, _HintHandler(self._wake))
            self._observations[path].folder.change_settings(watch, self._allowed_folders)

    def _poll(self, observation: _Observation) -> None:
        self._observe(observation)  # first: what changes from here on gives a hint
        outs = [self._engine.settings.out, *(watch.out for watch in self._watches)]
        watched = [watch.folder for watch in self._watches]
        hints = observation.hints.take_names()
        observation.folder.poll(time.monotonic(), hints, outs, watched)

    def _observe(self, observation: _Observation) -> None:
        """Have watchdog observe the folder that is there now. It may have been deleted and made
        anew, or a link moved on.
        """
        identity = _identify(observation.folder.watch.folder)
        if identity == observation.observed and not observation.hints.folder_deleted:
            return
        self._stop_observing(observation)
        observation.hints.folder_deleted = False
        if identity is None:
            return
        observation.observed = identity
        try:
            observation.watch = self._observer.schedule(
                observation.hints, identity.path, event_filter=OBSERVED_EVENTS
            )
        except OSError as error:
            if not observation.warned:
                message = "%s is looked into every %g seconds only: %s"
                log.warning(message, identity.path, POLL_SECONDS, error)
            observation.warned = True

    def _stop_observing(self, observation: _Observation) -> None:
        if observation.watch is not None:
            with suppress(KeyError, OSError):
                self._observer.unschedule(observation.watch)
        observation.watch = None
        observation.observed = None

    def _pass_on_job_events(self) -> None:
        while not self._job_events.empty():
            event = self._job_events.get_nowait()
            for observation in self._observations.values():
                if event.job and event.job.client == observation.folder.client:
                    observation.folder.on_job_event(event)
        for observation in self._observations.values():
            observation.folder.announce_lines()


def _call_safely(step: Callable[..., None], *observations: _Observation) -> None:
    """One folder must not stop the others."""
    try:
        step(*observations)
    except Exception:
        folders = [str(observation.folder.watch.folder) for observation in observations]
        log.exception("watching %s", ", ".join(folders) or "folders")


def _identify(folder: Path) -> _FolderIdentity | None:
    """None where there is no such folder now."""
    try:
        real = os.path.realpath(folder)
        found = os.stat(real)
        return _FolderIdentity(real, found.st_dev, found.st_ino)
    except OSError:
        return None
