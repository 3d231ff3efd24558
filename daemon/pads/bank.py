"""A bank: pads with their seeds, requests and takes, in one readable JSON file that any machine can
play.

No absolute path is in it: takes and sources are named as they are inside of the folders that
messages may name files in. What a pad has played is kept as a whole request, so the same bank makes
the same takes elsewhere.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from pipeline.request import DRAWN_SEEDS, FIELDS, MAX_SEED, BadRequest, Request

from ..jobs import Refused
from ..landing import disk
from .interface import PadState

log = logging.getLogger("acestepd.pads")

VERSION = 1
MAX_PADS = 128
MAX_BYTES = 4 * 2**20
PROGRAMS = 128
FILES = ("source", "guide")  # fields that may name a file
NAME = re.compile(r"[^\W_](?:[\w .'+-]{0,62}[\w'+-])?")

Values = dict[str, Any]


@dataclass(frozen=True)
class PadTake:
    """What a pad plays: the manifest's name in the output folder, its job's id, and what was
    ordered.
    """

    file: str
    id: str
    values: Values


@dataclass
class Slot:
    """One pad. `own` are its own parameters; `base` the rest of its wish, as it was when the seed
    was chosen.

    Without a base it follows the panel, and its seed is chosen when it is hit. `next` is what a
    reroll will choose: it is known beforehand, so that its take can be made in advance. `id` is the
    newest job's. What follows `take` is not saved: how that job stands, what a hit would play now,
    and as a request, and whether the take's files are missing.
    """

    own: Values = field(default_factory=dict)
    base: Values | None = None
    seed: int = -1
    next: int = field(default_factory=lambda: drawn())
    favourite: bool = False
    id: str = ""
    take: PadTake | None = None
    state: PadState | None = None
    progress: float = 0.0
    plan: Values = field(default_factory=dict)
    wish: Request | None = None
    gone: bool = False

    @property
    def pending(self) -> bool:
        return self.state in (PadState.QUEUED, PadState.RENDERING)

    @property
    def ready(self) -> bool:
        """Whether its take is what a hit would play."""
        return self.take is not None and not self.gone and self.take.values == self.plan

    def choose(self, base: Values, seed: int) -> None:
        """From now on it is this."""
        if seed == self.next:
            self.next = drawn()
        self.base = base
        self.seed = seed
        self.forget()

    def forget(self) -> None:
        """What it has played so far."""
        self.id = ""
        self.take = None
        self.state = None
        self.progress = 0.0
        self.gone = False

    def to_json(self, pad: int) -> Values:
        values: Values = {
            "pad": pad,
            "seed": self.seed,
            "next": self.next,
            "favourite": self.favourite,
        }
        values |= {"own": self.own} if self.own else {}
        values |= {"base": self.base} if self.base is not None else {}
        values |= {"id": self.id} if self.id else {}
        if self.take:
            values["take"] = {
                "file": self.take.file,
                "id": self.take.id,
                "request": self.take.values,
            }
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Raises ValueError, KeyError, TypeError."""
        base = values.get("base")
        take = values.get("take")
        slot = cls(
            own=_checked(values.get("own", {})),
            base=None if base is None else _checked(base),
            seed=_seed(values["seed"], -1),
            next=_seed(values["next"], 0),
            favourite=bool(values.get("favourite", False)),
            id=str(values.get("id", ""))[:128],
        )
        if take:
            file = str(take["file"])
            if Path(file).name != file or not file.endswith(".json"):
                raise ValueError(
                    f"a take is named by its manifest, without a folder, got {file[:80]!r}"
                )
            slot.take = PadTake(file, str(take["id"])[:128], _checked(take["request"]))
        return slot


@dataclass
class Bank:
    """`rows` above 0 makes variations of a row's first pad of the others, up to that distance;
    `columns` are a row.
    """

    name: str
    program: int = 0
    columns: int = 4
    rows: float = 0.0
    slots: list[Slot] = field(default_factory=list)

    def slot(self, number: int) -> Slot:
        """Counted from 0; made when it is not there yet."""
        while len(self.slots) <= number:
            self.slots.append(Slot())
        return self.slots[number]

    def to_json(self) -> str:
        slots = [slot.to_json(number) for number, slot in enumerate(self.slots, 1)]
        head = {
            "acestepd_bank": VERSION,
            "program": self.program,
            "columns": self.columns,
            "rows": self.rows,
        }
        return json.dumps(head | {"pads": slots}, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, name: str, text: str) -> Self:
        """Raises ValueError saying what is wrong with it."""
        try:
            data = json.loads(text)
            if int(data["acestepd_bank"]) > VERSION:
                raise ValueError("a newer acestepd wrote it")
            program = int(data["program"])
            columns = int(data["columns"])
            rows = float(data["rows"])
            if not (0 <= program < PROGRAMS and 1 <= columns <= MAX_PADS and 0 <= rows <= 1):
                raise ValueError(
                    f"program {program}, columns {columns} or rows {rows} is not possible"
                )
            bank = cls(name, program, columns, rows)
            for values in data["pads"]:
                number = int(values["pad"])
                if not 1 <= number <= MAX_PADS:
                    raise ValueError(f"pads are numbered 1..{MAX_PADS}, got {number}")
                bank.slot(number - 1)
                bank.slots[number - 1] = Slot.from_json(values)
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RecursionError,
            OverflowError,
        ) as error:
            raise ValueError(
                f"not a bank of pads: {error if str(error) else type(error).__name__}"
            ) from error
        return bank


