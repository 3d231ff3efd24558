"""What the writer of a watched file is told about it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.request import BadRequest, OutOfRange, UnknownField

from ..jobs import Refused

UNDERSTOOD = 0  # codes of notes; any other is a problem
UNCLEAR = 400
UNKNOWN = 404
TOO_MUCH = 413
OUT_OF_RANGE = 422
BUG = 500
SUNG = "sung"  # what is said of a line of words
MAX_QUOTED = 60  # characters of a line or value that a note shows


@dataclass(frozen=True)
class SheetNote:
    """What was made of `lines` lines from `line` on; line 0 is the whole file. Code 0:
    understood. `holds` names the field whose value was not understood where no take is to be made
    without it: it would be another one.
    """

    line: int
    code: int
    message: str
    hint: str = ""
    lines: int = 1
    holds: str = ""

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


def find_problems(notes: Sequence[SheetNote]) -> list[SheetNote]:
    return [note for note in notes if note.code]


def describe_error(error: BadRequest | Refused, line: int = 0, lines: int = 1) -> SheetNote:
    """What was wrong, as a note."""
    if isinstance(error, Refused):
        code = error.code
    elif type(error) is UnknownField:
        code = UNKNOWN
    elif type(error) is OutOfRange:
        code = OUT_OF_RANGE
    else:
        code = UNCLEAR
    return SheetNote(line, code, str(error), error.hint, lines)


def join_notes(notes: Sequence[SheetNote]) -> SheetNote:
    """The notes on the parts of a line, as one: with the code and the hint of the worst."""
    if len(notes) == 1:
        return notes[0]
    worst = max(notes, key=lambda note: note.code)
    message = ", ".join(note.message for note in notes)
    holds = next((note.holds for note in notes if note.holds), "")
    return replace(worst, message=message, holds=holds)


def withdraw(
    notes: Iterable[SheetNote], message: str, lines: Container[int]
) -> Iterator[SheetNote]:
    """The notes, without these lines in those that say `message`: more is known of them now."""
    for note in notes:
        if note.code or note.message != message or not note.line:
            yield note
            continue
        kept = [line for line in range(note.line, note.line + note.lines) if line not in lines]
        begin = 0
        for end in range(1, len(kept) + 1):
            if end == len(kept) or kept[end] != kept[end - 1] + 1:
                yield replace(note, line=kept[begin], lines=end - begin)
                begin = end


def shorten(text: str) -> str:
    """At most `MAX_QUOTED` characters of a text, on one line."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_QUOTED else text[: MAX_QUOTED - 1] + "…"
