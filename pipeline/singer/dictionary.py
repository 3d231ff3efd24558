"""How English words are spoken: the CMU Pronouncing Dictionary.

Its data is Carnegie Mellon's, under the licence beside it. `cmudict/words.zlib` has one line for
each word, sorted: the word and its first pronunciation, a character for each phoneme.
`tests/tools/dictionary.py` makes that of cmudict.dict (github.com/cmusphinx/cmudict).
"""

from __future__ import annotations

import bisect
import functools
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from .phonemes import ARPABET_CONSONANTS, ARPABET_VOWELS

FILE = Path(__file__).parent / "cmudict" / "words.zlib"
# CMUdict's phonemes by their characters; a vowel's stress is 0 none, 1 primary, 2 secondary
_VOWELS = sorted(ARPABET_VOWELS - {"AX"})
_NAMES = [*(vowel + stress for vowel in _VOWELS for stress in "012"), *sorted(ARPABET_CONSONANTS)]
_CHARACTERS = {name: chr(ord("0") + number) for number, name in enumerate(_NAMES)}
_PHONEMES = {character: name for name, character in _CHARACTERS.items()}


def pack(pronunciations: Mapping[str, Iterable[str]]) -> bytes:
    """The contents of the file, of words in lower case and their phonemes."""
    lines = [
        f"{word} {''.join(_CHARACTERS[name] for name in phonemes)}"
        for word, phonemes in pronunciations.items()
    ]
    return zlib.compress("\n".join(sorted(lines)).encode("ascii"), 9)


def look_up(word: str) -> list[str] | None:
    """CMUdict's phonemes of a word in lower case; None where it lists none."""
    wanted = f"{word} ".encode("utf-8", "replace")
    lines = _load()
    place = bisect.bisect_left(lines, wanted)
    if place == len(lines) or not lines[place].startswith(wanted):
        return None
    return [_PHONEMES[character] for character in lines[place][len(wanted) :].decode("ascii")]


@functools.cache
def _load() -> list[bytes]:
    """All lines, sorted."""
    return zlib.decompress(FILE.read_bytes()).split(b"\n")
