"""What was read of one thing that a prompt says, and the text that is looked through for it."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_PLAIN = str.maketrans(
    dict.fromkeys("‐‑‒–—―−〜∼", "-") | dict.fromkeys("⁄∕", "/") | dict.fromkeys('"“”„«»', "")
)
NEAR = 24  # characters before and behind that say what is meant


class Said(NamedTuple):
    """What a prompt says of its tempo, key or metre, in its words; `value` as a request keeps it,
    "" where nothing was taken. `verdict` is what became of it, and `problems` are sentences about
    what was not understood. `words` are all the places that were read.
    """

    value: str = ""
    said: str = ""
    verdict: str = "it was taken"
    problems: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


class Mention(NamedTuple):
    """A place in a text, what it says in the text's words, and what that means."""

    start: int
    end: int
    said: str
    value: str


def normalize(prompt: str) -> str:
    """Full-width characters as their ASCII twins, one dash, no quotes, and one space between words;
    ";" for the end of a line.
    """
    text = unicodedata.normalize("NFKC", prompt).translate(_PLAIN)
    return " ".join(re.sub(r"[\r\n]", " ; ", text).split())


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
