"""When lines are sung, and how much of that is told."""

from __future__ import annotations

import pickle

import pytest

from pipeline.request import MAX_LYRICS
from pipeline.singer.lines import MAX_LEFT_OUT, MAX_TEXT, LineTime, WordTime, bound_lines
from pipeline.singer.lyrics import parse_lyrics
from pipeline.singer.vocal_part import leave_out_all


def make_line(number: int, bar: int = 0, text: str = "la") -> LineTime:
    words = (WordTime(text, 1.0, 2.0),) if bar else ()
    return LineTime(text, 1.0, 2.0, "", bar, 1, number, words, "" if bar else "no time")


@pytest.mark.parametrize("count", [0, 1, MAX_LEFT_OUT])
def test_few_lines_are_told_of_as_they_are(count: int) -> None:
    lines = tuple(make_line(number, bar=number % 2) for number in range(2 * count))
    assert bound_lines(lines) == lines


def test_all_lines_that_are_sung_are_told_of_in_their_order() -> None:
    lines = [make_line(number, bar=number % 3) for number in range(600)]
    told = bound_lines(lines)
    assert [line for line in told if line.is_sung] == [line for line in lines if line.is_sung]
    silent = [line for line in told if not line.is_sung]
    assert len(silent) == MAX_LEFT_OUT
    assert silent[-1].note == f"no time; {200 - MAX_LEFT_OUT} more lines are not sung"
    assert [line.line for line in told] == sorted(line.line for line in told)


def test_a_long_text_is_cut_where_it_can_be_seen() -> None:
    (line,) = bound_lines([make_line(0, 1, "o" * (MAX_TEXT + 1))])
    assert line.text == "o" * MAX_TEXT + "…"


@pytest.mark.long
@pytest.mark.parametrize("line", ["a\n", "☂\n", "la " * 20_000])
def test_what_is_told_of_the_longest_lyrics_is_a_small_message(line: str) -> None:
    text = (line * MAX_LYRICS)[:MAX_LYRICS]
    lines = leave_out_all(parse_lyrics(text, "en"))
    assert len(pickle.dumps(bound_lines(lines))) < 20_000
