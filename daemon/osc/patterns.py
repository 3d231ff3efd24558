"""OSC's patterns: `*`, `?`, `[a-z]`, `[!0-9]` and `{one,two}`. They serve questions only, never
what makes or changes.

All ways through a pattern are walked at once, a character at a time, so that no pattern takes
longer than its length times the text's. (Matchers that try one way after the other need minutes for
a dozen stars.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pipeline.request import BadRequest

MAX_PATTERN = 128  # characters

Test = Callable[[str], bool]


class Step(NamedTuple):
    """From one place in the pattern to another, for a character that passes."""

    passes: Test
    to: int


def is_pattern(text: str) -> bool:
    return any(character in "*?[{" for character in text)


class Pattern:
    """Raises `BadRequest` when it is too long or has a bracket that is not closed."""

    def __init__(self, pattern: str) -> None:
        if len(pattern) > MAX_PATTERN:
            raise BadRequest(
                f"a pattern must have at most {MAX_PATTERN} characters, got {len(pattern)}"
            )
        self._steps: list[list[Step]] = [[]]
        self._leaps: dict[int, int] = {}  # where a pattern goes on without a character
        index = 0
        while index < len(pattern):
            index = self._read(pattern, index)

    def matches(self, text: str) -> bool:
        places = self._with_leaps({0})
        for character in text:
            places = self._with_leaps(
                {step.to for p in places for step in self._steps[p] if step.passes(character)}
            )
        return len(self._steps) - 1 in places

    def _with_leaps(self, places: set[int]) -> set[int]:
        for place in sorted(places & self._leaps.keys()):
            while place in self._leaps:
                place = self._leaps[place]
                places.add(place)
        return places

    def _read(self, pattern: str, index: int) -> int:
        """Add the steps of what begins at `index`. Returns where it ends."""
        here = len(self._steps) - 1
        character = pattern[index]
        if character == "*":
            if not any(step.to == here for step in self._steps[here]):
                self._steps[here].append(Step(lambda _: True, here))
            return index + 1
        if character not in "[{":
            self._walk(here, (lambda _: True) if character == "?" else character.__eq__)
            return index + 1
        end = pattern.find("]" if character == "[" else "}", index)
        if end < 0:
            raise BadRequest(f"{character} is not closed in the pattern {pattern[:40]!r}")
        if character == "[":
            self._walk(here, _one_of(pattern[index + 1 : end]))
        else:
            self._either(here, pattern[index + 1 : end].split(","))
        return end + 1

    def _walk(self, here: int, passes: Test) -> None:
        self._steps.append([])
        self._steps[here].append(Step(passes, len(self._steps) - 1))

    def _either(self, here: int, words: list[str]) -> None:
        """Every word has a way of its own; all of them lead to the next new place."""
        ends = []
        for word in words:
            place = here
            for character in word:
                self._walk(place, character.__eq__)
                place = len(self._steps) - 1
            ends.append(place)
        self._steps.append([])
        for end in ends:
            self._leaps[end] = len(self._steps) - 1


def _one_of(inside: str) -> Test:
    """`a-z_` or `!a-z_`: a test for one character."""
    wanted = not inside.startswith("!")
    rest = inside.removeprefix("!")
    ranges = []
    while rest:
        if len(rest) > 2 and rest[1] == "-":
            ranges.append((rest[0], rest[2]))
            rest = rest[3:]
        else:
            ranges.append((rest[0], rest[0]))
            rest = rest[1:]
    return lambda character: any(low <= character <= high for low, high in ranges) is wanted
