"""The report beside the takes: what was not understood of a file, for its writer to read."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from pipeline.untrusted import read_bytes

from .characters import split_lines
from .notes import SheetNote, find_problems, shorten
from .watched_files import REPORT, to_utf8

MAX_NAME = 255  # bytes of a file's name
log = logging.getLogger("acestepd.watch")


def update_report(folder: Path, name: str, notes: Sequence[SheetNote], text: str) -> bool:
    """Write the report on the file `name`, whose `text` the notes are about, or remove it when
    there is nothing to look at. Whether there was the same report already.
    """
    path = folder / name_report(name)
    name = to_utf8(name)
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


def name_report(name: str) -> str:
    """What the report on a file is called: the file's name, cut where no file could be called so,
    or changed where it is not in UTF-8; then a digest tells it from others.
    """
    kept = to_utf8(name)
    room = MAX_NAME - len(f".{REPORT}")  # the dot is a temporary file's
    if kept == name and len(kept.encode()) <= room:
        return f"{name}{REPORT}"
    digest = blake2b(os.fsencode(name), digest_size=8).hexdigest()
    cut = kept.encode()[: room - len(digest) - 1].decode(errors="ignore")
    return f"{cut}-{digest}{REPORT}"


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
