"""A lyric sheet as writers write it: text in; values of a request out, with a note on every line.

A sheet may begin with parameters (parameters.py). What follows is sung (lyrics.py). documents/
knows how its file is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from pipeline.limits import LIMITS
from pipeline.request import BadRequest, OutOfRange, coerce

from .characters import split_written_lines
from .documents.credits import drop_last_credits
from .documents.document import Document, DocumentLine, Kind
from .documents.read import read_text
from .lyrics import LyricsReader
from .notes import UNCLEAR, SheetNote
from .parameters import (
    INSERT,
    PathResolver,
    count_header_lines,
    read_parameter,
    read_parameters,
)

MAX_LINES = LIMITS.sheet_lines  # each is read, and told of


@dataclass(frozen=True)
class Sheet:
    """Values of a request by the names of its fields, as they are kept, and what was made of every
    line. `insert`: who is to put the take into a DAW, as in `Order`. `refusal`: why nothing is made
    of it, as it is too long. `sung` are the sheet's lines that the lines of its lyrics come from.
    """

    values: dict[str, object] = field(default_factory=dict)
    notes: tuple[SheetNote, ...] = ()
    insert: str = ""
    refusal: BadRequest | None = None
    sung: tuple[int, ...] = ()


def keep_path(name: str, value: str) -> str:
    """Resolves nothing."""
    return value


def read_sheet(
    text: str,
    suffix: str = ".txt",
    resolve_path: PathResolver = keep_path,
    keeps_markers: bool = False,
) -> Sheet:
    """A lyric sheet; `suffix` (.txt, .md, .lrc) is how it is written. No text raises."""
    return build_sheet(read_text(text, suffix), resolve_path, keeps_markers)


def build_sheet(
    document: Document, resolve_path: PathResolver = keep_path, keeps_markers: bool = False
) -> Sheet:
    """The sheet that a document holds. `keeps_markers` as in `LyricsReader`. No text raises."""
    lines = document.lines
    if len(lines) > MAX_LINES:
        return Sheet(refusal=_refuse_lines(len(lines)))
    untimed = [line.text for line in takewhile(lambda line: not line.times, lines)]
    body = count_header_lines(untimed)
    written = split_written_lines(document.text)
    header = [written[line.number - 1] for line in lines[:body]]
    values, header_notes = read_parameters(header, resolve_path)
    notes = [*document.notes]
    notes += [replace(note, line=lines[note.line - 1].number) for note in header_notes]
    for tag in document.tags:
        name, converted, note = read_parameter(tag.name, tag.value, resolve_path)
        if converted is not None and values.setdefault(name, converted) != converted:
            hint = f"it is {values[name]} already"
            message = f"not used: {note.message}"
            note = replace(note, message=message, code=UNCLEAR, hint=hint)
        notes.append(replace(note, line=tag.number))
    reader = LyricsReader(
        document.kind == Kind.MARKDOWN,
        values,
        lambda name, value: read_parameter(name, value, resolve_path),
        keeps_markers,
    )
    words: Sequence[DocumentLine] = lines[body:]
    if not any(line.times for line in words):
        words, credits = drop_last_credits(words)
        notes += credits
    reader.read(words)
    values |= reader.values
    refusal = None
    sung: list[tuple[int, str]] = []
    lyrics = ""
    try:
        sung = reader.list_lines()
        lyrics = coerce("lyrics", "\n".join(line for _, line in sung))
    except BadRequest as error:
        refusal = error
    notes = sorted([*notes, *reader.list_notes()], key=lambda note: note.line)
    if refusal:
        return Sheet(values, tuple(notes), refusal=refusal)
    if lyrics:
        if values.get("lyrics"):
            message = "there are lyrics among the parameters, and below"
            notes.insert(0, SheetNote(0, UNCLEAR, message, "those below are sung"))
        values["lyrics"] = lyrics
    insert = str(values.pop(INSERT, ""))
    numbers = tuple(number for number, _ in sung)
    return Sheet(values, tuple(notes), insert, sung=numbers)


def read_defaults(text: str, resolve_path: PathResolver = keep_path) -> Sheet:
    """A file of parameters only; the `---` lines may be left out."""
    lines = split_written_lines(text)
    if len(lines) > MAX_LINES:
        return Sheet(refusal=_refuse_lines(len(lines)))
    values, notes = read_parameters(lines, resolve_path)
    insert = str(values.pop(INSERT, ""))
    return Sheet(values, tuple(notes), insert)


def _refuse_lines(count: int) -> BadRequest:
    message = f"a sheet must have at most {MAX_LINES} lines, got {count}"
    return OutOfRange(message, "split it")


def format_sheet(values: Mapping[str, object]) -> str:
    """The sheet of which `read_sheet` makes these values."""
    header = [f"{name}: {_quote(value)}" for name, value in values.items() if name != "lyrics"]
    lyrics = str(values.get("lyrics", "")).strip()
    return "\n".join(["---", *header, "---", "", lyrics]).rstrip() + "\n"


def _quote(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
