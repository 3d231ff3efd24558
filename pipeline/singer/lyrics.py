"""Lyrics as they are sung: sections by their markers, lines, and the words of each.

`[Verse 1]` begins a section; what stands in parentheses is a second voice's; a section whose marker
says rap or spoken has no tune. Nothing else in brackets is sung.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..guide.composer.form import FormLine, LyricSection
from ..reading.said import fold_accents
from ..section_names import ADJECTIVES, ALIASES, HOMONYMS, KINDS
from .pronounce import pronounce_lyrics
from .syllables import SungWord

_SPOKEN = frozenset(("rap", "rapped", "spoken", "speech", "talking"))
MOST_WORDS = 3  # of a section's name
MAX_LABEL = 60  # characters of a marker that are kept
SHOWN = 6  # of what is told of
REACH = 8  # lines over which a parenthesis goes at most

_OPENING = "(（"
_CLOSING = ")）"
_BRACKETS = re.compile(r"\[[^\[\]]*\]?")
_REMARK = re.compile(r"[(:,–—/|]| - ")  # behind the name of a section
_WORDS = re.compile(r"[^\s\d:.,;()\[\]–—/|]+")


class LyricWord(NamedTuple):
    """A word and who sings it: the second voice where it stands in parentheses."""

    word: SungWord
    backing: bool


class Line(NamedTuple):
    """A line of the lyrics. `number` is its place among all lines of the text, counted from 0;
    `text` is all of it that is no marker. Without a syllable it is not sung.
    """

    text: str
    number: int
    words: tuple[LyricWord, ...]

    @property
    def syllables(self) -> int:
        return sum(len(word.word.syllables) for word in self.words)


@dataclass(frozen=True)
class LinesOfSection:
    """A section of the lyrics; `spoken` where it is rapped or said."""

    label: str
    kind: str
    spoken: bool
    lines: tuple[Line, ...]

    @functools.cached_property
    def sung(self) -> tuple[Line, ...]:
        """The lines that have a syllable: those that form knows."""
        return tuple(line for line in self.lines if line.syllables)


@dataclass(frozen=True)
class Lyrics:
    """All sections in their order, and what was read otherwise than it is written. `problems` are
    the notes by which something is left out, or hummed.
    """

    parts: tuple[LinesOfSection, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...] = ()

    @property
    def sections(self) -> tuple[LyricSection, ...]:
        """What form must know of them."""
        return tuple(
            LyricSection(
                part.label,
                part.kind,
                tuple(FormLine(line.text, line.syllables) for line in part.sung),
            )
            for part in self.parts
        )


def parse_lyrics(text: str, language: str = "unknown") -> Lyrics:
    """The lyrics of a request. `language` is its code, "unknown" where the words show it."""
    written, ignored = _read_lines(text)
    voices = [voice for line in written for voice in line.voices]
    pronounced = pronounce_lyrics([words for words, _ in voices], language)
    sung = iter(pronounced.lines)
    parts: list[LinesOfSection] = []
    label = ""
    lines: list[Line] = []

    def close() -> None:
        if label or lines:
            kind = find_kind(label) or "verse"
            parts.append(LinesOfSection(label, kind, is_spoken(label), tuple(lines)))
            lines.clear()

    for line in written:
        if line.marker:
            close()
            label = line.marker
        words = [
            word for (_, backing), row in zip(line.voices, sung) for word in _assign(row, backing)
        ]
        if line.text:
            lines.append(Line(line.text, line.number, tuple(words)))
    close()
    problems = (*ignored, *pronounced.problems)
    return Lyrics(tuple(parts), (*ignored, *pronounced.notes), problems)


def find_kind(label: str) -> str:
    """The kind of section (form.KINDS) that a marker names, like "Pre-Chorus 2" or "guitar solo";
    "" where it names none.
    """
    words = [*filter(None, map(_compare, _WORDS.findall(label)))]
    runs = [
        "".join(words[begin : begin + count])
        for count in range(MOST_WORDS, 0, -1)
        for begin in range(len(words) - count + 1)
    ]
    is_one = len(_WORDS.findall(_REMARK.split(label)[0])) == 1
    known = [run for run in runs if run in _KINDS and (is_one or run not in _ALONE)]
    return next((_KINDS[run] for run in sorted(known, key=ADJECTIVES.__contains__)), "")


def is_spoken(label: str) -> bool:
    """Whether what follows a marker is rapped or said."""
    return not _SPOKEN.isdisjoint(_WORDS.findall(label.lower()))


def _compare(word: str) -> str:
    """A word of a marker, or a name of sections, however it is spelt."""
    return fold_accents(word.lower()).replace("-", "").replace("\u200c", "")


def _list_kinds() -> dict[str, str]:
    """The kind of section of every name, as its words are compared."""
    aliases = {alias: KINDS[name] for alias, name in ALIASES.items()}
    return {
        "".join(map(_compare, _WORDS.findall(name))): kind
        for name, kind in (aliases | KINDS).items()
    }


def _assign(words: Sequence[SungWord], backing: bool) -> list[LyricWord]:
    """The words of a part that have syllables; a second voice's in their parentheses."""
    sung = [word for word in words if word.syllables]
    if backing and sung:
        sung[0] = sung[0]._replace(text=f"({sung[0].text}")
        sung[-1] = sung[-1]._replace(text=f"{sung[-1].text})")
    return [LyricWord(word, backing) for word in sung]


