"""Music as notes: what the guide is rendered from. Composed from a sketch, or read from a MIDI
file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..limits import LIMITS

ROLES = ("drums", "bass", "chords", "lead")
DRUMS = {  # by their General MIDI note
    36: "kick",
    38: "snare",
    39: "clap",
    42: "closed hat",
    46: "open hat",
    45: "tom",
    37: "rim",
    70: "shaker",
    41: "low tom",
    44: "pedal hat",
    48: "high tom",
    49: "crash",
    51: "ride",
    54: "tambourine",
    56: "cowbell",
    62: "high conga",
    64: "low conga",
    75: "claves",
}
MAX_NOTES = LIMITS.midi_notes


class TooManyNotes(ValueError):
    """A score would have more than `MAX_NOTES`. The message says how many."""


class Note(NamedTuple):
    """`start` and `length` in beats (quarter notes) from the clip's start; a drum's `pitch` is one
    of `DRUMS`.
    """

    role: str
    start: float
    length: float
    pitch: int
    velocity: float  # 0..1
    # the pitch from which it slides into its own, like an 808's; None: it does not
    slide_from: int | None = None
    sung: bool = False  # from a track of vocals: words may be put on it


@dataclass(frozen=True)
class Score:
    bpm: float
    notes: tuple[Note, ...]

    @property
    def vocals(self) -> tuple[Note, ...]:
        """The notes that words may be put on."""
        return tuple(note for note in self.notes if note.sung)

    @property
    def end(self) -> float:
        """The beat at which the last note ends."""
        return max((note.start + note.length for note in self.notes), default=0.0)

    def cut(self, beats: float) -> Score:
        """The first `beats`: nothing starts or sounds after them."""
        return Score(self.bpm, tuple(self._list_shifted((0.0,), beats)))

    def repeat(self, beats_per_bar: float, beats: float, loop: float = 0.0) -> Score:
        """Exactly `beats`: repeated after `loop` beats (0: after the bars that it fills) when
        shorter, cut when longer. Raises `TooManyNotes`.
        """
        loop = loop or self.count_bars(beats_per_bar) * beats_per_bar
        times = math.ceil(round(beats / loop, 9))
        if times * len(self.notes) > MAX_NOTES:
            raise TooManyNotes(
                f"{len(self.notes)} notes, repeated {times} times, are more than {MAX_NOTES}"
            )
        shifts = [index * loop for index in range(times)]
        return Score(self.bpm, tuple(self._list_shifted(shifts, beats)))

    def _list_shifted(self, shifts: Iterable[float], end: float) -> Iterator[Note]:
        """All notes, once for each of these beats by which they are late, up to the beat `end`."""
        last = end - 1e-6
        for shift in shifts:
            for role, written, length, pitch, velocity, slide_from, sung in self.notes:
                if (start := written + shift) < last:
                    kept = min(length, end - start)
                    yield Note(role, start, kept, pitch, velocity, slide_from, sung)

    def count_bars(self, beats_per_bar: float) -> int:
        """The bars that it fills."""
        last = max((note.start for note in self.notes), default=0.0)
        # what rings a little into the next bar does not fill it
        sounding = max(self.end - 0.25, last)
        return max(math.ceil(sounding / beats_per_bar), math.floor(last / beats_per_bar) + 1)
