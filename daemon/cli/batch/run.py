"""A batch as a client: a few of its takes wait in the daemon at a time, and more follow as they are
made. What has become of each is the journal's to say, so that a batch goes on wherever it was left.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from pipeline.request import names_file

from ...granted_folders import grant, revoke
from ...integrations.sources import SOURCES
from ...jobs import ENDED, GENERATE, Job, JobState, Refused
from ...journal import Journal, JournalError
from ...journal.questions import Questions
from ...osc.wire import Message
from ...runtime import lock, logs
from ...runtime.event_lines import describe_eta
from ...runtime.lines import LiveLine, escape_line
from ...service import JOURNAL, Daemon
from ...settings import Midi, Settings, SettingsError
from ..client import Locate, OscClient, Turn, find_daemon, follow, to_json
from ..play import OUTSIDE, copy_source
from ..run import allow_open_files
from ..status import STOPPED
from .folder import BatchFolder
from .report import ReportLine, describe_job, describe_problem, describe_unmade, write_report
from .rows import Batch, BatchRow

FAILED = 1  # exit status, also of what was cancelled, and of rows of which nothing can be made
INTERRUPTED = 130
WINDOW = 64  # takes that wait in the daemon at a time, where it takes so many of a client
PAUSE_SECONDS = 1.0  # of silence, after which what was told may have been lost
LOOK_SECONDS = 5.0  # between two looks into the journal while the daemon talks
REPEAT_SECONDS = 3.0  # after which an order that nobody has written down is sent again
CLOSE_SECONDS = 10.0  # that the end waits for what is being cancelled, or written down
LOOK_PAUSE = 0.1  # between two looks then
LATER = (429, 503, 507)  # codes for what may be taken later
IN_FLIGHT = 16  # orders of which nothing was heard yet: more of them might be lost
ABSENT = 404
TAKEN = 409  # the code for an id of another request
BAR = 30  # characters
PARTS = 20  # of a batch, each of which has a line where there is no terminal


@dataclass(slots=True)
class _Take:
    """One that is not made yet. `sent`: when (time.monotonic()), 0 in an earlier run."""

    row: BatchRow
    number: int
    id: str
    sent: float = 0.0
    is_written: bool = False  # in the journal


class BatchProgress:
    """How far a batch is: a bar on the live line of a terminal, a line now and then elsewhere."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._stream = stream
        self._line = LiveLine(stream)
        self._part = -1
        self._began = time.monotonic()
        self._before: int | None = None  # how many were made when it began

    def show(self, ended: int, failed: int, doing: str = "") -> None:
        """`doing`: how far the take is that is being made."""
        if self._before is None:
            self._before = ended
        part = PARTS * ended // self._total
        words = f"{ended} of {self._total} takes" + (f", {failed} not made" if failed else "")
        if self._stream.isatty():
            full = BAR * ended // self._total
            bar = "#" * full + "." * (BAR - full)
            eta = describe_eta(self._estimate_rest(ended))
            self._line.show(f"[{bar}] {words}{eta}{doing and f'  {doing}'}")
        elif part != self._part:
            self._part = part
            self.say(words)

    def say(self, text: str) -> None:
        """A line of its own."""
        self.clear()
        print(escape_line(text), file=self._stream, flush=True)

    def clear(self) -> None:
        self._line.clear()

    def _estimate_rest(self, ended: int) -> float:
        """How many seconds are left; 0 where nobody knows."""
        made = ended - (self._before or 0)
        seconds = time.monotonic() - self._began
        return seconds / made * (self._total - ended) if made else 0.0


@contextmanager
def reaching(settings: Settings) -> Iterator[tuple[Locate, Callable[[], str]]]:
    """How the daemon of these settings is found, and why it cannot play: the one that runs, or
    else one of our own for the time, which nobody plays.
    """
    if lock.is_held(settings.state):
        yield lambda: find_daemon(settings), str
        return
    allow_open_files()
    own = replace(
        settings,
        host="127.0.0.1",
        port=0,
        tcp=-1,
        page=-1,
        allow=(),
        subscribers=(),
        discovery=False,
        link=False,
        midi_clock="",
        midi=Midi(),
        watch=(),
    )
    logs.log_to_terminal(quiet=True)
    with logs.log_to_file(own), Daemon(own) as daemon:
        if reason := daemon.selected_model.reason:
            print(f"{daemon.selected_model.name} plays. {reason}", file=sys.stderr)
        yield lambda: find_daemon(own), lambda: daemon.engine.error


