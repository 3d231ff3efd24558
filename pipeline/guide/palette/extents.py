"""How far a clip goes, and what is before its beginning and behind its end: silence, or of a loop
the loop again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...request import SAMPLE_RATE
from .signals import Audio, Floats, Planar


class Extent(NamedTuple):
    """Of a clip, or of a loop."""

    samples: int
    is_loop: bool = False

    def fit_rate(self, hertz: float) -> float:
        """The rate of an oscillator: in a loop the nearest that ends where it began."""
        if not self.is_loop:
            return hertz
        cycles = max(1, round(hertz * self.samples / SAMPLE_RATE))
        return cycles * SAMPLE_RATE / self.samples

    def add(self, channel: Planar, begin: int, sound: Planar) -> None:
        """Add a sound to a channel (samples,) of the clip, wherever it begins and ends."""
        if not self.is_loop:
            first, last = max(begin, 0), min(begin + len(sound), self.samples)
            if first < last:
                channel[first:last] += sound[first - begin : last - begin]
            return
        begin %= self.samples
        while len(sound):
            window = channel[begin : begin + len(sound)]
            window += sound[: len(window)]
            sound = sound[len(window) :]
            begin = 0

    def read(self, audio: Audio, begin: int, end: int) -> Planar:
        """The clip (samples, 2) between two samples, which may be outside: (2, end - begin)."""
        if begin >= 0 and end <= self.samples:
            return audio[begin:end].T
        if self.is_loop:
            return audio.take(np.arange(begin, end), axis=0, mode="wrap").T
        sound = np.zeros((2, end - begin), np.float32)
        first, last = max(begin, 0), min(end, self.samples)
        if first < last:
            sound[:, first - begin : last - begin] = audio[first:last].T
        return sound

    def surround(self, values: Floats, before: int, after: int) -> Floats:
        """Values of the whole clip, one after the other in time, with those before and after."""
        return np.pad(values, (before, after), mode="wrap" if self.is_loop else "constant")

    def hold(self, values: Floats, before: int, after: int) -> Floats:
        """The same, but outside of a clip the first and the last go on."""
        return np.pad(values, (before, after), mode="wrap" if self.is_loop else "edge")
