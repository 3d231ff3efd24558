"""Which bank is played: loading, saving and listing banks, and going back.

A saved bank is what was saved, until it is saved again. What is played is a working copy, which has
a file of its own in another folder: it is what a restart goes on with. A bank that was never saved
has nothing but that.

No file is read or written under the engine's lock.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress

from pipeline.did_you_mean import suggest
from pipeline.request import BadRequest, Request

from ..engine import Engine
from ..jobs import Event, Refused
from .bank import Bank, Pad, PadContext
from .bank_history import BankHistory, Step
from .bank_store import BankStore, check_name, check_program, find_free_program
from .current_bank import CLIENT, CurrentBank
from .lights import PadLights
from .pad_jobs import PadJobs

log = logging.getLogger("acestepd.pads")


class Banks:
    """What surfaces may do with banks. `saved` and `working` have their files."""

    def __init__(
        self,
        engine: Engine,
        saved: BankStore,
        working: BankStore,
        current: CurrentBank,
        lights: PadLights,
        jobs: PadJobs,
    ) -> None:
        self._engine = engine
        self._lock = engine.lock
        self._saved = saved
        self._working = working
        self._current = current
        self._lights = lights
        self._jobs = jobs
        self._history = BankHistory()

    @property
    def current(self) -> tuple[str, int, int]:
        """The name of the bank that is played, its program, and how many pads there are."""
        with self._lock:
            return self._current.description

    def list_programs(self) -> dict[str, int]:
        """Every bank with its program, also one that has not been saved yet."""
        name, program, _ = self.current
        return self._working.list_programs() | {name: program} | self._saved.list_programs()

    def load_last(self) -> None:
        """Play the bank that was played last, as it was then, if there is one that can be read."""
        for store in (self._working, self._saved):  # an older acestepd had no working copies
            if name := store.read_current():
                try:
                    self._play(store.load(name))
                    return
                except Refused as error:
                    log.error("%s", error)

    def load(self, name: str) -> None:
        """Play another bank, as it was saved. What is being made for the old one goes on. Raises
        `Refused`.
        """
        self.save_changes()
        bank = self._read(name)
        with self._lock:
            self._history.add(Step(self._current.bank, f"a load of bank {name}", is_other=True))
        self._play(bank)

    def load_program(self, number: int) -> None:
        """Play the bank with this program, 0..127. Raises `Refused` 404 where there is none."""
        programs = self.list_programs()
        name = next((name for name, program in programs.items() if program == number), None)
        if name is None:
            hint = f"/ace/bank/list tells them; /ace/bank/save NAME {number} gives one that program"
            raise Refused(404, f"no bank has program {number}", hint)
        self.load(name)

    def save(self, name: str = "", program: int | None = None) -> None:
        """Save the bank as it is now; `name` and `program`, where given, are its own from now on.
        Raises `Refused`.
        """
        programs = self._saved.list_programs()
        with self._lock:
            bank = self._current.bank
            before = bank.name
            name = check_name(name or before)
            if program is not None:
                bank.program = check_program(program, name, programs)
            elif name != before:
                bank.program = programs.get(name, find_free_program(programs))
            bank.name = name
            self._saved.put(bank)
            self._current.unsaved = True
        if name != before:
            self._working.remove(before)
        if error := self.save_changes():
            raise Refused(
                507,
                f"the bank could not be saved: {error.strerror}",
                f"free some space, or see {self._saved.folder}; it is kept, and tried again",
            ) from error
        self._announce()

    def rename(self, name: str, new: str) -> None:
        """Give a bank another name; "" is the one that is played. It keeps its program. Raises
        `Refused`: 404 where there is none, 409 where another bank has that name.
        """
        name = name or self.current[0]
        programs = self.list_programs()
        _check_there(name, programs)
        if check_name(new) == name:
            return
        if new in programs:
            raise _refuse_name(new)
        with self._lock:
            is_current = self._rename_current(name, new)
        try:
            self._saved.rename(name, new)
            if not is_current:
                self._working.rename(name, new)
        except OSError as error:
            with self._lock:
                self._rename_current(new, name)
            if isinstance(error, FileExistsError):
                raise _refuse_name(new) from error
            text = f"the bank could not be renamed: {error.strerror}"
            raise Refused(507, text, f"see {self._saved.folder}") from error
        if is_current:
            self.save_changes()
            self._working.remove(name)
        self._announce()

    def _rename_current(self, name: str, new: str) -> bool:
        """The bank that is played, and those to go back to. Returns whether it was played. Under
        the lock.
        """
        self._history.rename(name, new)
        is_current = self._current.bank.name == name
        if is_current:
            self._current.bank.name = new
            self._current.unsaved = True
        return is_current

    def delete(self, name: str) -> None:
        """Move a bank's files to the trash. Raises `Refused`: 404 where there is none, 409 for the
        one that is played, 507.
        """
        _check_there(name, self.list_programs())
        if name == self.current[0]:
            hint = "load another one first, or /ace/bank/rename gives it another name"
            raise Refused(409, f"the bank {name!r} is played now", hint)
        for store in (self._saved, self._working):
            store.throw_away(name)
        self._announce()

    def _announce(self) -> None:
        """Which bank is played; to those who list them, that they are others now."""
        with self._lock:
            self._engine.publish(self._lights.make_bank_event())

    def save_changes(self) -> OSError | None:
        """Write down how the bank in use is, where it has changed, and what could not be written
        before. Returns the error that keeps this bank from being written.
        """
        with self._lock:
            bank = self._current.bank
            name = bank.name
            if self._current.unsaved:
                self._working.put(bank)
                self._current.unsaved = False
        errors = self._working.flush(name) | self._saved.flush()
        return errors.get(name)

    # --- back and forth ---------------------------------------------------------------------------

    def begin_change(self, indices: list[int], change: str) -> Bank:
        """These pads of the bank are about to be filled or rerolled: `undo` gives them back, and
        says `change`. Under the lock. Returns the bank that is to be changed.
        """
        before = self._current.bank
        self._current.bank = before.copy_pads(indices)
        self._history.add(Step(before, change))
        return self._current.bank

    def undo(self) -> Event:
        """The bank as it was before the last fill or reroll, or before another one was loaded.
        Returns the note that says which, which is published. Raises `Refused` 404 where there is
        none.
        """
        return self._swap(self._history.undo, "undo", "undone")

    def redo(self) -> Event:
        """Take an `undo` back. Returns and raises the same."""
        return self._swap(self._history.redo, "redo", "done again")

    def _swap(self, exchange: Callable[[Bank], Step | None], word: str, done: str) -> Event:
        with self._lock:
            step = exchange(self._current.bank)
        if step is None:
            raise Refused(404, f"there is nothing to {word}", "fills, rerolls and loads are kept")
        self._play(step.bank, keeps_name=not step.is_other)
        return self.tell(f"{done}: {step.change}")

    def tell(self, text: str) -> Event:
        """Publish a note that is about no job. Returns it."""
        log.info("%s", text)
        note = Event("note", None, (text,))
        self._engine.publish(note)
        return note

    def _read(self, name: str) -> Bank:
        """A bank as it was saved, with what is known of its takes; one that was never saved, as it
        was left. Raises `Refused`.
        """
        try:
            bank = self._saved.load(name)
        except Refused as error:
            if error.code == 404 and name in self._working.list_programs():
                return self._working.load(name)
            raise
        if name in self._working.list_programs():
            with suppress(Refused):
                bank.adopt_takes(self._working.load(name))
        return bank

    def _play(self, bank: Bank, keeps_name: bool = False) -> None:
        context = self._current.read_context()
        requests = self._read_pads(bank, context)
        with self._lock:
            before = self._current.bank
            if keeps_name:
                bank.name = before.name
                bank.program = before.program
            elif self._current.unsaved and bank.name != before.name:
                self._working.put(before)  # changed since it was written down a moment ago
            self._current.bank = bank
            self._current.last_hit = None
            for index, request in requests.items():
                if (pad := bank.pads[index]).job_id not in self._jobs:
                    self._restore_job(pad, request)
            self._current.mark_changed()
            self._lights.update_all()

    def _read_pads(self, bank: Bank, context: PadContext) -> dict[int, Request]:
        """Prepare the pads of a bank that is about to be played: what a hit would play, and whether
        takes are missing. Returns the requests of the pads whose newest job may not have ended.
        """
        requests: dict[int, Request] = {}
        for index, pad in enumerate(bank.pads):
            pad.resolved = bank.resolve(index, context)
            if pad.take:
                manifest = self._current.settings.out / pad.take.manifest
                pad.files_missing = not manifest.is_file()
                with suppress(Refused):  # it may have been marked since
                    pad.favourite |= self._engine.find(CLIENT, pad.take.job_id).favourite
            if pad.job_id and not (pad.take and pad.take.job_id == pad.job_id):
                with suppress(Refused, BadRequest):
                    requests[index] = self._current.build_request(pad.resolved)
        return requests

    def _restore_job(self, pad: Pad, request: Request) -> None:
        """How the pad's newest job stands, where it is about that request."""
        pad.state = None
        try:
            job = self._engine.find(CLIENT, pad.job_id)
        except Refused:
            return
        if job.request == request:
            self._jobs.restore(pad, job)


def _check_there(name: str, programs: Mapping[str, int]) -> None:
    """Raises `Refused` 404 where no bank has that name."""
    if name not in programs:
        hint = suggest(name, programs) or f"banks: {' '.join(programs)}"
        raise Refused(404, f"no bank is called {name[:80]!r}", hint)


def _refuse_name(name: str) -> Refused:
    return Refused(
        409, f"there is a bank {name!r} already", "choose another name, or delete that one"
    )
