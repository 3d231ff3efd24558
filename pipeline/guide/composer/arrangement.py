"""What all parts of a composition agree on: form, harmony, and the patterns that are locked."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ..score import ROLES
from .deal import deal_patterns
from .form import Section
from .sketch import Sketch

HAND_NUMBERS = 4093  # a prime, so that no bar meets the same ones as its neighbours


class ChordSpan(NamedTuple):
    """The steps `begin..end` of one bar, which have one chord."""

    bar: int
    begin: int
    end: int
    name: str  # as people write it: "Dm9", "G7/B"
    chord: tuple[int, ...]  # pitch classes, the bass first
    scale: tuple[int, ...]  # pitch classes that go with it
    # neither chords nor bass are heard; `chord` is the one before, which a tune goes by
    is_rest: bool = False


@dataclass(frozen=True)
class Arrangement:
    """What all parts agree on."""

    sketch: Sketch
    scale: tuple[int, ...]  # pitch classes of the key, tonic first
    sections: tuple[Section, ...]  # without gaps, in order
    spans: tuple[ChordSpan, ...]  # in order; the spans of a bar fill it

    @cached_property
    def _starts(self) -> list[int]:
        return [section.bar for section in self.sections]

    def section_at(self, bar: int) -> Section:
        return self.sections[bisect.bisect_right(self._starts, bar) - 1]

    @cached_property
    def hand(self) -> dict[str, int]:
        """Which of the style's patterns the first material plays: of "drums", "bass", "chords"."""
        return deal_patterns(self.sketch)

    @cached_property
    def hands(self) -> dict[str, tuple[float, ...]]:
        """Of each role what its hands do not do exactly: numbers of a normal distribution within
        -2 to 2, of which the groove takes some for every note.
        """
        rngs = {role: self.sketch.make_rng("groove", role) for role in ROLES}
        return {
            role: tuple(rng.standard_normal(HAND_NUMBERS).clip(-2, 2).tolist())
            for role, rng in rngs.items()
        }

    @cached_property
    def spans_by_bar(self) -> tuple[tuple[ChordSpan, ...], ...]:
        bars: list[list[ChordSpan]] = [[] for _ in range(self.sketch.bars)]
        for span in self.spans:
            bars[span.bar].append(span)
        return tuple(map(tuple, bars))

    def span_at(self, bar: int, step: float) -> ChordSpan:
        """The chord that sounds at a step of a bar."""
        spans = self.spans_by_bar[bar]
        return next((span for span in spans if step < span.end), spans[-1])
