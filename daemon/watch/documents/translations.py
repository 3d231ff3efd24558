"""Lines that are at the times of others: what they say in another language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ..notes import UNCLEAR, UNDERSTOOD, SheetNote
from .document import DocumentLine

MAX_LANGUAGES = 3  # of a line: as it is sung, transcribed, translated


def drop_translations(
    lines: Sequence[DocumentLine], may_wrap: bool = False
) -> tuple[list[DocumentLine], list[SheetNote]]:
    """Without the lines that are translations, and notes on them. Of lines at one time the first is
    sung, where most have a second, or where it is in another script. `may_wrap`: the format puts a
    long line on two, so that only the script shows.
    """
    at_time: dict[float, list[DocumentLine]] = defaultdict(list)
    for line in lines:
        for time in line.times if line.text else ():
            at_time[time].append(line)
    doubled = {time: same for time, same in at_time.items() if 1 < len(same) <= MAX_LANGUAGES}
    is_bilingual = not may_wrap and 2 * len(doubled) >= len(at_time)
    sung_at = {line.number: [*line.times] for line in lines if line.times}
    originals: dict[int, int] = {}
    kept = 0
    for time, (first, *others) in doubled.items():
        for other in others:
            if is_bilingual or is_latin(first.text) != is_latin(other.text):
                sung_at[other.number].remove(time)
                originals[other.number] = first.number
            else:
                kept += 1
    notes = describe_doubled(len(originals), 0 if may_wrap else kept)
    sung: list[DocumentLine] = []
    for line in lines:
        times = tuple(sung_at[line.number]) if line.times else ()
        if line.times and not times:
            message = f"not sung: a translation of line {originals[line.number]}"
            notes.append(SheetNote(line.number, UNDERSTOOD, message))
        else:
            sung.append(line._replace(times=times))
    return sung, notes


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
