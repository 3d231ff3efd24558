"""The report beside the takes: what was not understood of a file, for its writer to read."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.untrusted import read_bytes

from .characters import split_lines
from .notes import SheetNote, find_problems, shorten
from .watched_files import REPORT, to_utf8

log = logging.getLogger("acestepd.watch")


def update_report(folder: Path, name: str, notes: Sequence[SheetNote], text: str) -> bool:
    """Write the report on the file `name`, whose `text` the notes are about, or remove it when
    there is nothing to look at. Whether there was the same report already.
    """
    name = to_utf8(name)
    path = folder / f"{name}{REPORT}"
    try:
        if not find_problems(notes):
            path.unlink(missing_ok=True)
            return False
        report = format_report(name, notes, text).encode()
        if _holds(path, report):
            return True
        folder.mkdir(exist_ok=True)
        temporary = path.with_name(f".{path.name}")
        temporary.write_bytes(report)
        temporary.replace(path)
    except OSError as error:
        log.warning("the report %s could not be written: %s", path, error.strerror)
    return False


def _holds(path: Path, content: bytes) -> bool:
    with suppress(OSError, ValueError):
        return read_bytes(path, len(content)) == content
    return False


def format_report(name: str, notes: Sequence[SheetNote], text: str = "") -> str:
    """First what has to be looked at, with its lines, then what was understood."""
    lines = ["", *split_lines(text)]  # counted from 1
    problems = find_problems(notes)
    understood = [note for note in notes if not note.code]
    things = "thing" if len(problems) == 1 else "things"
    report = [f"{name}: {len(problems)} {things} to look at", ""]
    for note in problems:
        place = _format_place(note)
        if 0 < note.line < len(lines):
            place += f": {shorten(lines[note.line])}"
        report += [place, f"    {note}"]
    if understood:
        report += ["", "What was understood", ""]
        report += [f"{_format_place(note)}: {note}" for note in understood]
    return "\n".join(report) + "\n"


def _format_place(note: SheetNote) -> str:
    if not note.line:
        return "the file"
    if note.lines == 1:
        return f"line {note.line}"
    return f"lines {note.line} to {note.line + note.lines - 1}"
