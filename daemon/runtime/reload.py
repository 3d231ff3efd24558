"""Live reload: a change of the settings file takes effect while the daemon runs, where that is
safe.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from ..settings import Settings, SettingsError

log = logging.getLogger("acestepd.settings")

EVERY = 1.0  # seconds between two looks at the file
SAFE = frozenset(
    "models queue queue_per_client rate allow token subscribers folders latest idle_unload hang_seconds "
    "prepare_mb prepare_memory_gb quantise ahead_ms midi watch request".split()
)

Signature = tuple[int, ...]


def changes(old: Settings, new: Settings) -> tuple[list[str], list[str]]:
    """The names of the settings that differ: those that can change while it runs, and those that
    need a restart.
    """
    names = [
        f.name for f in dataclasses.fields(Settings) if getattr(old, f.name) != getattr(new, f.name)
    ]
    return [name for name in names if name in SAFE], [name for name in names if name not in SAFE]


def merged(old: Settings, new: Settings) -> Settings:
    """`old` with what may change while it runs. Raises `SettingsError`: both may be fine and half
    of each not.
    """
    return dataclasses.replace(old, **{name: getattr(new, name) for name in changes(old, new)[0]})


class Reload:
    """Looks at `file` every second, and when `now` is called. `with Reload(...):` until the block
    ends.

    `read` gives the settings as a new start would have them (so that flags go on winning), `apply`
    takes those that are to hold from now on; both are called on a thread of its own.
    """

    def __init__(
        self,
        file: Path,
        settings: Settings,
        read: Callable[[], Settings],
        apply: Callable[[Settings], None],
        every: float = EVERY,
    ) -> None:
        self._file = file
        self._settings = settings
        self._read = read
        self._apply = apply
        self._every = every
        self._applied: Signature = ()  # not the file's: it may have changed since it was read
        self._seen = self._signature()
        self._asked = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="settings", daemon=True)

    def now(self) -> None:
        """Read it although it seems unchanged; for SIGHUP."""
        self._asked.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        self._asked.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._closing.is_set():
            asked = self._asked.wait(self._every)
            self._asked.clear()
            if not self._closing.is_set() and (self._has_settled() or asked):
                self.reload()

    def _has_settled(self) -> bool:
        """Whether it is another file than the one in force, and has been the same for two looks:
        editors write in steps, and some take it away for a moment.
        """
        before = self._seen
        self._seen = self._signature()
        return bool(self._seen) and self._seen == before and self._seen != self._applied

    def _signature(self) -> Signature:
        try:
            found = self._file.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def reload(self) -> None:
        """Read the file and apply what may change. Whatever is wrong with it is logged, and nothing
        changes.
        """
        self._applied = self._signature()
        try:
            new = self._read()
            now, later = changes(self._settings, new)
            if now:
                kept = merged(self._settings, new)
                self._apply(kept)
                self._settings = kept
        except SettingsError as error:
            log.warning("the settings stay as they are: %s", error)
            return
        except Exception:
            log.exception("the settings could not be applied")
            return
        if now:
            log.info("settings in force from now on: %s", ", ".join(now))
        if later:
            log.warning("these settings need a restart of acestepd: %s", ", ".join(later))
        if not now and not later:
            log.info("the settings are in force as they are in %s", self._file)
