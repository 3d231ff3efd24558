"""The log: on the terminal, and in a file of bounded size in the state folder."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from queue import SimpleQueue
from typing import TextIO

from pipeline.private import make_folder, open_private

from ..jobs import Event, Job
from ..settings import Settings, SettingsError
from .event_lines import describe_event, describe_progress
from .lines import LiveLine, escape_line

NAME = "acestepd.log"
BACKUPS = 3  # old files: acestepd.log.1 is the newest of them

MAX_WAITING = 10_000  # lines that wait to be written
FLUSH_SECONDS = 2.0  # that the end of the daemon waits for them
# between writing all that has gathered and the next line: each time the thread wakes, it takes the
# interpreter from one that answers somebody
REST_SECONDS = 0.05

LIMIT_SECONDS = 60.0  # between two lines of one kind about one sender
MAX_SENDERS = 16  # of one kind, about whom there are lines within that time

# kinds of events; what was learned has its line where that is kept
UNLOGGED = ("progress", "clip", "words", "preparing", "midi/learned")
LIVE = "is_live"  # an attribute of a log record
DETAIL = "is_detail"  # of one that the terminal does not show

log = logging.getLogger("acestepd")


class _LineFormatter(logging.Formatter):
    """A message is a line, whatever somebody has sent; a traceback follows it as it is."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.message = escape_line(record.message)
        return super().formatMessage(record)


