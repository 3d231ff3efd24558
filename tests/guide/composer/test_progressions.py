"""Progressions: Roman numerals, and the three or four of a piece."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.guide.composer.meter import read_meter
from pipeline.guide.composer.mood import Mood
from pipeline.guide.composer.progressions import (
    POOLS,
    choose_progressions,
    name_chord,
    read_numeral,
)
from pipeline.guide.composer.sketch import Sketch
from pipeline.guide.composer.styles import STYLES
from pipeline.guide.harmony import NOTES, parse_chord, scale_of
from pipeline.guide.score import ROLES


def sketch_of(style: str = "pop", key: str = "A minor", **changes: Any) -> Sketch:
    return Sketch(style, 120.0, key, 8, read_meter(4), ROLES, **{"seed": 1, **changes})


@pytest.mark.parametrize(
    ("key", "numeral", "name"),
    [
        ("A minor", "i", "Am"),
        ("A minor", "bVI", "F"),
        ("A minor", "V7", "E7"),
        ("A minor", "bII", "Bb"),
        ("C major", "V:3", "G/B"),
        ("F major", "IVmaj7", "Bbmaj7"),
        ("F major", "iv6", "Bbm6"),
        ("D minor", "iiø", "Em7b5"),
        ("F# minor", "bVII", "E"),
        ("A# minor", "bVI", "F#"),
        ("C major", "#Idim7", "C#dim7"),
    ],
)
def test_a_numeral_is_a_chord_of_the_key(key: str, numeral: str, name: str) -> None:
    assert name_chord(sketch_of(key=key), numeral) == name


@pytest.mark.parametrize(
    ("key", "numeral", "colour", "name"),
    [
        ("C major", "I", "7", "Cmaj7"),
        ("C major", "V", "7", "G7"),
        ("C major", "ii", "9", "Dm9"),
        ("C major", "iii", "9", "Em7"),  # F sharp is not in the key
        ("A minor", "V", "9", "E7"),
        ("A minor", "i", "add9", "Amadd9"),
        ("A minor", "bVI", "7", "Fmaj7"),
        ("C major", "IV", "sus4", "F"),  # B flat is not
        ("A minor", "i", "5", "A5"),
        ("C major", "V7", "9", "G7"),  # what a progression says stays
    ],
)
def test_colours_stay_in_the_key(key: str, numeral: str, colour: str, name: str) -> None:
    assert name_chord(sketch_of(key=key), numeral, colour) == name


def test_a_numeral_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="H7"):
        read_numeral("H7")


def test_every_style_has_a_pool_of_its_own_in_both_modes() -> None:
    assert [*POOLS] == [*STYLES]
    pools = [frozenset(pool) for modes in POOLS.values() for pool in modes.values()]
    assert len({*pools}) == len(pools)
    for modes in POOLS.values():
        assert {mode: len({*pool}) >= 6 for mode, pool in modes.items()} == {
            "minor": True,
            "major": True,
        }


@pytest.mark.parametrize("style", STYLES)
def test_all_chords_of_all_pools_can_be_named_and_read(style: str) -> None:
    for mode, pool in POOLS[style].items():
        for note in NOTES[::6]:
            sketch = sketch_of(style, f"{note} {mode}")
            for line in pool:
                for numeral in line.split():
                    for colour in STYLES[style].colours:
                        root = scale_of(sketch.key)[0] + read_numeral(numeral).offset
                        chord = parse_chord(name_chord(sketch, numeral, colour))
                        assert root % 12 in chord


def test_a_piece_has_progressions_that_differ() -> None:
    for style in STYLES:
        for seed in range(8):
            first, second, third, fourth = choose_progressions(sketch_of(style, seed=seed))
            assert len({first.chords, second.chords, third.chords}) == 3
            assert fourth.chords != first.chords


def test_minor_pieces_have_dominants_and_major_ones_borrowed_chords() -> None:
    def share(key: str, name: str, **changes: Any) -> int:
        pieces = [choose_progressions(sketch_of("pop", key, seed=n, **changes)) for n in range(40)]
        return sum(
            any(chord.startswith(name) for one in piece for chord in one.chords) for piece in pieces
        )

    assert share("A minor", "E") > 7
    assert share("C major", "Fm") > 3
    assert share("C major", "Fm", mood=Mood(valence=-0.8)) > share("C major", "Fm")


def test_moods_colour_chords() -> None:
    def count(kind: str, mood: Mood) -> int:
        sketches = [sketch_of("pop", "C major", seed=seed, mood=mood) for seed in range(30)]
        pieces = map(choose_progressions, sketches)
        return sum(kind in chord for piece in pieces for one in piece for chord in one.chords)

    assert count("add9", Mood(dream=0.8)) > 1.5 * count("add9", Mood())
    assert count("7", Mood(dust=0.8)) > 1.5 * count("7", Mood())
    assert count("5", Mood(weight=0.8)) > count("5", Mood())
