"""Lines as a composition would have them sung."""

from __future__ import annotations

from pipeline.singer.lines import LineTime, WordTime


def sung_line(text: str, bar: int = 1, start: float = 0.5, number: int = 0) -> LineTime:
    """A line of words of half a second each, in two bars."""
    words = tuple(
        WordTime(word, start + 0.5 * index, start + 0.5 * index + 0.4)
        for index, word in enumerate(text.split())
    )
    return LineTime(text, start, words[-1].end, "Chorus", bar, 2, number, words)


def left_out_line(text: str, why: str, number: int = 0) -> LineTime:
    """One for which there was no bar."""
    return LineTime(text, 0.0, 0.0, "Chorus", 0, 0, number, (), why)
