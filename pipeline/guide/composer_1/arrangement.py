"""What all parts of a composition agree on: meter, harmony, and the drum pattern."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..harmony import adapt_scale, parse_chord, scale_of
from ..score import Note
from .sketch import FirstSketch, make_rng, pick
from .styles import STYLES

PROGRESSIONS = {  # scale degrees, counted from 0
    "major": ("0534", "0345", "0453", "5304", "0304", "1400", "0353", "0245", "3045"),
    "minor": ("0526", "0340", "0654", "0534", "0056", "0362", "0536", "0365", "5600", "0263"),
}


class FirstChordSpan(NamedTuple):
    """The steps `begin..end` of one bar, which have one chord."""

    bar: int
    begin: int
    end: int
    chord: tuple[int, ...]  # pitch classes, the bass first
    scale: tuple[int, ...]  # pitch classes that go with it


class FirstPatternNote(NamedTuple):
    """What a pattern plays at a step of a bar, and for how many steps."""

    step: int
    length: int
    symbol: str


class FirstArrangement:
    """What all parts agree on: the meter, the harmony, and the drum pattern that a bass may
    follow.
    """

    def __init__(self, sketch: FirstSketch) -> None:
        rng = make_rng(sketch.seed, "form")
        self.sketch = sketch
        self.style = STYLES[sketch.style]
        self.bars = sketch.bars
        self.steps = math.ceil(sketch.beats_per_bar * 4 - 1e-6)  # in a bar
        self.drums = pick(rng, self.style.drums)
        self.scale = scale_of(sketch.key)
        self.spans = list(
            self._spread_chord_line() if sketch.chords else self._compose_progression(rng)
        )

    def beat_at(self, bar: int, step: int) -> float:
        """When a step of a bar is, in beats: every second step is late by the swing, and nothing is
        after the bar.
        """
        late = self.style.swing if step % 2 == 1 else 0.0
        return bar * self.sketch.beats_per_bar + min((step + late) / 4, self.sketch.beats_per_bar)

    def pattern_index(self, bar: int, step: int) -> int:
        """Which of a pattern's 16 characters a step of a bar plays. Long bars repeat the pattern,
        short ones cut it, and those that are shorter than two beats share it.
        """
        return (step if self.steps >= 8 else bar * self.steps + step) % 16

    def read_pattern(self, pattern: str, span: FirstChordSpan) -> Iterator[FirstPatternNote]:
        """What a pattern plays in a span. What is held into the span begins again with it."""
        steps = range(span.begin, span.end)
        symbols = "".join(pattern[self.pattern_index(span.bar, step)] for step in steps)
        if symbols[0] == "-":
            before = pattern[: self.pattern_index(span.bar, span.begin)]
            symbols = before.rstrip("-")[-1] + symbols[1:]
        for match in re.finditer(r"[^.-]-*", symbols):
            yield FirstPatternNote(span.begin + match.start(), len(match[0]), match[0][0])

    def place_note(
        self, role: str, bar: int, step: int, length: int, pitch: int, velocity: float
    ) -> Iterator[Note]:
        """A note at a bar's step, `length` steps long, that ends a little before others begin; none
        where the meter has no such step.
        """
        start = self.beat_at(bar, step)
        beats = (self.beat_at(bar, step + length) - start) * 0.95
        if beats > 1e-6:
            velocity = round(min(max(velocity, 0.05), 1.0), 3)
            yield Note(role, round(start, 6), round(beats, 6), pitch, velocity)

    def _compose_progression(self, rng: np.random.Generator) -> Iterator[FirstChordSpan]:
        """A progression of four chords: one in a bar or in half a bar, more in very long bars,
        fewer in short.
        """
        thirds = (0, 4) if self.style.voices == 2 else (0, 2, 4, 6)[: self.style.voices]
        degrees = pick(rng, PROGRESSIONS[self.sketch.key.split()[1]])
        halves = rng.random() < 0.2 and self.steps % 8 == 0
        per_bar = max(1, round(self.steps / 16)) * (2 if halves else 1)
        bars_per_chord = math.ceil(8 / self.steps)
        for bar in range(self.bars):
            for part in range(per_bar):
                degree = int(degrees[(bar // bars_per_chord * per_bar + part) % 4])
                chord = tuple(self.scale[(degree + third) % 7] for third in thirds)
                begin = self.steps * part // per_bar
                end = self.steps * (part + 1) // per_bar
                yield FirstChordSpan(bar, begin, end, chord, self.scale)

    def _spread_chord_line(self) -> Iterator[FirstChordSpan]:
        """The chord line, one entry per bar, again and again; evenly over all bars if it has more
        entries than there are bars.
        """
        line = self.sketch.chords
        for bar in range(self.bars):
            if len(line) > self.bars:
                entries = line[bar * len(line) // self.bars : (bar + 1) * len(line) // self.bars]
            else:
                entries = (line[bar % len(line)],)
            names = " ".join(entries).split()
            edges = (self.steps * index // len(names) for index in range(len(names) + 1))
            for name, (begin, end) in zip(names, itertools.pairwise(edges)):
                chord = parse_chord(name)
                if begin < end:
                    yield FirstChordSpan(bar, begin, end, chord, adapt_scale(self.scale, chord))
