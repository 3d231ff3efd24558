"""OSC's patterns: `*`, `?`, `[a-z]`, `[!0-9]` and `{one,two}`. They serve questions only, never
what makes or changes.

A pattern is a nondeterministic automaton, and all ways through it are walked at once, a character
at a time (Thompson's construction), so that no pattern takes longer than its length times the
text's. (Matchers that try one way after the other need minutes for a dozen stars.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pipeline.request import BadRequest

MAX_PATTERN = 128  # characters

Predicate = Callable[[str], bool]  # of one character


class Transition(NamedTuple):
    """From one state to another, for a character that is accepted."""

    accepts: Predicate
    target: int


def is_pattern(text: str) -> bool:
    return any(character in "*?[{" for character in text)


class Pattern:
    """Raises `BadRequest` when it is too long or has a bracket that is not closed."""

    def __init__(self, pattern: str) -> None:
        if len(pattern) > MAX_PATTERN:
            raise BadRequest(
                f"a pattern must have at most {MAX_PATTERN} characters, got {len(pattern)}"
            )
        self._transitions: list[list[Transition]] = [[]]  # by state; the last state accepts
        self._epsilon: dict[int, int] = {}  # transitions without a character
        index = 0
        while index < len(pattern):
            index = self._parse(pattern, index)

    def matches(self, text: str) -> bool:
        states = self._close({0})
        for character in text:
            states = self._close(
                {
                    transition.target
                    for state in states
                    for transition in self._transitions[state]
                    if transition.accepts(character)
                }
            )
        return len(self._transitions) - 1 in states

    def _close(self, states: set[int]) -> set[int]:
        """The states, and those that are reached from them without a character."""
        for state in sorted(states & self._epsilon.keys()):
            while state in self._epsilon:
                state = self._epsilon[state]
                states.add(state)
        return states

    def _parse(self, pattern: str, index: int) -> int:
        """Add the transitions of what begins at `index`. Returns where it ends."""
        last = len(self._transitions) - 1
        character = pattern[index]
        if character == "*":
            if not any(transition.target == last for transition in self._transitions[last]):
                self._transitions[last].append(Transition(_accept_any, last))
            return index + 1
        if character not in "[{":
            self._add_state(last, _accept_any if character == "?" else character.__eq__)
            return index + 1
        end = pattern.find("]" if character == "[" else "}", index)
        if end < 0:
            raise BadRequest(f"{character} is not closed in the pattern {pattern[:40]!r}")
        if character == "[":
            self._add_state(last, _parse_character_class(pattern[index + 1 : end]))
        else:
            self._add_alternatives(last, pattern[index + 1 : end].split(","))
        return end + 1

    def _add_state(self, source: int, accepts: Predicate) -> None:
        """A new last state, which `source` leads to."""
        self._transitions.append([])
        self._transitions[source].append(Transition(accepts, len(self._transitions) - 1))

    def _add_alternatives(self, source: int, words: list[str]) -> None:
        """Every word has states of its own; all of them lead to the next new state."""
        ends = []
        for word in words:
            state = source
            for character in word:
                self._add_state(state, character.__eq__)
                state = len(self._transitions) - 1
            ends.append(state)
        self._transitions.append([])
        for end in ends:
            self._epsilon[end] = len(self._transitions) - 1


def _accept_any(character: str) -> bool:
    return True


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
