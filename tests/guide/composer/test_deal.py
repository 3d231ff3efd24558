"""Patterns are dealt without repeats."""

from __future__ import annotations

import itertools
import math

from pipeline.guide.composer.deal import deal, deal_patterns
from pipeline.guide.composer.meter import read_meter
from pipeline.guide.composer.patterns import PATTERNS
from pipeline.guide.composer.rhythms import RHYTHMS
from pipeline.guide.composer.sketch import Sketch
from pipeline.guide.composer.styles import STYLES
from pipeline.guide.score import ROLES

COUNTS = {"drums": 11, "bass": 8, "chords": 8}


def sketch_of(seed: int, style: str = "pop") -> Sketch:
    return Sketch(style, 120.0, "A minor", 8, read_meter(4), ROLES, seed)


def test_as_many_seeds_as_there_are_hands_get_a_hand_each() -> None:
    product = math.prod(COUNTS.values())
    for first in (0, 5_000_000):
        hands = {
            tuple(deal(sketch_of(seed), COUNTS).values()) for seed in range(first, first + product)
        }
        assert hands == {*itertools.product(*map(range, COUNTS.values()))}


def test_neighbours_differ_in_most_of_it() -> None:
    for seed in range(200):
        one, other = (deal(sketch_of(each), COUNTS) for each in (seed, seed + 1))
        assert sum(one[name] != other[name] for name in COUNTS) >= 2


def test_a_seed_is_another_hand_in_every_style() -> None:
    assert len({tuple(deal(sketch_of(1, style), COUNTS).values()) for style in STYLES}) > 15


def test_every_style_has_hands_enough() -> None:
    for style in STYLES:
        patterns = PATTERNS[style]
        assert len(patterns.drums) >= 8
        assert len(patterns.bass) >= 6
        assert len(RHYTHMS[style]) >= 6
        assert len(patterns.drums) * len(patterns.bass) * len(RHYTHMS[style]) >= 480
        hand = deal_patterns(sketch_of(3, style))
        assert hand["chords"] < len(RHYTHMS[style])
