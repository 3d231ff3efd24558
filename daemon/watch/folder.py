"""One watched folder: every content that is saved in it becomes one order, once.

It is polled: what counts is what is there, not what events say. A file is read when its size and
time have stayed the same for a moment, and ordered when the digest of its content is another than
before.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.limits import LIMITS
from pipeline.request import BadRequest, Request
from pipeline.singer.vocal_part import NO_WORD, list_line_numbers
from pipeline.untrusted import FileState

from ..jobs import Event, Job, JobState, Refused
from ..landing.manifest import read_explanations
from ..panel import Panel
from ..paths import AllowedFolders
from ..runtime import access
from ..settings import Watch
from . import watched_files
from .conflict_copies import ConflictCopy, CopyKind, are_alike, find_original, read_name
from .engine_api import EngineApi
from .folder_jobs import FolderJobs
from .notes import (
    BUG,
    SUNG,
    TOO_MUCH,
    UNCLEAR,
    UNDERSTOOD,
    UNKNOWN,
    SheetNote,
    describe_error,
    shorten,
    withdraw,
)
from .parsing import FileParser, ParsedFile
from .reports import update_report
from .watched_files import FileContent, Signature, UnusableFile, WatchedFile

log = logging.getLogger("acestepd.watch")

# seconds: a change soon after another may have the same time on some file systems (FAT: 2)
COARSE = 2.5
EMPTY = 5.0  # seconds after which it is said of an empty file that it is
RETRY = 3.0  # seconds after which what was refused is tried again
LONGEST_RETRY = 600.0  # seconds between two tries of a file that goes on failing
TEMPORARY = (429, 503, 507)  # refusals that do not last
MAX_ANNOUNCED = 50  # notes on one file that are sent as events; the report has all
_RUN = r"\d{1,4}(?: to \d{1,4})?"  # of lines
_LINES_AT_END = re.compile(rf"(.{{1,200}}: )lines? ({_RUN}(?:, {_RUN}){{0,20}})( and \d+ more)?")
MAX_REMOVED = 10_000  # files that are not there any more, and might come back
CONFLICT = 409
NOT_THERE = -1  # in place of a device


Identity = tuple[Signature, tuple[int, ...]]  # of a file: its signature and inodes


@dataclass
class FileRecord:
    """What is remembered of a watched file."""

    signature: Signature | None = None  # at the last poll
    inodes: tuple[int, ...] = ()
    read_at: float | None = None  # when it will have settled, and is to be read
    read_signature: Signature | None = None  # when it was last read
    # it was there when the folder came in sight: nobody saved it while we were watching
    preexisting: bool = False
    digest: str = ""  # of the content that was taken last
    rests: bool = False  # that is a copy of another file's
    parsed: ParsedFile = field(default_factory=lambda: ParsedFile(None))
    job_id: str = ""  # of its newest job
    notes: tuple[SheetNote, ...] = ()
    outcome: tuple[SheetNote, ...] = ()  # of that job: why it failed, what its sound lacked
    sung: tuple[SheetNote, ...] = ()  # how that job sings its lines
    said: tuple[SheetNote, ...] = ()  # what there is to say of its take
    unannounced: tuple[SheetNote, ...] = ()  # those of them that have not been sent
    announced: tuple[SheetNote, ...] = ()
    # a file that could not be taken: what it was like, and how often it was tried
    failed_states: tuple[FileState, ...] = ()
    tries: int = 0
    was_empty: bool = False  # when it was last read
    # what a job is looked for by, before the file is taken
    peeked: tuple[tuple[FileState, ...], str] = ((), "")

    @property
    def identity(self) -> Identity | None:
        """What stays when a file is renamed that was read."""
        return (self.signature, self.inodes) if self.read_signature and self.signature else None


class RemovedFiles:
    """Files that are not there any more, and might come back under any name; the oldest are
    forgotten.
    """

    def __init__(self) -> None:
        self._records: dict[str, FileRecord] = {}
        self._names: dict[Identity, dict[str, None]] = {}  # the oldest first

    def __iter__(self) -> Iterator[tuple[str, FileRecord]]:
        return iter(self._records.items())

    def add(self, name: str, record: FileRecord) -> None:
        self._records[name] = record
        if record.identity:
            self._names.setdefault(record.identity, {})[name] = None
        if len(self._records) > MAX_REMOVED:
            self.pop(next(iter(self._records)))

    def pop(self, name: str) -> FileRecord | None:
        record = self._records.pop(name, None)
        if record and record.identity:
            names = self._names[record.identity]
            del names[name]
            if not names:
                del self._names[record.identity]
        return record

    def find_name(self, identity: Identity) -> str | None:
        """The name that a file had."""
        return next(iter(self._names.get(identity, ())), None)


class WatchedFolder:
    """All of it happens on one thread; `now` is monotonic."""

    def __init__(
        self, watch: Watch, engine: EngineApi, panel: Panel, allowed_folders: AllowedFolders
    ) -> None:
        self.watch = watch
        self._engine = engine
        self._jobs = FolderJobs(watch.folder, engine)
        self._parser = FileParser(watch, engine, panel, allowed_folders)
        self._files: dict[str, WatchedFile] = {}  # at the last poll
        self._records: dict[str, FileRecord] = {}
        self._removed = RemovedFiles()
        # when this folder was watched for the first time
        self._since = engine.journal.known_since(self.client)
        self._device: int | None = None  # that the folder is on; None: not polled yet
        self._is_whole = True  # it had no more files than are watched
        # sizes and times of what rested when it was first looked into; None: not known yet
        self._resting: frozenset[str] | None = None
        self._subfolders: set[str] = set()  # of which it was said that they are not watched

    @property
    def client(self) -> str:
        """Who orders its takes."""
        return self._jobs.client

    def change_settings(self, watch: Watch, allowed_folders: AllowedFolders) -> None:
        """Other settings for the same folder."""
        self.watch = watch
        self._parser.change_settings(watch, allowed_folders)

    # --- polling ----------------------------------------------------------------------------------

    def poll(
        self,
        now: float,
        hints: Iterable[str] = (),
        outs: Sequence[Path] = (),
        watched: Iterable[Path] = (),
    ) -> None:
        """Find what has changed, and take what has settled.

        `hints` are names that changed even if they look the same; `outs` are folders in which clips
        land, of which none is taken; `watched` are all folders that are watched.
        """
        takes_land_here = os.path.realpath(self.watch.folder) in map(os.path.realpath, outs)
        audio = self.watch.audio != "ignore" and not takes_land_here
        try:
            device = os.stat(self.watch.folder).st_dev
            scan = watched_files.scan_folder(self.watch.folder, audio, not takes_land_here)
        except OSError as error:
            self._lose_sight(error)
            return
        files = scan.files
        self._note_whole(scan.is_whole)
        self._note_subfolders(scan.subfolders, {*outs, *watched})
        if self._resting is None:
            self._resting = self._remember_resting(files)
        came_in_sight = device != self._device
        self._device = device
        self._files = files
        for name in [name for name in self._records if name not in files]:
            self._remove(name)
        hinted = set(hints)
        for name, file in files.items():
            record = self._records.get(name) or self._add(file, came_in_sight)
            self._debounce(file, record, name in hinted, now)
        self._take_settled(now)

    @property
    def next_read(self) -> float | None:
        """When the next file is to be read."""
        times = (record.read_at for record in self._records.values())
        return min((time for time in times if time is not None), default=None)

    def _lose_sight(self, error: OSError) -> None:
        if self._device != NOT_THERE:
            reason = f"cannot be read: {error.strerror}"
            if isinstance(error, FileNotFoundError):
                reason = "is not there"
            hint = "it is watched as soon as it can be"
            if isinstance(error, PermissionError):
                hint = f"{access.advise(error)}; {hint}"
            note = SheetNote(0, UNKNOWN, f"the folder {reason}", hint)
            self._announce(self.watch.folder, [note])
        self._device = NOT_THERE

    def _note_whole(self, is_whole: bool) -> None:
        if self._is_whole and not is_whole:
            message = f"it has more than {LIMITS.watched_files} files, and only so many are watched"
            note = SheetNote(0, TOO_MUCH, message, "move some of them away")
            self._announce(self.watch.folder, [note])
        self._is_whole = is_whole

    def _note_subfolders(self, names: Sequence[str], known: Container[Path]) -> None:
        """Said once of each: whoever puts sheets there would wait for ever."""
        fresh = [
            name
            for name in names
            if name not in self._subfolders and self.watch.folder / name not in known
        ]
        self._subfolders.update(fresh)
        for name in fresh:
            message = "what is in this sub-folder is not watched"
            hint = "put it into the watched folder, or give this one a [[watch]] of its own"
            self._announce(self.watch.folder / name, [SheetNote(0, UNDERSTOOD, message, hint)])

    def _remember_resting(self, files: Mapping[str, WatchedFile]) -> frozenset[str]:
        """The files that are older than the watching, as the journal has had them since the folder
        was looked into for the first time. Raises OSError.
        """
        old = {
            entry
            for file in files.values()
            if file.mtime <= self._since
            for entry in _sign_files(file)
        }
        return frozenset(self._engine.journal.remember_first(self.client, " ".join(old)).split())

    def _rests(self, file: WatchedFile) -> bool:
        """Whether a file is older than the watching: it was there when that began, or has been here
        for longer than the journal remembers. One with an old date that came later (unzipped,
        moved, synced) does not rest.
        """
        was_there = self._resting is not None and self._resting.issuperset(_sign_files(file))
        return file.mtime <= self._since and (was_there or file.ctime <= self._since)

    def _add(self, file: WatchedFile, came_in_sight: bool) -> FileRecord:
        """A name that was not there at the last poll. What is older than the watching rests until
        it is saved.
        """
        record = self._removed.pop(file.name) or FileRecord(preexisting=came_in_sight)
        is_new = record.signature is None
        is_old = self._rests(file) and not file.is_defaults
        if came_in_sight and is_new and is_old:
            record.signature = file.signature
            record.inodes = file.inodes
            record.preexisting = False
        self._records[file.name] = record
        return record

    def _debounce(self, file: WatchedFile, record: FileRecord, hinted: bool, now: float) -> None:
        """Have a file that was saved read when it has settled."""
        recovered = record.failed_states not in ((), file.states)
        hinted_anew = hinted and record.read_signature is not None and record.read_at is None
        if record.signature != file.signature or hinted_anew or recovered:
            record.failed_states = ()
            record.tries = 0
            record.was_empty = False
            record.preexisting = record.preexisting and record.signature is None
            record.read_at = now + file.settle_seconds
        record.signature = file.signature
        record.inodes = file.inodes

    def _remove(self, name: str) -> None:
        record = self._records.pop(name)
        if watched_files.is_defaults(name):
            self._parser.clear_defaults()
            return
        if record.rests or record.failed_states:  # it may come again, and under another name
            self._report(name, FileRecord())
            record.announced = ()
            record.signature = record.read_signature = None
        self._removed.add(name, record)

    def _detect_rename(self, file: WatchedFile) -> bool:
        """Whether this is a file that had another name before, and was read: then nothing was
        saved.
        """
        name = self._removed.find_name((file.signature, file.inodes))
        record = self._removed.pop(name) if name else None
        if name is None or record is None:
            return False
        self._records[file.name] = record
        self._report(name, FileRecord())
        self._report(file.name, record)
        return True

    # --- taking -----------------------------------------------------------------------------------

    def _take_settled(self, now: float) -> None:
        settled = [
            self._files[name]
            for name, record in self._records.items()
            if record.read_at is not None and record.read_at <= now
        ]
        for file in sorted(settled, key=lambda file: (not file.is_defaults, file.is_audio)):
            self._take_safely(file, now)
            if file.is_audio:
                break  # reading it takes a while: others may have settled, and go first

    def _take_safely(self, file: WatchedFile, now: float) -> None:
        record = self._records[file.name]
        try:
            self._take(file, record, now)
        except Exception as error:  # one file must not stop the others, and must not be forgotten
            if not record.tries:
                log.exception("taking %s", watched_files.to_utf8(file.path))
            self._fail(file, record, (_describe_mishap(error, "it is tried again"),))
            self._try_again(record, now)

    def _take(self, file: WatchedFile, record: FileRecord, now: float) -> None:
        """Read a file that has settled, and order it if it is new."""
        record.read_at = None
        if record.read_signature is None and self._detect_rename(file):
            return
        if file.is_unknown and not watched_files.looks_like_words(file):
            return
        content = self._read(file, record, now)
        if content is None:
            return
        was_saved = record.read_signature != file.signature
        record.read_signature = file.signature
        if file.is_empty if file.is_audio else not content.text.strip():
            self._note_empty(file, record, now)
            return
        is_same = content.digest == record.digest
        if is_same and not was_saved:
            return
        if file.is_defaults:
            self._take_defaults(file, record, content)
            return
        if conflict := self._describe_conflict(file, record, content):
            self._rest(file, record, content, conflict)
            return
        record.rests = False
        parsed = self._parse(file, content)
        asks_for_the_same = is_same and parsed.inputs == record.parsed.inputs
        if asks_for_the_same and not self._jobs.has_failed(record.job_id):
            self._tell(file.name, record, record.notes, quiet=True)
        else:
            self._order(file, record, content.digest, parsed, now)

    def _note_empty(self, file: WatchedFile, record: FileRecord, now: float) -> None:
        """Said of a file that stays empty: programs make one first, and then write it."""
        if file.is_defaults:
            return
        if not record.was_empty:
            record.was_empty = True
            record.read_at = now + EMPTY
            return
        hint = "write into it what is sung, or what it should sound like"
        if file.is_audio:
            hint = "save it again: there is no sound in it"
        self._fail(file, record, (SheetNote(0, UNCLEAR, "it is empty: nothing is played", hint),))

    def _parse(self, file: WatchedFile, content: FileContent) -> ParsedFile:
        """What it asks for. Whatever is wrong with it is wrong until it is saved again."""
        try:
            return self._parser.parse(file, content.text)
        except Exception as error:
            log.exception("reading %s", watched_files.to_utf8(file.path))
            return ParsedFile(None, notes=(_describe_mishap(error, "it rests until it changes"),))

    def _fail(self, file: WatchedFile, record: FileRecord, notes: tuple[SheetNote, ...]) -> None:
        """It cannot be taken: that is said once, and it rests until it changes, or is tried
        again.
        """
        record.failed_states = file.states
        self._tell(file.name, record, notes, preexisting=record.preexisting)

    def _try_again(self, record: FileRecord, now: float) -> None:
        """Later, and later each time."""
        record.read_at = now + min(RETRY * 2**record.tries, LONGEST_RETRY)
        record.read_signature = None
        record.tries = min(record.tries + 1, 10)

    def _read(self, file: WatchedFile, record: FileRecord, now: float) -> FileContent | None:
        """None for a file that is not to be taken now, or not at all."""
        try:
            content = watched_files.read_content(file)
        except UnusableFile as error:
            self._fail(file, record, (error.note,))
            if error.retry:
                self._try_again(record, now)
            return None
        record.failed_states = ()
        record.tries = 0
        if watched_files.has_changed(file):
            record.read_at = now + file.settle_seconds
            return None
        if 0 <= time.time() - file.mtime < COARSE:
            record.read_at = now + COARSE
        return content

    def _describe_conflict(
        self, file: WatchedFile, record: FileRecord, content: FileContent
    ) -> SheetNote | None:
        """What to say of a copy of which no take is made. A name that people write too is a copy's
        only where the original is older, and has almost the same in it; what was saved anew since
        then is somebody's own. Raises `Refused`.
        """
        copy = read_name(file.name)
        if copy is None:
            return None
        original = self._files.get(find_original(copy, self._files) or "")
        if not copy.is_certain:
            is_changed = record.digest not in ("", content.digest)
            if (
                original is None
                or is_changed
                or not self._is_version(copy, file, content, original)
            ):
                return None
            if self._jobs.find_newest(file.name, content.digest)[0]:
                return None  # it was changed when an earlier daemon watched
        return _describe_copy(copy, original.name if original else copy.original)

    def _is_version(
        self, copy: ConflictCopy, file: WatchedFile, content: FileContent, original: WatchedFile
    ) -> bool:
        """Whether a file is another version of an older one: it has the same parameters and almost
        the same words. Of sounds and manifests, which are alike anyway, and of copies made by hand,
        which people change, only the very same is.
        """
        if original.mtime > file.mtime:
            return False
        try:
            other = watched_files.read_content(original)
        except UnusableFile:
            return False
        if file.is_audio or file.is_manifest or copy.kind is CopyKind.DUPLICATE:
            return content.digest == other.digest
        return are_alike(content.text, other.text) and (
            self._parser.read_parameters(file, content.text)
            == self._parser.read_parameters(original, other.text)
        )

    def _rest(
        self, file: WatchedFile, record: FileRecord, content: FileContent, note: SheetNote
    ) -> None:
        """Say why no take is made of a file."""
        record.digest = content.digest
        record.rests = True
        record.parsed = ParsedFile(None)
        record.notes = (note,)
        self._tell(file.name, record, record.notes, preexisting=record.preexisting)
        record.preexisting = False

    def _take_defaults(self, file: WatchedFile, record: FileRecord, content: FileContent) -> None:
        """They hold from the next save on."""
        record.parsed = self._parser.set_defaults(content.text)
        record.notes = record.parsed.notes
        record.digest = content.digest
        self._tell(file.name, record, record.notes)

    # --- ordering ---------------------------------------------------------------------------------

    def _order(
        self, file: WatchedFile, record: FileRecord, digest: str, parsed: ParsedFile, now: float
    ) -> None:
        """Order what a content asks for, unless that is made or under way."""
        preexisting = record.preexisting
        record.preexisting = False
        job = None
        outcome = None
        try:
            if parsed.request is not None:
                job, outcome = self._submit(
                    file, record, digest, parsed.request, parsed.insert, preexisting
                )
        except (Refused, BadRequest) as error:
            outcome = describe_error(error)
            if outcome.code in TEMPORARY:
                record.read_at = now + RETRY
                record.read_signature = None
                record.preexisting = preexisting
                outcome = replace(outcome, hint="it is tried again until it is taken")
                self._tell(file.name, record, (outcome, *parsed.notes))
                return
        record.digest = digest
        record.parsed = parsed
        record.notes = (outcome, *parsed.notes) if outcome else parsed.notes
        record.outcome = _describe_outcome(job.last_event) if job else ()
        if job:
            record.job_id = job.id
            record.sung = record.said = ()
        quiet = outcome is None and preexisting
        self._tell(file.name, record, record.notes, quiet, preexisting)

    def _submit(
        self,
        file: WatchedFile,
        record: FileRecord,
        digest: str,
        request: Request,
        insert: str,
        preexisting: bool,
    ) -> tuple[Job, SheetNote | None]:
        """The job that makes it, and what there is to say. It supersedes what the file asked for
        before. Raises `Refused`.
        """
        job, id = self._jobs.find_newest(file.name, digest)
        if job is None and preexisting:
            job = self._find_renamed(digest)
        if job is not None and not _needs_new_job(job, request, file.mtime, preexisting):
            self._supersede(file, record, job.id)
            if preexisting:
                return job, None
            outcome = f"on its way already: {job.id}"
            if job.clip_events:
                outcome = f"made already: {job.clip_events[0].values[1]}"
            return job, SheetNote(0, UNDERSTOOD, outcome)
        self._supersede(file, record, id)
        job = self._jobs.submit(id, request, self.watch.out, file.path, insert)
        return job, SheetNote(0, UNDERSTOOD, f"on its way: {id}")

    def _find_renamed(self, digest: str) -> Job | None:
        """The newest job of a content whose file had another name then."""
        for job in self._jobs.find_under_any_name(digest):
            if self._digest_now(Path(job.origin).name) != digest:
                return job
        return None

    def _supersede(self, file: WatchedFile, record: FileRecord, keep: str) -> None:
        """Cancel what older contents of this file asked for, except the job `keep`."""
        active = [job for job in self._jobs.list_active(file.path, record.job_id) if job.id != keep]
        if not active:
            return
        # its older job may be another file's by now, which was renamed
        kept = {other.job_id for other in self._records.values() if other is not record}
        for job in active:
            if job.id not in kept and not self._will_be_claimed(job):
                self._jobs.cancel(job)

    def _will_be_claimed(self, job: Job) -> bool:
        """Whether a preexisting file that is still to be read holds what a job was ordered for: it
        was renamed while nobody watched.
        """
        for name, record in self._records.items():
            if record.preexisting and record.read_at is not None:
                digest = self._digest_now(name)
                if digest and self._jobs.has_content(job, digest):
                    return True
        return False

    def _digest_now(self, name: str) -> str:
        """Of what the file of that name holds now; empty if there is none that can be read."""
        file = self._files.get(name)
        if file is None:
            return ""
        record = self._records[name]
        if record.peeked[0] != file.states:
            digest = ""
            with suppress(UnusableFile):
                digest = watched_files.read_content(file).digest
            record.peeked = file.states, digest
        return record.peeked[1]

    # --- reporting --------------------------------------------------------------------------------

    def on_job_event(self, event: Event) -> None:
        """How a job of this folder sings a line, or how it ended, goes into its file's report."""
        for name, record in [*self._records.items(), *self._removed]:
            if event.job is None or record.job_id != event.job.id:
                continue
            if event.kind == "words":
                note = _describe_line(event, record.parsed.sung)
                record.sung += (note,)
                record.unannounced += (note,)
            elif event.kind == "note":
                self._add_said(record, event)
            else:
                record.outcome = _describe_outcome(event)
                self._report(name, record)

    def _add_said(self, record: FileRecord, event: Event) -> None:
        """What was not known when the file was read."""
        text = _count_in_sheet(event.values[0], record.parsed.sung)
        known = {note.message for note in (*record.notes, *record.said)}
        if text not in known:
            note = SheetNote(0, UNCLEAR if event.is_problem else UNDERSTOOD, text)
            record.said += (note,)
            record.unannounced += (note,)

    def announce_lines(self) -> None:
        """Send what there is to say of a take and of the lines that are sung, a file at a time, and
        report it.
        """
        for name, record in self._records.items():
            if record.unannounced:
                self._report(name, record)
                self._announce(self.watch.folder / name, record.unannounced)
                record.unannounced = ()

    def _tell(
        self,
        name: str,
        record: FileRecord,
        notes: tuple[SheetNote, ...],
        quiet: bool = False,
        preexisting: bool = False,
    ) -> None:
        """Say what was made of a file: as events, and in a report where there is something to look
        at. Of a `preexisting` one, what an earlier daemon has reported is not said again.
        """
        if notes == record.announced:
            return
        record.announced = notes
        is_reported = self._report(name, record)
        if not quiet and not (preexisting and is_reported):
            self._announce(self.watch.folder / name, notes)

    def _announce(self, path: Path, notes: Sequence[SheetNote]) -> None:
        # problems first, where not all are sent
        sent = sorted(notes, key=lambda note: not note.code)[:MAX_ANNOUNCED]
        if len(notes) > MAX_ANNOUNCED:
            message = f"{len(notes) - MAX_ANNOUNCED} more notes are not sent"
            sent.append(SheetNote(0, UNDERSTOOD, message))
        for note in sorted(sent, key=lambda note: note.line):
            values = (watched_files.to_utf8(path), note.line, note.code, str(note))
            self._engine.publish(Event("read", None, values))

    def _report(self, name: str, record: FileRecord) -> bool:
        """Whether there was the same report already."""
        not_sung = {note.line for note in record.sung if note.code}
        announced = withdraw(record.announced, SUNG, not_sung)
        notes = dict.fromkeys((*record.outcome, *announced, *record.said, *record.sung))
        return update_report(self.watch.out, name, [*notes], record.parsed.text)


