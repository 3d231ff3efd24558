"""Which script a character belongs to, and how many syllables a word has that nobody here reads."""

from __future__ import annotations

import functools
import unicodedata
from itertools import groupby

LATIN = "Latin"
KANA = "kana"
HAN = "Chinese characters"
HANGUL = "Hangul"
_NAMES = {"HIRAGANA": KANA, "KATAKANA": KANA, "KATAKANA-HIRAGANA": KANA, "CJK": HAN, "LATIN": LATIN}
_ITERATION_MARK = "々"
_VOWELS = frozenset("aeiouyаеиоуыэюяёіїєαεηιουω")  # Latin, Cyrillic, Greek
_WITH_VOWELS = frozenset({LATIN, "Cyrillic", "Greek"})


@functools.lru_cache(maxsize=4096)
def find_script(letter: str) -> str:
    """LATIN, KANA, HAN, HANGUL, or what Unicode calls it: Cyrillic. Empty for what is no letter."""
    if letter == _ITERATION_MARK:
        return HAN
    if not letter.isalpha():
        return ""
    first = unicodedata.name(letter, "").split(" ")[0]
    return _NAMES.get(first, first.capitalize())


def count_syllables(word: str) -> int:
    """About how many syllables a word has, at least one: its groups of vowels where there are
    letters for them; a syllable for each character that is one, and for every two letters else.
    """
    letters = [letter for letter in unicodedata.normalize("NFD", word.lower()) if letter.isalpha()]
    scripts = {find_script(letter) for letter in letters}
    if scripts <= _WITH_VOWELS:
        return max(1, sum(is_vowel for is_vowel, _ in groupby(letters, _VOWELS.__contains__)))
    characters = len([letter for letter in unicodedata.normalize("NFC", word) if letter.isalpha()])
    if HANGUL in scripts:
        return max(1, characters)
    return max(1, (characters + 1) // 2)
