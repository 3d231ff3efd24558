"""Phonemes are divided into syllables: as much as may be stands before a vowel."""

from __future__ import annotations

import pytest

from pipeline.singer.phonemes import ADDED, ARPABET_CONSONANTS, ARPABET_VOWELS, CONSONANTS, VOWELS
from pipeline.singer.syllables import (
    PRIMARY,
    SECONDARY,
    Syllable,
    make_onsets,
    stress_one,
    syllabify,
    weaken,
)
from tests.support.sung import write

ONSETS = make_onsets("S-T S-T-R T-R", glides="Y")


def divide(phonemes: str) -> str:
    return write(syllabify(phonemes.split(), ONSETS))


@pytest.mark.parametrize(
    ("phonemes", "syllables"),
    [
        ("AA B AA", "AA . B AA"),
        ("AA S T R AA", "AA . S T R AA"),
        ("AA K S T R AA K S", "AA K . S T R AA K S"),
        ("AA T T AA", "AA T . T AA"),
        ("AA T Y AA", "AA . T Y AA"),
        ("AA S T Y AA", "AA . S T Y AA"),
        ("AA NG AA", "AA NG . AA"),
        ("IY AA", "IY . AA"),
        ("P AA1 T AX2", "P AA1 . T AX2"),
        ("S T R AA", "S T R AA"),
    ],
)
def test_consonants_go_before_the_vowel_as_far_as_they_may(phonemes: str, syllables: str) -> None:
    assert divide(phonemes) == syllables


@pytest.mark.parametrize(
    ("consonants", "syllable"),
    [
        ("M", "MM"),
        ("HH M", "HH MM"),
        ("B R", "B ER"),
        ("S K R T", "S K ER T"),
        ("N", "NN"),
        ("L", "AX L"),
        ("SH", "SH AX"),
        ("P S T", "P S T AX"),
    ],
)
def test_what_has_no_vowel_is_held_on_what_can_be(consonants: str, syllable: str) -> None:
    assert divide(consonants) == syllable


def test_nothing_is_no_syllable() -> None:
    assert syllabify([], ONSETS) == ()


def test_stress_is_put_on_one_syllable_counted_from_either_end() -> None:
    word = syllabify("AA B AA B AA".split(), ONSETS)
    assert write(stress_one(word, -2)) == "AA . B AA1 . B AA"
    assert write(stress_one(word, 0)) == "AA1 . B AA . B AA"
    assert write(stress_one(word, -4)) == "AA1 . B AA . B AA"


def test_function_words_lose_their_stress_and_others_some_of_it() -> None:
    word = (Syllable((), "AA", (), PRIMARY), Syllable((), "AA", (), 0.0))
    assert write(weaken(word)) == "AA . AA"
    assert write(weaken(word, to=SECONDARY)) == "AA2 . AA"


def test_every_added_phoneme_names_the_nearest_of_arpabet() -> None:
    assert len(ARPABET_VOWELS) + len(ARPABET_CONSONANTS) == 40  # CMUdict's 39, and the schwa
    for name, added in ADDED.items():
        assert added.nearest in ARPABET_VOWELS | ARPABET_CONSONANTS, name
        assert (name in VOWELS) != (name in CONSONANTS)
        assert name not in ARPABET_VOWELS | ARPABET_CONSONANTS
