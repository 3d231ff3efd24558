"""Texts that a regular expression takes longest for: what it repeats, as often as one likes, behind
what leads there, and then something that spoils the match.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

SPOILERS = ("", "\x01", "\n")
ANYTHING = " a1.-_\n"  # tried wherever a class accepts it, beside what the pattern itself names

Parsed = Sequence[tuple[Any, Any]]

_parser = importlib.import_module("re._parser")


class WorstText(NamedTuple):
    """`lead` leads to a repetition, of which `pump` is one time; `spoiler` ends the match."""

    lead: str
    pump: str
    spoiler: str
    leads_often: bool

    def make(self, size: int) -> str:
        """The text, of about that many characters."""
        if self.leads_often:
            once = self.lead + self.pump
            return once * (size // len(once)) + self.spoiler
        return self.lead + self.pump * (size // len(self.pump)) + self.spoiler


def list_worst_texts(pattern: re.Pattern[str]) -> Iterator[WorstText]:
    """Texts for each repetition of one pattern."""
    parsed = _parser.parse(pattern.pattern, pattern.flags)
    reader = _PatternReader(pattern.pattern)
    reader.walk(parsed, "")
    for lead, pump in dict.fromkeys(reader.repetitions):
        for spoiler in SPOILERS:
            for leads_often in {False, bool(lead)}:
                yield WorstText(lead, pump, spoiler, leads_often)


class _PatternReader:
    """`repetitions`: a text that leads to each repetition, and one that it repeats."""

    def __init__(self, source: str) -> None:
        self.repetitions: list[tuple[str, str]] = []
        self._alphabet = dict.fromkeys([*source, *ANYTHING])

    def walk(self, parsed: Parsed, prefix: str) -> str:
        """A text that it matches, where nothing else decides."""
        text = ""
        for kind, value in parsed:
            text += self._walk_one(str(kind), value, prefix + text)
        return text

    def _walk_one(self, kind: str, value: Any, prefix: str) -> str:
        if kind == "LITERAL":
            return chr(value)
        if kind in ("IN", "NOT_LITERAL", "ANY"):
            return self._list_accepted(kind, value)[0]
        if kind.endswith("_REPEAT"):
            least, most, body = value
            return self._walk_repetition(least, most, body, prefix)
        if kind in ("SUBPATTERN", "ATOMIC_GROUP"):
            return self.walk(value[-1] if kind == "SUBPATTERN" else value, prefix)
        if kind == "BRANCH":
            texts = [self.walk(branch, prefix) for branch in value[1]]
            return texts[0]
        if kind in ("ASSERT", "ASSERT_NOT"):
            self.walk(value[1], prefix)
        return ""

    def _walk_repetition(self, least: int, most: int, body: Parsed, prefix: str) -> str:
        text = self.walk(body, prefix)
        if most > 1:
            for pump in self._list_pumps(body, text):
                self.repetitions.append((prefix, pump))
        return text * max(least, 1)

    def _list_pumps(self, body: Parsed, text: str) -> list[str]:
        pumps = [text]
        if len(body) == 1:
            kind, value = body[0]
            if str(kind) in ("IN", "NOT_LITERAL", "ANY"):
                pumps = self._list_accepted(str(kind), value)
            elif str(kind) == "SUBPATTERN" and str(value[-1][0][0]) == "BRANCH":
                pumps = [self.walk(branch, "") for branch in value[-1][0][1][1]]
        return [pump for pump in pumps if pump]

    def _list_accepted(self, kind: str, value: Any) -> list[str]:
        """Characters of a class; never none."""
        accepted = [letter for letter in self._alphabet if _accepts(kind, value, letter)]
        return accepted or [chr(at) for at in range(0x3000) if _accepts(kind, value, chr(at))][:1]


_CATEGORIES: dict[str, Callable[[str], bool]] = {
    "DIGIT": str.isdecimal,
    "SPACE": str.isspace,
    "WORD": lambda letter: letter.isalnum() or letter == "_",
}


def _accepts(kind: str, value: Any, letter: str) -> bool:
    if kind == "ANY":
        return letter != "\n"
    if kind == "NOT_LITERAL":
        return bool(ord(letter) != value)
    is_negated = str(value[0][0]) == "NEGATE"
    is_listed = any(_is_in(str(listed), item, letter) for listed, item in value)
    return is_listed is not is_negated


def _is_in(kind: str, item: Any, letter: str) -> bool:
    if kind == "LITERAL":
        return bool(ord(letter) == item)
    if kind == "RANGE":
        return bool(item[0] <= ord(letter) <= item[1])
    if kind == "CATEGORY":
        name = str(item).removeprefix("CATEGORY_")
        return _CATEGORIES[name.removeprefix("NOT_")](letter) is not name.startswith("NOT_")
    return False
