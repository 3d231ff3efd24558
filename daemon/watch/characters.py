"""Characters as programs write them: line ends, what is invisible, punctuation of any keyboard."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

ATTACHED = 200  # combining classes of accents; below are other marks, like those of voiced kana
_MAX_FOLDED = 4096  # characters that are remembered
_LINE_END = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")
# Controls, soft hyphens, zero-width spaces and marks, directions of writing, byte order marks.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]"
)
# Joiners spell words in the scripts of Asia, and hold emoji together.
_JOINED = "\u0600-\u1fff\u2190-\u2bff\ufe0f\U0001f000-\U0001faff"
_JOINER = re.compile(f"(?<![{_JOINED}])[\u200c\u200d]|[\u200c\u200d](?![{_JOINED}])")
_SPACE = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_TWINS = {
    "【〔〖［": "[",
    "】〕〗］": "]",
    "《〈": "<",
    "》〉": ">",
    "（﹙": "(",
    "）﹚": ")",
    "｛": "{",
    "｝": "}",
    "：﹕︰꞉∶": ":",
    "；": ";",
    "，、﹐": ",",
    "．。": ".",
    "‐‑‒–—―−－─━﹣": "-",
    "×✕✖╳⨯х": "x",
    "♯＃": "#",
    "♭": "b",
    "｜│┃∣¦": "|",
    "‘’‚′`´׳": "'",
    "“”„″«»「」『』״": '"',
    "／⁄": "/",
    "～〜∼": "~",
}
_ASCII = {ord(character): twin for characters, twin in _TWINS.items() for character in characters}


def split_lines(text: str) -> list[str]:
    """The lines of a text, whatever ends them, without what cannot be seen; whatever is a space
    is one.
    """
    return [clean_line(line) for line in split_written_lines(text)]


def split_written_lines(text: str) -> list[str]:
    """The lines of a text with all that is in them: a path's name is what it is."""
    return _LINE_END.split(text)


def clean_line(line: str) -> str:
    """A line without what cannot be seen; whatever is a space is one."""
    if line.isascii() and line.isprintable():
        return line
    return _SPACE.sub(" ", _JOINER.sub("", _INVISIBLE.sub("", line)))


def fold(text: str) -> str:
    """As many characters, to compare with: those of full-width keyboards and the dashes, quotes and
    brackets of any are the ASCII ones that mean the same.
    """
    return text if text.isascii() else text.translate(_CHARACTERS)


def fold_word(text: str) -> str:
    """As many characters, to compare words with: as `fold`, in small letters without accents."""
    return text.translate(_LETTERS)


class _Folding(dict[int, str]):
    """What characters become, by their numbers: found out when they are first met."""

    def __init__(self, fold: Callable[[str], str]) -> None:
        self._fold = fold

    def __missing__(self, number: int) -> str:
        folded = self._fold(chr(number))
        if len(self) < _MAX_FOLDED:
            self[number] = folded
        return folded


def _fold_character(character: str) -> str:
    if twin := _ASCII.get(ord(character)):
        return twin
    if "！" <= character <= "～":
        return chr(ord(character) - 0xFEE0)
    return " " if character.isspace() else character


def _fold_letter(character: str) -> str:
    parts = unicodedata.normalize("NFD", _fold_character(character))
    is_accented = all(unicodedata.combining(mark) >= ATTACHED for mark in parts[1:])
    plain = (parts[0] if is_accented else character).lower()
    return plain if len(plain) == 1 else character


_CHARACTERS = _Folding(_fold_character)
_LETTERS = _Folding(_fold_letter)
