"""What an order, a job and an event are, and how what went wrong in a job is described."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.explain import Explanation, list_prompt_explanations
from pipeline.request import BadRequest, LinkedFile, MissingFile, Request

MIX = "mix"  # the clip that is everything
GENERATE = "/ace/generate"  # the command that an order is of where nothing else is said
REROLL = "/ace/reroll"


class JobState(StrEnum):
    """How a job stands, in the words that the journal and the clients see."""

    WAITING = "waiting"
    RUNNING = "running"
    LANDING = "landing"  # its files are being written
    HELD = "held"  # its folder takes no files now, or no model plays
    FINISHED = "finished"
    FAILED = "fail"
    CANCELLED = "cancelled"


ENDED = (JobState.FINISHED, JobState.FAILED, JobState.CANCELLED)


class Refused(Exception):
    """The engine does not take this. `code` is HTTP-like: 404, 409, 429, 503."""

    def __init__(self, code: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


class Priority(IntEnum):
    """What goes first. A higher one also interrupts a lower one between two steps, and a live one
    may interrupt another client's: see `Dispatcher`.
    """

    SPECULATION = 0
    BATCH = 1
    NORMAL = 2
    LIVE = 3
    PLAYED = 4  # on a controller that is plugged in: no other program can ask for that


@dataclass(frozen=True)
class Order:
    """What a surface submits: `count` takes of one request.

    `client` is who asks, as text, so that it outlives the daemon: "udp:127.0.0.1:9001", "tcp:3",
    "watch:/folder". `origin` is kept with the job, for its client: the file it came from, the job
    it is a variation of. `parent` is the id of the job that it goes back to, where there is one.
    `insert` says who is to put its clips in, as the setting `insert_to` does, or `NOBODY`; empty:
    what the setting says. `command` is the message that asked for it, which failures are told to be
    of. `notes` are sentences about what was read out of its lyrics. `session`:
    the fields of the request that nobody said for it; what its source says of itself goes before.
    """

    client: str
    id: str
    request: Request
    count: int = 1
    priority: Priority = Priority.NORMAL
    out: Path | None = None  # None: the settings' folder
    origin: str = ""
    parent: str = ""
    insert: str = ""
    command: str = GENERATE
    notes: tuple[str, ...] = ()
    session: tuple[str, ...] = ()
    # time.monotonic() before which the clips of a prepared take are not announced
    due: float = 0.0


class Insertion(NamedTuple):
    """The program that has put a clip into a DAW, and where, in its words."""

    program: str
    where: str


@dataclass(eq=False)
class Job:
    """One accepted request, for one take with its stems: the record that the journal keeps.

    `request` is what the client sent; `resolved` is what is made: the request with its seeds and
    tempo fixed, so that the take can be repeated. Its progress while the worker has it is kept in
    the engine's `Run`, which is not journaled.
    """

    client: str
    id: str
    request: Request
    resolved: Request
    out: Path
    priority: Priority = Priority.NORMAL
    batch: str = ""  # the order's id, where it asked for several takes
    origin: str = ""
    command: str = GENERATE  # the message that asked for it
    parent: str = ""  # the id of the job whose request it repeats, or whose clip it works on
    takes: int = 1  # how many the order asked for
    number: int = 0  # the journal's; 0 for a speculative job, which it does not know
    state: JobState = JobState.WAITING
    last_event: Event | None = field(default=None, repr=False)
    # one `planned` event for each field that the planner filled in
    plan_events: tuple[Event, ...] = field(default=(), repr=False)
    # one `words` event for each line of the lyrics that is sung
    line_events: tuple[Event, ...] = field(default=(), repr=False)
    clip_events: tuple[Event, ...] = field(default=(), repr=False)
    crashes: int = 0  # of workers' processes, while they made this job
    favourite: bool = False
    # the program that has still to put its clips in; until they land, what its order says of that
    insert_for: str = ""
    inserted: Insertion | None = None
    created: float = 0.0  # seconds since the epoch
    ended: float = 0.0  # the same; 0 while it has not
    cost: float = 0.0  # in the model's unit; 0 while it is not known
    # what was read of its lyrics, its source and its MIDI guide, and of its take
    notes: tuple[str, ...] = ()
    # Not journaled: those of its notes by which something is otherwise than it was asked for.
    problems: tuple[str, ...] = ()
    # Not journaled: how often workers have failed at it since the daemon started, in another way
    # than by a crash; and what clients have asked for.
    failures: int = 0
    observers: set[str] = field(default_factory=set)  # other clients, told only how it ends
    cancel_requested: bool = False  # while it runs

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def take(self) -> int:
        """Which of the order's takes it is, counted from 1."""
        last = self.id.rpartition(".")[2]
        return int(last) if self.batch and last.isdecimal() else 1

    @property
    def mix_path(self) -> str:
        """The path of its mix, or of its first file; "" where it has landed no files."""
        paths = {stem: path for stem, path, *_ in (clip.values for clip in self.clip_events)}
        return str(paths.get(MIX, next(iter(paths.values()), "")))

    def start_over(self) -> None:
        """Back to waiting: what was made of it so far does not count."""
        self.state = JobState.WAITING
        self.plan_events = ()
        self.line_events = ()

    @property
    def note_events(self) -> tuple[Event, ...]:
        """One `note` event for each sentence about what was read out of its request, and about what
        is made otherwise.
        """
        said = list_prompt_explanations(self.resolved)
        said += tuple(Explanation(text, text in self.problems) for text in self.notes)
        return tuple(self._make_note(each) for each in dict.fromkeys(said))

    def add_notes(self, told: Iterable[Explanation]) -> tuple[Event, ...]:
        """From now on these are among its notes. Returns the events of those that were not."""
        known = {event.values[0] for event in self.note_events}
        fresh = [each for each in dict.fromkeys(told) if each.text not in known]
        self.notes += tuple(each.text for each in fresh)
        self.problems += tuple(each.text for each in fresh if each.is_problem)
        return tuple(self._make_note(each) for each in fresh)

    def _make_note(self, said: Explanation) -> Event:
        return Event("note", self, (said.text,), is_problem=said.is_problem)

    @property
    def status_events(self) -> list[Event]:
        """The events that a client needs which has lost its answers: what was read out of the job's
        request, its plan, its words, its clips, and how it stands.
        """
        if self.last_event is None:
            return []
        told = (*self.note_events, *self.plan_events, *self.line_events, *self.clip_events)
        return [*told, self.last_event]


