"""What every source of a tempo has in common."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

MIN_BPM = 20.0  # what is slower or faster than this is no music
MAX_BPM = 400.0
ROUNDING = 1e-6  # of a group of beats: a beat that is so little past counts as the next one


class BeatPosition(NamedTuple):
    """Where a song was `at` that time.monotonic(): in quarter notes from its beginning, at that
    tempo.
    """

    at: float
    beat: float
    bpm: float

    def find_next_beat(self, beats: float, after: float) -> float:
        """When the first beat that is a multiple of `beats` comes, not before `after`."""
        count = (self.beat + (after - self.at) * self.bpm / 60) / beats
        whole = math.ceil(count - ROUNDING)
        return max(after, after + (whole - count) * beats * 60 / self.bpm)


class TempoSource(Protocol):
    """Something that may have a tempo. `bpm` and `position` may be read from any thread, all the
    rest happens on one.
    """

    name: str

    @property
    def bpm(self) -> float:
        """0 while it has none."""

    @property
    def position(self) -> BeatPosition | None:
        """None while it is not known where the beat is."""

    def start(self) -> None: ...
    def poll(self, now: float) -> None: ...
    def close(self) -> None: ...
