"""How the patterns of drums and basses are written.

Drums are grids as drum machines show them, a row a drum and a character a step, under the name of
the pattern. A row that is shorter than its bar repeats in it; one that is longer has the following
bars too. In a row

    X x o g   loud, normal, soft, a ghost note
    ?         soft, and only sometimes
    f         with a grace note before it
    r         two thirty-seconds
    t         three in the time of two steps: a triplet of sixteenths
    T         three in the time of four steps: a triplet of eighths
    .         nothing

In what is laid over another pattern, such as a turn or a fill, "." leaves what is there and "_"
silences it.

Basses are one row. In it

    1 3 5 7 8   root, third, fifth, seventh and octave of the chord
    v           the fifth below the root
    6           the sixth of the scale above the root
    a           a note of the scale next to the following chord's root
    c           a semitone next to it
    n           that root itself, anticipated
    w           a step of a walk to it
    x           a ghost note: the root, damped
    u d s       slid: into the octave, from it into the root, into the root from a tone below
    -           holds on
    .           nothing
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import NamedTuple

from ...score import DRUMS

LOUDNESS = {"X": 0.92, "x": 0.78, "o": 0.56, "?": 0.46, "g": 0.3}
MULTIPLE = ("f", "r", "t", "T")  # symbols of more than one stroke
DRUM_SYMBOLS = {*LOUDNESS, *MULTIPLE, ".", "_"}
BASS_SYMBOLS = {*"13578v6acnwxuds-."}
FOUR_FOUR = "4/4"
METERS = {FOUR_FOUR: 16, "3/4": 12, "6/8": 12, "7/8": 14, "5/4": 20}  # steps of a bar


class DrumPattern(NamedTuple):
    """What drums play, by name of the drum."""

    name: str
    rows: Mapping[str, str]


class BassPattern(NamedTuple):
    """What a bass plays. Where `on_kick` is not 0, it plays only with the kick and holds a note for
    so many steps at most; the row then says which tone each step would have.
    """

    row: str
    on_kick: int = 0


class Family(NamedTuple):
    """What styles share that are played alike."""

    fills: tuple[DrumPattern, ...]  # two beats, laid over the end of a bar
    breaks: tuple[DrumPattern, ...]  # few drums, for the sections that breathe
    drums: Mapping[str, tuple[DrumPattern, ...]]  # by the METERS that are not 4/4
    bass: Mapping[str, tuple[BassPattern, ...]]
    crash: str = "crash"  # with what a section begins
    build: str = "snare"  # what rolls when a section grows


class StylePatterns(NamedTuple):
    """What drums and bass play in a style. In `drums` and in `bass` neighbours go together: a
    chorus plays what follows the pattern of the verse.
    """

    family: Family
    drums: tuple[DrumPattern, ...]
    turns: tuple[DrumPattern, ...]  # laid over every second bar: what players vary
    lifts: tuple[DrumPattern, ...]  # laid over the sections that are fuller than a verse
    bass: tuple[BassPattern, ...]
    bass_leads: float = 0.5  # how often the last note of a bar leads into the next chord
    lowest: int = 28  # the lowest root of the bass, MIDI
    fills: tuple[DrumPattern, ...] = ()  # of its own, beside the family's
    breaks: tuple[DrumPattern, ...] = ()


def read_drums(text: str) -> tuple[DrumPattern, ...]:
    """Patterns from a text: names at its margin, and below each its rows. Raises ValueError for a
    drum or a symbol that does not exist.
    """
    patterns: list[DrumPattern] = []
    for line in textwrap.dedent(text).splitlines():
        if not line.strip():
            continue
        if not line.startswith(" "):
            patterns.append(DrumPattern(line.strip(), {}))
            continue
        drum, row = line.strip().rsplit(maxsplit=1)
        if drum not in DRUMS.values() or not {*row} <= DRUM_SYMBOLS:
            raise ValueError(
                f"a row is a drum ({', '.join(DRUMS.values())}) and its symbols "
                f'({" ".join(sorted(DRUM_SYMBOLS))}), got "{line.strip()}"'
            )
        patterns[-1] = DrumPattern(patterns[-1].name, {**patterns[-1].rows, drum: row})
    return tuple(patterns)


def read_bass(text: str, on_kick: int = 0) -> tuple[BassPattern, ...]:
    """Patterns from a text, one in a line. Raises ValueError for a symbol that does not exist."""
    rows = text.split()
    for row in rows:
        if not {*row} <= BASS_SYMBOLS:
            raise ValueError(
                f'a bass has the symbols {" ".join(sorted(BASS_SYMBOLS))}, got "{row}"'
            )
    return tuple(BassPattern(row, on_kick) for row in rows)
