"""A folder of sheets, manifests and sounds: each makes a take, read as in a watched folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pipeline.limits import LIMITS

from ...panel import Panel
from ...paths import AllowedFolders
from ...settings import SettingsError, Watch
from ...watch import watched_files
from ...watch.notes import UNCLEAR, SheetNote, find_problems
from ...watch.parsing import FileParser
from ...watch.watched_files import DEFAULTS, UnusableFile, WatchedFile
from .rows import Batch, BatchRow, Problem, list_changes, make_key, tell_apart

EMPTY = SheetNote(0, UNCLEAR, "it is empty", "write into it what is sung, or move it away")


class _NoModel(NamedTuple):
    """What plays is not known yet: nothing is said of how it differs from a manifest's."""

    title: str = ""
    state: str = "cold"


@dataclass(frozen=True)
class SheetReader:
    """Reads folders. What a sheet leaves out is that of the folder's `acestepd.txt`, or else the
    panel's; files are named as seen from the folder, or lie in the allowed ones.
    """

    panel: Panel
    allowed_folders: AllowedFolders

    def read(
        self, folder: Path, out: Path, show: Callable[[str], None] = lambda text: None
    ) -> Batch:
        """`out`: where its takes will land; `show` is told how far it is. Raises
        `SettingsError`.
        """
        folder = folder.absolute()
        parser = FileParser(Watch(folder, out), _NoModel(), self.panel, self.allowed_folders)
        try:
            scan = watched_files.scan_folder(folder, audio=True, manifests=True)
        except OSError as error:
            raise SettingsError(f"cannot read {folder}: {error.strerror}") from error
        if not scan.is_whole:
            most = LIMITS.watched_files
            raise SettingsError(f"{folder} has more than {most} files: divide them up")
        files = sorted(scan.files.values(), key=lambda file: (not file.is_defaults, file.name))
        defaults = ""  # what they are
        rows: list[BatchRow] = []
        problems: list[Problem] = []
        for index, file in enumerate(files, 1):
            show(f"reading {file.name}")
            if file.is_unknown and not watched_files.looks_like_words(file):
                continue
            try:
                content = watched_files.read_content(file)
            except UnusableFile as error:
                if error.note.code:  # MIDI files are for those that name them
                    problems.append(Problem(index, file.name, "", str(error.note)))
                continue
            if file.is_defaults:
                defaults = content.digest
                refused = find_problems(parser.set_defaults(content.text).notes)
                problems += (_describe(index, DEFAULTS, note) for note in refused)
                continue
            notes: tuple[SheetNote, ...] = (EMPTY,)
            if not _is_empty(file, content.text):
                parsed = parser.parse(file, content.text)
                notes = parsed.notes
                if parsed.request:
                    told = tuple(_describe_line(note) for note in find_problems(notes))
                    key = make_key(content.digest, defaults)
                    changes = list_changes(parsed.request)
                    rows.append(BatchRow(index, file.name, key, changes, notes=told))
                    continue
            problems += (_describe(index, file.name, note) for note in find_problems(notes))
        return Batch(tuple(tell_apart(rows)), tuple(problems))


def _is_empty(file: WatchedFile, text: bytes) -> bool:
    return file.is_empty if file.is_audio else not text.strip()


def _describe_line(note: SheetNote) -> str:
    return f"line {note.line}: {note}" if note.line else str(note)


def _describe(index: int, name: str, note: SheetNote) -> Problem:
    return Problem(index, name, f"line {note.line}" if note.line else "", str(note))
