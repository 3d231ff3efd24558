"""When what is sung, as the composition knows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

MAX_LEFT_OUT = 50  # lines that are not sung and told of one by one
MAX_TEXT = 1000  # characters of a line that are told


class WordTime(NamedTuple):
    """A word as it is written, and the seconds from the clip's start at which it begins and
    ends.
    """

    text: str
    start: float
    end: float


class LineTime(NamedTuple):
    """A line of the lyrics and when it is sung.

    `bar` counts from 1; 0 where the line is not sung. `line` is its index among the lines of the
    request's lyrics. `note` says what was done otherwise than it is written.
    """

    text: str
    start: float  # seconds
    end: float
    section: str  # "Verse 1"
    bar: int
    bars: int
    line: int
    words: tuple[WordTime, ...]
    note: str = ""

    @property
    def is_sung(self) -> bool:
        return self.bar > 0


def parse_lines(data: Iterable[Sequence[Any]]) -> tuple[LineTime, ...]:
    """Lines again, after they were JSON, which has lists in place of tuples."""
    lines = (LineTime(*values) for values in data)
    return tuple(
        line._replace(words=tuple(WordTime(*word) for word in line.words)) for line in lines
    )


def bound_lines(lines: Sequence[LineTime]) -> tuple[LineTime, ...]:
    """As many of a part's lines as are told of: all that are sung, which take their time, and the
    first that are not; how many more there are is said of the last one. Long texts are cut.
    """
    more = sum(not line.is_sung for line in lines) - MAX_LEFT_OUT
    bounded = []
    left = MAX_LEFT_OUT
    for line in lines:
        if not line.is_sung:
            left -= 1
            if left < 0:
                continue
            if not left and more > 0:
                line = line._replace(note=f"{line.note}; {more} more lines are not sung")
        if len(line.text) > MAX_TEXT:
            line = line._replace(text=f"{line.text[:MAX_TEXT]}…")
        bounded.append(line)
    return tuple(bounded)
