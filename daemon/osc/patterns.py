"""OSC's patterns: `*`, `?`, `[a-z]`, `[!0-9]` and `{one,two}`. They serve questions only, never
what makes or changes.

A pattern is a nondeterministic automaton, and all ways through it are walked at once, a character
at a time (Thompson's construction). The states in which it can be are the bits of one number, so
that a step takes a few operations, however many they are (Baeza-Yates and Gonnet's shift-and).
(Matchers that try one way after the other need minutes for a dozen stars.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pipeline.request import BadRequest

MAX_PATTERN = 128  # characters

Predicate = Callable[[str], bool]  # of one character


class _Alternatives(NamedTuple):
    """`{one,two}`: the bits of the states before it, at the words' beginnings and ends, and behind
    it.
    """

    before: int
    begins: int
    ends: int
    behind: int


def is_pattern(text: str) -> bool:
    return any(character in "*?[{" for character in text)


class Pattern:
    """Raises `BadRequest` when it is too long or has a bracket that is not closed."""

    def __init__(self, pattern: str) -> None:
        if len(pattern) > MAX_PATTERN:
            raise BadRequest(
                f"a pattern must have at most {MAX_PATTERN} characters, got {len(pattern)}"
            )
        # by state: which characters lead to the next one; the state behind the last one accepts
        self._accepts: list[Predicate] = []
        self._stars = 0  # states in which any character stays
        self._alternatives: list[_Alternatives] = []  # from left to right
        self._masks: dict[str, int] = {}  # by character: the states from which it leads on
        index = 0
        while index < len(pattern):
            index = self._parse(pattern, index)

    def matches(self, text: str) -> bool:
        states = self._pass_over(1)
        for character in text:
            mask = self._masks.get(character)
            if mask is None:
                mask = self._masks[character] = self._find_mask(character)
            states = self._pass_over((states & mask) << 1 | states & self._stars)
            if not states:
                return False
        return bool(states >> len(self._accepts) & 1)

    def _find_mask(self, character: str) -> int:
        return sum(1 << at for at, accepts in enumerate(self._accepts) if accepts(character))

    def _pass_over(self, states: int) -> int:
        """The states, and those that are reached from them without a character."""
        for group in self._alternatives:
            if states & group.before:
                states |= group.begins
            if states & group.ends:
                states |= group.behind
        return states

    def _parse(self, pattern: str, index: int) -> int:
        """Add the states of what begins at `index`. Returns where it ends."""
        character = pattern[index]
        if character == "*":
            self._stars |= 1 << len(self._accepts)
            return index + 1
        if character not in "[{":
            self._accepts.append(_accept_any if character == "?" else character.__eq__)
            return index + 1
        end = pattern.find("]" if character == "[" else "}", index)
        if end < 0:
            raise BadRequest(f"{character} is not closed in the pattern {pattern[:40]!r}")
        if character == "[":
            self._accepts.append(_parse_character_class(pattern[index + 1 : end]))
        else:
            self._add_alternatives(pattern[index + 1 : end].split(","))
        return end + 1

    def _add_alternatives(self, words: list[str]) -> None:
        """Every word has states of its own, and no character leads from one word to the next."""
        before = 1 << len(self._accepts)
        begins = ends = 0
        for word in words:
            self._accepts.append(_accept_none)
            begins |= 1 << len(self._accepts)
            self._accepts += [character.__eq__ for character in word]
            ends |= 1 << len(self._accepts)
        self._accepts.append(_accept_none)
        self._alternatives.append(_Alternatives(before, begins, ends, 1 << len(self._accepts)))


def _accept_any(character: str) -> bool:
    return True


def _accept_none(character: str) -> bool:
    return False


def _parse_character_class(inside: str) -> Predicate:
    """`a-z_` or `!a-z_`."""
    is_listed = not inside.startswith("!")
    rest = inside.removeprefix("!")
    ranges = []
    while rest:
        if len(rest) > 2 and rest[1] == "-":
            ranges.append((rest[0], rest[2]))
            rest = rest[3:]
        else:
            ranges.append((rest[0], rest[0]))
            rest = rest[1:]
    return lambda character: any(low <= character <= high for low, high in ranges) is is_listed
