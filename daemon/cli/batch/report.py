"""What became of a batch: a table, a line for each take."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pipeline import untrusted
from pipeline.limits import LIMITS
from pipeline.sound_headers import read_header

from ...jobs import Job, JobState
from ...settings import SettingsError
from .rows import BatchRow, Problem

HEADER = ("row", "id", "status", "files", "seed", "seconds", "took", "notes")
REFUSED = "refused"
NOT_ORDERED = "not ordered"
SEPARATOR = "; "  # of several files, and of several notes
# what a spreadsheet would take for a formula
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ReportLine(NamedTuple):
    """What became of one take. `seconds` is how long it is, `took` how long it took to make."""

    row: str
    id: str = ""
    status: str = ""
    files: str = ""
    seed: str = ""
    seconds: str = ""
    took: str = ""
    notes: str = ""


def describe_problem(problem: Problem) -> ReportLine:
    """Of a row of which no take can be made."""
    place = problem.name or str(problem.index)
    return ReportLine(place, status=REFUSED, notes=str(problem))


def describe_unmade(row: BatchRow, id: str, refused: str) -> ReportLine:
    """Of a take that the journal does not know, and why it was refused, where it was."""
    status = REFUSED if refused else NOT_ORDERED
    return ReportLine(row.name or str(row.index), id, status, notes=refused)


def describe_job(row: BatchRow, job: Job, folder: Path) -> ReportLine:
    """Files are named as seen from `folder`, where they are in it."""
    paths = [Path(str(clip.values[1])) for clip in job.clip_events]
    ending = job.last_event.values if job.last_event else ()
    told = [*row.notes, *(str(event.values[0]) for event in job.note_events)]
    seconds = took = ""
    if job.state is JobState.FINISHED:
        manifest = Path(str(ending[1]))
        seconds = _measure(paths[0]) if paths else ""
        took = _read_took(manifest)
        told += [f"{path.name} is not there any more" for path in paths if not path.exists()]
    elif job.state is JobState.FAILED:
        told[:0] = [": ".join(str(value) for value in ending[2:] if value)]
    return ReportLine(
        row.name or str(row.index),
        job.id,
        job.state.value,
        SEPARATOR.join(_shorten(path, folder) for path in paths),
        str(job.resolved.seed),
        seconds,
        took,
        SEPARATOR.join(dict.fromkeys(told)),
    )


def write_report(path: Path, lines: Iterable[ReportLine], delimiter: str) -> None:
    """As spreadsheets read it. Raises `SettingsError`."""
    part = path.with_name(f".{path.name}.part")
    try:
        with open(part, "w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream, delimiter=delimiter)
            writer.writerow(HEADER)
            writer.writerows(map(_defuse, lines))
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise SettingsError(f"cannot write {path}: {error.strerror}") from error


def _defuse(line: ReportLine) -> Iterator[str]:
    return (f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in line)


def _shorten(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _measure(path: Path) -> str:
    """Seconds that a sound file plays, as its header says; empty where it cannot be read."""
    with suppress(OSError), open(path, "rb") as stream:
        if promised := read_header(stream).promised:
            return f"{promised:.2f}"
    return ""


def _read_took(manifest: Path) -> str:
    """Seconds that it took, as the manifest says; empty where it does not."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        spent = untrusted.read_json(manifest, LIMITS.manifest_bytes)["seconds_spent"]
        return f"{sum(spent.values()):.2f}"
    return ""
