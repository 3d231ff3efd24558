"""The lead of a composition: two motifs in a form of four bars."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from ..score import Note
from .arrangement import FirstArrangement, FirstChordSpan
from .sketch import pick

PITCHES = range(60, 82)
FORMS = ("AABA", "ABAB", "AAAB", "ABAA", "A-AB")  # four bars: two motifs, or a rest


def play_lead(arrangement: FirstArrangement, rng: np.random.Generator) -> Iterator[Note]:
    """Two motifs in a form of four bars. The fourth comes to rest on the chord's root, or the
    tonic.
    """
    motif_a = _compose_motif(arrangement, rng)
    motif_b = _compose_motif(arrangement, rng)
    motifs = {"A": motif_a, "B": motif_b, "-": {}}
    form = pick(rng, FORMS)
    centre = int(rng.integers(66, 75))
    spans = {
        bar: list(group) for bar, group in itertools.groupby(arrangement.spans, lambda one: one.bar)
    }
    for bar in range(arrangement.bars):
        melody = _unfold_motif(arrangement, motifs[form[bar % 4]], bar)
        cadence = None
        if bar % 4 == 3:
            cadence = _cadence_step(arrangement, melody)
            melody = {step: move for step, move in melody.items() if step < cadence} | {cadence: 0}
        for step, following in itertools.pairwise([*melody, arrangement.steps]):
            span = next(one for one in spans[bar] if one.begin <= step < one.end)
            on_beat = step % 4 == 0
            longest = arrangement.style.lead.longest
            move = melody[step]
            if rng.random() < 0.12:
                move += pick(rng, (-1, 1))
            if step == cadence:
                pitch = _cadence_pitch(arrangement, span, centre)
                longest *= 2
            else:
                pitch = _choose_pitch(span, centre, move, on_beat)
            length = min(following - step, longest)
            velocity = (0.85 if on_beat else 0.75) + rng.uniform(-0.07, 0.07)
            yield from arrangement.place_note("lead", bar, step, length, pitch, velocity)


def _compose_motif(arrangement: FirstArrangement, rng: np.random.Generator) -> dict[int, int]:
    """Moves up and down a scale, by the place in a pattern at which they are played: first of all
    on beats.
    """
    rhythm = arrangement.style.lead
    end = min(16, arrangement.steps) if arrangement.steps >= 8 else 16
    places = range(0, end, rhythm.grid)
    weights = {place: rng.random() + (0.3 if place % 4 == 0 else 0.0) for place in places}
    count = int(rng.integers(rhythm.fewest, rhythm.most + 1))
    chosen = sorted(sorted(places, key=lambda place: -weights[place])[:count])
    moves = np.cumsum(rng.integers(-2, 3, len(chosen)))
    return {place: int(np.clip(move, -4, 5)) for place, move in zip(chosen, moves)}


def _unfold_motif(
    arrangement: FirstArrangement, motif: Mapping[int, int], bar: int
) -> dict[int, int]:
    """A motif's moves by the steps of a bar."""
    indices = {step: arrangement.pattern_index(bar, step) for step in range(arrangement.steps)}
    return {step: motif[index] for step, index in indices.items() if index in motif}


def _cadence_step(arrangement: FirstArrangement, melody: Mapping[int, int]) -> int:
    """Where a cadence comes to rest: on the last beat up to the middle of the bar, or at once if
    the bar is silent.
    """
    return arrangement.steps // 8 * 4 if melody else 0


def _cadence_pitch(arrangement: FirstArrangement, span: FirstChordSpan, centre: int) -> int:
    tonic = arrangement.scale[0]
    return _find_nearest(centre, (tonic,) if tonic in span.chord else span.chord[:1])


def _choose_pitch(span: FirstChordSpan, centre: int, move: int, on_beat: bool) -> int:
    """The scale's tone `move` steps from the chord's tone next to the centre; itself a chord's tone
    on a beat.
    """
    ladder = [pitch for pitch in PITCHES if pitch % 12 in span.scale]
    home = ladder.index(_find_nearest(centre, span.chord))
    pitch = ladder[min(max(home + move, 0), len(ladder) - 1)]
    return _find_nearest(pitch, span.chord) if on_beat else pitch


def _find_nearest(pitch: int, tones: Iterable[int]) -> int:
    allowed = set(tones)
    candidates = (other for other in PITCHES if other % 12 in allowed)
    return min(candidates, key=lambda other: (abs(other - pitch), other))
