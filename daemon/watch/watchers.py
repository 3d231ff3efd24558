"""Watched folders, and the thread that looks into them. The only door to watchdog.

What watchdog says is only a hint to look now: events get lost, come twice, or stop coming. See
`watched`.
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
from .folder import EngineApi, WatchedFolder
from .watched_files import is_wanted

log = logging.getLogger("acestepd.watch")

RESCAN = 2.0  # seconds between two looks without any hint
TOGETHER = 0.05  # seconds in which hints are gathered

# Not: opened, or closed without writing. Our own reading makes those.
HINTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileDeletedEvent,
]
HINTS += [FileClosedEvent, DirDeletedEvent]


class _Hints(FileSystemEventHandler):
    """Names that watchdog mentions, for the thread that looks."""

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake
        self._names: queue.SimpleQueue[str] = queue.SimpleQueue()
        # the folder was deleted: its events will not come any more, although they seem to
        self.lost = False

    def on_any_event(self, event: FileSystemEvent) -> None:
        if isinstance(event, DirDeletedEvent):
            self.lost = True
        for path in (event.src_path, event.dest_path):
            if is_wanted(name := os.path.basename(os.fsdecode(path))):
                self._names.put(name)
        self._wake.set()

    def drained(self) -> list[str]:
        return [self._names.get_nowait() for _ in range(self._names.qsize())]


@dataclass
class _Armed:
    """A folder and what watches it."""

    folder: WatchedFolder
    hints: _Hints
    place: tuple[str, int, int] | None = None  # what is watched: path, device and inode
    watch: ObservedWatch | None = None
    warned: bool = False


class Watchers:
    """All watched folders, on a thread of their own. `change` takes other ones while it runs."""

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
        self._armed: dict[Path, _Armed] = {}
        self._ended: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._observer: BaseObserver = Observer()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        engine.subscribe(self._hear)

    def start(self) -> None:
        """After the engine's: it then knows what an earlier daemon had accepted."""
        self._follow_settings()
        self._observer.start()
        self._thread.start()

    def change(self, watches: Sequence[Watch], allowed_folders: AllowedFolders) -> None:
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

    def _hear(self, event: Event) -> None:
        if (
            event.job
            and event.kind in ("fail", "finished")
            and event.job.client.startswith("watch:")
        ):
            self._ended.put(event)
            self._wake.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            _safely(self._follow_settings)
            for armed in self._armed.values():
                _safely(self._look, armed)
            _safely(self._pass_on_endings)
            due = [due for armed in self._armed.values() if (due := armed.folder.due) is not None]
            now = time.monotonic()
            self._wake.wait(max(0.0, min([now + RESCAN, *due]) - now) if self._armed else None)
            self._closing.wait(TOGETHER)

    def _follow_settings(self) -> None:
        wanted = {watch.folder: watch for watch in self._watches}
        for path in [path for path in self._armed if path not in wanted]:
            self._disarm(self._armed.pop(path))
        for path, watch in wanted.items():
            if path not in self._armed:
                folder = WatchedFolder(watch, self._engine, self._panel, self._allowed_folders)
                self._armed[path] = _Armed(folder, _Hints(self._wake))
            self._armed[path].folder.change(watch, self._allowed_folders)

    def _look(self, armed: _Armed) -> None:
        self._arm(armed)  # first: what changes from here on gives a hint
        outs = [self._engine.settings.out, *(watch.out for watch in self._watches)]
        armed.folder.look(time.monotonic(), armed.hints.drained(), outs)

    def _arm(self, armed: _Armed) -> None:
        """Have the folder that is there now watched. It may have been deleted and made anew, or a
        link moved on.
        """
        place = _place_of(armed.folder.watch.folder)
        if place == armed.place and not armed.hints.lost:
            return
        self._disarm(armed)
        armed.hints.lost = False
        if place is None:
            return
        armed.place = place
        try:
            armed.watch = self._observer.schedule(armed.hints, place[0], event_filter=HINTS)
        except OSError as error:
            if not armed.warned:
                log.warning("%s is looked into every %g seconds only: %s", place[0], RESCAN, error)
            armed.warned = True

    def _disarm(self, armed: _Armed) -> None:
        if armed.watch is not None:
            with suppress(KeyError, OSError):
                self._observer.unschedule(armed.watch)
        armed.watch = armed.place = None

    def _pass_on_endings(self) -> None:
        while not self._ended.empty():
            event = self._ended.get_nowait()
            for armed in self._armed.values():
                if event.job and event.job.client == armed.folder.client:
                    armed.folder.heard(event)


def _safely(step: Callable[..., None], *about: _Armed) -> None:
    """One folder must not stop the others."""
    try:
        step(*about)
    except Exception:
        log.exception(
            "watching %s", ", ".join(str(armed.folder.watch.folder) for armed in about) or "folders"
        )


def _place_of(folder: Path) -> tuple[str, int, int] | None:
    try:
        real = os.path.realpath(folder)
        found = os.stat(real)
        return real, found.st_dev, found.st_ino
    except OSError:
        return None
