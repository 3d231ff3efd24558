"""What a singer is given: syllables on notes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from .phonemes import CONSONANTS, VOWELS
from .syllables import Syllable

LEGATO = 0.12  # seconds: a shorter rest between two syllables is sung through
LONGEST_SPOKEN = 0.4  # seconds: nobody drones in speech


class SungNote(NamedTuple):
    """A note of the voice, in seconds from the beginning; `pitch` is MIDI's, and may lie between
    two keys.
    """

    start: float
    length: float
    pitch: float


class SungSyllable(NamedTuple):
    """A syllable and its notes, in order of time: several are a melisma. `velocity` is 0 to 1.

    A `spoken` one is rap: its note says when, and about which pitch the speech falls.
    """

    syllable: Syllable
    notes: tuple[SungNote, ...]
    velocity: float
    spoken: bool

    @property
    def start(self) -> float:
        return self.notes[0].start

    @property
    def end(self) -> float:
        end = self.notes[-1].start + self.notes[-1].length
        return min(end, self.start + LONGEST_SPOKEN) if self.spoken else end


def is_legato(sung: SungSyllable, following: SungSyllable) -> bool:
    """Whether a voice goes on from one syllable to the next without a breath."""
    return following.start - sung.end < LEGATO


def check_line(line: Sequence[SungSyllable]) -> None:
    """ValueError for what cannot be sung: sounds that are not in phonemes.py, no note, notes of
    no length or that are not in order.
    """
    for sung in line:
        _, vowel, _, _ = sung.syllable
        unknown = {vowel} - VOWELS | {*sung.syllable.onset, *sung.syllable.coda} - CONSONANTS
        if unknown:
            raise ValueError(
                f"a syllable is consonants, a vowel and consonants of pipeline/singer/phonemes.py,"
                f" got {sung.syllable} with {', '.join(sorted(unknown))}"
            )
        if not sung.notes:
            raise ValueError(f"a syllable needs a note to be sung on, {sung.syllable} has none")
    notes = [note for sung in line for note in sung.notes]
    for note in notes:
        if not all(map(math.isfinite, note)) or note.start < 0 or note.length <= 0:
            raise ValueError(f"a note starts at 0 or later and has a length, got {note}")
    for note, following in pairwise(notes):
        if following.start <= note.start:
            raise ValueError(f"the notes of a line come in order of time: {following} after {note}")
