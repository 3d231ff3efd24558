"""The bass of a composition."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ..score import Note
from .arrangement import FirstArrangement, FirstChordSpan
from .sketch import pick

PITCHES = range(28, 52)
ROOTS = {pitch % 12: pitch for pitch in PITCHES[:12]}


def play_bass(arrangement: FirstArrangement, rng: np.random.Generator) -> Iterator[Note]:
    """One of the style's patterns, on the tones of each chord. A chord that comes within a bar
    begins with its root.
    """
    pattern = pick(rng, arrangement.style.bass)
    if pattern == "kick":
        pattern = _follow_kick(arrangement.drums["kick"])
    spans = arrangement.spans
    for span, following in zip(spans, spans[1:] + spans[:1]):
        tones = _choose_tones(span, following, rng)
        for step, length, symbol in arrangement.read_pattern(pattern, span):
            changes = step == span.begin > 0
            pitch = tones["1" if changes else symbol]
            velocity = (0.9 if step % 4 == 0 else 0.78) + rng.uniform(-0.06, 0.06)
            yield from arrangement.place_note("bass", span.bar, step, length, pitch, velocity)


def _follow_kick(kick: str) -> str:
    """A bass pattern that plays with the kick and holds for up to three steps."""
    played = re.sub(r"[^.]", "1", kick.replace("?", "."))
    return re.sub(r"1\.{1,2}", lambda match: match[0].replace(".", "-"), played)


def _choose_tones(
    span: FirstChordSpan, following: FirstChordSpan, rng: np.random.Generator
) -> dict[str, int]:
    """The pitch of every symbol of a pattern: root, third, fifth, octave, and a tone of the scale
    next to the following chord's root.
    """
    root = ROOTS[span.chord[0]]
    next_root = ROOTS[following.chord[0]]
    third, fifth = (
        root + (span.chord[min(tone, len(span.chord) - 1)] - root) % 12 for tone in (1, 2)
    )
    below = max(pitch for pitch in range(next_root - 6, next_root) if pitch % 12 in span.scale)
    above = min(pitch for pitch in range(next_root + 1, next_root + 7) if pitch % 12 in span.scale)
    approach = pick(rng, (below, below, above))
    if approach not in PITCHES:
        approach = above
    return {"1": root, "3": third, "5": fifth, "8": root + 12, "a": approach}
