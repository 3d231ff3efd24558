"""What the daemon says: on the terminal, and in a file of bounded size in the state folder."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

from ..settings import Settings, SettingsError

NAME = "acestepd.log"
KEPT = 3  # old files: acestepd.log.1 is the newest of them

log = logging.getLogger("acestepd")


class _File(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A full disk is said where it hurts, not here again for every line."""


def to_terminal(quiet: bool = False) -> None:
    """`quiet` leaves warnings and errors: for a service, whose terminal is a file that nobody
    rotates.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    handler.setLevel(logging.WARNING if quiet else logging.INFO)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


@contextmanager
def to_file(settings: Settings) -> Iterator[Path | None]:
    """Write everything into `state` as well. Raises `SettingsError`."""
    if not settings.log_mb:
        yield None
        return
    path = settings.state / NAME
    try:
        settings.state.mkdir(parents=True, exist_ok=True)
        file = _File(
            path, maxBytes=round(settings.log_mb * 2**20), backupCount=KEPT, encoding="utf-8"
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
