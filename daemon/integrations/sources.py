"""out/.sources: copies of a DAW's own files, for requests that name one. The folder is kept small:
what nobody has used for longest makes room.
"""

from __future__ import annotations

import logging
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from pipeline.private import make_private
from pipeline.request import FILE_FIELDS, names_file

from ..jobs import ENDED, Event, Job
from ..settings import Settings

log = logging.getLogger("acestepd.integrations")

SOURCES = ".sources"  # in out
HOUR = 3600.0  # seconds: as long is a copy safe that nobody has named yet
DAY = 86_400.0  # seconds after which half a copy is not being written any more
# what programs put beside a sound file, behind its whole name: Live, REAPER, Cubase, Audition,
# Sound Forge, WaveLab
SIDECARS = (".asd", ".reapeaks", ".reapindex", ".ovw", ".pkf", ".sfk", ".gpk")


class Copy(NamedTuple):
    """A file in the folder, with what a program may have put beside it: X.wav.asd of X.wav."""

    path: Path
    size: int  # bytes of all of it
    used: float  # seconds since the epoch: when it was copied, or named by a job
    changed: float  # when anything about it changed
    sidecars: tuple[Path, ...]


class Sources:
    """Never removed: what a job names that has not ended, and what is younger than an hour."""

    def __init__(
        self,
        settings: Settings,
        list_active: Callable[[], list[Job]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self._folder = settings.out / SOURCES
        self._list_active = list_active
        self._clock = clock
        self._named: SimpleQueue[Path] = SimpleQueue()  # by jobs that were accepted
        self._warning = ""

    def on_event(self, event: Event) -> bool:
        if event.job is None or event.kind not in ("queued", *ENDED):
            return False
        if event.kind == "queued":
            for path in _list_files([event.job]):
                self._named.put(path)
        return True

    def tick(self) -> float:
        """Note what was used, and make room."""
        try:
            make_private(self._folder)
            self._note_uses()
            self._sweep()
        except OSError as error:
            self._warn(error)
        else:
            self._warning = ""
        return HOUR

    def _warn(self, error: OSError) -> None:
        """Once: it is tried again with every job."""
        if str(error) != self._warning:
            log.warning("%s is not looked after: %s", self._folder, error.strerror)
        self._warning = str(error)

    def _note_uses(self) -> None:
        here = os.path.realpath(self._folder)
        now = self._clock()
        while not self._named.empty():
            path = self._named.get_nowait()
            if os.path.realpath(path.parent) == here and _stat_regular(path):
                with suppress(OSError):
                    os.utime(path, (now, now))

    def _sweep(self) -> None:
        now = self._clock()
        files = _scan(self._folder)
        for name, found in files.items():
            if name.startswith(".") and now - found.st_mtime > DAY:
                _remove(self._folder / name)
        copies = list(_list_copies(self._folder, files))
        excess = sum(copy.size for copy in copies) - self.settings.sources_mb * 2**20
        if excess <= 0:
            return
        needed = {os.path.realpath(path) for path in _list_files(self._list_active())}
        for copy in sorted(copies, key=lambda copy: copy.used):
            is_young = now - max(copy.used, copy.changed) < HOUR
            if excess > 0 and not is_young and os.path.realpath(copy.path) not in needed:
                log.info("%s makes room for newer copies", copy.path)
                for path in (*copy.sidecars, copy.path):
                    _remove(path)
                excess -= copy.size


def _list_files(jobs: Iterable[Job]) -> Iterator[Path]:
    """The files that jobs name, wherever they are. Looks at none."""
    for job in jobs:
        for field in FILE_FIELDS:
            for value in {getattr(job.request, field), getattr(job.resolved, field)}:
                if names_file(field, value):
                    yield Path(value)


def _scan(folder: Path) -> dict[str, os.stat_result]:
    """The regular files, by name."""
    files = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if found := _stat_regular(Path(entry.path)):
                files[entry.name] = found
    return files


def _stat_regular(path: Path) -> os.stat_result | None:
    """None for a link, for what is no file, and for what is gone."""
    with suppress(OSError):
        found = path.lstat()
        return found if stat.S_ISREG(found.st_mode) else None
    return None


def _list_copies(folder: Path, files: dict[str, os.stat_result]) -> Iterator[Copy]:
    """What is no half copy. A sidecar whose file is gone counts as a copy of its own."""
    names = [name for name in files if not name.startswith(".")]
    owners = {name: _find_owner(name, files) for name in names}
    for name in names:
        if owners[name] == name:
            sidecars = [other for other in names if owners[other] == name and other != name]
            yield Copy(
                path=folder / name,
                size=sum(files[each].st_size for each in (name, *sidecars)),
                used=files[name].st_mtime,
                changed=files[name].st_ctime,
                sidecars=tuple(folder / sidecar for sidecar in sidecars),
            )


def _find_owner(name: str, files: dict[str, os.stat_result]) -> str:
    """The file that a sidecar belongs to: X.wav of X.wav.asd; the file itself where it is none."""
    owner, suffix = os.path.splitext(name)
    return owner if suffix.lower() in SIDECARS and owner in files else name


def _remove(path: Path) -> None:
    with suppress(OSError):  # the next sweep tries again
        path.unlink()
