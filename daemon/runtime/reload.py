"""Live reload: a change of the settings file takes effect while the daemon runs, where that is
safe.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

from ..settings import Settings, SettingsError

log = logging.getLogger("acestepd.settings")

POLL_SECONDS = 1.0  # between two looks at the file
RELOADABLE = frozenset(
    {
        "models",
        "queue",
        "queue_per_client",
        "rate",
        "allow",
        "token",
        "subscribers",
        "folders",
        "latest",
        "idle_unload",
        "hang_seconds",
        "prepare_mb",
        "prepare_memory_gb",
        "quantise",
        "ahead_ms",
        "insert_to",
        "inbox",
        "sources_mb",
        "midi",
        "watch",
        "request",
    }
)

Signature = tuple[int, ...]  # time, size and inode of a file; empty where there is none


class Changes(NamedTuple):
    """The names of the settings that differ: those that can change while the daemon runs, and those
    that need a restart.
    """

    reloadable: list[str]
    restart: list[str]


def compare(old: Settings, new: Settings) -> Changes:
    fields = [field.name for field in dataclasses.fields(Settings)]
    names = [name for name in fields if getattr(old, name) != getattr(new, name)]
    return Changes(
        [name for name in names if name in RELOADABLE],
        [name for name in names if name not in RELOADABLE],
    )


def merge(old: Settings, new: Settings) -> Settings:
    """`old` with what may change while it runs. Raises `SettingsError`: both may be fine and half
    of each not.
    """
    values = {name: getattr(new, name) for name in compare(old, new).reloadable}
    return dataclasses.replace(old, **values)


class SettingsReloader:
    """Looks at `file` every second, and when `request` is called. `with SettingsReloader(...):`
    until the block ends.

    `read` gives the settings as a new start would have them (so that flags go on winning), `apply`
    takes those that are to hold from now on; both are called on a thread of its own.
    """

    def __init__(
        self,
        file: Path,
        settings: Settings,
        read: Callable[[], Settings],
        apply: Callable[[Settings], None],
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._file = file
        self._settings = settings
        self._read = read
        self._apply = apply
        self._poll_seconds = poll_seconds
        self._applied: Signature = ()  # not the file's: it may have changed since it was read
        self._initial = self._sign()
        self._seen = self._initial
        self._requested = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="settings", daemon=True)

    def request(self) -> None:
        """Have the file read although it seems unchanged; for SIGHUP."""
        self._requested.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        self._requested.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            requested = self._requested.wait(self._poll_seconds)
            self._requested.clear()
            if self._closing.is_set():
                return
            if self._has_settled() or requested:
                # most starts find what they have read already: nobody has to be told
                self._reload(tell_unchanged=requested or self._seen != self._initial)

    def _has_settled(self) -> bool:
        """Whether it is another file than the one in force, and has been the same for two looks:
        editors write in steps, and some take it away for a moment.
        """
        before = self._seen
        self._seen = self._sign()
        return bool(self._seen) and self._seen == before and self._seen != self._applied

    def _sign(self) -> Signature:
        try:
            found = self._file.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _reload(self, tell_unchanged: bool) -> None:
        """Read the file and apply what may change. Whatever is wrong with it is logged, and nothing
        changes.
        """
        self._applied = self._sign()
        try:
            new = self._read()
            changes = compare(self._settings, new)
            if changes.reloadable:
                merged = merge(self._settings, new)
                self._apply(merged)
                self._settings = merged
        except SettingsError as error:
            for line in f"the settings stay as they are: {error}".splitlines():
                log.warning("%s", line)
            return
        except Exception:
            log.exception("the settings could not be applied")
            return
        if changes.reloadable:
            log.info("settings in force from now on: %s", ", ".join(changes.reloadable))
        if changes.restart:
            log.warning("these settings need a restart of acestepd: %s", ", ".join(changes.restart))
        if tell_unchanged and changes == Changes([], []):
            log.info("the settings are in force as they are in %s", self._file)
