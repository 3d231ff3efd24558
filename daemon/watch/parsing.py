"""What a watched file asks for: its content becomes a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pipeline.explain import Explanation
from pipeline.lengths import explain_two_lengths
from pipeline.request import FILE_FIELDS, BadRequest, Request
from pipeline.request_files import (
    accept_request,
    follow_source,
    list_explanations,
    list_session_fields,
)

from ..jobs import Refused
from ..landing.manifest import parse_manifest
from ..panel import Panel, keep_lyrics
from ..paths import AllowedFolders
from ..settings import Watch
from .documents.document import Document
from .documents.read import read_document
from .engine_api import PlayingModel
from .notes import UNCLEAR, UNDERSTOOD, SheetNote, describe_error
from .sheet import Sheet, build_sheet, read_defaults
from .watched_files import DEFAULTS, WatchedFile
from .written_lyrics import read_written_lyrics

WILL_DIFFER = 409


@dataclass(frozen=True)
class ParsedFile:
    """What a content asks for. `request` is None when none can be made of it.

    `inputs` are what the request was made from: where they are the same, the file asks for the
    same. `notes` are about `text`. `insert`: who is to put the take into a DAW, as in `Order`.
    `sung` are the lines of the text that the lines of the lyrics come from.
    """

    request: Request | None
    inputs: object = None
    notes: tuple[SheetNote, ...] = ()
    text: str = ""
    insert: str = ""
    sung: tuple[int, ...] = ()


class FileParser:
    """Parses the files of one watched folder, with its settings and its defaults."""

    def __init__(
        self, watch: Watch, model: PlayingModel, panel: Panel, allowed_folders: AllowedFolders
    ) -> None:
        self._model = model
        self._panel = panel
        self._defaults = Sheet()
        self.change_settings(watch, allowed_folders)

    def change_settings(self, watch: Watch, allowed_folders: AllowedFolders) -> None:
        """Other settings for the same folder."""
        self._watch = watch
        # files are looked for in the watched folder first
        folders = (watch.folder, *allowed_folders.folders)
        self._allowed_folders = AllowedFolders(folders, allowed_folders.sources)

    def set_defaults(self, content: bytes) -> ParsedFile:
        """The folder's defaults from now on; `request` is None."""
        try:
            document = read_document(content, ".txt")
        except ValueError as error:
            return ParsedFile(None, notes=(SheetNote(0, UNCLEAR, str(error)),))
        text = document.text
        notes = tuple(note for note in document.notes if not note.line)
        read = read_defaults(text, self._resolve_path)
        if read.refusal:
            return ParsedFile(None, notes=(describe_error(read.refusal), *notes), text=text)
        self._defaults = read
        return ParsedFile(None, notes=(*notes, *read.notes), text=text)

    def clear_defaults(self) -> None:
        self._defaults = Sheet()

    def read_parameters(self, file: WatchedFile, content: bytes) -> dict[str, object]:
        """What a sheet says besides its lyrics; nothing of what is none."""
        with suppress(ValueError):
            values = build_sheet(_read_words(file, content), self._resolve_path).values
            return {name: value for name, value in values.items() if name != "lyrics"}
        return {}

    def parse(self, file: WatchedFile, content: bytes) -> ParsedFile:
        """What a file asks for, with the folder's defaults behind it."""
        if file.is_manifest:
            return self._parse_manifest(file, content)
        try:
            document = _read_words(file, content)
        except ValueError as error:
            return ParsedFile(None, notes=(SheetNote(0, UNCLEAR, str(error)),))
        read = build_sheet(document, self._resolve_path)
        text = document.text
        notes = read.notes
        if read.refusal:
            return ParsedFile(None, notes=(describe_error(read.refusal), *notes), text=text)
        if any(note.holds and note.holds not in read.values for note in read.notes):
            return ParsedFile(None, notes=notes, text=text)
        values = _lay_over(self._defaults.values, read.values)
        if not file.is_audio:  # what a sound is called, it says itself
            values.setdefault("name", file.path.stem)
        if held := self._describe_held(values):
            return ParsedFile(None, notes=(*held, *notes), text=text)
        if file.is_audio:
            try:
                values["source"] = self._resolve_path("source", str(file.path))
            except Refused as error:  # it was a link out of there a moment later
                return ParsedFile(None, notes=(describe_error(error),))
            if file.text_path:
                message = f"its parameters are in {file.text_path.name}"
                notes = (SheetNote(0, UNDERSTOOD, message), *notes)
        if values.get("source") or self._watch.request.get("source"):
            values.setdefault("task", "" if self._watch.audio == "ignore" else self._watch.audio)
        elif not self._panel.defaults.source:
            values["task"] = read.values.get("task", "")  # the folder's is for what has a source
        try:
            defaults = self._watch.build_defaults(self._panel.defaults)
            request = self._build_request(defaults, values)
        except BadRequest as error:
            return ParsedFile(None, notes=(describe_error(error), *notes), text=text)
        notes = (*_explain_lengths(request, read.values, self._defaults.values, defaults), *notes)
        # the folder's defaults are its session
        own = read.values.keys() | values.keys() - self._defaults.values.keys()
        session = list_session_fields(own - {"prompt"} if file.is_audio else own)
        request, said = follow_source(request, session)
        if "name" not in values and not request.name:
            request = request.changed({"name": file.path.stem})
        notes = (*_describe((*said, *list_explanations(request))), *notes)
        insert = read.insert or self._defaults.insert
        return ParsedFile(request, (defaults, values), notes, text, insert, read.sung)

    def _build_request(self, defaults: Request, values: Mapping[str, object]) -> Request:
        """Raises `BadRequest`."""
        # a sheet's lyrics are read already
        read_lyrics = keep_lyrics if "lyrics" in values else read_written_lyrics
        return Panel(defaults, self._panel.tempo, read_lyrics).build_request(values)

    def _describe_held(self, values: Mapping[str, object]) -> list[SheetNote]:
        """What of the folder's defaults was not understood, and is in none of `values`."""
        hint = "save this again when that is mended"
        return [
            SheetNote(
                0, note.code, f"line {note.line} of {DEFAULTS}: {note}", hint, holds=note.holds
            )
            for note in self._defaults.notes
            if note.holds and note.holds not in values
        ]

    def _parse_manifest(self, file: WatchedFile, content: bytes) -> ParsedFile:
        """A manifest asks for its take again; with a seed among the folder's defaults, for a
        variation of it.
        """
        try:
            manifest = parse_manifest(content, file.path, self._accept_request)
            seed = {name: value for name, value in self._defaults.values.items() if name == "seed"}
            request = manifest.request.changed(seed)
            original = manifest.title
            current = self._model.title
        except (Refused, BadRequest) as error:
            return ParsedFile(None, notes=(describe_error(error),))
        except ValueError as error:
            return ParsedFile(None, notes=(SheetNote(0, UNCLEAR, str(error)),))
        notes = tuple(SheetNote(0, WILL_DIFFER, note) for note in manifest.notes)
        if self._model.state in ("warm", "busy") and original != current:
            message = f"{original} played this and {current} plays now: it will differ"
            notes += (SheetNote(0, WILL_DIFFER, message),)
        return ParsedFile(request, request, notes, insert=self._defaults.insert)

    def _accept_request(self, values: Mapping[str, Any]) -> Request:
        """The request of a manifest, whose files are in an allowed folder. Raises `Refused` and
        `BadRequest`.
        """
        resolved = {
            name: self._resolve_path(name, str(value)) if name in FILE_FIELDS else value
            for name, value in values.items()
        }
        return accept_request(resolved)

    def _resolve_path(self, name: str, value: str) -> str:
        """Raises `Refused`."""
        return str(self._allowed_folders.resolve_values({name: value})[name])


