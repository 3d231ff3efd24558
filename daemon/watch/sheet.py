"""A lyric sheet as writers write it: text in; values of a request out, with a note on every line.

A sheet may begin with parameters (parameters.py). What follows is sung (lyrics.py).
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.limits import LIMITS
from pipeline.request import BadRequest, OutOfRange, coerce

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


def decode(content: bytes) -> tuple[str, str]:
    """The text of a file, and its encoding where that is not UTF-8. Raises ValueError when it is no
    text.
    """
    if content.startswith(codecs.BOM_UTF8):
        return content[len(codecs.BOM_UTF8) :].decode("utf-8", "replace"), ""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace"), "UTF-16"
    if b"\0" in content:
        raise ValueError("it holds zero bytes")
    try:
        return content.decode("utf-8"), ""
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252"), "Windows-1252"
    except UnicodeDecodeError:
        return content.decode("latin-1"), "Latin-1"


def split_lines(text: str) -> list[str]:
    """As editors count them."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def keep_path(name: str, value: str) -> str:
    """Resolves nothing."""
    return value


def read_sheet(text: str, suffix: str = ".txt", resolve_path: PathResolver = keep_path) -> Sheet:
    """A lyric sheet; `suffix` (.txt, .md, .lrc) is how it is written. No text raises."""
    lines = split_lines(text)
    if len(lines) > MAX_LINES:
        return Sheet(refusal=_refuse_lines(lines))
    body = count_header_lines(lines)
    values, notes = read_parameters(lines[:body], resolve_path)
    reader = LyricsReader(suffix, lambda name, value: read_parameter(name, value, resolve_path))
    for number, line in enumerate(lines[body:], body + 1):
        reader.add_line(number, line)
    for name, value in reader.values.items():
        values.setdefault(name, value)
    try:
        sung = reader.list_lines()
        lyrics = coerce("lyrics", "\n".join(line for _, line in sung))
    except BadRequest as error:
        return Sheet(values, (*notes, *reader.notes), refusal=error)
    if lyrics:
        if values.get("lyrics"):
            message = "there are lyrics among the parameters, and below"
            notes.insert(0, SheetNote(0, UNCLEAR, message, "those below are sung"))
        values["lyrics"] = lyrics
    insert = str(values.pop(INSERT, ""))
    numbers = tuple(number for number, _ in sung)
    return Sheet(values, (*notes, *reader.notes), insert, sung=numbers)


def read_defaults(text: str, resolve_path: PathResolver = keep_path) -> Sheet:
    """A file of parameters only; the `---` lines may be left out."""
    lines = split_lines(text)
    if len(lines) > MAX_LINES:
        return Sheet(refusal=_refuse_lines(lines))
    values, notes = read_parameters(lines, resolve_path)
    insert = str(values.pop(INSERT, ""))
    return Sheet(values, tuple(notes), insert)


def _refuse_lines(lines: list[str]) -> BadRequest:
    message = f"a sheet must have at most {MAX_LINES} lines, got {len(lines)}"
    return OutOfRange(message, "split it")


def format_sheet(values: Mapping[str, object]) -> str:
    """The sheet of which `read_sheet` makes these values."""
    header = [f"{name}: {_quote(value)}" for name, value in values.items() if name != "lyrics"]
    lyrics = str(values.get("lyrics", "")).strip()
    return "\n".join(["---", *header, "---", "", lyrics]).rstrip() + "\n"


def _quote(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
