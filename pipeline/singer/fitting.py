"""Words on notes that are there already: those of a MIDI file's vocals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from ..guide.score import Note
from .lyrics import Line, LinesOfSection, Lyrics
from .syllables import Syllable
from .vocal_line import SungNote, SungSyllable
from .vocal_part import SungLine, VocalPart, assemble_part
from .vocals import REGISTERS

REST_BEATS = 0.5  # between phrases
SHORTEST = 0.1  # seconds of a syllable, where a note is shared
SPILLED = 0.25  # of a line's syllables: so many share a phrase's last note at most
EXTRA = 2  # notes that a line's last syllable takes besides its own, or half of the line's


def fit_vocals(
    notes: Sequence[Note],
    bpm: float,
    quarters: float,
    lyrics: Lyrics,
    singer: str = "",
    seconds: float = math.inf,
) -> VocalPart | None:
    """The lyrics on the notes of a melody at `bpm`, in bars of `quarters`, within the clip's first
    `seconds`: a syllable on each. None where no word can be sung.

    A line ends where a phrase does: its last syllable takes the notes that are over there, or the
    phrase's last note the syllables. When all lines are sung, they are sung again, as long as there
    are notes for a whole one. Notes are moved by octaves into a singer's register; an empty
    `singer` is the one who has them with the least of that.
    """
    melody = _cut_overlaps(notes, bpm, seconds)
    lines = [(part, line) for part in lyrics.parts for line in part.sung]
    if not melody or not lines:
        return None
    singer, octaves = _choose_singer(melody, singer)
    melody = [note._replace(pitch=note.pitch + 12 * octaves) for note in melody]
    sung = list(_sing_lines(melody, _find_phrase_ends(melody, bpm), lines, bpm, quarters))
    part = assemble_part(singer, lyrics, sung)
    said = list(part.notes)
    if octaves:
        how = f"{12 * abs(octaves)} semitones {'up' if octaves > 0 else 'down'}"
        said.append(f"the vocals' notes are moved {how}, where a {singer} sings them")
    used = sum(len(syllable.notes) for line in sung for _, syllable in line.syllables)
    if used < len(melody):
        said.append(f"the last {len(melody) - used} of the vocals' notes have no words")
    return VocalPart(singer, part.syllables, part.backing, part.lines, tuple(said))


def _cut_overlaps(notes: Sequence[Note], bpm: float, seconds: float) -> list[SungNote]:
    """One note at a time, the highest of those that begin together, in seconds."""
    beat = 60 / bpm
    highest: dict[float, Note] = {}
    for note in sorted(notes, key=lambda note: (note.start, note.pitch)):
        highest[round(note.start, 3)] = note
    ordered = [note for note in highest.values() if note.start * beat < seconds - SHORTEST]
    ends = [note.start for note in ordered[1:]] + [math.inf]
    return [
        SungNote(
            round(note.start * beat, 6),
            round((min(note.start + note.length, end) - note.start) * beat, 6),
            float(note.pitch),
        )
        for note, end in zip(ordered, ends)
    ]


def _choose_singer(melody: Sequence[SungNote], singer: str) -> tuple[str, int]:
    """Who sings a melody, moved by how many octaves: what lies outside of the register costs, what
    is above it most, and an octave a little.
    """
    pitches = np.array([note.pitch for note in melody])

    def price(choice: tuple[str, int]) -> float:
        name, octaves = choice
        register = REGISTERS[name]
        moved = pitches + 12 * octaves
        above = np.maximum(moved - register.high, 0).mean()
        below = np.maximum(register.low - moved, 0).mean()
        return float(2 * above + below + 0.5 * abs(octaves))

    names = (singer,) if singer else tuple(REGISTERS)
    return min(itertools.product(names, (0, -1, 1, -2, 2, -3, 3, -4, 4, -5, 5)), key=price)


def _find_phrase_ends(melody: Sequence[SungNote], bpm: float) -> list[int]:
    """Of each note the index behind the last one of its phrase."""
    ends = [len(melody)] * len(melody)
    for index in range(len(melody) - 2, -1, -1):
        rest = melody[index + 1].start - melody[index].start - melody[index].length
        is_last = rest >= REST_BEATS * 60 / bpm - 1e-3
        ends[index] = index + 1 if is_last else ends[index + 1]
    return ends


def _sing_lines(
    melody: Sequence[SungNote],
    phrase_ends: Sequence[int],
    lines: Sequence[tuple[LinesOfSection, Line]],
    bpm: float,
    quarters: float,
) -> Iterator[SungLine]:
    """Line after line, and all of them again."""
    at = 0
    for number, (part, line) in enumerate(itertools.cycle(lines)):
        count = line.syllables
        is_again = number >= len(lines)
        if at >= len(melody) or (is_again and count > len(melody) - at):
            return
        end = _find_end(phrase_ends, at, count)
        rows = _share_out(melody[at:end], count)
        yield _put(part, line, rows, bpm, quarters)
        at = end


def _find_end(phrase_ends: Sequence[int], at: int, count: int) -> int:
    """Behind the notes of a line with `count` syllables: there, or at the end of a phrase that is
    near.
    """
    end = min(at + count, len(phrase_ends))
    after = phrase_ends[end - 1]
    inside = at
    while phrase_ends[inside] < end:
        inside = phrase_ends[inside]
    if after > end and inside > at and end - inside <= SPILLED * count:
        return inside
    return after if after - end <= max(EXTRA, count // 2) else end


def _share_out(notes: Sequence[SungNote], count: int) -> list[tuple[SungNote, ...]]:
    """The notes of each syllable: one, the last one's all that are over; the last note is divided
    where syllables are over, as far as it is long enough.
    """
    if len(notes) >= count:
        return [*((note,) for note in notes[: count - 1]), tuple(notes[count - 1 :])]
    last = notes[-1]
    shares = min(count - len(notes) + 1, max(1, int(last.length / SHORTEST)))
    length = last.length / shares
    divided = [
        last._replace(start=round(last.start + index * length, 6), length=round(length, 6))
        for index in range(shares)
    ]
    return [(note,) for note in (*notes[:-1], *divided)]


def _put(
    part: LinesOfSection,
    line: Line,
    rows: Sequence[tuple[SungNote, ...]],
    bpm: float,
    quarters: float,
) -> SungLine:
    """A line on its notes; without the words at its end for which there are none."""
    syllables: list[tuple[int, SungSyllable]] = []
    words = 0
    free = iter(rows)
    for index, word in enumerate(line.words):
        own = list(itertools.islice(free, len(word.word.syllables)))
        if len(own) < len(word.word.syllables):
            break
        words = index + 1
        syllables += (
            (index, SungSyllable(syllable, notes, _find_velocity(syllable), part.spoken))
            for syllable, notes in zip(word.word.syllables, own)
        )
    bar_seconds = quarters * 60 / bpm
    first = int(rows[0][0].start / bar_seconds + 1e-3)
    end = rows[-1][-1].start + rows[-1][-1].length
    bars = max(1, math.ceil(end / bar_seconds - 1e-3) - first)
    return SungLine(line, part.label, first, bars, line.words[:words], tuple(syllables))


def _find_velocity(syllable: Syllable) -> float:
    return 0.65 + 0.2 * syllable.stress
