"""The files of banks: one JSON file each, and which one is played."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path

from pipeline import untrusted
from pipeline.did_you_mean import suggest
from pipeline.limits import LIMITS
from pipeline.private import make_folder
from pipeline.untrusted import FileState

from ..jobs import Refused
from ..landing import disk
from ..runtime.trash import move_to_trash
from .bank import PROGRAMS, Bank

log = logging.getLogger("acestepd.pads")

BANKS = "banks"  # the folder of them, in the state folder
WORKING = "playing"  # in that, the folder of those that are played, as they are now
NAME = re.compile(r"[^\W_](?:[\w .'+-]{0,62}[\w'+-])?")


class BankStore:
    """The folder with one file for each bank. Safe from any thread; it reads and writes files, so
    nothing but `put` may be called under the engine's lock.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._current = folder / ".current"
        self._lock = threading.Lock()
        self._writing = threading.Lock()  # one thread at a time writes
        # the text of banks that are not written yet, or could not be, by name
        self._unsaved: dict[str, str] = {}
        # what was read of each file, as long as it stays the same
        self._programs: dict[str, tuple[FileState, int]] = {}

    def list_programs(self) -> dict[str, int]:
        """Every bank and its program, by program; of very many banks, some."""
        names = (path.stem for path in self.folder.glob("*.json"))
        named = islice(filter(NAME.fullmatch, names), LIMITS.banks)
        programs = {name: self._find_program(name) for name in named}
        return dict(sorted(programs.items(), key=lambda entry: (entry[1], entry[0])))

    def load(self, name: str) -> Bank:
        """Raises `Refused`."""
        with self._lock:
            unsaved = self._unsaved.get(name)
        if unsaved:
            return Bank.from_json(name, unsaved)
        path = self._find_path(name)
        try:
            content = untrusted.read_bytes(path, LIMITS.bank_bytes)
            return Bank.from_json(name, content.decode("utf-8"))
        except FileNotFoundError:
            known = self.list_programs()
            listed = f"banks: {' '.join(known) or 'none yet'}; /ace/bank/save makes one"
            hint = suggest(name, known) or listed
            raise Refused(404, f"no bank is called {name!r}", hint) from None
        except (ValueError, OSError) as error:
            raise Refused(
                422, f"the bank {name!r} cannot be read: {error}", f"see {path}"
            ) from error

    def put(self, bank: Bank) -> None:
        """Have it written by the next `flush`, as it is now. Touches no file."""
        with self._lock:
            self._unsaved[bank.name] = bank.to_json()

    def flush(self, current: str = "") -> dict[str, OSError]:
        """Write the banks that are not written yet; `current` is the name of the one that is
        played, where that is to be remembered. Why some could not be written, by name: they are
        tried again the next time.
        """
        errors: dict[str, OSError] = {}
        with self._writing:
            with self._lock:
                unsaved = dict(self._unsaved)
            for name, text in unsaved.items():
                try:
                    self._write(self._find_path(name), text)
                    if name == current:
                        self.write_current(name)
                except OSError as error:
                    log.error("the bank %s could not be saved: %s", name, error)
                    errors[name] = error
                else:
                    self._forget_unsaved(name, text)
        return errors

    def remove(self, name: str) -> None:
        """Forget the bank, also where it is not written yet."""
        with self._writing:
            with self._lock:
                self._unsaved.pop(name, None)
            with suppress(OSError):
                self._find_path(name).unlink()

    def rename(self, name: str, new: str) -> None:
        """Give the bank another name, where there is one. Raises OSError: FileExistsError where
        another has it.
        """
        path, target = self._find_path(name), self._find_path(new)
        with self._writing:
            # a Mac's disk takes Verse and verse for one name
            if target.exists() and not (path.exists() and path.samefile(target)):
                raise FileExistsError(f"there is {target}")
            with suppress(FileNotFoundError):
                path.rename(target)
                disk.sync_folder(self.folder)
            with self._lock:
                if (unsaved := self._unsaved.pop(name, None)) is not None:
                    self._unsaved[new] = unsaved

    def throw_away(self, name: str) -> None:
        """Move the bank's file to the trash, where there is one. Raises `Refused` 507."""
        with self._writing:
            path = self._find_path(name)
            if path.exists():
                move_to_trash(path)
            with self._lock:
                self._unsaved.pop(name, None)

    def read_current(self) -> str:
        """The name of the bank that was played last; empty when there is none."""
        with suppress(OSError, ValueError):
            name = self._current.read_text("utf-8").strip()
            return name if NAME.fullmatch(name) else ""
        return ""

    def write_current(self, name: str) -> None:
        """Which one is played. Raises OSError."""
        if self.read_current() != name:
            self._write(self._current, name + "\n")

    def _find_program(self, name: str) -> int:
        """Of a file that is the same as before, what was read then: one that cannot be read rests
        until it changes.
        """
        path = self._find_path(name)
        try:
            state = FileState.of(path)
        except OSError:
            return PROGRAMS
        known, program = self._programs.get(name, (None, 0))
        if known != state:
            program = _read_program(path)
            self._programs[name] = state, program
        return program

    def _forget_unsaved(self, name: str, text: str) -> None:
        with self._lock:
            if self._unsaved.get(name) == text:  # nothing newer has come meanwhile
                del self._unsaved[name]

    def _find_path(self, name: str) -> Path:
        return self.folder / f"{check_name(name)}.json"

    def _write(self, path: Path, text: str) -> None:
        make_folder(self.folder)
        draft = path.with_name(f".{path.name}.new")
        disk.write_synced(draft, text.encode("utf-8", "backslashreplace"), 0o600)
        os.replace(draft, path)
        disk.sync_folder(self.folder)


def check_name(name: str) -> str:
    """Raises `Refused` for one that is no plain file name everywhere."""
    if not NAME.fullmatch(name):
        raise Refused(
            422,
            f"a bank's name has letters, digits, spaces and . ' + -, 64 at most; got {name[:80]!r}",
        )
    return name


def check_program(program: int, name: str, programs: Mapping[str, int]) -> int:
    """That program, where no other bank has it. Raises `Refused`."""
    if not 0 <= program < PROGRAMS:
        raise Refused(422, f"program must be in 0..{PROGRAMS - 1}, got {program}")
    for other, taken in programs.items():
        if taken == program and other != name:
            raise Refused(
                409,
                f"program {program} is that of the bank {other!r}",
                "choose another: /ace/bank/list",
            )
    return program


def find_free_program(programs: Mapping[str, int]) -> int:
    """The first program that no bank has."""
    taken = set(programs.values())
    return next((number for number in range(PROGRAMS) if number not in taken), 0)


def _read_program(path: Path) -> int:
    """One behind all programs where the file cannot be read."""
    try:
        return int(untrusted.read_json(path, LIMITS.bank_bytes)["program"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return PROGRAMS
