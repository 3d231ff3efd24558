"""Lyrics as they are sung: sections by their markers, lines, and the words of each.

`[Verse 1]` begins a section; what stands in parentheses is a second voice's; a section whose marker
says rap or spoken has no tune. Nothing else in brackets is sung.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..guide.composer.form import FormLine, LyricSection
from .pronounce import pronounce_lyrics
from .syllables import SungWord

# By the words of a marker, what kind of section they begin: those too that the daemon's sheets
# write, in the languages of song sheets (daemon/watch/section_names.py).
_KIND_WORDS = {
    "intro": "intro introduction introducción introdução introduzione вступление інтро интро "
    "イントロ 前奏 인트로 전주",
    "verse": "verse rap spoken strophe estrofa strofa couplet verso versetto vers zwrotka sloka "
    "kıta säkeistö versszak κουπλέ phiên "
    "stanza part section parte partie teil часть куплет aメロ a段 主歌 ラップ 段 番 절 벌스 랩",
    "pre": "prechorus pre-chorus build buildup build-up pre-estribillo pre-coro pré-refrão "
    "pre-ritornello pré-refrain pré-couplet vorrefrain förrefräng předrefrén voorrefrein "
    "предприпев bメロ b段 サビ前 预副歌 預副歌 前副歌 导歌 導歌 프리코러스",
    "chorus": "chorus postchorus post-chorus refrain post-refrain hook drop coro estribillo "
    "ritornello refrão kehrreim kehrvers refräng omkvæd refren refrén nakarat "
    "refrein kertosäe refreng refrään reff điệp ρεφρέν припев приспів サビ "
    "大サビ 落ちサビ ラスサビ コーラス c段 副歌 후렴 후렴구 코러스",
    "bridge": "bridge väliosa middle puente ponte pont brücke bruecke bro brygga stick "
    "бридж мост cメロ dメロ ブリッジ 桥段 橋段 브릿지 브리지 misc",
    "break": "break breakdown interlude interludio interlúdio instrumental inst silence riff "
    "turnaround zwischenspiel tussenspel mellanspel проигрыш 間奏 间奏 过门 過門 간주",
    "solo": "solo соло",
    "outro": "outro coda schluss vamp tag ending end fade nachspiel аутро кода концовка финал 後奏 "
    "アウトロ 尾奏 结尾 尾声 후주 아웃트로",
}
_ALONE = {"final": "outro"}  # where a marker says nothing else: a final chorus is a chorus
_KINDS = {word: kind for kind, words in _KIND_WORDS.items() for word in words.split()}
_SPOKEN = frozenset(("rap", "rapped", "spoken", "speech", "talking"))
MAX_LABEL = 60  # characters of a marker that are kept
SHOWN = 6  # of what is told of
REACH = 8  # lines over which a parenthesis goes at most

_OPENING = "(（"
_CLOSING = ")）"
_BRACKETS = re.compile(r"\[[^\[\]]*\]?")
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
    """All sections in their order, and what was read otherwise than it is written."""

    parts: tuple[LinesOfSection, ...]
    notes: tuple[str, ...]

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
    written, notes = _read_lines(text)
    voices = [voice for line in written for voice in line.voices]
    pronounced = pronounce_lyrics([words for words, _ in voices], language)
    notes += pronounced.notes
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
    return Lyrics(tuple(parts), tuple(notes))


def find_kind(label: str) -> str:
    """The kind of section (form.KINDS) that a marker names, like "Pre-Chorus 2" or "guitar solo";
    "" where it names none.
    """
    words = [word.strip("-") for word in _WORDS.findall(label.lower())]
    pairs = [before + after for before, after in itertools.pairwise(words)]
    found = [_KINDS[word] for word in (*pairs, *words) if word in _KINDS]
    is_only_spoken = _SPOKEN.intersection(words) and len(found) > 1
    named = [kind for kind in found if kind != "verse"] if is_only_spoken else found
    alone = [_ALONE[word] for word in words if word in _ALONE]
    return (named or found or alone or [""])[0]


def is_spoken(label: str) -> bool:
    """Whether what follows a marker is rapped or said."""
    return not _SPOKEN.isdisjoint(_WORDS.findall(label.lower()))


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
