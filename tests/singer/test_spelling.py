"""Rules of spelling: the first that fits its surroundings wins."""

from __future__ import annotations

from string import ascii_lowercase

import pytest

from pipeline.singer import english, french, german, italian, portuguese, spanish
from pipeline.singer.phonemes import CONSONANTS, VOWELS
from pipeline.singer.spelling import SpellingRules, read_entries

RULES = SpellingRules(
    """
    [a] A
    [ch] SH; [c]F S; [c] K
    F[e]# -; [e] E
    [h] -
    #[s] Z; [ss] S; [s] S
    """,
    F="eic",
)


@pytest.mark.parametrize(
    ("word", "phonemes"),
    [
        ("ca", "K A"),
        ("ce", "S"),
        ("cea", "S E A"),
        ("cha", "SH A"),
        ("sassa", "Z A S A"),
        ("", ""),
        ("e", "E"),
    ],
)
def test_what_stands_around_a_letter_decides(word: str, phonemes: str) -> None:
    assert RULES.read(word) == phonemes.split()


def test_letters_without_a_rule_are_read_without_their_marks_or_not_at_all() -> None:
    assert RULES.read("çà") == RULES.read("ca")
    assert RULES.read("æ") == ["A", "E"]
    assert RULES.read("c1–a本") == RULES.read("ca")


def test_every_letter_of_a_table_needs_a_rule_that_always_fits() -> None:
    with pytest.raises(ValueError, match=r"the last rule of c must be \[c\]"):
        SpellingRules("[c]F S", F="ei")


@pytest.mark.parametrize("language", [english, french, german, italian, portuguese, spanish])
def test_tables_make_known_phonemes_only(language: object) -> None:
    rules: SpellingRules = language.RULES  # type: ignore[attr-defined]
    assert rules.phonemes <= VOWELS | CONSONANTS
    assert all(rules.read(f"a{letter}a") for letter in ascii_lowercase)


def test_entries_are_words_and_what_is_said_of_them() -> None:
    assert read_entries("a AX; the DH AX") == {"a": "AX", "the": "DH AX"}