class _WrittenLine(NamedTuple):
    """A line before its words are known: the marker it begins with, if there is one, and the parts
    of the rest, each with whether it is the second voice's.
    """

    number: int
    marker: str
    text: str
    voices: tuple[tuple[str, bool], ...]


def _read_lines(text: str) -> tuple[list[_WrittenLine], list[str]]:
    """The lines that are not empty, and notes of what else stands in brackets."""
    sections: list[list[tuple[int, str, str]]] = [[]]
    ignored: dict[str, None] = {}
    for index, written in enumerate(text.split("\n")):
        marker = ""
        for bracket in _BRACKETS.findall(written):
            inside = " ".join(bracket.strip("[]").split())[:MAX_LABEL]
            if not marker and find_kind(inside):
                marker = inside
            elif inside:
                ignored[f"[{inside}]"] = None
        words = " ".join(_BRACKETS.sub(" ", written).replace("]", " ").split())
        if marker:
            sections.append([])
        if marker or words:
            sections[-1].append((index, marker, words))
    lines = [
        _WrittenLine(*line, voices)
        for section in sections
        for line, voices in zip(section, _split_voices([words for _, _, words in section]))
    ]
    notes = []
    if ignored:
        more = len(ignored) - SHOWN
        shown = ", ".join(list(ignored)[:SHOWN]) + (f" and {more} more" if more > 0 else "")
        notes.append(f"no section and not sung: {shown}")
    return lines, notes


def _split_voices(texts: Sequence[str]) -> Iterator[tuple[tuple[str, bool], ...]]:
    """The parts of each line of a section, and which of them stand in parentheses. One that is not
    closed goes on to its line's end, one that was never opened is no parenthesis.
    """
    closed = _find_closed(texts)
    opened: list[tuple[int, int]] = []
    for number, text in enumerate(texts):
        parts = []
        begin = 0
        for place, character in enumerate(text):
            if character not in _OPENING + _CLOSING:
                continue
            parts.append((text[begin:place], bool(opened)))
            begin = place + 1
            if character in _OPENING:
                opened.append((number, place))
            elif opened:
                opened.pop()
        parts.append((text[begin:], bool(opened)))
        yield tuple((part.strip(), backing) for part, backing in parts if part.strip())
        opened = [each for each in opened if each in closed]


def _find_closed(texts: Sequence[str]) -> set[tuple[int, int]]:
    """The parentheses, by line and place, that are closed: in their line, or in one of the next
    where they are in front of a word, as those of a :( are not.
    """
    closed = set()
    opened: list[tuple[int, int]] = []
    for number, text in enumerate(texts):
        for place, character in enumerate(text):
            if character in _OPENING:
                opened.append((number, place))
            elif character in _CLOSING and opened:
                closed.add(opened.pop())
        opened = [
            (line, place)
            for line, place in opened
            if number - line < REACH and not texts[line][max(place - 1, 0) : place].strip()
        ]
    return closed


_KINDS = _list_kinds()
_ALONE = frozenset(map(_compare, HOMONYMS))
