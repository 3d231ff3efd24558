"""What is sung of a piece, by whom, and when each word is heard."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .lines import LineTime, WordTime
from .lyrics import Line, Lyrics, LyricWord
from .timing import time_phones
from .vocal_line import SungSyllable

HUMMED = "MM"
NO_TIME = "left out, no time was left"
NO_TUNE = "left out, the guide has no tune for words"
UNREAD = "left out, the lyrics are longer than the model reads"
NO_WORD = "left out, nothing in it can be sung"
CUT = "cut short, its bars have no time for all of it"
MELISMA = "the last syllable is sung on several notes"
SHOWN_RUNS = 8  # of line numbers in a note


@dataclass(frozen=True)
class VocalPart:
    """What is sung. `lines` has every line of the lyrics, also those that are left out, and then
    what is sung again.
    """

    singer: str  # "man" or "woman"
    syllables: tuple[SungSyllable, ...]
    backing: tuple[SungSyllable, ...]  # a second voice's
    lines: tuple[LineTime, ...]
    notes: tuple[str, ...]  # what was left out or done otherwise, in sentences


class SungLine(NamedTuple):
    """A line in its bars, counted from 0."""

    line: Line
    section: str
    bar: int
    bars: int
    words: tuple[LyricWord, ...]  # those for which there is time: the first of the line's
    syllables: tuple[tuple[int, SungSyllable], ...]  # each with the index of its word


def assemble_part(singer: str, lyrics: Lyrics, sung: Sequence[SungLine]) -> VocalPart:
    """The part of some lines, in order of time."""
    main, backing = (
        tuple(
            syllable
            for line in sung
            for word, syllable in line.syllables
            if line.words[word].backing == is_backing
        )
        for is_backing in (False, True)
    )
    times = _time_words(sung)
    described: defaultdict[int, list[LineTime]] = defaultdict(list)
    for number, line in enumerate(sung):
        words = tuple(
            WordTime(word.word.text, *(round(at, 3) for at in times[number, index]))
            for index, word in enumerate(line.words)
        )
        if words:
            described[line.line.number].append(_describe(line, words))
    first: list[LineTime] = []
    again: list[LineTime] = []
    for part in lyrics.parts:
        for written in part.lines:
            found = described[written.number]
            first.append(found[0] if found else _leave_out(written, part.label))
            again += found[1:]
    again.sort(key=lambda line: line.start)
    lines = (*first, *again)
    return VocalPart(singer, main, backing, lines, (*lyrics.notes, *_summarize(lines)))


def _time_words(sung: Sequence[SungLine]) -> dict[tuple[int, int], tuple[float, float]]:
    """The seconds at which each word begins and ends, by (index of line, index of word): with its
    first and last consonant, as its voice sings them. Out of silence it begins when it is heard.
    """
    times: dict[tuple[int, int], tuple[float, float]] = {}
    for is_backing in (False, True):
        own = [
            ((number, word), syllable)
            for number, line in enumerate(sung)
            for word, syllable in line.syllables
            if line.words[word].backing == is_backing
        ]
        silent = -math.inf
        for phone in time_phones([syllable for _, syllable in own]):
            key = own[phone.syllable][0]
            is_first = phone.begin - silent > 1e-6
            onset = max(phone.heard if is_first else phone.begin, 0.0)
            begin, end = times.get(key, (onset, phone.end))
            times[key] = min(begin, onset), max(end, phone.end)
            silent = phone.end
    return times


def _describe(line: SungLine, words: tuple[WordTime, ...]) -> LineTime:
    note = ""
    if len(line.words) < len(line.line.words):
        note = CUT
    elif all(sung.syllable.vowel == HUMMED for _, sung in line.syllables):
        note = "hummed"
    elif any(len(sung.notes) > 1 for _, sung in line.syllables):
        note = MELISMA
    return LineTime(
        line.line.text,
        words[0].start,
        max(word.end for word in words),
        line.section,
        line.bar + 1,
        line.bars,
        line.line.number,
        words,
        note,
    )


def leave_out_all(lyrics: Lyrics) -> tuple[LineTime, ...]:
    """Every line, where no part was written: it has no word, or there is no tune for it."""
    return tuple(
        _leave_out(line, part.label, NO_TUNE) for part in lyrics.parts for line in part.lines
    )


def leave_out_last(lyrics: str, count: int) -> tuple[LineTime, ...]:
    """The last lines of a text that a model sings by itself, where it does not read them."""
    lines = lyrics.rstrip().split("\n")
    unread = range(len(lines) - count, len(lines))
    texts = [(number, lines[number].strip()) for number in unread]
    return tuple(
        LineTime(text, 0.0, 0.0, "", 0, 0, number, (), UNREAD)
        for number, text in texts
        if text and not text.startswith("[")
    )


def _leave_out(line: Line, section: str, why: str = NO_TIME) -> LineTime:
    why = why if line.syllables else NO_WORD
    return LineTime(line.text, 0.0, 0.0, section, 0, 0, line.number, (), why)


def _summarize(lines: Sequence[LineTime]) -> Iterator[str]:
    """What became of all lines, in sentences."""
    if sung := [line for line in lines if line.is_sung]:
        first, last = min(line.bar for line in sung), max(line.bar + line.bars - 1 for line in sung)
        bars = f"bars {first} to {last}" if last > first else f"bar {first}"
        yield f"sung in {bars}: {_list_lines(sung)}"
    by_note: defaultdict[str, list[LineTime]] = defaultdict(list)
    for line in lines:
        if line.note:
            by_note[line.note].append(line)
    for note, noted in by_note.items():
        yield f"{note}: {_list_lines(noted)}"


def _list_lines(lines: Iterable[LineTime]) -> str:
    return list_line_numbers(line.line + 1 for line in lines)


def list_line_numbers(lines: Iterable[int]) -> str:
    """Numbers of lines, counted from 1: "lines 2, 4 to 9"."""
    numbers = sorted({*lines})
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = [f"{run[0]} to {run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs]
    more = len(texts) - SHOWN_RUNS
    shown = ", ".join(texts[:SHOWN_RUNS]) + (f" and {more} more" if more > 0 else "")
    return f"line{'s' if len(numbers) > 1 else ''} {shown}"
