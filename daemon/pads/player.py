"""Playing pads: what a hit means, other seeds, marks and parameters, of one pad or all of them.

The current bank, its lights and its jobs change under the engine's lock, as the engine's events do:
one lock, no deadlock. No file is read under it. What has to be read is read between two times that
the lock is taken, and where the pad has changed meanwhile, all of it is done again. A thread of its
own reads what is known of takes, has others prepared and saves the bank, a moment after something
has changed.
"""

from __future__ import annotations

import itertools
import logging
import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

from pipeline.guide.guide import choose_tempo_and_key
from pipeline.keys import ANY_KEY
from pipeline.request import BadRequest, Request, field_name
from pipeline.request_files import check_files

from ..engine import Engine, Refusal
from ..jobs import Event, Order, Priority, Refused
from ..panel import Panel
from ..paths import AllowedFolders
from ..settings import Settings
from ..tempo import Tempo
from .announcer import Announcer, TakeManifests
from .bank import (
    MAX_PADS,
    Bank,
    Pad,
    PadContext,
    PadFacts,
    Values,
    build_request,
    draw_seed,
    list_made,
    overlay,
)
from .bank_store import BANKS, WORKING, BankStore
from .banks import Banks
from .current_bank import CLIENT, CurrentBank, describe_kept, new_job_id
from .interface import Light, LightListener, PadState
from .knobs import Knob
from .lights import PadLights, make_pad_event
from .pad_jobs import PadJobs
from .speculation import PadSpeculation

log = logging.getLogger("acestepd.pads")

