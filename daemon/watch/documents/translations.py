"""Lines that are at the times of others: what they say in another language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ..characters import fold
from ..notes import UNCLEAR, UNDERSTOOD, SheetNote
from .document import DocumentLine

SOON = 0.05  # seconds, within which nobody sings a second line
MAX_LANGUAGES = 3  # of a line: as it is sung, transcribed, translated


def drop_translations(
    lines: Sequence[DocumentLine], may_wrap: bool = False
) -> tuple[list[DocumentLine], list[SheetNote]]:
    """Without the lines that are translations, and notes on them. Of lines at one time the first is
    sung, where most have a second, or where it is in another script. `may_wrap`: the format puts a
    long line on two, so that only the script shows. What follows at once in another script is at
    the same time: players that show one line a time have it so.
    """
    lines = _join_times(lines)
    removed: defaultdict[int, set[float]] = defaultdict(set)  # times of lines
    dropped: dict[int, str] = {}  # why, of the last of its times
    at_time: dict[float, list[DocumentLine]] = defaultdict(list)
    for line in lines:
        for time in dict.fromkeys(line.times) if line.text else ():
            same = at_time[time]
            copied = [other.number for other in same[:MAX_LANGUAGES] if other.text == line.text]
            if copied:
                removed[line.number].add(time)
                dropped[line.number] = f"not sung: line {copied[0]} again"
            else:
                same.append(line)
    doubled = {time: same for time, same in at_time.items() if 1 < len(same) <= MAX_LANGUAGES}
    is_bilingual = not may_wrap and 2 * len(doubled) >= len(at_time)
    translated = kept = 0
    for time, (first, *others) in doubled.items():
        for other in others:
            if is_bilingual or is_latin(first.text) != is_latin(other.text):
                removed[other.number].add(time)
                dropped[other.number] = f"not sung: a translation of line {first.number}"
                translated += 1
            else:
                kept += 1
    notes = describe_doubled(translated, 0 if may_wrap else kept)
    sung: list[DocumentLine] = []
    for line in lines:
        times = tuple(time for time in line.times if time not in removed[line.number])
        if line.times and not times:
            notes.append(SheetNote(line.number, UNDERSTOOD, dropped[line.number]))
        else:
            sung.append(line._replace(times=times))
    return sung, notes


def _join_times(lines: Sequence[DocumentLine]) -> list[DocumentLine]:
    """With the time of the line before, where one in another script follows it at once."""
    placed = sorted(
        (time, index) for index, line in enumerate(lines) if line.text for time in line.times
    )
    in_latin = [is_latin(line.text) for line in lines]
    moved: defaultdict[int, dict[float, float]] = defaultdict(dict)
    first, first_index = -1.0, 0
    for time, index in placed:
        is_near = 0 <= time - first <= SOON + 1e-6
        if is_near and in_latin[first_index] != in_latin[index]:
            moved[index][time] = first
        elif time != first:
            first, first_index = time, index
    return [
        line._replace(times=tuple(moved[index].get(time, time) for time in line.times))
        if index in moved
        else line
        for index, line in enumerate(lines)
    ]


def describe_doubled(dropped: int, kept: int = 0) -> list[SheetNote]:
    """What became of lines that are at the times of others: how many were left out, and not."""
    notes = []
    if dropped:
        message = f"lines at the times of others are their translations, and not sung: {dropped}"
        hint = "give them times of their own to have them sung"
        notes.append(SheetNote(0, UNCLEAR, message, hint))
    if kept:
        message = f"lines at the times of others are sung behind them: {kept}"
        notes.append(SheetNote(0, UNCLEAR, message, "remove them where they are translations"))
    return notes


def is_latin(text: str) -> bool:
    """Whether a text has letters of the Latin alphabet only."""
    return all(character < "\u0250" for character in text if character.isalpha())


def drop_second_halves(
    lines: Sequence[DocumentLine],
) -> tuple[list[DocumentLine], list[SheetNote]]:
    """Without what stands behind a slash in another script, where most lines have that."""
    halves = [_split_half(line.text) for line in lines]
    count = sum(half != line.text for half, line in zip(halves, lines))
    if 2 * count < sum(bool(line.text.strip()) for line in lines) or not count:
        return list(lines), []
    message = f"what is behind a slash is a translation, and not sung: in {count} lines"
    hint = "put it on lines of its own to have it sung"
    kept = [line._replace(text=half) for half, line in zip(halves, lines)]
    return kept, [SheetNote(0, UNCLEAR, message, hint)]


def _split_half(text: str) -> str:
    """`夜の川 / Night river` -> `夜の川`; any other text as it is."""
    first, slash, second = fold(text).partition(" / ")
    first, second = text[: len(first)], text[len(first) + len(slash) :]
    return first if slash and is_latin(first) != is_latin(second) else text
