"""Syllables as text, to be read in a test: K O . DX A . S O1 N."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.singer.languages import READERS
from pipeline.singer.syllables import PRIMARY, SECONDARY, Syllable


def write(syllables: Iterable[Syllable]) -> str:
    """Phonemes, with CMUdict's digit behind a stressed vowel; a point between syllables."""
    digits = {PRIMARY: "1", SECONDARY: "2"}
    return " . ".join(
        " ".join((*each.onset, each.vowel + digits.get(each.stress, ""), *each.coda))
        for each in syllables
    )


def sing(words: str | Sequence[str], language: str) -> list[str]:
    """Each word's syllables, of words beside each other."""
    return [
        write(each)
        for each in READERS[language](words.split() if isinstance(words, str) else words)
    ]