FIRST_BANK = "pads"  # what is played before one is saved under a name
BATTERY_SECONDS = 10.0  # between two looks whether the computer runs on its battery
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
        first = Bank(FIRST_BANK, columns=settings.midi.columns, rows=settings.midi.rows)
        self._current = CurrentBank(settings, panel, tempo, allowed_folders, first)
        self._speculation = PadSpeculation(engine, self._current, lambda: self._lights.update())
        self._lights = PadLights(engine, self._current, self._speculation.get_light)
        self._jobs = PadJobs(engine, self._current.mark_changed, self._lights.update)
        self._announcer = Announcer(engine.publish)
        self._manifests = TakeManifests()
        folder = settings.state / BANKS
        self.banks = Banks(
            engine,
            BankStore(folder),
            BankStore(folder / WORKING),
            self._current,
            self._lights,
            self._jobs,
        )
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pad speculation", daemon=True)
        engine.subscribe(self._jobs.on_event)
        engine.subscribe(self._speculation.on_event)
        engine.subscribe(self._lights.on_event)
        engine.subscribe(self._on_event)
        panel.listen(lambda name, value: self._current.changed.set())
        tempo.listen(lambda bpm, source: self._current.changed.set())

    def start(self) -> None:
        """Play the bank that was played last."""
        self.banks.load_last()
        self._current.changed.set()
        self._thread.start()

    def close(self) -> None:
        """Save what is not saved."""
        self._closing.set()
        self._current.changed.set()
        if self._thread.is_alive():
            self._thread.join()
        self.banks.save_changes()

    def change_settings(self, settings: Settings, allowed_folders: AllowedFolders) -> None:
        """Other settings from now on."""
        with self._lock:
            self._current.settings = settings
            self._current.allowed_folders = allowed_folders
            self._lights.update_all()
        self._current.changed.set()

    # --- a pad ------------------------------------------------------------------------------------

    def hit(
        self, index: int, on_refused: Refusal, velocity: int = 0, client: str = CLIENT
    ) -> Light:
        """What a hit does: announce the pad's take, or order it for `client`. `velocity`: 1..127; 0
        where there is none. Returns what the pad shows. Raises `Refused` and `BadRequest`; where
        the engine refuses the order, `on_refused` is called, now or on another thread.
        """
        while True:
            light = self._try_to_hit(index, velocity, client, on_refused)
            if light is not None:
                return light

    def must_read_take(self, index: int) -> bool:
        """Whether a hit may have to read the manifest of the pad's take. Raises `Refused`."""
        with self._lock:
            take = self._current.get_pad(index).take
            folder = self._current.settings.out
        return take is not None and not self._manifests.is_known(folder, take)

    def must_foresee(self, index: int) -> bool:
        """Whether a reroll has to work out what the pad's take will be: that may take as long as
        reading a long prompt. Raises `Refused`.
        """
        with self._lock:
            pad = self._current.get_pad(index)
            return pad.pending and not pad.made

    def reroll(self, index: int, on_refused: Refusal, client: str = CLIENT) -> Light:
        """Choose the pad's next seed, and make its take. What is being made for it is cancelled.
        Raises `Refused` and `BadRequest`, and then nothing is lost; otherwise as `hit`.
        """
        while not self._try_to_reroll(index, client):
            pass
        return self.hit(index, on_refused, client=client)

    def toggle_favourite(self, index: int, on: bool | None = None) -> Light:
        """Make the pad and its take favourites, or not any more; with `on`, what that says. Raises
        `Refused`.
        """
        context = self._current.read_context()
        with self._lock:
            pad = self._current.get_pad(index)
            pad.favourite = not pad.favourite if on is None else on
            log.info("pad %d is %s favourite", index + 1, "a" if pad.favourite else "no")
            if pad.take:
                with suppress(
                    Refused
                ):  # a take that came with the bank's file is not in the journal
                    self._engine.begin_favourite(CLIENT, pad.take.job_id, pad.favourite)
            return self._refresh_pad(index, context)

    def _on_event(self, event: Event) -> None:
        """Any event of the engine: a pad is a favourite where its take is."""
        if event.kind != "favourite" or event.job is None:
            return
        on = bool(event.values[0])
        for pad in self._current.bank.pads:
            if pad.take and pad.take.job_id == event.job.id and pad.favourite != on:
                pad.favourite = on
                self._current.mark_changed()
                self._lights.update()

    def set_parameters(self, index: int, values: Values) -> Light:
        """Give a pad parameters of its own. Raises `Refused` and `BadRequest`."""
        with self._lock:
            self._current.get_pad(index)
        folders = self._current.allowed_folders
        values, notes = self._panel.read_values(folders.resolve_values(values))
        request = self._panel.request.changed(values)
        check_files(request, values)
        parameters = folders.make_portable(_pick_fields(request, values))
        context = self._current.read_context()
        with self._lock:
            pad = self._current.get_pad(index)
            if "seed" in parameters:
                del parameters["seed"]
                if request.seed >= 0:
                    self._current.bank.set_seed(index, request.seed, context)
            pad.parameters = overlay(pad.parameters, parameters)
            self._tell(*notes)
            return self._refresh_pad(index, context)

    def _try_to_hit(
        self, index: int, velocity: int, client: str, on_refused: Refusal
    ) -> Light | None:
        """What the pad shows; None where it has changed while files were read."""
        context = self._current.read_context()
        with self._lock:
            pad = self._current.get_pad(index)
            self._current.last_hit = index
            if pad.pending:
                return self._refresh_pad(index, context)
            self._current.refresh(context, index)
            values = pad.resolved
            take = pad.take if pad.ready else None
            folder = self._current.settings.out
        if take:
            events = self._manifests.read_events(folder, take, client)
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
        self._submit(order, pad, client, on_refused)
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
            pad.parameters = overlay(pad.parameters, {knob.field: knob.to_value(velocity / 127)})
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
            # nobody else's pad keeps the hands that play here waiting
            priority=Priority.PLAYED if client == CLIENT else Priority.LIVE,
            origin=self._current.describe_origin(index),
            command="/ace/pad/hit",
            due=self._current.find_due(),
            notes=describe_kept(bank.list_kept(index, context)),
            session=bank.list_session_fields(index),
        )

    def _submit(self, order: Order, pad: Pad, client: str, on_refused: Refusal) -> None:
        def withdraw(error: Exception) -> None:
            with self._lock:
                self._jobs.withdraw(order.id)
                self._speculation.forget_claim(order.id)
                self._lights.update()
            on_refused(error)

        self._engine.begin_submit(order, withdraw)
        with self._lock:
            # a reroll that came while the engine did not know the job could not cancel it: now
            if order.id not in self._jobs and pad.job_id != order.id:
                self._cancel(client, order.id)

    def _try_to_reroll(self, index: int, client: str) -> bool:
        """Whether the next seed was chosen; not where the pad has changed while files were read."""
        context = self._current.read_context()
        with self._lock:
            pad = self._current.get_pad(index)
        self._read_takes([pad])
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
                self._jobs.withdraw(pad.job_id)
            self.banks.begin_change([index], f"a reroll of pad {index + 1}").reroll(index, context)
            return True

    def _cancel(self, client: str, job_id: str) -> None:
        with suppress(Refused):  # its files are just landing: then they land
            self._engine.cancel(client, job_id)

    def _refresh_pad(self, index: int, context: PadContext) -> Light:
        """Update what depends on a pad that has changed. Returns what it shows now."""
        self._current.mark_changed()
        self._current.refresh(context, index)
        self._lights.update()
        return self._lights.get_light(index)

    # --- lights -----------------------------------------------------------------------------------

    def list_lights(self) -> list[Light]:
        with self._lock:
            return self._lights.list_lights()

    def list_facts(self) -> list[PadFacts | None]:
        """What each pad plays; None for those that nobody has given anything. Reads files."""
        context = self._current.read_context()
        with self._lock:
            pads = [*self._current.bank.pads]
        self._read_takes(pads)
        with self._lock:
            bank = self._current.bank
            return [
                bank.find_facts(index, context) if bank.is_filled(index, context) else None
                for index in range(self._current.count)
            ]

    def listen(self, listener: LightListener) -> None:
        """Call `listener(index, light)` when a pad's light has changed; `ALL_PADS`: all have."""
        self._lights.listen(listener)

    @property
    def preparing(self) -> Event:
        """Which pad's take is being made in advance."""
        with self._lock:
            return self._speculation.event

    def snapshot(self) -> Iterator[Event]:
        """Events about the bank and every pad, for a client that begins to listen: each as it is
        when it is asked for.
        """
        with self._lock:
            bank = self._lights.make_bank_event()
        yield bank
        for index in itertools.count():
            with self._lock:
                if index >= self._current.count:
                    return
                pad = make_pad_event(index, self._lights.get_light(index))
            yield pad

    # --- all pads ---------------------------------------------------------------------------------

    def fill(self, values: Values, count: int | None = None) -> int:
        """Give the first `count` pads these parameters and seeds of their own; favourites stay.
        What is left open of tempo and key, the seed of the first one decides for all of them, or a
        favourite has. Returns how many pads that were. Raises `Refused` and `BadRequest`.
        """
        grid = self._current.settings.midi
        folders = self._current.allowed_folders
        count = count or grid.pads
        if not 1 <= count <= MAX_PADS:
            raise Refused(422, f"count must be in 1..{MAX_PADS}, got {count}")
        values, notes = self._panel.read_values(folders.resolve_values(values))
        request = self._panel.draft(values).request
        parameters = folders.make_portable(_pick_fields(request, values))
        context = self._current.read_context()
        seed = draw_seed()
        chosen = choose_tempo_and_key(request.follow_prompt().changed({"seed": seed}))
        with self._lock:
            bank = self._current.bank
            favourites = [pad for pad in bank.pads[:count] if pad.favourite]
            filled = [index for index in range(count) if not bank.get_pad(index).favourite]
            kept = chosen | (favourites[0].kept | favourites[0].made if favourites else {})
            bank = self.banks.begin_change(filled, f"a fill of {_count_pads(len(filled))}")
            bank.columns = grid.columns
            bank.rows = grid.rows
            for index in filled:
                bank.pads[index] = Pad(parameters=dict(parameters), kept=dict(kept))
                if not bank.is_variation(index):
                    bank.set_seed(index, seed, context)
                    seed = draw_seed()
            self._refresh_all(context)
            first = bank.pads[filled[0]].resolved if filled else {}
        self._tell(*notes, *self._describe_filling(len(filled), first))
        return len(filled)

    def _tell(self, *notes: str) -> None:
        """Publish notes that are about no job."""
        for note in notes:
            self.banks.tell(note)

    def _describe_filling(self, count: int, values: Values) -> tuple[str, ...]:
        """What all pads that were filled have, as a note; none where that is nothing."""
        if not values or values.get("task"):
            return ()
        request = build_request(values)
        key = request.follow_prompt().key
        tempo = f"{request.follow_prompt().bpm:.10g} bpm"
        if request.key == ANY_KEY and not key:
            return (f"{count} pads at {tempo}, each in a key of its own",)
        return (f"{count} pads in {key} at {tempo}; key any gives each its own key",)

    def reroll_all(self, favourites: bool = False) -> int:
        """Choose new seeds for every pad that has one; for favourites only if wanted. Nothing is
        announced. Returns how many pads that were.
        """
        context = self._current.read_context()
        with self._lock:
            bank = self._current.bank
            rerolled = [
                index
                for index, pad in enumerate(bank.pads)
                if pad.panel_values is not None and (favourites or not pad.favourite)
            ]
            if not rerolled:
                return 0
            bank = self.banks.begin_change(rerolled, f"a reroll of {_count_pads(len(rerolled))}")
            for index in rerolled:
                bank.reroll(index, context)
            self._refresh_all(context)
            return len(rerolled)

    def _refresh_all(self, context: PadContext) -> None:
        self._current.mark_changed()
        self._current.refresh(context)
        self._lights.update()

    # --- a moment later ---------------------------------------------------------------------------

    def _run(self) -> None:
        looked = -math.inf  # time.monotonic()
        while not self._closing.is_set():
            has_changed = self._current.changed.wait(BATTERY_SECONDS)
            self._current.changed.clear()
            try:
                if time.monotonic() >= looked + BATTERY_SECONDS:
                    looked = time.monotonic()
                    has_changed |= self._speculation.look_at_battery()
                if not has_changed:
                    continue
                with self._lock:
                    pads = [*self._current.bank.pads]
                self._read_takes(pads)
                self._speculation.update()
                self.banks.save_changes()
            except Exception:
                log.exception("the pads")
            self._closing.wait(SETTLE_SECONDS)

    def _read_takes(self, pads: Sequence[Pad]) -> None:
        """Read the manifests of these pads' takes: no hit has to, and a reroll keeps what they were
        made with, or will be.
        """
        with self._lock:
            takes = [(pad, pad.take) for pad in pads if pad.take and not pad.pending]
            ordered = [
                (pad, pad.job_id, pad.resolved) for pad in pads if pad.pending and not pad.made
            ]
            folder = self._current.settings.out
        for pad, take in takes:
            landed = self._manifests.read(folder, take)
            with self._lock:
                is_current = pad.take is take and not pad.pending
                if landed and landed.job_id == take.job_id and is_current:
                    pad.made = list_made(landed.request)
        for pad, job_id, values in ordered:
            with suppress(Refused, BadRequest):
                request = self._current.build_request(values).resolved()
                made = list_made(self._engine.foresee(request))
                with self._lock:
                    if pad.pending and pad.job_id == job_id:
                        pad.made = made


def _count_pads(count: int) -> str:
    return "1 pad" if count == 1 else f"{count} pads"


def _pick_fields(request: Request, values: Values) -> Values:
    """A request's values for the fields that are named, whatever they were called."""
    return {name: getattr(request, name) for name in map(field_name, values)}
