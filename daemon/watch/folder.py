"""One watched folder: every content that is saved in it becomes one order, once.

What counts is what is found: a file is read when its size and time have stayed the same for a
moment, and ordered when its content is another than before. The job's id is made of name and
content, so the journal knows what was made, also after a restart.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

from pipeline.request import BadRequest, Request

from ..jobs import Event, Job, JobState, Listener, Order, Refused
from ..landing import clips
from ..panel import Panel
from ..paths import AllowedFolders
from ..settings import Settings, Watch
from . import sheet, watched_files
from .lyrics import SheetNote
from .watched_files import FileContent, Mark, UnusableFile, WatchedFile

log = logging.getLogger("acestepd.watch")

COARSE = (
    2.5  # seconds: a change soon after another may have the same time on some file systems (FAT: 2)
)
RETRY = 3.0  # seconds after which what was refused is tried again
AGAIN = (429, 503, 507)  # refusals that do not last
MAX_TOLD = 50  # notes on one file that are sent as events; the report has all
MAX_GONE = 10_000  # files that are not there any more, and might come back
PATHS = ("guide", "source", "reference")  # fields that may name files


class JournalApi(Protocol):
    """What is asked of the journal."""

    def since(self, name: str) -> float: ...
    def search(self, text: str) -> list[Job]: ...


class EngineApi(Protocol):
    """What is asked of the engine."""

    @property
    def settings(self) -> Settings: ...
    @property
    def journal(self) -> JournalApi: ...
    @property
    def title(self) -> str: ...
    @property
    def state(self) -> str: ...
    def subscribe(self, listener: Listener) -> None: ...
    def submit(self, order: Order) -> list[Job]: ...
    def cancel(self, client: str, id: str) -> int: ...
    def find(self, client: str, id: str) -> Job: ...
    def active(self) -> list[Job]: ...
    def publish(self, event: Event) -> None: ...


@dataclass(frozen=True)
class ParsedFile:
    """What a content asks for: `wish` is None when nothing can be made of it. `values` are what it
    was made from.
    """

    wish: Request | None
    values: Any = None
    notes: tuple[SheetNote, ...] = ()
    text: str = ""


@dataclass
class FileRecord:
    """What is known of a thing."""

    mark: Mark | None = None  # at the last look
    inodes: tuple[int, ...] = ()
    due: float | None = None  # when it is to be read
    read: Mark | None = None  # at the last reading
    found: bool = (
        False  # it was there when the folder came in sight: nobody saved it before our eyes
    )
    digest: str = ""  # of the content that was taken last
    asked: ParsedFile = ParsedFile(None)
    id: str = ""  # of its newest job
    notes: tuple[SheetNote, ...] = ()
    failure: SheetNote | None = None  # of that job
    told: tuple[SheetNote, ...] = ()


class WatchedFolder:
    """All of it happens on one thread; `now` is monotonic."""

    def __init__(
        self, watch: Watch, engine: EngineApi, panel: Panel, allowed_folders: AllowedFolders
    ) -> None:
        self._engine = engine
        self._panel = panel
        self.change(watch, allowed_folders)
        self.client = f"watch:{watch.folder}"
        self._listed: dict[str, WatchedFile] = {}
        self._saved: dict[str, FileRecord] = {}
        self._gone: dict[str, FileRecord] = {}
        self._defaults: dict[str, Any] = {}
        # when this folder was watched for the first time
        self._since = engine.journal.since(self.client)
        self._device: int | None = None  # that it is on; None: not looked yet, -1: it is not there

    def change(self, watch: Watch, allowed_folders: AllowedFolders) -> None:
        """Other settings for the same folder."""
        self.watch = watch
        self._allowed_folders = allowed_folders

    # --- looking ----------------------------------------------------------------------------------

    def look(self, now: float, hints: Iterable[str] = (), outs: Iterable[Path] = ()) -> None:
        """See what has changed, and take what has settled.

        `hints` are names that changed even if they look the same; `outs` are folders in which clips
        land, of which none is taken.
        """
        lands_here = os.path.realpath(self.watch.folder) in map(os.path.realpath, outs)
        try:
            device = os.stat(self.watch.folder).st_dev
            found = watched_files.find(
                self.watch.folder, self.watch.audio != "ignore" and not lands_here, not lands_here
            )
        except OSError as error:
            self._lose_sight(error)
            return
        came_in_sight = device != self._device
        self._device = device
        self._listed = found
        for name in [name for name in self._saved if name not in found]:
            self._leave(name)
        for name, thing in found.items():
            self._notice(
                thing,
                self._saved.get(name) or self._arrive(thing, came_in_sight),
                name in hints,
                now,
            )
        ready = [
            found[name]
            for name, saved in self._saved.items()
            if saved.due is not None and saved.due <= now
        ]
        for thing in sorted(ready, key=lambda thing: (not thing.is_defaults, thing.is_audio)):
            self._take_safely(thing, now)
            if thing.is_audio:
                break  # reading it takes a while: others first, who may have become ready

    @property
    def due(self) -> float | None:
        """When something is to be read next."""
        return min(
            (saved.due for saved in self._saved.values() if saved.due is not None), default=None
        )

    def _lose_sight(self, error: OSError) -> None:
        if self._device != -1:
            why = (
                "is not there"
                if isinstance(error, FileNotFoundError)
                else f"cannot be read: {error.strerror}"
            )
            self._announce(
                self.watch.folder,
                [SheetNote(0, 404, f"the folder {why}", "it is watched as soon as it can be")],
            )
        self._device = -1

    def _arrive(self, thing: WatchedFile, came_in_sight: bool) -> FileRecord:
        """A name that was not there at the last look. What is older than the watching rests until
        it is saved.
        """
        saved = self._gone.pop(thing.name, None) or FileRecord(found=came_in_sight)
        if (
            came_in_sight
            and saved.mark is None
            and thing.mtime <= self._since
            and not thing.is_defaults
        ):
            saved.mark = thing.mark
            saved.inodes = thing.inodes
            saved.found = False
        self._saved[thing.name] = saved
        return saved

    def _notice(self, thing: WatchedFile, saved: FileRecord, hinted: bool, now: float) -> None:
        if saved.mark != thing.mark or (hinted and saved.read is not None and saved.due is None):
            saved.found = saved.found and saved.mark is None
            saved.due = now + thing.patience
        saved.mark = thing.mark
        saved.inodes = thing.inodes

    def _leave(self, name: str) -> None:
        saved = self._saved.pop(name)
        if watched_files.is_defaults(name):
            self._defaults = {}
        else:
            self._gone[name] = saved
        while len(self._gone) > MAX_GONE:
            del self._gone[next(iter(self._gone))]

    # --- taking -----------------------------------------------------------------------------------

    def _take_safely(self, thing: WatchedFile, now: float) -> None:
        saved = self._saved[thing.name]
        try:
            self._take(thing, saved, now)
        except Exception:  # one file must not stop the others, and must not be forgotten
            log.exception("taking %s", watched_files.shown(thing.path))
            saved.due = now + 10 * RETRY
            saved.read = None

    def _take(self, thing: WatchedFile, saved: FileRecord, now: float) -> None:
        """Read what has settled, and order it if it is new."""
        saved.due = None
        if saved.read is None and self._was_renamed(thing):
            return
        try:
            content = watched_files.read(thing)
        except UnusableFile as error:
            saved.due = now + RETRY if error.again else None
            self._tell(thing.name, saved, (error.note,))
            return
        if watched_files.has_changed(thing):
            saved.due = now + thing.patience
            return
        if 0 <= time.time() - thing.mtime < COARSE:
            saved.due = now + COARSE
        was_saved = saved.read != thing.mark
        saved.read = thing.mark
        if (content.digest == saved.digest and not was_saved) or not (
            content.text.strip() or thing.is_audio
        ):
            return
        if thing.is_defaults:
            self._take_defaults(thing, saved, content)
            return
        asked = self._asked(thing, content.text)
        if (
            content.digest != saved.digest
            or asked.values != saved.asked.values
            or self._has_failed(saved)
        ):
            self._order(thing, saved, content.digest, asked, now)
        else:
            self._tell(thing.name, saved, saved.notes, quiet=True)

    def _take_defaults(self, thing: WatchedFile, saved: FileRecord, content: FileContent) -> None:
        """They hold from the next save on."""
        try:
            text, notes = _decoded(content.text)
        except ValueError as error:
            saved.asked = ParsedFile(None)
            saved.notes = (SheetNote(0, 400, str(error)),)
        else:
            read = sheet.read_fields(text, self._place)
            self._defaults = read.values
            saved.asked = ParsedFile(None, text=text)
            saved.notes = (*notes, *read.notes)
        saved.digest = content.digest
        self._tell(thing.name, saved, saved.notes)

    def _order(
        self, thing: WatchedFile, saved: FileRecord, digest: str, asked: ParsedFile, now: float
    ) -> None:
        """Order what a content asks for, unless that is made or under way."""
        found = saved.found
        saved.found = False
        job = None
        news = None
        try:
            if asked.wish is not None:
                job, news = self._ordered(thing, saved, digest, asked.wish, found)
        except (Refused, BadRequest) as error:
            news = sheet.refusal(error)
            if news.code in AGAIN:
                saved.due = now + RETRY
                saved.read = None
                saved.found = found
                news = replace(news, hint="it is tried again until it is taken")
                self._tell(thing.name, saved, (news, *asked.notes))
                return
        saved.digest = digest
        saved.asked = asked
        saved.id = job.id if job else saved.id
        saved.notes = (*([news] if news else []), *asked.notes)
        saved.failure = _failure(job.last_event if job else None)
        self._tell(thing.name, saved, saved.notes, quiet=news is None and found)

    def _ordered(
        self, thing: WatchedFile, saved: FileRecord, digest: str, wish: Request, found: bool
    ) -> tuple[Job, SheetNote | None]:
        """The job that makes it, and what there is to say. What was asked for before is
        cancelled.
        """
        known, id = self._known(thing, digest, found)
        if known is not None and not _is_wanted_again(known, wish, thing.mtime, found):
            self._supersede(thing, saved, known.id)
            made = (
                f"made already: {known.clip_events[0].values[1]}"
                if known.clip_events
                else f"on its way already: {known.id}"
            )
            return known, None if found else SheetNote(0, 0, made)
        self._supersede(thing, saved, id)
        order = Order(self.client, id, wish, out=self.watch.out, origin=str(thing.path))
        return self._engine.submit(order)[0], SheetNote(0, 0, f"on its way: {id}")

    def _known(self, thing: WatchedFile, digest: str, found: bool) -> tuple[Job | None, str]:
        """The newest job of this content, if there is one, and the id for the next."""
        own = self._own(digest)
        base = f"{_label(thing.name)} {own}"
        known = None
        id = base
        number = 1
        while job := self._find(id):
            known = job
            number = number + 1
            id = f"{base} {number}"
        if known is None and found:  # it may have been renamed since
            others = [job for job in self._engine.journal.search(own) if job.client == self.client]
            known = next(
                (job for job in others if self._digest(Path(job.origin).name) != digest), None
            )
        return known, id

    def _own(self, digest: str) -> str:
        """The part of a job's id that stands for a content of this folder."""
        return _hex(f"{self.watch.folder}\n{digest}")

    def _digest(self, name: str) -> str:
        """Of what is in the file of that name now; empty if there is none to be read."""
        with suppress(UnusableFile, KeyError):
            return watched_files.read(self._listed[name]).digest
        return ""

    def _find(self, id: str) -> Job | None:
        try:
            job = self._engine.find(self.client, id)
        except Refused:
            return None
        return job if job.client == self.client else None

    def _has_failed(self, saved: FileRecord) -> bool:
        job = self._find(saved.id) if saved.id else None
        return job is not None and job.state is JobState.FAILED

    def _supersede(self, thing: WatchedFile, saved: FileRecord, keep: str) -> None:
        """Cancel what older contents of this file asked for."""
        # it may have been renamed
        kept = {
            keep,
            *(other.id for other in self._saved.values() if other is not saved),
        }
        for job in self._engine.active():
            its = job.client == self.client and (
                job.origin == str(thing.path) or job.id == saved.id
            )
            if (
                its
                and job.id not in kept
                and not job.cancel_requested
                and not self._will_be_claimed(job)
            ):
                with suppress(Refused):  # it has just ended, or its files are landing
                    self._engine.cancel(self.client, job.id)

    def _will_be_claimed(self, job: Job) -> bool:
        """Whether a file that was found and is still to be read holds what a job was ordered for:
        it was renamed while nobody looked.
        """
        unread = [
            name for name, saved in self._saved.items() if saved.found and saved.due is not None
        ]
        return any(self._own(digest) in job.id for name in unread if (digest := self._digest(name)))

    def _was_renamed(self, thing: WatchedFile) -> bool:
        """Whether this is a file that had another name before, and is known: then nothing was
        saved.
        """
        for name, saved in self._gone.items():
            if saved.read is not None and (saved.mark, saved.inodes) == (thing.mark, thing.inodes):
                self._saved[thing.name] = self._gone.pop(name)
                self._report(name, FileRecord())
                self._report(thing.name, saved)
                return True
        return False

    # --- understanding ----------------------------------------------------------------------------

    def _asked(self, thing: WatchedFile, content: bytes) -> ParsedFile:
        """What a thing asks for, with the folder's defaults behind it."""
        if thing.is_manifest:
            return self._asked_again(thing)
        try:
            text, notes = _decoded(content)
        except ValueError as error:
            return ParsedFile(None, None, (SheetNote(0, 400, str(error)),))
        read = sheet.read(text, (thing.text or thing.path).suffix.lower(), self._place)
        notes += read.notes
        values = {"name": thing.path.stem, **self._defaults, **read.values}
        if thing.is_audio:
            values["source"] = os.path.realpath(thing.path)
            notes = (
                *(
                    [SheetNote(0, 0, f"its parameters are in {thing.text.name}")]
                    if thing.text
                    else []
                ),
                *notes,
            )
        if values.get("source") or self.watch.request.source:
            values.setdefault("task", "" if self.watch.audio == "ignore" else self.watch.audio)
        else:
            values["task"] = read.values.get("task", "")  # the folder's is for what has a source
        try:
            wish = Panel(self.watch.request, self._panel.tempo).build_request(values)
        except BadRequest as error:
            return ParsedFile(None, None, (sheet.refusal(error), *notes), text)
        return ParsedFile(wish, (self.watch.request, values), notes, text)

    def _asked_again(self, thing: WatchedFile) -> ParsedFile:
        """A manifest asks for its take again; with a seed among the folder's defaults, for a
        variation of it.
        """
        try:
            played = clips.read_manifest(thing.path, self._placed)
            wish = played.request.changed(
                {name: seed for name, seed in self._defaults.items() if name == "seed"}
            )
            by = played.title
            now = self._engine.title
        except (Refused, BadRequest) as error:
            return ParsedFile(None, None, (sheet.refusal(error),))
        except ValueError as error:
            return ParsedFile(None, None, (SheetNote(0, 400, str(error)),))
        differs = self._engine.state in ("warm", "busy") and by != now
        note = SheetNote(0, 409, f"{by} played this and {now} plays now: it will differ")
        return ParsedFile(wish, wish, (note,) if differs else ())

    def _placed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self._place(name, str(value)) if name in PATHS else value
            for name, value in values.items()
        }

    def _place(self, name: str, value: str) -> str:
        """Files are looked for in this folder first. Raises `Refused`."""
        allowed = AllowedFolders((self.watch.folder, *self._allowed_folders.folders))
        return str(allowed.resolve_values({name: value})[name])

    # --- telling ----------------------------------------------------------------------------------

    def heard(self, event: Event) -> None:
        """How a job of this folder ended goes into its file's report."""
        for name, saved in [*self._saved.items(), *self._gone.items()]:
            if event.job and saved.id == event.job.id:
                saved.failure = _failure(event)
                self._report(name, saved)

    def _tell(
        self, name: str, saved: FileRecord, notes: tuple[SheetNote, ...], quiet: bool = False
    ) -> None:
        """Say what was made of a file: as events, and in a report where there is something to look
        at.
        """
        if notes == saved.told:
            return
        saved.told = notes
        if not quiet:
            self._announce(self.watch.folder / name, notes)
        self._report(name, saved)

    def _announce(self, path: Path, notes: Sequence[SheetNote]) -> None:
        told = sorted(notes, key=lambda note: not note.code)[:MAX_TOLD]
        if len(notes) > MAX_TOLD:
            told.append(SheetNote(0, 0, f"{len(notes) - MAX_TOLD} more notes are not sent"))
        for note in sorted(told, key=lambda note: note.line):
            self._engine.publish(
                Event("read", None, (watched_files.shown(path), note.line, note.code, str(note)))
            )

    def _report(self, name: str, saved: FileRecord) -> None:
        """Write the report, or take it away when there is nothing to look at."""
        notes = (*([saved.failure] if saved.failure else []), *saved.told)
        path = self.watch.out / f"{watched_files.shown(name)}{watched_files.REPORT}"
        try:
            if not sheet.problems(notes):
                path.unlink(missing_ok=True)
                return
            self.watch.out.mkdir(exist_ok=True)
            fresh = path.with_name(f".{path.name}")
            fresh.write_text(
                sheet.report(watched_files.shown(name), notes, saved.asked.text), "utf-8"
            )
            fresh.replace(path)
        except OSError as error:
            log.warning("the report %s could not be written: %s", path, error.strerror)