@dataclass(frozen=True)
class Event:
    """Something to tell the surfaces. `values` are texts and numbers, which follow the job's id:
    see the event table in daemon/README.md. Where it goes `to` one client, nobody else is told.
    `is_problem`: it is a note by which something is otherwise than it was asked for.
    """

    kind: str
    job: Job | None
    values: tuple[Any, ...] = ()
    to: str = ""
    is_problem: bool = False


Listener = Callable[[Event], None]


class Failure(NamedTuple):
    """What went wrong in a job, as its client is told. `code` is HTTP-like."""

    code: int
    message: str
    hint: str


FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
MISSING = (errno.ENOENT, errno.EEXIST, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.ESTALE)


def describe_failure(error: Exception) -> Failure:
    """What to tell of an exception that ended a job, or keeps it from landing."""
    if isinstance(error, BadRequest):  # found only when the request was looked at closely
        codes = {MissingFile: 404, LinkedFile: 403}
        return Failure(codes.get(type(error), 422), str(error), error.hint)
    if isinstance(error, OSError):
        return _describe_disk_failure(error)
    text = str(error)
    if isinstance(error, MemoryError) or "malloc" in text or "out of memory" in text.lower():
        return Failure(500, "out of memory", "ask for a shorter clip, or close other programs")
    if isinstance(error, ValueError):
        return Failure(500, text, getattr(error, "hint", ""))
    hint = "this is a bug: the daemon's log has the details"
    return Failure(500, f"{type(error).__name__}: {error}", hint)


def _describe_disk_failure(error: OSError) -> Failure:
    message = f"the clip could not be written: {error.strerror or error}"
    if error.errno in FULL:
        return Failure(507, message, "free some space")
    if error.errno in FORBIDDEN:
        return Failure(403, message, "let acestepd write into the folder")
    if error.errno in MISSING:
        return Failure(404, message, "bring the folder back")
    return Failure(500, message, "check the output folder: acestepd doctor")
