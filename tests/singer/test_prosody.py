"""Syllables get their places in time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pipeline.singer.prosody import (
    SPOKEN,
    SUNG,
    Beat,
    Slots,
    choose_pace,
    choose_unit,
    list_beats,
    make_slots,
    place_syllables,
)
from pipeline.singer.syllables import SungWord, Syllable
from tests.guide.composer.arrangements import METERS, make_arrangement

EIGHTH = 0.3  # seconds, at 100 bpm


def read_stresses(signs: str) -> list[Beat]:
    """ "/" is a stressed syllable, "." another; every one is a word, "," a comma behind one."""
    beats: list[Beat] = []
    for sign in signs:
        if sign == ",":
            beats[-1] = beats[-1]._replace(pauses=True)
        else:
            beats.append(Beat(float(sign == "/"), True, False))
    return beats


def place(signs: str, *, begin: float = 12, end: float = 48, unit: float = 2) -> list[float]:
    """The steps of a line's syllables at 100 bpm, whose first bar line is at step 16."""
    slots = make_slots(make_arrangement(bpm=100), begin, end, unit)
    row = place_syllables(read_stresses(signs), slots, 16 * 0.15, end * 0.15 - EIGHTH, EIGHTH, 0.11)
    assert row is not None
    return [float(slots.steps[place]) for place in row]


def test_stresses_are_on_beats_and_the_others_between_them() -> None:
    assert place("/././") == [16, 18, 20, 22, 24]
    assert all(step % 4 == 0 for sign, step in zip("/./../", place("/./../")) if sign == "/")


def test_what_is_before_the_first_stress_is_a_pick_up() -> None:
    assert place("./././") == [14, 16, 18, 20, 22, 24]
    assert place("../") == [12, 14, 16]


def test_a_line_at_the_very_beginning_has_no_room_for_a_pick_up() -> None:
    steps = place("./././", begin=16)
    assert steps[0] >= 16
    assert steps[1] % 4 == 0


def test_a_comma_is_heard() -> None:
    with_comma, without = place("/./.,/./"), place("/./././")
    assert with_comma[4] - with_comma[3] > without[4] - without[3]


def test_where_there_is_no_room_there_is_no_row() -> None:
    slots = make_slots(make_arrangement(bpm=100), 0, 8, 2)
    assert len(slots.steps) == 4
    assert place_syllables(read_stresses("....."), slots, 0, 2, EIGHTH, 0.11) is None
    assert place_syllables(read_stresses("...."), slots, 0, 0.9, EIGHTH, 0.11) is None
    assert place_syllables([], slots, 0, 2, EIGHTH, 0.11) is None
    nothing = Slots(*[np.array([])] * 3)
    assert place_syllables(read_stresses("."), nothing, 0, 2, EIGHTH, 0.11) is None


@pytest.mark.parametrize(
    ("bpm", "unit"), [(30, 0.5), (60, 1), (70, 1), (100, 2), (140, 2), (170, 4), (200, 4), (300, 4)]
)
def test_a_slow_piece_is_phrased_in_double_time_and_a_fast_one_in_half(
    bpm: float, unit: float
) -> None:
    assert choose_unit(15 / bpm, room=32, syllables=4, shortest=SUNG.shortest) == unit


def test_many_syllables_are_sixteenths_and_never_quicker_than_a_mouth() -> None:
    assert choose_unit(0.15, room=32, syllables=8, shortest=0.11) == 2
    assert choose_unit(0.15, room=32, syllables=16, shortest=0.11) == 1
    assert choose_unit(0.15, room=32, syllables=400, shortest=0.11) == 1
    assert choose_unit(0.05, room=32, syllables=400, shortest=0.11) == 4


def test_few_syllables_take_their_time_and_rap_is_quick() -> None:
    assert choose_pace(SUNG, 4.8, 3) == SUNG.slow
    assert choose_pace(SUNG, 4.8, 30) == SUNG.quick
    assert choose_pace(SPOKEN, 2.4, 12) < SUNG.quick


@pytest.mark.parametrize(("quarters", "signature"), METERS)
def test_every_meter_has_a_grid(quarters: float, signature: str) -> None:
    arrangement = make_arrangement(quarters=quarters, time_signature=signature, bars=16)
    for unit in (8, 4, 2, 1, 0.5):
        slots = make_slots(arrangement, 0, 16 * arrangement.sketch.meter.steps, unit)
        assert len(slots.steps) == len(slots.seconds) == len(slots.weights) >= 16
        assert all(one < other for one, other in itertools.pairwise(slots.seconds))
        assert slots.seconds[-1] < 16 * quarters * 60 / arrangement.sketch.bpm


def test_the_syllables_of_words_know_where_words_and_clauses_end() -> None:
    syllable = Syllable((), "AX", (), 0.0)
    words = [SungWord("over,", (syllable, syllable)), SungWord("now", (syllable,))]
    assert [(beat.ends_word, beat.pauses) for beat in list_beats(words)] == [
        (False, False),
        (True, True),
        (True, False),
    ]