class BatchRun:
    """`run` once. `batch` has at least one row, `stem` is what the report is called by. Raises
    `SettingsError` for more takes than the journal remembers.
    """

    def __init__(self, batch: Batch, folder: BatchFolder, settings: Settings, stem: str) -> None:
        if batch.count > settings.history:
            raise SettingsError(
                f"the journal remembers {settings.history} takes, and these are {batch.count}: "
                "see history, settings, or divide them up"
            )
        self._batch = batch
        self._folder = folder
        self._settings = settings
        self._report = folder.path / f"{stem}.report.csv"
        self._progress = BatchProgress(batch.count, sys.stderr)
        self._window = min(WINDOW, settings.queue_per_client, settings.queue)
        self._open: deque[_Take] = deque()  # those that are still to be ordered
        self._waiting: dict[str, _Take] = {}  # those that are ordered, by id
        self._attempts: dict[str, str] = {}  # the newest id of a take, where its first has failed
        self._refused: dict[str, str] = {}  # why, by id
        self._ended: Counter[str] = Counter()  # takes, by how
        self._copies: dict[str, str] = {}  # of files that the daemon may not read, by path
        self._doing = ""  # with the take that is being made
        self._said = ""  # of what is in the way
        self._is_full = False  # the daemon takes no more now

    def run(self) -> int:
        """Until every take has ended. The exit status. Raises `SettingsError`."""
        status = 0
        try:
            self._plan()
            if self._open or self._waiting:
                status = self._make()
        except KeyboardInterrupt:
            status = INTERRUPTED
        finally:
            self._progress.clear()
        if not status:
            revoke(self._settings.state, self._folder.name)
        try:
            write_report(self._report, self._list_report(), self._batch.delimiter)
        except Refused as error:
            raise SettingsError(f"there is no report: {error}") from error
        self._tell_end(status)
        has_failed = bool(self._batch.problems) or self._count_failed() > 0
        return status or (FAILED if has_failed else 0)

    def _make(self) -> int:
        with reaching(self._settings) as (locate, find_error):
            self._grant()
            with self._connect(locate) as client:
                status = self._order_all(client, locate, find_error)
            self._await_journal()
            return status

    # --- what is there already --------------------------------------------------------------------

    def _plan(self) -> None:
        """Which takes are made, which are waiting in the daemon, and which are to be ordered."""
        states: dict[str, JobState] = {}
        if (self._settings.state / JOURNAL).is_file():
            with self._open_journal() as journal:
                states = journal.list_states(self._folder.prefix)
        for row in self._batch.rows:
            for number in range(row.count):
                self._plan_take(row, number, states)

    def _plan_take(self, row: BatchRow, number: int, states: dict[str, JobState]) -> None:
        first = self._name(row, number)
        id = first
        attempt = 1
        while states.get(id) in (JobState.FAILED, JobState.CANCELLED):
            attempt += 1
            id = f"{first}-{attempt}"
        if id != first:
            self._attempts[first] = id
        take = _Take(row, number, id)
        if id not in states:
            self._open.append(take)
        elif states[id] is JobState.FINISHED:
            self._ended[JobState.FINISHED] += 1
        else:
            take.is_written = True
            self._waiting[id] = take

    def _name(self, row: BatchRow, number: int) -> str:
        """The first id of a take."""
        part = f".{number + 1}" if row.count > 1 else ""
        return f"{self._folder.prefix}{row.key}{part}"

    def _grant(self) -> None:
        state = self._settings.state
        try:
            grant(state, self._folder.name, self._folder.path)
        except OSError as error:
            raise SettingsError(f"state: cannot write into {state}: {error.strerror}") from error

    @contextmanager
    def _open_journal(self) -> Iterator[Questions]:
        """As it is now: it may have been put back since. Raises `JournalError` and `Refused`."""
        with closing(Journal.open_read_only(self._settings.state / JOURNAL)) as journal:
            yield journal

    # --- ordering ---------------------------------------------------------------------------------

    @contextmanager
    def _connect(self, locate: Locate) -> Iterator[OscClient]:
        found = locate()
        server = (found.host, found.port)
        with OscClient(server, self._settings.token, self._folder.port) as client:
            self._folder.remember_port(client.port)
            yield client

    def _order_all(self, client: OscClient, locate: Locate, find_error: Callable[[], str]) -> int:
        try:
            return self._follow(client, locate, find_error)
        except KeyboardInterrupt:
            self._progress.say("stopping: what waits is taken back; once more ends it at once")
            self._cancel(client)
            raise

    def _follow(self, client: OscClient, locate: Locate, find_error: Callable[[], str]) -> int:
        self._feed(client)
        self._show()
        looked = time.monotonic()
        for told in follow(client, locate, PAUSE_SECONDS):
            if isinstance(told, Message):
                self._read(client, locate, told)
            elif told is Turn.AWAY:
                self._progress.say("acestepd is gone: start it, and give the same command again")
                return STOPPED
            elif told is Turn.GONE:
                self._progress.say("acestepd does not answer; it goes on once it runs again")
            if told is None or time.monotonic() - looked > LOOK_SECONDS:
                looked = time.monotonic()
                self._is_full = False
                self._look(client)
                if error := find_error():
                    raise SettingsError(error)
            self._feed(client)
            self._show()
            if not (self._open or self._waiting):
                return 0
        return STOPPED

    def _feed(self, client: OscClient) -> None:
        in_flight = sum(not take.is_written for take in self._waiting.values())
        room = min(self._window - len(self._waiting), IN_FLIGHT - in_flight)
        for _ in range(0 if self._is_full else min(room, len(self._open))):
            take = self._open.popleft()
            self._waiting[take.id] = take
            self._send(client, take)

    def _send(self, client: OscClient, take: _Take) -> None:
        pairs = [self._copies.get(word, word) for word in take.row.list_pairs(take.number)]
        take.sent = time.monotonic()
        try:
            client.send(GENERATE, take.id, *pairs, "land_in", self._folder.name)
        except SettingsError as error:  # too long for a datagram
            self._refuse(take, str(error))

    # --- what becomes of them ---------------------------------------------------------------------

    def _read(self, client: OscClient, locate: Locate, message: Message) -> None:
        row = to_json(message)
        take = self._waiting.get(str(row.get("id", "")))
        if take is None:
            return
        match row["event"]:
            case "finished":
                self._end(take, JobState.FINISHED)
            case "cancelled":
                self._end(take, JobState.CANCELLED)
            case "fail" if row["command"] == GENERATE:
                self._read_failure(client, locate, take, row)
            case "queued":
                take.is_written = True
            case "progress":
                self._doing = f"{take.row.place}: {row['fraction']:.0%} {row['stage']}"

    def _read_failure(
        self, client: OscClient, locate: Locate, take: _Take, row: dict[str, object]
    ) -> None:
        """A take that failed, one that is kept for later, or an order that was refused."""
        code = row["code"]
        hint = f" ({row['hint']})" if row["hint"] else ""
        message = f"{row['message']}{hint}"
        job = self._find(take.id)
        if job and job.state is JobState.FAILED:
            self._fail(take, JobState.FAILED, message)
        elif job and not (code == TAKEN and take.is_written):
            take.is_written = True  # it is kept, or another run has ordered it
            if code != TAKEN:
                self._say_once(message)
        elif job is None and code in LATER:
            del self._waiting[take.id]
            self._open.appendleft(take)
            self._is_full = True
            if code != LATER[0]:
                self._say_once(message)
        elif job is None and not (code in (OUTSIDE, ABSENT) and self._copy_files(locate, take)):
            self._refuse(take, message)
        elif job is None:
            self._send(client, take)

    def _look(self, client: OscClient) -> None:
        """For what was told in vain."""
        if not self._waiting:
            return
        try:
            with self._open_journal() as journal:
                states = journal.list_states(self._folder.prefix)
        except (JournalError, Refused):
            return  # the next time
        now = time.monotonic()
        for take in list(self._waiting.values()):
            state = states.get(take.id)
            if state is JobState.FAILED:
                job = self._find(take.id)
                ending = job.last_event.values if job and job.last_event else ()
                self._fail(take, state, ": ".join(str(value) for value in ending[2:] if value))
            elif state in ENDED:
                self._end(take, state)
            elif state is not None:
                take.is_written = True
            elif now - take.sent > REPEAT_SECONDS:
                self._send(client, take)

    def _find(self, id: str) -> Job | None:
        with suppress(JournalError, Refused), self._open_journal() as journal:
            return journal.find_by_id(id)
        return None

    def _end(self, take: _Take, state: JobState) -> None:
        del self._waiting[take.id]
        self._ended[state] += 1
        self._is_full = False
        self._doing = ""

    def _fail(self, take: _Take, state: JobState, message: str) -> None:
        self._end(take, state)
        self._progress.say(f"{take.row.place}: {message}")

    def _refuse(self, take: _Take, message: str) -> None:
        """For good."""
        self._refused[take.id] = message
        self._fail(take, JobState.FAILED, message)

    def _copy_files(self, locate: Locate, take: _Take) -> bool:
        """Give the daemon copies of the files that it may not read, as `acestepd play` does. False
        where there is nothing to copy.
        """
        has_copied = False
        for name, value in take.row.values.items():
            path = str(value)
            is_copied = Path(self._copies.get(path, "")).is_file()  # old ones make room
            if names_file(name, path) and not is_copied and Path(path).is_file():
                copy = copy_source(Path(path), Path(locate().out) / SOURCES)
                self._copies[path] = str(copy)
                has_copied = True
        return has_copied

    # --- its end ----------------------------------------------------------------------------------

    def _cancel(self, client: OscClient) -> None:
        """Take back what waits; what is just landing, lands."""
        self._open.clear()
        end = time.monotonic() + CLOSE_SECONDS
        with suppress(OSError):
            while self._waiting and time.monotonic() < end:
                for id in self._waiting:
                    client.send("/ace/cancel", id)
                pause = time.monotonic() + PAUSE_SECONDS
                while self._waiting and (left := pause - time.monotonic()) > 0:
                    if message := client.receive(left):
                        row = to_json(message)
                        take = self._waiting.get(str(row.get("id", "")))
                        if take and row["event"] in ("finished", "cancelled"):
                            self._end(take, JobState(str(row["event"])))
                self._look(client)

    def _await_journal(self) -> None:
        """What was told is written down as soon as that is possible."""
        end = time.monotonic() + CLOSE_SECONDS
        while time.monotonic() < end:
            with suppress(JournalError, Refused), self._open_journal() as journal:
                states = journal.list_states(self._folder.prefix)
                if self._waiting.keys() >= {id for id in states if states[id] not in ENDED}:
                    return
            time.sleep(LOOK_PAUSE)

    def _list_report(self) -> Iterator[ReportLine]:
        problems = deque(self._batch.problems)
        with self._open_journal() as journal:
            for row in self._batch.rows:
                while problems and problems[0].index < row.index:
                    yield describe_problem(problems.popleft())
                for number in range(row.count):
                    yield self._describe(journal, row, number)
        yield from map(describe_problem, problems)

    def _describe(self, journal: Questions, row: BatchRow, number: int) -> ReportLine:
        first = self._name(row, number)
        id = self._attempts.get(first, first)
        job = None if id in self._refused else journal.find_by_id(id)
        if job is None:
            return describe_unmade(row, id, self._refused.get(id, ""))
        return describe_job(row, job, self._folder.path)

    def _tell_end(self, status: int) -> None:
        failed = self._ended[JobState.FAILED]
        cancelled = self._ended[JobState.CANCELLED]
        words = f"{self._ended[JobState.FINISHED]} of {self._batch.count} takes are made"
        words += f", {failed} could not be" if failed else ""
        words += f", {cancelled} were cancelled" if cancelled else ""
        words += "; the same command goes on with the rest" if status else ""
        self._progress.say(words)
        print(self._report, flush=True)

    def _count_failed(self) -> int:
        return self._ended.total() - self._ended[JobState.FINISHED]

    def _say_once(self, message: str) -> None:
        if message != self._said:
            self._said = message
            self._progress.say(message)

    def _show(self) -> None:
        self._progress.show(self._ended.total(), self._count_failed(), self._doing)