def _sign_files(file: WatchedFile) -> list[str]:
    """Size and time of each, which a new name does not change."""
    return [f"{size:x}.{modified:x}" for size, modified in file.signature]


def _describe_copy(copy: ConflictCopy, original: str) -> SheetNote:
    """Why it rests, and what to do."""
    if copy.kind is CopyKind.DUPLICATE:
        message = f"it is a copy of {original} that was not changed yet: it rests until it is"
        return SheetNote(0, CONFLICT, message, "give it another name to play it as it is")
    message = f"it looks like a conflict copy of {original}, as {copy.whose} leaves them: it rests"
    hint = f"keep what you want of both in {original}, or give this one another name to play it"
    if copy.kind is CopyKind.LIKELY:
        hint = f"keep what you want of both in {original}; change this one, or name it otherwise, "
        hint += "to play it"
    return SheetNote(0, CONFLICT, message, hint)


def _needs_new_job(job: Job, request: Request, mtime: float, preexisting: bool) -> bool:
    """Whether a content for which there is a job is ordered again.

    When the folder came in sight: only if it was saved after its job failed or was cancelled. While
    it is watched, somebody saved it just now: then always, unless it is under way, or made as it
    would be now and still there.
    """
    if preexisting:
        return job.state in (JobState.FAILED, JobState.CANCELLED) and mtime > job.created
    if job.request != request:
        return True
    if job.state is JobState.FINISHED:
        return not all(Path(clip.values[1]).exists() for clip in job.clip_events)
    return job.has_ended or job.cancel_requested


