"""Lyrics as somebody writes them into a message, a panel or an option: read as a watched sheet is.

What is sung as it stands is left as it stands, so that lyrics which were read are read the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.request import BadRequest, OutOfRange, names_file

from ..jobs import Refused
from ..panel import WrittenLyrics
from .characters import split_written_lines
from .lyrics import SUGGESTION
from .notes import UNDERSTOOD, SheetNote, find_problems, shorten
from .sheet import read_sheet

MOST_TOLD = 8  # sentences: each is a message to whoever asked
MOST_LINES = 12  # numbers of lines in a sentence
AS_WRITTEN = ("sung", "", "a line across the page", "a time tag")


def read_written_lyrics(text: str) -> WrittenLyrics:
    """What is sung of lyrics, what stands above them, and what was read otherwise than it is
    written. Raises `BadRequest` where they are too long.
    """
    sheet = read_sheet(text, resolve_path=_refuse_files, keeps_markers=True)
    if sheet.refusal:
        raise sheet.refusal
    lines = [line.strip() for line in split_written_lines(text)]
    values = {name: value for name, value in sheet.values.items() if name != "lyrics"}
    refused: dict[str, BadRequest] = {
        note.holds: OutOfRange(_describe([note], lines), note.hint)
        for note in sheet.notes
        if note.holds
    }
    notes = [note for note in sheet.notes if not _is_as_written(note, lines)]
    lyrics = _keep_written(str(sheet.values.get("lyrics", "")), text, lines)
    problems = _tell(find_problems(notes), lines)
    return WrittenLyrics(lyrics, values, refused, _tell(notes, lines), problems)


def _keep_written(sung: str, text: str, lines: list[str]) -> str:
    """What is sung; the text itself where that is the same but for space."""
    is_same = [line for line in sung.split("\n") if line] == [line for line in lines if line]
    return text if is_same else sung


def _is_as_written(note: SheetNote, lines: list[str]) -> bool:
    """Whether nothing is to be told: a line is sung as it stands, or is a marker."""
    if note.code != UNDERSTOOD:
        return False
    written = _find_line(note, lines).casefold()
    marker = [f"{what} {written}" for what in ("begins", "marker")]
    return note.message in AS_WRITTEN or note.message.casefold() in marker


def _tell(notes: Iterable[SheetNote], lines: list[str]) -> tuple[str, ...]:
    """A sentence for each, and one for all the lines of which the same is said."""
    alike: dict[tuple[object, ...], list[SheetNote]] = {}
    for note in notes:
        kind = note.message.partition(SUGGESTION)[0]
        alike.setdefault((note.code, kind, note.hint), []).append(note)
    told = [_describe(same, lines) for same in alike.values()]
    if len(told) > MOST_TOLD:
        more = len(told) - MOST_TOLD + 1
        told[MOST_TOLD - 1 :] = [f"the lyrics: {more} more things were read otherwise than written"]
    return tuple(told)


def _describe(notes: list[SheetNote], lines: list[str]) -> str:
    first, *others = notes
    numbers = [number for note in notes for number in range(note.line, note.line + note.lines)]
    if not first.line:
        return f"the lyrics: {first}"
    where = f"line {first.line}"
    if len(numbers) > 1:
        listed = ", ".join(map(str, numbers[:MOST_LINES]))
        more = len(numbers) - MOST_LINES
        where = f"lines {listed}" + (f" and {more} more" if more > 0 else "")
    said = first.message.partition(SUGGESTION)[0] if others else first.message
    quoted = shorten(_find_line(first, lines))
    hint = f"; {first.hint}" if first.hint else ""
    return f"the lyrics' {where} ({quoted}): {said}{hint}"


def _find_line(note: SheetNote, lines: list[str]) -> str:
    return lines[note.line - 1] if 0 < note.line <= len(lines) else ""


def _refuse_files(name: str, value: str) -> str:
    """Raises `Refused` for the path of a file."""
    if names_file(name, value):
        raise Refused(403, f"{name} is not read out of lyrics", f"send {name} by itself")
    return value
