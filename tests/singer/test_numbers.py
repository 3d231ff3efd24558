"""Numbers in words of the language that is sung."""

from __future__ import annotations

import pytest

from pipeline.singer.numbers import NUMBERED, write_number, write_ordinal


@pytest.mark.parametrize(
    ("digits", "language", "words"),
    [
        ("24", "en", "twenty four"),
        ("1999", "en", "nineteen ninety nine"),
        ("1000", "en", "one thousand"),
        ("007", "en", "zero zero seven"),
        ("24", "es", "veinticuatro"),
        ("77", "it", "settantasette"),
        ("99", "de", "neunundneunzig"),
        ("1984", "de", "neunzehnhundertvierundachtzig"),
        ("71", "fr", "soixante et onze"),
        ("21", "pt", "vinte e um"),
        ("0", "ja", "ゼロ"),
        ("11", "ja", "じゅういち"),
        ("300", "ja", "さんびゃく"),
        ("1600", "ja", "せんろっぴゃく"),
        ("20000", "ja", "にまん"),
        ("10", "zh", "shi"),
        ("24", "zh", "er shi si"),
        ("101", "zh", "yi bai ling yi"),
        ("1999", "zh", "yi jiu jiu jiu"),
        ("20300", "zh", "er wan ling san bai"),
        ("0", "zh", "ling"),
    ],
)
def test_numbers_are_written(digits: str, language: str, words: str) -> None:
    assert " ".join(write_number(digits, language)) == words


@pytest.mark.parametrize("language", sorted(NUMBERED))
def test_long_numbers_are_read_digit_by_digit(language: str) -> None:
    assert write_number("5" * 16, language) == write_number("5", language) * 16
    assert write_number("9" * 15, language)


def test_ordinals() -> None:
    assert write_ordinal("21", "en") == ["twenty", "first"]
    assert write_ordinal("3", "fr") == ["troisième"]
