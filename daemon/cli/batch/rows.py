"""What a batch is made from, whatever it was read from: rows, and what is wrong with others."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from pipeline.request import DRAWN_SEED_COUNT, FIELDS, Request

from ...engine.orders import make_take
from ...osc.wire import MAX_DATAGRAM

OVERHEAD = 512  # bytes of a message for its address, its id and zeros


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A line of a table, or a sheet: `count` takes of a request, of which `values` are what differs
    from the defaults. `index` is the line's number, or counts sheets; `name` is a sheet's. `key` is
    the same whenever this row is read, and no other row's.
    """

    index: int
    name: str
    key: str
    values: Mapping[str, object]
    count: int = 1
    priority: str = "batch"
    notes: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self.name or f"line {self.index}"

    def list_pairs(self, number: int) -> Iterator[str]:
        """The message of one of its takes, counted from 0: all fields by name, so that it is the
        same whatever a panel has been turned to.
        """
        request = Request().changed(self.values)
        if self.count > 1:
            first = request
            if request.seed < 0:  # the same one each time that the row is read
                first = request.changed({"seed": int(make_key(self.key), 16) % DRAWN_SEED_COUNT})
            request = make_take(request, first, number)
        for name in FIELDS:
            yield name
            yield _format(getattr(request, name))
        yield "priority"
        yield self.priority


@dataclass(frozen=True, slots=True)
class Problem:
    """Why no take can be made of a row, as in `BatchRow`. `column` is empty where all is meant."""

    index: int
    name: str
    column: str
    message: str

    def __str__(self) -> str:
        where = self.name or f"line {self.index}"
        return (
            f"{where}, {self.column}: {self.message}" if self.column else f"{where}: {self.message}"
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """All rows, in order, and all problems. `delimiter` is that of the table that they are of, of
    which the columns `unused` say nothing.
    """

    rows: tuple[BatchRow, ...]
    problems: tuple[Problem, ...]
    delimiter: str = ","
    unused: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Of its takes."""
        return sum(row.count for row in self.rows)


def make_key(*parts: object) -> str:
    """The same for the same parts: hexadecimal digits."""
    return blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=6).hexdigest()


def tell_apart(rows: Iterable[BatchRow]) -> Iterator[BatchRow]:
    """The rows, of which two that say the same ask for a take each."""
    seen: Counter[str] = Counter()
    for row in rows:
        seen[row.key] += 1
        again = f"x{seen[row.key]}" if seen[row.key] > 1 else ""
        yield replace(row, key=f"{row.key}{again}")


def refuse_long(batch: Batch) -> Batch:
    """The same without the rows that fit into no message, which are among the problems then."""
    problems = list(batch.problems)
    rows = []
    for row in batch.rows:
        # a text takes its bytes, a zero, up to three more zeros, and its type a byte
        size = sum(len(text.encode()) + 5 for text in row.list_pairs(0)) + OVERHEAD
        if size <= MAX_DATAGRAM:
            rows.append(row)
            continue
        message = f"it takes {size} bytes, and a message has at most {MAX_DATAGRAM}: shorten it"
        problems.append(Problem(row.index, row.name, "", message))
    problems.sort(key=lambda problem: problem.index)
    return replace(batch, rows=tuple(rows), problems=tuple(problems))


def list_changes(request: Request) -> dict[str, object]:
    """The values of a request that are not the default."""
    values = {name: getattr(request, name) for name in FIELDS}
    return {name: value for name, value in values.items() if value != FIELDS[name].default}


def describe_error(error: Exception) -> str:
    """What is wrong, and what to do."""
    hint = getattr(error, "hint", "")
    return f"{error} ({hint})" if hint else str(error)


def _format(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:.12f}".rstrip("0").rstrip(".")
    return str(value)
