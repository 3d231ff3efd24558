"""Rules of spelling: letters become phonemes by what stands around them."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import NamedTuple

_EDGE = "#"
_SILENT = "-"
# letters that are no other letter with a mark
_LOOKS = dict(zip("æœøßłđðþı", ("ae", "oe", "o", "ss", "l", "d", "d", "th", "i")))


def read_entries(text: str) -> dict[str, str]:
    """A word and what is said of it, and so on: "gonna G AA N AX; ..." """
    return dict(entry.split(" ", 1) for entry in text.split("; "))


class _Rule(NamedTuple):
    before: tuple[str, ...]  # the letters of which one may stand there
    letters: str
    after: tuple[str, ...]
    phonemes: tuple[str, ...]

    @property
    def expression(self) -> str:
        """What matches its letters where the rule fits, as a group."""
        before, after = (
            "".join(f"[{re.escape(allowed)}]" for allowed in around)
            for around in (self.before, self.after)
        )
        return f"((?<={before}){self.letters}(?={after}))"


class SpellingRules:
    """Rules like `before[letters]after PHONEMES`, between them semicolons or line breaks; of those
    of a letter, the first that fits wins.

    Around the brackets stand letters, # for the word's edge, and capitals that stand for one of
    several letters (`classes`). Behind them stand phonemes, with a 1 where an accent is written, or
    - for none.
    The notation is that of H. Elovitz et al., Letter-to-Sound Rules (NRL Report 7948, 1976); the
    rules are our own.
    """

    def __init__(self, table: str, **classes: str) -> None:
        self._rules: dict[str, list[_Rule]] = {}
        for written in filter(str.strip, table.replace("\n", ";").split(";")):
            pattern, *phonemes = written.split()
            before, _, rest = pattern.partition("[")
            letters, _, after = rest.partition("]")
            rule = _Rule(
                tuple(classes.get(sign, sign) for sign in before),
                letters,
                tuple(classes.get(sign, sign) for sign in after),
                () if phonemes == [_SILENT] else tuple(phonemes),
            )
            self._rules.setdefault(letters[0], []).append(rule)
        for letter, rules in self._rules.items():
            if rules[-1][:3] != ((), letter, ()):
                raise ValueError(f"the last rule of {letter} must be [{letter}], which always fits")

    @functools.cached_property
    def _expressions(self) -> dict[str, re.Pattern[str]]:
        """Of each letter one that says by its group which rule fits; made when a word is read."""
        return {
            letter: re.compile("|".join(rule.expression for rule in rules))
            for letter, rules in self._rules.items()
        }

    @property
    def phonemes(self) -> set[str]:
        """All that any rule makes, without stress."""
        rules = (rule for rules in self._rules.values() for rule in rules)
        return {phoneme.rstrip("1") for rule in rules for phoneme in rule.phonemes}

    def read(self, word: str) -> list[str]:
        """The phonemes of a word in lower case. Letters that no rule has are read without their
        marks, or not at all.
        """
        text = f"{_EDGE}{self._simplify(word)}{_EDGE}"
        phonemes: list[str] = []
        place = 1
        while place < len(text) - 1:
            letter = text[place]
            found = self._expressions[letter].match(text, place)
            assert found  # the last rule always fits
            assert found.lastindex
            rule = self._rules[letter][found.lastindex - 1]
            phonemes += rule.phonemes
            place += len(rule.letters)
        return phonemes

    def _simplify(self, word: str) -> str:
        letters = []
        for letter in word:
            if letter not in self._rules:
                letter = _LOOKS.get(letter, unicodedata.normalize("NFD", letter)[:1])
            letters += [each for each in letter if each in self._rules]
        return "".join(letters)
