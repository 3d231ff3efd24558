"""Patterns are dealt like cards: seeds of one style do not get the same hand twice."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping

from .patterns import PATTERNS
from .rhythms import RHYTHMS
from .sketch import Sketch

GOLDEN = (math.sqrt(5) - 1) / 2  # neighbouring seeds land far from each other


def deal(sketch: Sketch, counts: Mapping[str, int]) -> dict[str, int]:
    """Of every table, by the number of its patterns, the one that the sketch's seed gets.

    Seeds that differ modulo the product of the counts get hands that differ: the seed is read as a
    number of mixed radix, after a step that spreads neighbours over all hands. Each style begins
    elsewhere.
    """
    product = math.prod(counts.values())
    step = round(product * GOLDEN)
    while math.gcd(step, product) > 1:
        step += 1
    rest = (sketch.seed * step + zlib.crc32(sketch.style.encode())) % product
    hand = {}
    for name, count in counts.items():
        rest, hand[name] = divmod(rest, count)
    return hand


def deal_patterns(sketch: Sketch) -> dict[str, int]:
    """Which of the style's patterns of "drums" and "bass" and rhythms of "chords" the main material
    plays. Material `m` plays others, at a fixed distance.
    """
    patterns = PATTERNS[sketch.style]
    counts = {
        "drums": len(patterns.drums),
        "bass": len(patterns.bass),
        "chords": len(RHYTHMS[sketch.style]),
    }
    return deal(sketch, counts)
