"""What a caption does not want: "no bass, drums, or lead", "don't make it dark"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from .caption_words import FACTORS, FEELINGS, MODE_WORDS, MOOD_WORDS, ROLE_WORDS, STYLE_WORDS
from .sound_words import SOUND_WORDS

# These deny whatever they stand before.
EXCLUDING = (
    "no, without, minus, nothing, avoid, avoiding, exclude, excluding, except, remove, skip, mute, "
    "leave out, instead of, rather than, anything but"
).split(", ")
# These deny how something is, rather than that it is there: "not dark house" is house.
DENYING = (
    "not, never, isn t, is not, aren t, don t, do not, doesn t, shouldn t, won t, can t, non, "
    "neither, nor"
).split(", ")
WEAKENING = ("less", "fewer")  # as DENYING, but of adjectives only
BETWEEN = (  # words that may stand between these and what they deny
    "a, an, the, any, more, much, that, too, so, it, in, be, get, gets, use, want, make, sound, "
    "sounds, feel, live, loud, acoustic, electronic, electric, programmed, add, play, have"
).split(", ")


class Negations(NamedTuple):
    """A caption's text with "," for what it denies, and each thing that it denies with the words
    that do so.
    """

    text: str
    denied: tuple[str, ...]


def split_negations(text: str) -> Negations:
    """What a normalized text asks for, and what it does not want."""
    tokens = [*_TOKEN.finditer(text)]
    kept, denied = [], []
    index = 0
    while index < len(tokens):
        end = _find_scope(tokens, index) if tokens[index]["negator"] else 0
        if end:
            denied.append(text[tokens[index].start() : tokens[end - 1].end()])
        kept.append("," if end else tokens[index][0])
        index = end or index + 1
    return Negations(" ".join(kept), tuple(denied))


def _find_scope(tokens: Sequence[re.Match[str]], start: int) -> int:
    """Behind which token ends what the negator at `start` denies; 0 where it denies no word that is
    known. An "and" or "or" leads on to more of the same kind.
    """
    negator = tokens[start]["negator"]
    end = 0
    kind = ""
    is_joined = False
    for index in range(start + 1, len(tokens)):
        token = tokens[index]
        if word := token["known"]:
            if not _reaches(negator, kind, _KINDS[word], is_joined):
                break
            kind = _KINDS[word]
            end = index + 1
            is_joined = False
        elif token[0] == "," and kind:
            if not _is_list(tokens, index, kind):
                break
            is_joined = True
        elif token["joint"] and kind:
            is_joined = True
        elif not token["between"]:
            break
    return end


def _reaches(negator: str, last: str, kind: str, is_joined: bool) -> bool:
    """Whether a negator that denied a word of the kind `last`, or none yet, denies the next too."""
    if negator in WEAKENING and kind != "feeling":
        return False
    if is_joined or (last == "feeling" and negator not in EXCLUDING):
        return kind == last
    return True


def _is_list(tokens: Sequence[re.Match[str]], comma: int, kind: str) -> bool:
    """Whether words of a kind lead from a comma to an "or"."""
    for token in tokens[comma:]:
        if token["joint"]:
            return token["joint"] != "and"
        if token["known"]:
            if _KINDS[token["known"]] != kind:
                return False
        elif not (token["between"] or token[0] == ","):
            return False
    return False


def _list_words() -> dict[str, str]:
    """Every word of the tables, and what kind of word it is: where it is of two, the last of these
    counts.
    """
    tables = {
        "role": [*ROLE_WORDS.values(), *(words for *_, words in SOUND_WORDS)],
        "style": MOOD_WORDS.values(),
        "feeling": [*MODE_WORDS.values(), *(words for _, words in FEELINGS)],
        "style of music": STYLE_WORDS.values(),
    }
    return {
        word: kind.removesuffix(" of music")
        for kind, table in tables.items()
        for words in table
        for word in words.split(", ")
    }


def _join(words: Sequence[str]) -> str:
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))


_KINDS = _list_words()
_TOKEN = re.compile(
    rf"\b(?:(?P<known>{_join([*_KINDS])})s?"
    rf"|(?P<negator>{_join([*EXCLUDING, *DENYING, *WEAKENING])})"
    rf"|(?P<joint>and|or)|(?P<between>{_join([*BETWEEN, *FACTORS])}))\b|\S+"
)
