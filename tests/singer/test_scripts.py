"""Which script a letter is of, and how many syllables are hummed of what nobody reads."""

from __future__ import annotations

import pytest

from pipeline.singer.scripts import HAN, HANGUL, KANA, LATIN, count_syllables, find_script


@pytest.mark.parametrize(
    ("letters", "script"),
    [
        ("aÉßœ", LATIN),
        ("あンー", KANA),
        ("君月々", HAN),
        ("안", HANGUL),
        ("Пж", "Cyrillic"),
        ("λ", "Greek"),
        ("م", "Arabic"),
        ("1!🔥\u0301\ud800 ", ""),
    ],
)
def test_scripts_are_told(letters: str, script: str) -> None:
    assert {find_script(letter) for letter in letters} == {script}


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("привет", 2),
        ("καλημέρα", 4),
        ("kocham", 2),
        ("szczęście", 2),
        ("안녕하세요", 5),
        ("שלום", 2),
        ("नमस्ते", 2),
        ("brr", 1),
        ("7", 1),
        ("", 1),
    ],
)
def test_syllables_are_counted_by_vowels_or_characters(word: str, count: int) -> None:
    assert count_syllables(word) == count
