"""What was read of one thing that a prompt says, and the text that is looked through for it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

_PLAIN = str.maketrans(
    dict.fromkeys("‐‑‒–—―−〜∼", "-") | dict.fromkeys("⁄∕", "/") | dict.fromkeys('"“”„«»', "")
)
_ACCENTS = 200  # combining classes of accents; below are other marks
MOST_NAMED = 3  # tempos, keys or metres in a sentence
NEAR = 24  # characters before and behind that say what is meant
TAKEN = "it was taken"  # as it is written


class Said(NamedTuple):
    """What a prompt says of its tempo, key or metre, in its words; `value` as a request keeps it,
    "" where nothing was taken. `verdict` is what became of it, and `problems` are sentences about
    what was not understood. `words` are all the places that were read.
    """

    value: str = ""
    said: str = ""
    verdict: str = TAKEN
    problems: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class Mention(NamedTuple):
    """A place in a text, what it says in the text's words, and what that means."""

    start: int
    end: int
    said: str
    value: str


def join_said(said: Iterable[str]) -> str:
    """Each once: "90 and 140"; of many the first ones, and how many more there are."""
    distinct = [*dict.fromkeys(said)]
    if len(distinct) > MOST_NAMED:
        distinct[MOST_NAMED:] = [f"{len(distinct) - MOST_NAMED} more"]
    return " and ".join(distinct)


def limit_problems(problems: Iterable[str]) -> tuple[str, ...]:
    """Each once, and of many the first ones."""
    return tuple(dict.fromkeys(problems))[:MOST_NAMED]


def normalize(prompt: str) -> str:
    """Full-width characters as their ASCII twins, one dash, no quotes, and one space between words;
    ";" for the end of a line.
    """
    text = unicodedata.normalize("NFKC", prompt).translate(_PLAIN)
    return " ".join(re.sub(r"[\r\n]", " ; ", text).split())


def fold_accents(text: str) -> str:
    """The same words without accents: é as e. Vowels of Hindi and voiced kana are no accents."""
    parts = unicodedata.normalize("NFD", text)
    plain = "".join(sign for sign in parts if unicodedata.combining(sign) < _ACCENTS)
    return unicodedata.normalize("NFC", plain)


def look_back(text: str, start: int) -> str:
    """What stands before a place."""
    return text[max(0, start - NEAR) : start]


def look_ahead(text: str, end: int) -> str:
    """What stands behind a place."""
    return text[end : end + NEAR]


class Places:
    """Which characters of a text are taken."""

    def __init__(self, text: str) -> None:
        self._taken = bytearray(len(text))

    def take(self, start: int, end: int) -> None:
        self._taken[start:end] = b"\1" * (end - start)

    def overlap(self, start: int, end: int) -> bool:
        """Whether any of these is taken."""
        return 1 in self._taken[start:end]