def _lay_over(defaults: Mapping[str, object], own: Mapping[str, object]) -> dict[str, object]:
    """What a file says over its folder's defaults: seconds that it says count before their bars, as
    in `Request.overlaid`.
    """
    says_seconds = "seconds" in own and "bars" not in own
    kept = {name: defaults[name] for name in defaults if name != "bars" or not says_seconds}
    return {**kept, **own}


def _explain_lengths(
    request: Request, own: Mapping[str, object], folder: Mapping[str, object], defaults: Request
) -> Iterator[SheetNote]:
    """Which of two lengths counts."""
    for text in explain_two_lengths(request, own):
        yield SheetNote(0, UNCLEAR, text)
    bars = folder.get("bars", defaults.bars)
    if bars and not request.bars and "seconds" in own:
        message = f"it is {request.seconds:.10g} s long, as it says, and not {bars} bars"
        yield SheetNote(0, UNDERSTOOD, message)


def _read_words(file: WatchedFile, content: bytes) -> Document:
    """Raises ValueError for what holds none, with what to do."""
    return read_document(content, (file.text_path or file.path).suffix.lower())


def _describe(explanations: Iterable[Explanation]) -> tuple[SheetNote, ...]:
    """What was read of a prompt, a source and a guide; what was not understood, or becomes
    something else, is a problem.
    """
    return tuple(
        SheetNote(0, UNCLEAR if said.is_problem else UNDERSTOOD, said.text) for said in explanations
    )