def _describe_mishap(error: Exception, hint: str) -> SheetNote:
    message = f"it could not be taken: {type(error).__name__}: {shorten(str(error))}"
    return SheetNote(0, BUG, message, f"this is a bug, and the log has the details; {hint}")


def _count_in_sheet(text: str, sung: Sequence[int]) -> str:
    """A note with the sheet's lines in the place of those of its lyrics, where it ends with them:
    "left out, no time was left: lines 4 to 5".
    """
    match = _LINES_AT_END.fullmatch(text)
    if match is None or not sung:
        return text
    numbers: list[int] = []
    for run in match[2].split(", "):
        first, _, last = run.partition(" to ")
        numbers += range(int(first), int(last or first) + 1)
    if numbers[-1] > len(sung):
        return text
    return f"{match[1]}{list_line_numbers(sung[number - 1] for number in numbers)}{match[3] or ''}"


def _describe_line(event: Event, sung: Sequence[int]) -> SheetNote:
    """Where a line of the lyrics is sung; `sung` are the sheet's lines that they come from."""
    line, bar, section, start, _, _, _, note = event.values
    place = sung[line - 1] if line <= len(sung) else 0
    if not bar:
        code = UNCLEAR if note.startswith(NO_WORD) else TOO_MUCH
        return SheetNote(place, code, f"not sung: {note}")
    minutes, seconds = divmod(start, 60)
    message = f"sung from bar {bar}, at {minutes:.0f}:{seconds:04.1f}"
    if section:
        message += f", in {shorten(section)}"
    if note:
        message += f"; {note}"
    return SheetNote(place, UNDERSTOOD, message)


def _describe_outcome(event: Event | None) -> tuple[SheetNote, ...]:
    """Why a job failed; or what of its take is otherwise than it was asked for: half a recording is
    no whole one. Reads the take's manifest.
    """
    if event is None or event.job is None:
        return ()
    if event.kind == "fail":
        _, code, message, hint = event.values
        return (SheetNote(0, code, message, hint),)
    if event.kind != "finished":
        return ()
    request = event.job.request
    names = tuple(f"{Path(path).name} " for path in (request.source, request.reference) if path)
    return tuple(
        SheetNote(0, UNCLEAR, said.text)
        for said in read_explanations(Path(event.values[1]))
        if said.is_problem or said.text.startswith(names)  # of a take before problems were told
    )
