"""A table of requests: CSV, as spreadsheets write it. Each line below the first is a row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pipeline import untrusted
from pipeline.request import (
    MAX_LYRICS,
    BadRequest,
    coerce,
    field_name,
    is_field,
    names_file,
    suggest_field,
)
from pipeline.user_paths import expand_path

from ...jobs import Refused
from ...osc.arguments import split_order_options
from ...panel import Panel
from ...paths import AllowedFolders
from ...settings import SettingsError
from ...watch.encodings import decode
from ...watch.song_head import find_fact
from .rows import Batch, BatchRow, Problem, describe_error, list_changes, make_key, tell_apart

MAX_BYTES = 64 * 2**20  # of a table
DELIMITERS = (";", "\t", ",", "|")
OPTIONS = ("count", "priority")
REMARK = "#"  # begins the name of a column that is the user's own
UNNAMED = "the first line names columns, like prompt;bpm;key"
_EXCEL_HINT = re.compile(r"sep=(.)\n", re.IGNORECASE)

csv.field_size_limit(4 * MAX_LYRICS)  # what is longer than lyrics may be is said of its column


class _Line(NamedTuple):
    number: int  # in the file, counted from 1
    cells: list[str]


class _BrokenTable(Exception):
    """What begins at a line is no CSV."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass
class _Reading:
    """What was read of a table so far. `columns`: their names as they are written."""

    columns: Sequence[str] = ()
    unused: set[str] = field(default_factory=set)  # columns
    rows: list[BatchRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, line: int, column: str, message: str) -> None:
        self.problems.append(Problem(line, "", column, message))


class TableReader:
    """Reads tables. What a row leaves out is the panel's; files are named as seen from the table's
    folder, or lie in the allowed ones.
    """

    def __init__(self, panel: Panel, allowed_folders: AllowedFolders) -> None:
        self._panel = panel
        self._allowed_folders = allowed_folders

    def read(self, path: Path, show: Callable[[str], None] = lambda text: None) -> Batch:
        """`show` is told how far it is. Raises `SettingsError` for what is no table."""
        text = _read_text(path)
        delimiter, first = _find_delimiter(text)
        reading = _Reading()
        try:
            for line in _list_lines(text, delimiter, first):
                if not any(map(str.strip, line.cells)):
                    continue
                show(f"reading line {line.number}")
                if reading.columns:
                    self._read_row(reading, line, path.parent)
                else:
                    reading.columns = [cell.strip() for cell in line.cells]
                    _check_columns(reading, line)
        except _BrokenTable as error:
            reading.refuse(error.line, "", f"{error}: it and what follows is not read")
        if not reading.columns:
            raise SettingsError(f"{path} is empty; {UNNAMED}")
        if len(reading.unused) == len(reading.columns):
            raise SettingsError(f"{path}: {UNNAMED}, and none of its columns is one that is known")
        rows = tuple(tell_apart(reading.rows))
        unused = tuple(each for each in reading.columns if each in reading.unused and each)
        return Batch(rows, tuple(reading.problems), delimiter, unused)

    def _read_row(self, reading: _Reading, line: _Line, folder: Path) -> None:
        said: dict[str, str] = {}
        values: dict[str, object] = {}
        before = len(reading.problems)
        count = len(reading.columns)
        if any(map(str.strip, line.cells[count:])):
            message = f"it has {len(line.cells)} cells, and there are {count} columns"
            hint = "quote a text that has the delimiter in it"
            reading.refuse(line.number, "", f"{message} ({hint})")
        for column, cell in zip(reading.columns, line.cells):
            text = cell.strip().replace("\\n", "\n")  # as in messages
            if not text or column in reading.unused:
                continue
            try:
                name, text = _find_field(column, text)
                if name in said:
                    raise BadRequest(f"another column says {name} too")
                said[name] = text
                values[name] = self._read_value(name, text, folder)
            except (BadRequest, Refused) as error:
                reading.refuse(line.number, column, describe_error(error))
        if said and len(reading.problems) == before:
            self._add_row(reading, line.number, said, values)

    def _read_value(self, name: str, text: str, folder: Path) -> object:
        """Raises `BadRequest` and `Refused`."""
        if name in OPTIONS:
            split_order_options({name: text})
            return text
        if names_file(name, text):
            text = self._find_file(text, folder)
        return coerce(name, text)

    def _find_file(self, text: str, folder: Path) -> str:
        """Raises `Refused` and `BadRequest`."""
        try:
            path = folder / expand_path(text)
            if path.is_file():
                return str(path.absolute())
        except OSError:  # a name that is too long, say
            pass
        except ValueError as error:
            raise BadRequest(str(error)) from error
        return str(self._allowed_folders.resolve(text))

    def _add_row(
        self, reading: _Reading, line: int, said: dict[str, str], values: dict[str, object]
    ) -> None:
        options = split_order_options({name: said[name] for name in OPTIONS if name in said})
        given = {name: value for name, value in values.items() if name not in OPTIONS}
        try:
            built = self._panel.finish(self._panel.draft(given))
            built.request.resolved()
        except BadRequest as error:
            reading.refuse(line, "", describe_error(error))
            return
        changes = list_changes(built.request)
        if "lyrics" in given:  # they are read where the take is ordered, and told of there
            changes["lyrics"] = given["lyrics"]
        reading.rows.append(
            BatchRow(
                line,
                "",
                make_key(said),
                changes,
                options.takes,
                said.get("priority", "batch").lower(),
            )
        )


