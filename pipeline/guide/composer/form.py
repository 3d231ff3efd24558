"""The form of a piece: sections of whole bars, each with what sets it apart from the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

KINDS = ("intro", "verse", "pre", "chorus", "break", "bridge", "solo", "outro", "loop")


class FormLine(NamedTuple):
    """One sung line, as far as form must know it."""

    text: str
    syllables: int


class LyricSection(NamedTuple):
    """A section of the lyrics: its marker as it was written ("Verse 1"; "" before any marker), one
    of KINDS, and its lines; none where the marker asks for music without words.
    """

    label: str
    kind: str
    lines: tuple[FormLine, ...]


@dataclass(frozen=True)
class Section:
    """Bars `bar` to `bar + bars - 1` of a piece."""

    label: str  # for people: "Verse 1"
    kind: str  # one of KINDS
    bar: int  # counted from 0
    bars: int
    energy: float  # 0..1: how full and loud it is played
    parts: tuple[str, ...]  # of ROLES: those that play in it
    # sections with the same number play the same patterns and the same tune: both choruses, say
    material: int
    progression: int  # 0 and up: A, B, C
    lift: int = 0  # semitones by which its melody lies higher than the piece's; an octave at most
    fill_beats: int = 0  # at its end a fill of so many beats leads into what follows
    build: bool = False  # it grows towards its end
    crash: bool = False  # it begins with a crash
    ending: bool = False  # it ends the piece
    busy: bool = False  # it plays what verses do, with busier drums
    # lines of the lyrics by (index of section, index of line), each with the bars that it gets
    lines: tuple[SungBars, ...] = ()

    @property
    def end(self) -> int:
        """The bar behind it."""
        return self.bar + self.bars

    @property
    def backing(self) -> int:
        """The material of its drums, bass and chords; its tune is of its own."""
        return 0 if self.busy else self.material


class SungBars(NamedTuple):
    """Where a line of the lyrics is sung."""

    section: int  # index in the sketch's lyrics
    line: int
    bar: int  # counted from the piece's beginning
    bars: int
