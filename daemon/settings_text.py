"""Where in a settings file something stands: what to do about tables of which TOML's parser, or the
name of a setting, says too little.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

WHOLE_FILE = ""  # what stands above all tables


class _Line(NamedTuple):
    """A line that begins a table, or sets something in one. `name`: the table's, or what stands in
    front of the first dot; `part`: what stands behind that.
    """

    number: int
    table: str
    name: str
    part: str = ""
    brackets: str = ""  # a table's

    @property
    def written(self) -> str:
        return f"{self.name}.{self.part}" if self.part else self.name


def explain_tables(text: str, names: Mapping[str, Collection[str]]) -> str:
    """What to do where a table is written in two ways, or a line of the whole file stands below
    one; empty where neither is so. `names`: what may stand in each table, by its name, and in the
    `WHOLE_FILE`.
    """
    lines = list(_read_lines(text))
    tables = {line.name: line for line in reversed(lines) if line.brackets}
    for line in lines:
        if line.brackets:
            continue
        header = tables.get(line.name)
        if header and line.table == line.name and line.part:
            return (
                f"line {line.number} says {line.written} below {header.brackets}: write "
                f"{line.part} there"
            )
        if header and line.table == WHOLE_FILE:
            return (
                f"line {line.number} says {line.written}, and line {header.number} begins "
                f"{header.brackets}: write all of it in one way, as {header.name}.NAME or as NAME "
                f"below {header.brackets}"
            )
        known = names.get(line.table)
        if known is not None and line.name in names[WHOLE_FILE] and line.name not in known:
            return (
                f"line {line.number} says {line.written} below {tables[line.table].brackets}, "
                "where it is none: move it above all tables"
            )
    return ""


def _read_lines(text: str) -> Iterator[_Line]:
    table = WHOLE_FILE
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.partition("#")[0].strip()
        key, equals, _ = stripped.partition("=")
        if stripped.startswith("[") and not equals:
            table = stripped.strip("[] \t")
            yield _Line(number, table, table, brackets=stripped)
        elif equals:
            name, _, part = key.partition(".")
            yield _Line(number, table, name.strip(), part.strip())