def _read_text(path: Path) -> str:
    """Raises `SettingsError`."""
    try:
        text, _ = decode(untrusted.read_bytes(path, MAX_BYTES))
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{path}: {error}; save it as CSV") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _find_delimiter(text: str) -> tuple[str, int]:
    """The one by which most columns are known, or that the first line says, as Excel's may; and the
    line at which the table begins.
    """
    if hint := _EXCEL_HINT.match(text):
        return hint[1], 2
    header = next((line for line in text.split("\n") if line.strip()), "")
    return max(DELIMITERS, key=lambda each: _count_known(header, each)), 1


def _count_known(header: str, delimiter: str) -> int:
    try:
        cells = next(csv.reader([header], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return 0
    return sum(_is_known(cell.strip()) for cell in cells)


def _list_lines(text: str, delimiter: str, first: int) -> Iterator[_Line]:
    """Each with the number of the line of the file at which it begins. Raises `_BrokenTable`."""
    stream = io.StringIO(text)
    for _ in range(1, first):
        stream.readline()
    reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        number = first + reader.line_num
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise _BrokenTable(number, f"this is no CSV: {error}") from error
        if cells is None:
            return
        yield _Line(number, cells)


def _check_columns(reading: _Reading, line: _Line) -> None:
    """Say which columns nobody knows; they are not read, nor are those that are the user's own."""
    for column in reading.columns:
        if _is_known(column):
            continue
        reading.unused.add(column)
        is_own = not column or column.startswith(REMARK) or find_fact(column, "") is not None
        if not is_own:
            similar = suggest_field(_normalize(column))
            hint = f"did you mean {similar}? " if similar else ""
            message = f"no parameter is called so ({hint}Write {REMARK} before it to leave it out)"
            reading.refuse(line.number, column, message)


def _is_known(column: str) -> bool:
    name = _normalize(column)
    if name in OPTIONS or is_field(name):
        return True
    fact = find_fact(column, "") if column else None
    return fact is not None and is_field(fact.name)


def _find_field(column: str, text: str) -> tuple[str, str]:
    """The field, or option, that a column is, and what a text in it says: `Tempo`, `Tonart`."""
    name = _normalize(column)
    if name in OPTIONS:
        return name, text
    if is_field(name):
        return field_name(name), text
    fact = find_fact(column, text)
    return (field_name(fact.name), fact.value) if fact and fact.name else (field_name(name), text)


def _normalize(column: str) -> str:
    return re.sub(r"[ -]+", "_", column).lower()
