"""The log: on the terminal, and in a file of bounded size in the state folder."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

from ..jobs import Event
from ..settings import Settings, SettingsError

NAME = "acestepd.log"
BACKUPS = 3  # old files: acestepd.log.1 is the newest of them

log = logging.getLogger("acestepd")


class _LogFile(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A full disk is said where it hurts, not here again for every line."""


class EventLog:
    """Writes events into the log, but for progress and for what every pad shows at first."""

    def __init__(self) -> None:
        self._pads: set[int] = set()  # those whose first state was told

    def write(self, event: Event) -> None:
        if event.kind == "progress" or self._is_first_of_pad(event):
            return
        if event.kind == "state":
            log.info("%s %s, %s waiting", *event.values)
            return
        details = " ".join(str(value) for value in event.values)
        level = logging.WARNING if event.kind == "fail" else logging.INFO
        log.log(level, "%s %s %s", event.job.id if event.job else "", event.kind, details)

    def _is_first_of_pad(self, event: Event) -> bool:
        if event.kind != "pad":
            return False
        number = event.values[0]
        if number in self._pads:
            return False
        self._pads.add(number)
        return True


def log_to_terminal(quiet: bool = False) -> logging.Handler:
    """`quiet` leaves warnings and errors: for a service, whose terminal is a file that nobody
    rotates. The handler's level can be changed later.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    handler.setLevel(logging.WARNING if quiet else logging.INFO)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    return handler


@contextmanager
def log_to_file(settings: Settings) -> Iterator[Path | None]:
    """Write everything into `state` as well. Raises `SettingsError`."""
    if not settings.log_mb:
        yield None
        return
    path = settings.state / NAME
    try:
        settings.state.mkdir(parents=True, exist_ok=True)
        file = _LogFile(
            path, maxBytes=round(settings.log_mb * 2**20), backupCount=BACKUPS, encoding="utf-8"
        )
    except OSError as error:
        raise SettingsError(
            f"state: cannot write {path}: {error.strerror}; choose another folder"
        ) from error
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(file)
    try:
        yield path
    finally:
        root.removeHandler(file)
        with suppress(OSError):  # the disk is full: what could not be written is lost
            file.close()
