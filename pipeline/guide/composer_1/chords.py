"""The chords of a composition, led voice by voice."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from ..score import Note
from .arrangement import FirstArrangement
from .sketch import pick

PITCHES = range(48, 68)
_CENTRE = 57  # the mean pitch that a voicing tends to
_WIDTH = 12  # semitones from its lowest note to its highest


def play_chords(arrangement: FirstArrangement, rng: np.random.Generator) -> Iterator[Note]:
    """One of the style's patterns: whole chords, or one of their notes."""
    pattern = pick(rng, arrangement.style.chords)
    voicing: tuple[int, ...] = ()
    for span in arrangement.spans:
        voicing = _voice_chord(span.chord, voicing)
        for step, length, symbol in arrangement.read_pattern(pattern, span):
            played = voicing if symbol == "x" else (voicing[(int(symbol) - 1) % len(voicing)],)
            velocity = (0.75 if step % 4 == 0 else 0.66) + rng.uniform(-0.06, 0.06)
            for pitch in played:
                yield from arrangement.place_note("chords", span.bar, step, length, pitch, velocity)


def _voice_chord(chord: tuple[int, ...], previous: tuple[int, ...]) -> tuple[int, ...]:
    """The voicing that is nearest to the previous one, compact, and about the middle."""
    places = [[pitch for pitch in PITCHES if pitch % 12 == tone] for tone in chord]
    voicings = {tuple(sorted(voicing)) for voicing in itertools.product(*places)}

    def effort(voicing: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
        moved = 0
        if previous:
            moved = sum(min(abs(pitch - other) for other in previous) for pitch in voicing)
        excess = max(0, voicing[-1] - voicing[0] - _WIDTH)
        return moved + excess + abs(sum(voicing) / len(voicing) - _CENTRE), voicing

    return min(voicings, key=effort)
