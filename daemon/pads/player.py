"""The pads: what a hit means, what each pad shows, and which takes are to be made in advance.

Everything here happens under the engine's lock, as its events do: one lock, no deadlock. A thread
of its own thinks ahead and saves the bank, both a moment after something has changed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.request import BadRequest, field_name

from ..engine import Engine
from ..jobs import Event, JobState, Order, Priority, Refused
from ..panel import Panel
from ..paths import AllowedFolders
from ..settings import Settings
from ..tempo import Tempo
from .ahead import HANDS, Ahead
from .announcer import Announcer
from .bank import MAX_PADS, PROGRAMS, Bank, Banks, PadTake, Slot, Values, checked_name, drawn
from .interface import Light, PadState
from .knobs import Knob
from .plans import Plans

log = logging.getLogger("acestepd.pads")

FIRST_BANK = "pads"  # what is played before one is saved under a name
SETTLE = 0.2  # seconds: what changes in a burst is thought about, and saved, once
HIT = "/ace/pad/hit"

Listener = Callable[[int, Light], None]


class PadPlayer:
    """The player of `states`, and what OSC may do besides. Slots count from 0 here, pads from 1 for
    people.
    """

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
        self._banks = Banks(settings.state / "banks")
        first = Bank(FIRST_BANK, columns=settings.midi.columns, rows=settings.midi.rows)
        self._plans = Plans(settings, panel, tempo, allowed_folders, first)
        self._ahead = Ahead(engine, self._plans, self._show)
        self._launcher = Announcer(engine.publish)
        # Jobs that have not ended, by id: whose they are, what they play
        self._open: dict[str, tuple[Slot, Values]] = {}
        self._shown: list[Light] = []
        self._last: int | None = None  # the pad that was hit last
        self._listeners: list[Listener] = []
        self._dirty = False
        # banks that could not be written down, by name: tried again and again
        self._unsaved: dict[str, str] = {}
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._saving = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="pads ahead", daemon=True)
        engine.subscribe(self._on_event)
        panel.listen(lambda name, value: self._wake.set())
        tempo.listen(lambda bpm, source: self._wake.set())

    def start(self) -> None:
        """PadTake up the bank that was played last."""
        if name := self._banks.current():
            try:
                self._take_up(self._banks.load(name))
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

    def change(self, settings: Settings, allowed_folders: AllowedFolders) -> None:
        """Other settings from now on."""
        with self._lock:
            self._plans.settings = settings
            self._plans.allowed_folders = allowed_folders
        self._tell_all()
        self._wake.set()

    # --- what a hand does (states.Player) ---------------------------------------------------------

    def hit(self, slot: int, velocity: int) -> None:
        self._try(HIT, lambda: self.play(slot, velocity))

    def reroll(self, slot: int) -> None:
        self._try("/ace/pad/reroll", lambda: self.play_anew(slot))

    def favourite(self, slot: int) -> None:
        self._try("/ace/pad/favourite", lambda: self.mark(slot))

    def program(self, number: int) -> None:
        self._try("/ace/bank/load", lambda: self.load_program(number))

    def turn(self, field: str, share: float) -> None:
        knob = Knob.of(field)
        try:
            self._panel.set(knob.field, knob.value(share))
        except BadRequest as error:  # many a second come from a fader: nobody wants to hear of each
            log.info("%s", error)

    def position(self, field: str) -> float | None:
        try:
            knob = Knob.of(field)
        except ValueError:
            return None
        return knob.share(getattr(self._panel.request, knob.field))

    def lights(self) -> Sequence[Light]:
        with self._lock:
            return [self._light(number) for number in range(self._plans.count())]

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def learnt(self, field: str, control: str) -> None:
        self._engine.publish(Event("midi/learned", None, (field, control)))

    def _try(self, command: str, do: Callable[[], object]) -> None:
        """A hand has nobody to complain to but everybody."""
        try:
            do()
        except Refused as error:
            self._engine.publish(Event("fail", None, (command, error.code, str(error), error.hint)))
        except BadRequest as error:
            self._engine.publish(Event("fail", None, (command, 422, str(error), error.hint)))

    # --- a pad ------------------------------------------------------------------------------------

    def play(self, number: int, velocity: int = 0, client: str = HANDS) -> Light:
        """Announce the pad's take, or make it. Raises `Refused` and `BadRequest`."""
        with self._lock:
            slot = self._plans.slot(number)
            self._last = number
            if not slot.pending:
                slot.plan = self._plans.values(number)
                if not (slot.ready and self._launch(slot, client)):
                    self._order(number, slot, velocity, client)
            return self._changed(number)

    def _launch(self, slot: Slot, client: str) -> bool:
        return self._launcher.announce(self._plans.settings.out, slot, client, self._plans.due())

    def play_anew(self, number: int, client: str = HANDS) -> Light:
        """The pad's next seed, and its take. What is being made for it is cancelled."""
        with self._lock:
            slot = self._plans.slot(number)
            # or it is refused, and nothing is lost
            self._plans.request(self._plans.values(number, anew=True))
            if slot.pending:
                with suppress(Refused):  # its files are just landing: then they land
                    self._engine.cancel(client, slot.id)
                self._open.pop(slot.id, None)
            self._plans.reseed(number)
            return self.play(number, client=client)

    def mark(self, number: int, on: bool | None = None) -> Light:
        """A favourite, or not any more; without `on` the other of both."""
        with self._lock:
            slot = self._plans.slot(number)
            slot.favourite = not slot.favourite if on is None else on
            if slot.take:
                with suppress(Refused):  # a take that came with the bank is in nobody's journal
                    self._engine.favourite(HANDS, slot.take.id, slot.favourite)
            return self._changed(number)

    def adjust(self, number: int, values: Values) -> Light:
        """Give a pad parameters of its own. Raises `Refused` and `BadRequest`."""
        with self._lock:
            slot = self._plans.slot(number)
            changed = self._panel.request.changed(
                self._plans.allowed_folders.resolve_values(values)
            )
            kept = self._plans.allowed_folders.make_portable(
                {name: getattr(changed, name) for name in _named(values)}
            )
            if "seed" in kept:
                del kept["seed"]
                if changed.seed >= 0:
                    self._plans.choose(number, changed.seed)
            slot.own |= kept
            return self._changed(number)

    def _order(self, number: int, slot: Slot, velocity: int, client: str) -> None:
        values = slot.plan
        if velocity and (text := self._plans.settings.midi.velocity):
            knob = Knob.of(text)
            slot.own[knob.field] = knob.value(velocity / 127)
            values = slot.plan = self._plans.values(number)
        request = self._plans.request(values)
        leader = self._plans.leader(number)
        if self._plans.bank.slot(leader).seed < 0:
            self._plans.choose(leader, self._plans.values(leader)["seed"])
            values = slot.plan = self._plans.values(number)
            request = self._plans.request(values)
        id = self._ahead.take_id(request) or self._plans.new_id(number)
        slot.id = id
        slot.state = PadState.QUEUED
        slot.progress = 0.0
        slot.gone = False
        self._open[id] = slot, values
        origin = self._plans.origin(number)
        due = self._plans.due()
        order = Order(client, id, request, priority=Priority.LIVE, origin=origin, due=due)
        try:
            self._engine.submit(order)
        except Exception:
            self._open.pop(id, None)
            slot.id = ""
            slot.state = None
            raise

    # --- banks ------------------------------------------------------------------------------------

    def banks(self) -> dict[str, int]:
        """Every bank with its program, also one that has not been saved yet."""
        with self._lock:
            return {self._plans.bank.name: self._plans.bank.program} | self._banks.names()

    @property
    def bank(self) -> tuple[str, int, int]:
        """The current one's name, its program, and how many pads there are."""
        with self._lock:
            return self._plans.bank.name, self._plans.bank.program, self._plans.count()

    def fill(self, values: Values, count: int | None = None) -> int:
        """Give the first `count` pads these parameters and seeds of their own; favourites stay. How
        many have them.
        """
        with self._lock:
            count = count or self._plans.settings.midi.pads
            if not 1 <= count <= MAX_PADS:
                raise Refused(422, f"count must be in 1..{MAX_PADS}, got {count}")
            wish = self._panel.build_request(self._plans.allowed_folders.resolve_values(values))
            kept = self._plans.allowed_folders.make_portable(
                {name: getattr(wish, name) for name in _named(values)}
            )
            grid = self._plans.settings.midi
            self._plans.bank.columns = grid.columns
            self._plans.bank.rows = grid.rows
            filled = [
                number for number in range(count) if not self._plans.bank.slot(number).favourite
            ]
            for number in filled:
                self._plans.bank.slots[number] = Slot(own=dict(kept))
                if self._plans.leads(number):
                    self._plans.choose(number, drawn())
            self._changed()
            return len(filled)

    def reroll_all(self, favourites: bool = False) -> int:
        """New seeds for every pad that has one, favourites only if wanted. Nothing is announced.
        How many.
        """
        with self._lock:
            slots = enumerate(self._plans.bank.slots)
            found = [
                n
                for n, slot in slots
                if slot.base is not None and (favourites or not slot.favourite)
            ]
            for number in found:
                self._plans.reseed(number)
            self._changed()
            return len(found)

    def load(self, name: str) -> None:
        """Play another bank. What is being made for the old one goes on. Raises `Refused`."""
        self._save()
        with self._lock:
            unsaved = self._unsaved.get(name)
        self._take_up(Bank.from_json(name, unsaved) if unsaved else self._banks.load(name))

    def load_program(self, number: int) -> None:
        """Raises `Refused` 404 where no bank has it."""
        found = next(
            (name for name, program in self._banks.names().items() if program == number), None
        )
        if found is None:
            raise Refused(404, f"no bank has program {number}", "/ace/bank/list tells them")
        self.load(found)

    def save(self, name: str = "", program: int | None = None) -> None:
        """Under another name or program from now on, or now. Raises `Refused`."""
        with self._lock:
            name = checked_name(name or self._plans.bank.name)
            known = self._banks.names()
            if program is not None:
                self._plans.bank.program = _free(program, name, known)
            elif name != self._plans.bank.name:
                self._plans.bank.program = known.get(name, self._banks.free_program())
            self._plans.bank.name = name
            self._dirty = True
        if error := self._save():
            hint = f"free some space, or see {self._plans.settings.state / 'banks'}; it is kept, and tried again"
            raise Refused(507, f"the bank could not be saved: {error.strerror}", hint) from error
        self._engine.publish(self._bank_event())

    def _take_up(self, bank: Bank) -> None:
        with self._lock:
            self._plans.bank = bank
            self._last = None
            self._dirty = False
            self._open.clear()
            for number, slot in enumerate(bank.slots):
                self._recall(number, slot)
            self._wake.set()
        with suppress(OSError):
            self._banks.remember(bank.name)
        self._tell_all()

    def _recall(self, number: int, slot: Slot) -> None:
        """How its newest job stands, and whether its take is there."""
        slot.plan = values = self._plans.values(number)
        if slot.take:
            slot.gone = not (self._plans.settings.out / slot.take.file).is_file()
        if not slot.id or (slot.take and slot.take.id == slot.id):
            return
        try:
            job = self._engine.find(HANDS, slot.id)
            if job.request != self._plans.request(values):
                return
        except (Refused, BadRequest):
            return
        if not job.ended:
            slot.state = (
                PadState.RENDERING
                if job.state in (JobState.RUNNING, JobState.LANDING)
                else PadState.QUEUED
            )
            self._open[slot.id] = slot, values
        elif job.state is JobState.FINISHED and job.last_event:
            slot.take = PadTake(Path(str(job.last_event.values[1])).name, job.id, values)
        elif job.state is JobState.FAILED:
            slot.state = PadState.FAILED

    def _tell_all(self) -> None:
        """Another bank, or another grid."""
        with self._lock:
            self._shown = []
            self._engine.publish(self._bank_event())
            self._show()
            for listener in self._listeners:
                listener(-1, Light(PadState.EMPTY))

    def _bank_event(self) -> Event:
        return Event("bank", None, self.bank)

    # --- what pads show ---------------------------------------------------------------------------

    def snapshot(self) -> list[Event]:
        """The bank and every pad, for who begins to listen."""
        lights = enumerate(self.lights())
        return [self._bank_event(), *(_event(number, light) for number, light in lights)]

    def _light(self, number: int) -> Light:
        slot = self._plans.bank.slot(number)
        if slot.pending or slot.state is PadState.FAILED:
            assert slot.state
            return Light(slot.state, slot.progress if slot.state is PadState.RENDERING else 0.0)
        made = self._ahead.light(slot.wish)
        if slot.ready or made.state is PadState.READY:
            return Light(PadState.FAVOURITE if slot.favourite else PadState.READY)
        return made

    def _changed(self, number: int | None = None) -> Light:
        """Something about one pad, or all."""
        self._dirty = True
        self._wake.set()
        self._plans.replan(number)
        self._show()
        return self._light(number or 0)

    def _show(self) -> None:
        """Tell of the lights that have changed."""
        lights = [self._light(number) for number in range(self._plans.count())]
        shown = self._shown
        self._shown = lights
        for number, light in enumerate(lights):
            if number >= len(shown) or shown[number] != light:
                self._engine.publish(_event(number, light))
                for listener in self._listeners if shown else ():
                    listener(number, light)

    # --- what the engine tells --------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        job = event.job
        if job is None or job.id not in self._open:
            return
        slot, values = self._open[job.id]
        if event.kind == "queued":
            slot.state = PadState.QUEUED
        elif event.kind == "progress":
            slot.state = PadState.RENDERING
            slot.progress = event.values[0]
        elif event.kind == "finished":
            slot.take = PadTake(Path(str(event.values[1])).name, job.id, values)
            slot.state = None
        elif event.kind == "fail":
            # one that is kept waits for its folder
            slot.state = PadState.FAILED if job.ended else PadState.QUEUED
        elif event.kind == "cancelled":
            slot.state = None
            slot.id = ""
        else:
            return
        if event.kind in ("finished", "cancelled") or (event.kind == "fail" and job.ended):
            del self._open[job.id]
            self._dirty = True
            self._wake.set()
        self._show()

    # --- a moment later ---------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                self._ahead.think(self._last)
                self._save()
            except Exception:
                log.exception("the pads")
            self._closing.wait(SETTLE)

    def _save(self) -> OSError | None:
        """Write the bank down, where it has changed, and those that could not be before. Why it
        could not be.
        """
        errors: dict[str, OSError] = {}
        with self._saving:
            with self._lock:
                name = self._plans.bank.name
                if self._dirty:
                    self._unsaved[name] = self._plans.bank.to_json()
                    self._dirty = False
                waiting = dict(self._unsaved)
            for each, text in waiting.items():
                try:
                    self._banks.save(each, text)
                    if each == name:
                        self._banks.remember(name)
                except OSError as error:
                    log.error("the bank %s could not be saved: %s", each, error)
                    errors[each] = error
                else:
                    with self._lock:
                        del self._unsaved[each]
        return errors.get(name)


def _free(program: int, name: str, known: dict[str, int]) -> int:
    """That program, where no other bank has it. Raises `Refused`."""
    if not 0 <= program < PROGRAMS:
        raise Refused(422, f"program must be in 0..{PROGRAMS - 1}, got {program}")
    for other, taken in known.items():
        if taken == program and other != name:
            raise Refused(
                409,
                f"program {program} is that of the bank {other!r}",
                "choose another: /ace/bank/list",
            )
    return program


def _named(values: Values) -> list[str]:
    """The fields that are named, whatever they were called."""
    return [field_name(name) for name in values]


def _event(number: int, light: Light) -> Event:
    return Event("pad", None, (number + 1, light.state.value, light.progress))