def _is_wanted_again(known: Job, wish: Request, mtime: float, found: bool) -> bool:
    """Whether a content that was ordered once is ordered again.

    When the folder came in sight: only if it was saved after its job failed or was cancelled. While
    it is watched, somebody saved it just now: then always, unless it is under way, or made as it
    would be now and still there.
    """
    if found:
        return known.state in (JobState.FAILED, JobState.CANCELLED) and mtime > known.created
    if known.state is JobState.FINISHED:
        return known.request != wish or not all(
            Path(clip.values[1]).exists() for clip in known.clip_events
        )
    return known.ended or known.cancel_requested or known.request != wish


def _label(name: str) -> str:
    """A name as part of an id: whole where it is a plain one."""
    plain = "".join(c if c.isprintable() else " " for c in name)[:50]
    return name if name == plain else f"{plain} {_hex(name)[:4]}"


def _hex(text: str) -> str:
    return blake2b(text.encode(), digest_size=6).hexdigest()


def _failure(event: Event | None) -> SheetNote | None:
    if event is None or event.kind != "fail":
        return None
    _, code, message, hint = event.values
    return SheetNote(0, code, message, hint)


def _decoded(content: bytes) -> tuple[str, tuple[SheetNote, ...]]:
    """Raises ValueError."""
    try:
        text, encoding = sheet.decode(content)
    except ValueError as error:
        raise ValueError(f"it is no text: {error}") from error
    return text, (SheetNote(0, 0, f"read as {encoding}"),) if encoding else ()
