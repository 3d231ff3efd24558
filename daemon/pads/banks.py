"""Which bank is played: loading, saving and listing banks.

No file is read or written under the engine's lock.
"""

from __future__ import annotations

import logging
from contextlib import suppress

from pipeline.request import BadRequest, Request

from ..engine import Engine
from ..jobs import Refused
from .bank import Bank, Pad, PadContext
from .bank_store import BankStore, check_name, check_program, find_free_program
from .current_bank import CLIENT, CurrentBank
from .lights import PadLights
from .pad_jobs import PadJobs

log = logging.getLogger("acestepd.pads")


class Banks:
    """What surfaces may do with banks."""

    def __init__(
        self,
        engine: Engine,
        store: BankStore,
        current: CurrentBank,
        lights: PadLights,
        jobs: PadJobs,
    ) -> None:
        self._engine = engine
        self._lock = engine.lock
        self._store = store
        self._current = current
        self._lights = lights
        self._jobs = jobs

    @property
    def current(self) -> tuple[str, int, int]:
        """The name of the bank that is played, its program, and how many pads there are."""
        with self._lock:
            return self._current.description

    def list_programs(self) -> dict[str, int]:
        """Every bank with its program, also one that has not been saved yet."""
        name, program, _ = self.current
        return {name: program} | self._store.list_programs()

    def load_last(self) -> None:
        """Play the bank that was played last, if there is one that can be read."""
        if name := self._store.read_current():
            try:
                self._play(self._store.load(name))
            except Refused as error:
                log.error("%s", error)

    def load(self, name: str) -> None:
        """Play another bank. What is being made for the old one goes on. Raises `Refused`."""
        self.save_changes()
        self._play(self._store.load(name))

    def load_program(self, number: int) -> None:
        """Play the bank with this program, 0..127. Raises `Refused` 404 where there is none."""
        programs = self._store.list_programs()
        name = next((name for name, program in programs.items() if program == number), None)
        if name is None:
            raise Refused(404, f"no bank has program {number}", "/ace/bank/list tells them")
        self.load(name)

    def save(self, name: str = "", program: int | None = None) -> None:
        """Write the bank down; `name` and `program`, where given, are its own from now on. Raises
        `Refused`.
        """
        programs = self._store.list_programs()
        with self._lock:
            bank = self._current.bank
            name = check_name(name or bank.name)
            if program is not None:
                bank.program = check_program(program, name, programs)
            elif name != bank.name:
                bank.program = programs.get(name, find_free_program(programs))
            bank.name = name
            self._current.unsaved = True
        if error := self.save_changes():
            raise Refused(
                507,
                f"the bank could not be saved: {error.strerror}",
                f"free some space, or see {self._store.folder}; it is kept, and tried again",
            ) from error
        with self._lock:
            self._engine.publish(self._lights.make_bank_event())

    def save_changes(self) -> OSError | None:
        """Write the bank down, where it has changed, and others whose writing failed before.
        Returns the error that keeps this one from being written.
        """
        with self._lock:
            name = self._current.bank.name
            if self._current.unsaved:
                self._store.put(self._current.bank)
                self._current.unsaved = False
        return self._store.flush(name).get(name)

    def _play(self, bank: Bank) -> None:
        context = self._current.read_context()
        requests = self._read_pads(bank, context)
        with self._lock:
            if self._current.unsaved and bank.name != self._current.bank.name:
                self._store.put(self._current.bank)  # changed since it was saved a moment ago
            self._current.bank = bank
            self._current.last_hit = None
            self._current.unsaved = False
            self._jobs.clear()
            for index, request in requests.items():
                self._restore_job(bank.pads[index], request)
            self._current.changed.set()
        with suppress(OSError):
            self._store.write_current(bank.name)
        with self._lock:
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
            if pad.job_id and not (pad.take and pad.take.job_id == pad.job_id):
                with suppress(Refused, BadRequest):
                    requests[index] = self._current.build_request(pad.resolved)
        return requests

    def _restore_job(self, pad: Pad, request: Request) -> None:
        """How the pad's newest job stands, where it is about that request."""
        try:
            job = self._engine.find(CLIENT, pad.job_id)
        except Refused:
            return
        if job.request == request:
            self._jobs.restore(pad, job)