class _LogFile(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        """For its owner alone: it says what was asked for, and by whom."""
        return open(self.baseFilename, "a", encoding="utf-8", opener=open_private)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A full disk is said where it hurts, not here again for every line."""


class BackgroundHandler(logging.Handler):
    """Has another handler write on a thread of its own: whoever says something never waits for a
    slow disk, or for a terminal whose output somebody has stopped. Where too many lines wait, the
    newest are left out, and how many is said after those.
    """

    def __init__(self, target: logging.Handler) -> None:
        super().__init__()
        self._target = target
        self._waiting: SimpleQueue[logging.LogRecord | threading.Event | None] = SimpleQueue()
        self._left_out = 0
        self._is_awaited = threading.Event()  # somebody waits for what is not written yet
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        if self._waiting.qsize() >= MAX_WAITING:
            self._left_out += 1
            return
        record = copy.copy(record)
        record.msg = record.getMessage()  # now: what it is about may change
        record.args = None
        if self._left_out:
            self._waiting.put(self._note_left_out(record))
            self._left_out = 0
        self._waiting.put(record)

    def flush(self) -> None:
        """Wait for what was said before, but not for long."""
        self._wait_until_written()

    def close(self) -> None:
        if self._wait_until_written():  # else it is stuck in a write, and the target is in use
            self._waiting.put(None)
            self._is_awaited.set()
            self._thread.join()
            self._target.close()
        super().close()

    def _wait_until_written(self) -> bool:
        """Whether all that was said before is written within `FLUSH_SECONDS`."""
        if not self._thread.is_alive():
            return True
        written = threading.Event()
        self._is_awaited.set()
        self._waiting.put(written)
        return written.wait(FLUSH_SECONDS)

    def _note_left_out(self, record: logging.LogRecord) -> logging.LogRecord:
        note = copy.copy(record)
        note.msg = f"{self._left_out} lines are left out here: they could not be written in time"
        note.exc_info = None
        return note

    def _write(self) -> None:
        while (entry := self._waiting.get()) is not None:
            if isinstance(entry, threading.Event):
                self._is_awaited.clear()
                entry.set()
            else:
                self._target.handle(entry)
            if self._waiting.empty():
                self._is_awaited.wait(REST_SECONDS)


@dataclass
class _Kind:
    """What was written of one kind."""

    written: dict[str, float] = field(default_factory=dict)  # when, by sender; the oldest first
    left_out: dict[str, int] = field(default_factory=dict)  # how many since then, by sender
    left_out_of_others: int = 0  # about senders that are not in `written`


class LimitedLog:
    """Lines that somebody else can cause as often as they like: of each kind, which is its format
    string where nothing else is said, one a minute about each sender, with how many were left out
    before it. However many senders there are, they cause `MAX_SENDERS` lines a minute. Any thread
    may write.
    """

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._lock = threading.Lock()
        self._kinds: dict[str, _Kind] = {}

    def info(self, sender: str, text: str, *values: object) -> None:
        self.write(logging.INFO, sender, text, *values)

    def warning(self, sender: str, text: str, *values: object, kind: str = "") -> None:
        self.write(logging.WARNING, sender, text, *values, kind=kind)

    def exception(self, sender: str, text: str, *values: object) -> None:
        """With the traceback of the exception that is being handled."""
        self.write(logging.ERROR, sender, text, *values, has_traceback=True)

    def write(
        self,
        level: int,
        sender: str,
        text: str,
        *values: object,
        kind: str = "",
        has_traceback: bool = False,
    ) -> None:
        """`text` must be the same for every line of its kind: what differs is in `values`. There
        must be few kinds.
        """
        left_out = self._admit(sender, kind or text)
        if left_out is None:
            return
        more = f" ({left_out} more like it were left out before)" if left_out else ""
        self._logger.log(level, text + more, *values, exc_info=has_traceback)

    def _admit(self, sender: str, name: str) -> int | None:
        """How many lines were left out since the last one; None where this is left out too."""
        with self._lock:
            now = self._clock()
            kind = self._kinds.setdefault(name, _Kind())
            if kind.written.get(sender, float("-inf")) + LIMIT_SECONDS > now:
                kind.left_out[sender] = kind.left_out.get(sender, 0) + 1
                return None
            kind.written.pop(sender, None)
            if len(kind.written) >= MAX_SENDERS:
                oldest = next(iter(kind.written))
                if kind.written[oldest] + LIMIT_SECONDS > now:
                    kind.left_out_of_others += 1
                    return None
                del kind.written[oldest]
                kind.left_out_of_others += kind.left_out.pop(oldest, 0)
            kind.written[sender] = now
            left_out = kind.left_out.pop(sender, 0) + kind.left_out_of_others
            kind.left_out_of_others = 0
            return left_out


class EventLog:
    """Writes events into the log, but for progress, clips, which the end of their job names, the
    lyrics' lines, which may be private, notes of what was read as it was meant, and pads that
    nobody waits for: what every pad of a bank shows when it is loaded or filled.
    """

    def __init__(self) -> None:
        self._awaited: set[int] = set()  # pads that were told to have been queued
        self._is_playing = False  # the engine, with a model that is loaded

    def write(self, event: Event) -> None:
        if event.kind in UNLOGGED or (event.kind == "pad" and not self._is_awaited(event)):
            return
        if event.kind == "note" and not event.is_problem:
            return
        is_warning = event.kind == "fail" or event.is_problem
        level = logging.WARNING if is_warning else logging.INFO
        extra = {DETAIL: True} if self._is_detail(event) else None
        log.log(level, "%s", describe_event(event, time.time()), extra=extra)

    def _is_awaited(self, event: Event) -> bool:
        number = int(event.values[0])
        state = str(event.values[1])
        if state == "queued":
            is_news = number not in self._awaited
            self._awaited.add(number)
            return is_news
        is_told = number in self._awaited and state != "rendering"
        if is_told:
            self._awaited.discard(number)
        return is_told or state == "failed"

    def _is_detail(self, event: Event) -> bool:
        """Whether it would hide what matters: that a line of a sheet was understood, ten times at
        each save; that an engine that plays is busy and not any more, three times for each take.
        """
        if event.kind == "state":
            was_playing = self._is_playing
            self._is_playing = event.values[0] in ("warm", "busy")
            return was_playing and self._is_playing
        return event.kind == "read" and event.values[1] != 0 and event.values[2] == 0


class _Terminal(logging.StreamHandler[TextIO]):
    """Lines, and below them one that is live: the record that has `LIVE` replaces it."""

    def __init__(self) -> None:
        super().__init__()
        self._live = LiveLine(self.stream)

    def emit(self, record: logging.LogRecord) -> None:
        if hasattr(record, LIVE):
            self._live.show(record.getMessage())
            return
        text = self._live.text
        self._live.clear()
        super().emit(record)
        self._live.show(text)


class ProgressDisplay:
    """Has the live line of the terminal say how far the newest running job is, or which pad is
    prepared meanwhile. Without a terminal it shows nothing.
    """

    def __init__(self, terminal: logging.Handler) -> None:
        self._terminal = terminal
        self._shown: Job | None = None

    def write(self, event: Event) -> None:
        if event.kind == "progress":
            self._shown = event.job
            self._show(describe_progress(event))
        elif event.kind == "preparing" and self._shown is None:
            self._show(f"preparing pad {event.values[0]}" if event.values[0] else "")
        elif event.job is not None and event.job is self._shown and event.job.has_ended:
            self.clear()

    def clear(self) -> None:
        self._shown = None
        self._show("")

    def _show(self, text: str) -> None:
        record = logging.makeLogRecord({"msg": "%s", "args": (text,), LIVE: True})
        self._terminal.handle(record)


def log_to_terminal(quiet: bool = False) -> logging.Handler:
    """`quiet` leaves warnings and errors: for a service, whose terminal is a file that nobody
    rotates. The handler's level can be changed later.
    """
    stream = _Terminal()
    stream.setFormatter(_LineFormatter("%(asctime)s %(message)s", "%H:%M:%S"))
    handler = BackgroundHandler(stream)
    handler.setLevel(logging.WARNING if quiet else logging.INFO)
    handler.addFilter(lambda record: not hasattr(record, DETAIL))
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
        make_folder(settings.state)
        file = _LogFile(
            path, maxBytes=round(settings.log_mb * 2**20), backupCount=BACKUPS, encoding="utf-8"
        )
    except OSError as error:
        raise SettingsError(
            f"state: cannot write {path}: {error.strerror}; choose another folder"
        ) from error
    file.setFormatter(_LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler = BackgroundHandler(file)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield path
    finally:
        root.removeHandler(handler)
        with suppress(OSError):  # the disk is full: what could not be written is lost
            handler.close()
