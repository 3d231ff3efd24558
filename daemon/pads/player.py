"""Playing pads: what a hit means, other seeds, marks, parameters, and which bank is played.

The current bank, its lights and its jobs change under the engine's lock, as the engine's events do:
one lock, no deadlock. No file is read under it. What has to be read is read between two times that
the lock is taken, and where the pad has changed meanwhile, it begins again. A thread of its own has
takes prepared and saves the bank, both a moment after something has changed.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress

from pipeline.request import BadRequest, Request, field_name
from pipeline.request_files import check_files

from ..engine import Engine
from ..jobs import Event, Order, Priority, Refused
from ..panel import Panel
from ..paths import AllowedFolders
from ..settings import Settings
from ..tempo import Tempo
from .announcer import Announcer, read_take_events
from .bank import MAX_PADS, Bank, Pad, PadContext, Values, build_request, draw_seed
from .bank_store import BankStore, check_name, check_program, find_free_program
from .current_bank import CLIENT, CurrentBank, new_job_id
from .interface import Light, LightListener, PadState
from .knobs import Knob
from .lights import PadLights
from .pad_jobs import PadJobs
from .speculation import PadSpeculation

log = logging.getLogger("acestepd.pads")

FIRST_BANK = "pads"  # what is played before one is saved under a name
SETTLE_SECONDS = 0.2  # changes in a burst are prepared for, and saved, once


class PadPlayer:
    """What surfaces may do with pads. Pads are meant by their index, from 0."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        panel: Panel,
        tempo: Tempo,
        allowed_folders: AllowedFolders,
    ) -> None:
        self._engine = engine
        self._panel = panel
        self._lock = engine.lock
        self._store = BankStore(settings.state / "banks")
        first = Bank(FIRST_BANK, columns=settings.midi.columns, rows=settings.midi.rows)
        self._current = CurrentBank(settings, panel, tempo, allowed_folders, first)
        self._speculation = PadSpeculation(engine, self._current, lambda: self._lights.update())
        self._lights = PadLights(engine, self._current, self._speculation.get_light)
        self._jobs = PadJobs(on_end=self._mark_changed, on_change=self._lights.update)
        self._announcer = Announcer(engine.publish)
        self._last_hit: int | None = None
        self._unsaved = False  # the current bank is not as it was saved
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pad speculation", daemon=True)
        engine.subscribe(self._jobs.on_event)
        panel.listen(lambda name, value: self._wake.set())
        tempo.listen(lambda bpm, source: self._wake.set())

    def start(self) -> None:
        """Play the bank that was played last."""
        if name := self._store.read_current():
            try:
                self._play_bank(self._store.load(name))
            except Refused as error:
                log.error("%s", error)
        self._wake.set()
        self._thread.start()

    def close(self) -> None:
        """Save what is not saved."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self._save()

    def change_settings(self, settings: Settings, allowed_folders: AllowedFolders) -> None:
        """Other settings from now on."""
        with self._lock:
            self._current.settings = settings
            self._current.allowed_folders = allowed_folders
            self._lights.update_all()
        self._wake.set()

    # --- a pad ------------------------------------------------------------------------------------

    def play(self, index: int, velocity: int = 0, client: str = CLIENT) -> Light:
        """Announce the pad's take, or make it. Raises `Refused` and `BadRequest`."""
        while True:
            light = self._try_to_play(index, velocity, client)
            if light is not None:
                return light

    def reroll(self, index: int, client: str = CLIENT) -> Light:
        """Choose the pad's next seed, and make its take. What is being made for it is cancelled.
        Raises `Refused` and `BadRequest`, and then nothing is lost.
        """
        while not self._try_to_reroll(index, client):
            pass
        return self.play(index, client=client)

    def mark(self, index: int, on: bool | None = None) -> Light:
        """Make the pad a favourite, or not any more; without `on` the other of both."""
        context = self._current.read_context()
        with self._lock:
            pad = self._current.get_pad(index)
            pad.favourite = not pad.favourite if on is None else on
            if pad.take:
                with suppress(Refused):  # a take that came with the bank is in nobody's journal
                    self._engine.favourite(CLIENT, pad.take.job_id, pad.favourite)
            return self._refresh_pad(index, context)

    def set_parameters(self, index: int, values: Values) -> Light:
        """Give a pad parameters of its own. Raises `Refused` and `BadRequest`."""
        with self._lock:
            self._current.get_pad(index)
        folders = self._current.allowed_folders
        request = self._panel.request.changed(folders.resolve_values(values))
        check_files(request)
        parameters = folders.make_portable(_pick_fields(request, values))
        context = self._current.read_context()
        with self._lock:
            pad = self._current.get_pad(index)
            if "seed" in parameters:
                del parameters["seed"]
                if request.seed >= 0:
                    self._current.bank.set_seed(index, request.seed, context)
            pad.parameters |= parameters
            return self._refresh_pad(index, context)

    def _try_to_play(self, index: int, velocity: int, client: str) -> Light | None:
        """None where the pad has changed while files were read."""
        context = self._current.read_context()
        with self._lock:
            pad = self._current.get_pad(index)
            self._last_hit = index
            if pad.pending:
                return self._refresh_pad(index, context)
            self._current.refresh(context, index)
            values = pad.resolved
            take = pad.take if pad.ready else None
            folder = self._current.settings.out
        if take:
            events = read_take_events(folder, take, client)
            with self._lock:
                if not self._is_unchanged(index, pad, values, context) or pad.take is not take:
                    return None
                if events:
                    self._announcer.announce(take, events, self._current.find_due())
                    return self._refresh_pad(index, context)
                pad.files_missing = True
        files = self._current.find_files(values)
        with self._lock:
            if not self._is_unchanged(index, pad, values, context):
                return None
            order = self._claim(index, pad, files, velocity, client, context)
        self._submit(order, pad, client)
        with self._lock:
            if self._current.is_current(index, pad):
                self._refresh_pad(index, context)
        return Light(PadState.QUEUED)

    def _is_unchanged(self, index: int, pad: Pad, values: Values, context: PadContext) -> bool:
        """Whether a hit on the pad, as it was a moment ago, still means the same."""
        return (
            self._current.is_current(index, pad)
            and not pad.pending
            and self._current.bank.resolve(index, context) == values
        )

    def _claim(
        self,
        index: int,
        pad: Pad,
        files: Values,
        velocity: int,
        client: str,
        context: PadContext,
    ) -> Order:
        """The order for what a hit plays; from now on the pad waits for its job. Raises
        `BadRequest`.
        """
        bank = self._current.bank
        if velocity and (text := self._current.settings.midi.velocity):
            knob = Knob.of(text)
            pad.parameters[knob.field] = knob.to_value(velocity / 127)
            self._current.refresh(context, index)
        request = build_request(pad.resolved | files)
        original = bank.find_original(index)
        if bank.get_pad(original).seed < 0:
            bank.set_seed(original, bank.resolve(original, context)["seed"], context)
            self._current.refresh(context, index)
            request = build_request(pad.resolved | files)
        job_id = self._speculation.claim_id(request) or new_job_id(index)
        self._jobs.add(job_id, pad, pad.resolved)
        return Order(
            client,
            job_id,
            request,
            priority=Priority.LIVE,
            origin=self._current.describe_origin(index),
            due=self._current.find_due(),
        )

    def _submit(self, order: Order, pad: Pad, client: str) -> None:
        try:
            self._engine.submit(order)
        except Exception:
            with self._lock:
                self._jobs.withdraw(order.id)
            raise
        with self._lock:
            # a reroll that came before the engine knew the job could not cancel it
            if order.id not in self._jobs and pad.job_id != order.id:
                self._cancel(client, order.id)

    def _try_to_reroll(self, index: int, client: str) -> bool:
        """Whether the next seed was chosen; not where the pad has changed while files were read."""
        context = self._current.read_context()
        with self._lock:
            pad = self._current.get_pad(index)
            values = self._current.bank.resolve(index, context, reroll=True)
        self._current.build_request(values)
        with self._lock:
            bank = self._current.bank
            if (
                not self._current.is_current(index, pad)
                or bank.resolve(index, context, reroll=True) != values
            ):
                return False
            if pad.pending:
                self._cancel(client, pad.job_id)
                self._jobs.remove(pad.job_id)
            bank.reroll(index, context)
            return True

    def _cancel(self, client: str, job_id: str) -> None:
        with suppress(Refused):  # its files are just landing: then they land
            self._engine.cancel(client, job_id)

    def _refresh_pad(self, index: int, context: PadContext) -> Light:
        """Something about the pad has changed. What it shows now."""
        self._mark_changed()
        self._current.refresh(context, index)
        self._lights.update()
        return self._lights.get_light(index)

    def _mark_changed(self) -> None:
        """The bank has to be saved, and other takes may be worth preparing."""
        self._unsaved = True
        self._wake.set()

    # --- lights -----------------------------------------------------------------------------------

    def list_lights(self) -> list[Light]:
        with self._lock:
            return self._lights.list_lights()

    def listen(self, listener: LightListener) -> None:
        """Call `listener(index, light)` when a pad's light has changed; index -1: all have."""
        self._lights.listen(listener)

    def snapshot(self) -> list[Event]:
        """Events about the bank and every pad, for a client that begins to listen."""
        with self._lock:
            return self._lights.snapshot()

    # --- banks ------------------------------------------------------------------------------------

    @property
    def bank(self) -> tuple[str, int, int]:
        """The current one's name, its program, and how many pads there are."""
        with self._lock:
            return self._current.description

    def list_banks(self) -> dict[str, int]:
        """Every bank with its program, also one that has not been saved yet."""
        name, program, _ = self.bank
        return {name: program} | self._store.list_programs()

    def fill(self, values: Values, count: int | None = None) -> int:
        """Give the first `count` pads these parameters and seeds of their own; favourites stay. How
        many have them. Raises `Refused` and `BadRequest`.
        """
        grid = self._current.settings.midi
        folders = self._current.allowed_folders
        count = count or grid.pads
        if not 1 <= count <= MAX_PADS:
            raise Refused(422, f"count must be in 1..{MAX_PADS}, got {count}")
        request = self._panel.build_request(folders.resolve_values(values))
        parameters = folders.make_portable(_pick_fields(request, values))
        context = self._current.read_context()
        with self._lock:
            bank = self._current.bank
            bank.columns = grid.columns
            bank.rows = grid.rows
            filled = [index for index in range(count) if not bank.get_pad(index).favourite]
            for index in filled:
                bank.pads[index] = Pad(parameters=dict(parameters))
                if not bank.is_variation(index):
                    bank.set_seed(index, draw_seed(), context)
            self._refresh_all(context)
            return len(filled)

    def reroll_all(self, favourites: bool = False) -> int:
        """Choose new seeds for every pad that has one; for favourites only if wanted. Nothing is
        announced. How many.
        """
        context = self._current.read_context()
        with self._lock:
            bank = self._current.bank
            rerolled = [
                index
                for index, pad in enumerate(bank.pads)
                if pad.panel_values is not None and (favourites or not pad.favourite)
            ]
            for index in rerolled:
                bank.reroll(index, context)
            self._refresh_all(context)
            return len(rerolled)

    def load(self, name: str) -> None:
        """Play another bank. What is being made for the old one goes on. Raises `Refused`."""
        self._save()
        self._play_bank(self._store.load(name))

    def load_program(self, number: int) -> None:
        """Raises `Refused` 404 where no bank has it."""
        programs = self._store.list_programs()
        name = next((name for name, program in programs.items() if program == number), None)
        if name is None:
            raise Refused(404, f"no bank has program {number}", "/ace/bank/list tells them")
        self.load(name)

    def save(self, name: str = "", program: int | None = None) -> None:
        """Under another name or program from now on, or now. Raises `Refused`."""
        programs = self._store.list_programs()
        with self._lock:
            bank = self._current.bank
            name = check_name(name or bank.name)
            if program is not None:
                bank.program = check_program(program, name, programs)
            elif name != bank.name:
                bank.program = programs.get(name, find_free_program(programs))
            bank.name = name
            self._unsaved = True
        if error := self._save():
            raise Refused(
                507,
                f"the bank could not be saved: {error.strerror}",
                f"free some space, or see {self._store.folder}; it is kept, and tried again",
            ) from error
        with self._lock:
            self._engine.publish(self._lights.make_bank_event())

    def _play_bank(self, bank: Bank) -> None:
        context = self._current.read_context()
        requests = self._read_pads(bank, context)
        with self._lock:
            if self._unsaved and bank.name != self._current.bank.name:
                self._store.put(self._current.bank)  # changed since it was saved a moment ago
            self._current.bank = bank
            self._last_hit = None
            self._unsaved = False
            self._jobs.clear()
            for index, request in requests.items():
                self._restore_job(bank.pads[index], request)
            self._wake.set()
        with suppress(OSError):
            self._store.write_current(bank.name)
        with self._lock:
            self._lights.update_all()

    def _read_pads(self, bank: Bank, context: PadContext) -> dict[int, Request]:
        """Whether the takes of a bank are there, before it is played. What those pads would play
        whose newest job may not have ended.
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

    def _refresh_all(self, context: PadContext) -> None:
        self._mark_changed()
        self._current.refresh(context)
        self._lights.update()

    # --- a moment later ---------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                self._speculation.update(self._last_hit)
                self._save()
            except Exception:
                log.exception("the pads")
            self._closing.wait(SETTLE_SECONDS)

    def _save(self) -> OSError | None:
        """Write the bank down, where it has changed, and those that could not be before. Why it
        could not be.
        """
        with self._lock:
            name = self._current.bank.name
            if self._unsaved:
                self._store.put(self._current.bank)
                self._unsaved = False
        return self._store.flush(name).get(name)


def _pick_fields(request: Request, values: Values) -> Values:
    """A request's values for the fields that are named, whatever they were called."""
    return {name: getattr(request, name) for name in map(field_name, values)}
