"""What a file of words holds, whatever its format: its lines, and when they are sung."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from ..notes import UNDERSTOOD, SheetNote


class Kind(StrEnum):
    """How a document is written."""

    PLAIN = "plain text"
    MARKDOWN = "Markdown"
    LRC = "LRC"
    SUBTITLES = "subtitles"
    RICH_TEXT = "rich text (RTF)"
    WEB_PAGE = "a web page (HTML)"
    SONG = "a song of OpenSong or OpenLyrics (XML)"
    ULTRASTAR = "a song of UltraStar"
    FORUM = "a forum's post (BBCode)"
    OFFICE = "a word processor's document"


class DocumentLine(NamedTuple):
    """Line `number` of a document, from 1, and when it is sung, in seconds: several times, or no
    time that is known. Nothing of its format is left in `text`.
    """

    number: int
    text: str
    times: tuple[float, ...] = ()


class DocumentTag(NamedTuple):
    """A parameter that line `number` gives in the way of its format, like [ti:Night Drive]."""

    number: int
    name: str
    value: str


class Document(NamedTuple):
    """The words of a file. The numbers of all lines count those of `text`, which reports quote.
    What of it is no words and no parameter, `notes` tell.
    """

    kind: Kind
    text: str
    lines: tuple[DocumentLine, ...]
    tags: tuple[DocumentTag, ...] = ()
    notes: tuple[SheetNote, ...] = ()


class SungLines(NamedTuple):
    """What is sung in place of line `number`, at each of its times, in seconds. A line without
    times keeps its place before the line below it.
    """

    number: int
    times: tuple[float, ...]
    lines: tuple[str, ...]


def sort_by_time(lines: Sequence[SungLines]) -> list[SungLines]:
    """A line with several times is sung at each of them; one without goes before the line that
    follows it.
    """
    placed: list[tuple[float, int, SungLines]] = []
    following = float("inf")
    for index, line in reversed(list(enumerate(lines))):
        placed += [(time, index, line) for time in line.times or [following]]
        following = min(line.times, default=following)
    return [line._replace(times=(time,)) for time, _, line in sorted(placed)]


def join_notes(notes: Iterable[SheetNote]) -> tuple[SheetNote, ...]:
    """By their lines; of lines one after the other of which the same is said, one note."""
    joined: list[SheetNote] = []
    for note in sorted(notes, key=lambda note: note.line):
        last = joined[-1] if joined else None
        if (
            last
            and 0 < last.line == note.line - last.lines
            and note.code == last.code == UNDERSTOOD
            and note.message == last.message
        ):
            joined[-1] = replace(last, lines=last.lines + note.lines)
        else:
            joined.append(note)
    return tuple(joined)