class Banks:
    """The folder with one file for each bank."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._current = folder / ".current"

    def names(self) -> dict[str, int]:
        """Every bank and its program, by program."""
        found = {
            path.stem: path for path in self._folder.glob("*.json") if NAME.fullmatch(path.stem)
        }
        programs = {name: _program(path) for name, path in found.items()}
        return dict(sorted(programs.items(), key=lambda entry: (entry[1], entry[0])))

    def load(self, name: str) -> Bank:
        """Raises `Refused`."""
        path = self._path(name)
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ValueError(f"not a bank of pads: it has more than {MAX_BYTES} bytes")
            return Bank.from_json(name, path.read_text("utf-8"))
        except FileNotFoundError:
            hint = f"banks: {' '.join(self.names()) or 'none yet'}; /ace/bank/save makes one"
            raise Refused(404, f"no bank is called {name!r}", hint) from None
        except (ValueError, OSError) as error:
            raise Refused(
                422, f"the bank {name!r} cannot be read: {error}", f"see {path}"
            ) from error

    def save(self, name: str, text: str) -> None:
        """Raises OSError; then the old one is still there."""
        self._write(self._path(name), text)

    def current(self) -> str:
        """The bank that was played last; empty when there is none."""
        with suppress(OSError, ValueError):
            name = self._current.read_text("utf-8").strip()
            return name if NAME.fullmatch(name) else ""
        return ""

    def remember(self, name: str) -> None:
        """Which one is played. Raises OSError."""
        if self.current() != name:
            self._write(self._current, name + "\n")

    def free_program(self) -> int:
        taken = set(self.names().values())
        return next((number for number in range(PROGRAMS) if number not in taken), 0)

    def _path(self, name: str) -> Path:
        return self._folder / f"{checked_name(name)}.json"

    def _write(self, path: Path, text: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.new")
        disk.write(draft, text.encode("utf-8", "backslashreplace"))
        os.replace(draft, path)
        disk.sync_folder(self._folder)


def checked_name(name: str) -> str:
    """Raises `Refused` for one that is no plain file name everywhere."""
    if not NAME.fullmatch(name):
        raise Refused(
            422,
            f"a bank's name has letters, digits, spaces and . ' + -, 64 at most; got {name[:80]!r}",
        )
    return name


def drawn() -> int:
    return secrets.randbelow(DRAWN_SEEDS)


def wished(request: Request) -> Values:
    """What a request says other than the defaults."""
    return {
        name: value
        for name, spec in FIELDS.items()
        if (value := getattr(request, name)) != spec.default
    }


def request_of(values: Values) -> Request:
    """The same request for the same values, made once. Raises `BadRequest`."""
    return _request_of(tuple(sorted(values.items())))


@lru_cache(1024)
def _request_of(items: tuple[tuple[str, Any], ...]) -> Request:
    return Request().changed(dict(items))


def _checked(values: Any) -> Values:
    """Fields by their names, with values that may be theirs: whether files are there is asked when
    they are played.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"parameters must be names and values, got {values!r:.80}")
    plain = {
        str(name): value for name, value in values.items() if isinstance(value, str | int | float)
    }
    if unknown := [name for name in plain if name not in FIELDS]:
        log.warning("a bank has parameters that are not known here: %s", " ".join(unknown)[:200])
    files = {name: value for name, value in plain.items() if name in FILES}
    others = {name: value for name, value in plain.items() if name in FIELDS and name not in FILES}
    try:
        request = request_of(others)
    except BadRequest as error:
        raise ValueError(str(error)) from error
    return {name: getattr(request, name) for name in others} | files


def _seed(value: Any, low: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= MAX_SEED:
        raise ValueError(f"a seed must be in {low}..{MAX_SEED}, got {value!r:.40}")
    return value


def _program(path: Path) -> int:
    try:
        return (
            int(json.loads(path.read_text("utf-8"))["program"])
            if path.stat().st_size <= MAX_BYTES
            else PROGRAMS
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return PROGRAMS
