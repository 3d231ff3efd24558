"""The pads: what a hit means, what each pad shows, and which takes are to be made in advance.

Everything here happens under the engine's lock, as its events do: one lock, no deadlock. A thread of its own thinks
ahead and saves the bank, both a moment after something has changed.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.request import FIELDS, MAX_SEED, BadRequest, Request, field_name

from ..engine import Engine
from ..jobs import Event, Job, Order, Priority, Refused
from ..panel import NothingToPlay, Panel
from ..paths import Confined
from ..settings import Pad, Settings
from ..tempo import Tempo
from .bank import MAX_PADS, PROGRAMS, Bank, Banks, Slot, Take, Values, checked_name, drawn, request_of, wished
from .knobs import Knob
from .likely import guesses
from .states import Light, State

log = logging.getLogger("acestepd.pads")

HANDS = "pads"  # the client of what controllers ask for
FIRST_BANK = "pads"  # what is played before one is saved under a name
SETTLE = 0.2  # seconds: what changes in a burst is thought about, and saved, once
HIT = "/ace/pad/hit"

Listener = Callable[[int, Light], None]


class Pads:
    """The player of `states`, and what OSC may do besides. Slots count from 0 here, pads from 1 for people."""

    def __init__(self, settings: Settings, engine: Engine, panel: Panel, tempo: Tempo, confined: Confined) -> None:
        self._settings, self._engine, self._panel = settings, engine, panel
        self._tempo, self._confined = tempo, confined
        self._lock = engine.lock
        self._banks = Banks(settings.state / "banks")
        self._bank = Bank(FIRST_BANK, columns=settings.midi.columns, rows=settings.midi.rows)
        self._open: dict[
            str, tuple[Slot, Values]
        ] = {}  # jobs that have not ended, by id: whose they are, what they play
        self._ids: dict[Request, str] = {}  # of takes that may be asked for, so that they keep theirs
        self._prepared: set[str] = set()  # ids
        self._making = ("", 0.0)  # the id of what is being made in advance, and how far it is
        self._held: dict[str, float] = {}  # id -> when it is announced, where that is still to come
        self._shown: list[Light] = []
        self._last: int | None = None  # the pad that was hit last
        self._listeners: list[Listener] = []
        self._dirty = False
        self._wake, self._closing = threading.Event(), threading.Event()
        self._saving = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="pads ahead", daemon=True)
        engine.listen(self._on_event)
        panel.listen(lambda name, value: self._wake.set())
        tempo.listen(lambda bpm, source: self._wake.set())

    def start(self) -> None:
        """Take up the bank that was played last."""
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

    def change(self, settings: Settings, confined: Confined) -> None:
        """Other settings from now on."""
        with self._lock:
            self._settings, self._confined = settings, confined
        self._tell_all()
        self._wake.set()

    # --- what a hand does (states.Player) --------------------------------------------------------------------------

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
            return [self._light(number) for number in range(self._count())]

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def learnt(self, field: str, control: str) -> None:
        self._engine.announce(Event("midi/learned", None, (field, control)))

    def _try(self, command: str, do: Callable[[], object]) -> None:
        """A hand has nobody to complain to but everybody."""
        try:
            do()
        except Refused as error:
            self._engine.announce(Event("fail", None, (command, error.code, str(error), error.hint)))
        except BadRequest as error:
            self._engine.announce(Event("fail", None, (command, 422, str(error), error.hint)))

    # --- a pad -------------------------------------------------------------------------------------------------------

    def play(self, number: int, velocity: int = 0, client: str = HANDS) -> Light:
        """Announce the pad's take, or make it. Raises `Refused` and `BadRequest`."""
        with self._lock:
            slot = self._slot(number)
            self._last = number
            if not slot.pending:
                slot.plan = self._values(number)
                if not (slot.ready and self._announce(slot, client)):
                    self._order(number, slot, velocity, client)
            return self._changed(number)

    def play_anew(self, number: int, client: str = HANDS) -> Light:
        """The pad's next seed, and its take. What is being made for it is cancelled."""
        with self._lock:
            slot = self._slot(number)
            self._request(self._values(number, anew=True))  # or it is refused, and nothing is lost
            if slot.pending:
                with suppress(Refused):  # its files are just landing: then they land
                    self._engine.cancel(client, slot.id)
                self._open.pop(slot.id, None)
            self._reseed(number)
            return self.play(number, client=client)

    def mark(self, number: int, on: bool | None = None) -> Light:
        """A favourite, or not any more; without `on` the other of both."""
        with self._lock:
            slot = self._slot(number)
            slot.favourite = not slot.favourite if on is None else on
            if slot.take:
                with suppress(Refused):  # a take that came with the bank is in nobody's journal
                    self._engine.favourite(HANDS, slot.take.id, slot.favourite)
            return self._changed(number)

    def adjust(self, number: int, values: Values) -> Light:
        """Give a pad parameters of its own. Raises `Refused` and `BadRequest`."""
        with self._lock:
            slot = self._slot(number)
            changed = self._panel.request.changed(self._confined.values(values))
            kept = self._confined.portable({name: getattr(changed, name) for name in _named(values)})
            seed = kept.pop("seed", -1)
            if seed >= 0:
                self._choose(number, seed)
            slot.own |= kept
            return self._changed(number)

    def _order(self, number: int, slot: Slot, velocity: int, client: str) -> None:
        values = slot.plan
        if velocity and (text := self._settings.midi.velocity):
            knob = Knob.of(text)
            slot.own[knob.field] = knob.value(velocity / 127)
            values = slot.plan = self._values(number)
        request = self._request(values)
        leader = self._leader(number)
        if self._bank.slot(leader).seed < 0:
            self._choose(leader, self._values(leader)["seed"])
            values = slot.plan = self._values(number)
            request = self._request(values)
        id = self._ids.pop(request, "") or self._new_id(number)
        slot.id, slot.state, slot.progress, slot.gone = id, State.QUEUED, 0.0, False
        self._open[id] = slot, values
        order = Order(client, id, request, priority=Priority.LIVE, origin=self._origin(number), due=self._due())
        try:
            self._engine.submit(order)
        except Exception:
            self._open.pop(id, None)
            slot.id, slot.state = "", None
            raise

    def _announce(self, slot: Slot, client: str) -> bool:
        """Tell of its files again. Whether they are there."""
        assert slot.take
        events = _events(self._settings.out, slot.take, client)
        slot.gone = not events
        due = self._due()
        if events and self._held.get(slot.take.id, 0.0) <= time.monotonic():
            self._held = {id: at for id, at in self._held.items() if at > time.monotonic()} | {slot.take.id: due}
            for event in events:
                self._engine.announce(event, due)
        return bool(events)

    def _reseed(self, number: int) -> None:
        """Another seed; another direction where it is a variation of its row's first pad."""
        slot = self._slot(number)
        slot.favourite = False
        if self._leads(number):
            self._choose(number, slot.next, anew=True)
        else:
            slot.own["variation_seed"], slot.next = slot.next, drawn()
            slot.forget()

    def _choose(self, number: int, seed: int, anew: bool = False) -> None:
        slot = self._bank.slot(number)
        base = self._base(number, anew)
        slot.choose({name: value for name, value in base.items() if name not in slot.own}, seed)

    def _due(self) -> float:
        """When the news of a take that is there may be told."""
        if not self._settings.quantise:
            return 0.0
        beats = self._panel.request.beats if self._settings.quantise == "bar" else 1.0
        return self._tempo.next(beats, ahead=self._settings.ahead_ms / 1000)

    # --- what a pad plays ----------------------------------------------------------------------------------------

    def _values(self, number: int, anew: bool = False) -> Values:
        """What a hit would play, or a reroll (`anew`): everything that is not a default, with its seed."""
        slot = self._bank.slot(number)
        if self._leads(number):
            seed = slot.next if anew or slot.seed < 0 else slot.seed
            values = self._base(number, anew) | slot.own | {"seed": self._first_seed(number, seed, anew)}
        else:
            first = self._leader(number)
            leader = self._bank.slot(first)
            far = self._bank.rows * (number - first) / max(1, self._bank.columns - 1)
            values = self._values(first) | {"variation": far, "variation_seed": leader.next} | slot.own
            values |= {"variation_seed": slot.next} if anew else {}
        if values.get("variation") and values.get("variation_seed", -1) < 0:
            values["variation_seed"] = (values["seed"] + 1) % (MAX_SEED + 1)
        if not values.get("bpm") and not values.get("task") and (bpm := self._bpm(slot, anew)):
            values["bpm"] = bpm
        return values

    def _leads(self, number: int) -> bool:
        """Whether it has a seed of its own, and is no variation of its row's first pad."""
        bank = self._bank
        return not bank.rows or number % bank.columns == 0 or bank.slot(number).seed >= 0

    def _leader(self, number: int) -> int:
        """Itself, or the first of its row."""
        return number if self._leads(number) else number - number % self._bank.columns

    def _base(self, number: int, anew: bool = False) -> Values:
        """What a pad's own parameters lie over: the panel, or how that was when the seed was chosen. A reroll takes
        what was turned since then."""
        slot = self._bank.slot(number)
        if slot.base is not None and not anew:
            return dict(slot.base)
        turned = {name: value for name, value in wished(self._panel.request).items() if name != "seed"}
        given = self._given(number)
        return (slot.base or {}) | self._confined.portable(turned | (dict(given.request) if given else {}))

    def _first_seed(self, number: int, seed: int, anew: bool) -> int:
        """The settings may name the seed that a pad begins with."""
        given, slot = self._given(number), self._bank.slot(number)
        return given.seed if given and given.seed >= 0 and slot.seed < 0 and not anew else seed

    def _given(self, number: int) -> Pad | None:
        return next((pad for pad in self._settings.midi.pad if pad.slot == number + 1), None)

    def _bpm(self, slot: Slot, anew: bool) -> float:
        """The session's tempo; where nobody says one, what the take has."""
        said = self._panel.session_bpm()
        return said or (float(slot.take.values.get("bpm", 0.0)) if slot.take and not anew else 0.0)

    def _request(self, values: Values) -> Request:
        if not any(str(values.get(name, "")).strip() for name in ("prompt", "lyrics", "task")):
            raise NothingToPlay(
                "there is nothing to play: this pad has no prompt", "/ace/bank/fill, /ace/pad/set, or /ace/set/prompt"
            )
        return request_of(self._confined.values(values))

    def _slot(self, number: int) -> Slot:
        if not 0 <= number < self._count():
            raise Refused(404, f"there is no pad {number + 1}: pads are numbered 1..{self._count()}")
        return self._bank.slot(number)

    def _count(self) -> int:
        return max(self._settings.midi.pads, len(self._bank.slots))

    def _origin(self, number: int) -> str:
        return f"pad {number + 1} of {self._bank.name}"

    @staticmethod
    def _new_id(number: int) -> str:
        return f"pad{number + 1}-{secrets.token_hex(3)}"

    # --- banks -------------------------------------------------------------------------------------------------------

    def banks(self) -> dict[str, int]:
        """Every bank with its program, also one that has not been saved yet."""
        with self._lock:
            return {self._bank.name: self._bank.program} | self._banks.names()

    @property
    def bank(self) -> tuple[str, int, int]:
        """The current one's name, its program, and how many pads there are."""
        with self._lock:
            return self._bank.name, self._bank.program, self._count()

    def fill(self, values: Values, count: int | None = None) -> int:
        """Give the first `count` pads these parameters and seeds of their own; favourites stay. How many have them."""
        with self._lock:
            count = count or self._settings.midi.pads
            if not 1 <= count <= MAX_PADS:
                raise Refused(422, f"count must be in 1..{MAX_PADS}, got {count}")
            wish = self._panel.wish(self._confined.values(values))
            kept = self._confined.portable({name: getattr(wish, name) for name in _named(values)})
            self._bank.columns, self._bank.rows = self._settings.midi.columns, self._settings.midi.rows
            filled = [number for number in range(count) if not self._bank.slot(number).favourite]
            for number in filled:
                self._bank.slots[number] = Slot(own=dict(kept))
                if self._leads(number):
                    self._choose(number, drawn())
            self._changed()
            return len(filled)

    def reroll_all(self, favourites: bool = False) -> int:
        """New seeds for every pad that has one, favourites only if wanted. Nothing is announced. How many."""
        with self._lock:
            slots = enumerate(self._bank.slots)
            found = [n for n, slot in slots if slot.base is not None and (favourites or not slot.favourite)]
            for number in found:
                self._reseed(number)
            self._changed()
            return len(found)

    def load(self, name: str) -> None:
        """Play another bank. What is being made for the old one goes on. Raises `Refused`."""
        self._save()
        self._take_up(self._banks.load(name))

    def load_program(self, number: int) -> None:
        """Raises `Refused` 404 where no bank has it."""
        found = next((name for name, program in self._banks.names().items() if program == number), None)
        if found is None:
            raise Refused(404, f"no bank has program {number}", "/ace/bank/list tells them")
        self.load(found)

    def save(self, name: str = "", program: int | None = None) -> None:
        """Under another name or program from now on, or now. Raises `Refused`."""
        with self._lock:
            name = checked_name(name or self._bank.name)
            known = self._banks.names()
            if program is not None:
                self._bank.program = _free(program, name, known)
            elif name != self._bank.name:
                self._bank.program = known.get(name, self._banks.free_program())
            self._bank.name = name
            self._dirty = True
        if error := self._save():
            raise Refused(507, f"the bank could not be saved: {error.strerror}", "free some space") from error
        self._engine.announce(self._bank_event())

    def _take_up(self, bank: Bank) -> None:
        with self._lock:
            self._bank, self._last, self._dirty = bank, None, False
            self._open.clear()
            for number, slot in enumerate(bank.slots):
                self._recall(number, slot)
            self._wake.set()
        with suppress(OSError):
            self._banks.remember(bank.name)
        self._tell_all()

    def _recall(self, number: int, slot: Slot) -> None:
        """How its newest job stands, and whether its take is there."""
        slot.plan = values = self._values(number)
        if slot.take:
            slot.gone = not (self._settings.out / slot.take.file).is_file()
        if not slot.id or (slot.take and slot.take.id == slot.id):
            return
        try:
            job = self._engine.find(HANDS, slot.id)
            if job.wish != self._request(values):
                return
        except (Refused, BadRequest):
            return
        if not job.ended:
            slot.state = State.RENDERING if job.state in ("running", "landing") else State.QUEUED
            self._open[slot.id] = slot, values
        elif job.state == "finished" and job.last:
            slot.take = Take(Path(str(job.last.values[1])).name, job.id, values)
        elif job.state == "fail":
            slot.state = State.FAILED

    def _tell_all(self) -> None:
        """Another bank, or another grid."""
        with self._lock:
            self._shown = []
            self._engine.announce(self._bank_event())
            self._show()
            for listener in self._listeners:
                listener(-1, Light(State.EMPTY))

    def _bank_event(self) -> Event:
        return Event("bank", None, self.bank)

    # --- what pads show ----------------------------------------------------------------------------------------------

    def snapshot(self) -> list[Event]:
        """The bank and every pad, for who begins to listen."""
        lights = enumerate(self.lights())
        return [self._bank_event(), *(_event(number, light) for number, light in lights)]

    def _light(self, number: int) -> Light:
        slot = self._bank.slot(number)
        if slot.pending or slot.state is State.FAILED:
            assert slot.state
            return Light(slot.state, slot.progress if slot.state is State.RENDERING else 0.0)
        id = self._ids.get(slot.wish, "") if slot.wish else ""
        if slot.ready or id in self._prepared:
            return Light(State.FAVOURITE if slot.favourite else State.READY)
        if id and id == self._making[0]:
            return Light(State.RENDERING, self._making[1])
        return Light(State.EMPTY)

    def _changed(self, number: int | None = None) -> Light:
        """Something about one pad, or all."""
        self._dirty = True
        self._wake.set()
        self._replan(number)
        self._show()
        return self._light(number or 0)

    def _replan(self, number: int | None = None) -> None:
        """What a hit would play now."""
        for each in range(self._count()) if number is None else (number,):
            slot = self._bank.slot(each)
            slot.plan = self._values(each)
            try:
                slot.wish = self._request(slot.plan)
            except (Refused, BadRequest):
                slot.wish = None

    def _show(self) -> None:
        """Tell of the lights that have changed."""
        lights = [self._light(number) for number in range(self._count())]
        shown, self._shown = self._shown, lights
        for number, light in enumerate(lights):
            if number >= len(shown) or shown[number] != light:
                self._engine.announce(_event(number, light))
                for listener in self._listeners if shown else ():
                    listener(number, light)

    # --- what the engine tells ---------------------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        job = event.job
        if job is None or job.id not in self._open:
            return
        slot, values = self._open[job.id]
        if event.kind == "queued":
            slot.state = State.QUEUED
        elif event.kind == "progress":
            slot.state, slot.progress = State.RENDERING, event.values[0]
        elif event.kind == "finished":
            slot.take, slot.state = Take(Path(str(event.values[1])).name, job.id, values), None
        elif event.kind == "fail":
            slot.state = State.FAILED if job.ended else State.QUEUED  # one that is kept waits for its folder
        elif event.kind == "cancelled":
            slot.state, slot.id = None, ""
        else:
            return
        if event.kind in ("finished", "cancelled") or (event.kind == "fail" and job.ended):
            del self._open[job.id]
            self._dirty = True
            self._wake.set()
        self._show()

    def _overheard(self, event: Event) -> None:
        """About a take that is made in advance."""
        assert event.job
        id = event.job.id
        if event.kind == "progress":
            self._making = id, event.values[0]
        else:
            self._making = "", 0.0
            self._prepared.discard(id)
            if event.kind == "prepared":
                self._prepared.add(id)
        self._show()

    # --- a moment later ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                self._think()
                self._save()
            except Exception:
                log.exception("the pads")
            self._closing.wait(SETTLE)

    def _think(self) -> None:
        """What should be made in advance. The requests are made before others have to wait for the lock."""
        self._orders()
        with self._lock:
            self._replan()
            orders = self._orders()
            self._ids = {order.wish: order.id for order in orders}
            self._prepared &= set(self._ids.values())
            self._engine.prepare(orders, self._overheard)
            self._show()

    def _orders(self) -> list[Order]:
        orders: dict[Request, Order] = {}
        with self._lock:
            last, count, columns = self._last, self._count(), self._bank.columns
            in_use = last is not None or bool(self._settings.midi.ports)  # or who never plays pads pays for them
            self._bank.slot(count - 1)
        for number, anew in guesses(count, columns, last):
            slot = self._bank.slot(number)
            if not anew and (slot.pending or slot.ready or self._settings.midi.velocity):
                continue
            if not in_use and self._bank.slot(self._leader(number)).seed < 0:
                continue
            try:
                wish = self._request(self._values(number, anew))
            except (Refused, BadRequest):
                continue
            id = self._ids.get(wish) or self._new_id(number)
            orders.setdefault(wish, Order(HANDS, id, wish, origin=self._origin(number)))
        return list(orders.values())

    def _save(self) -> OSError | None:
        """Write the bank down, where it has changed. Why it could not be."""
        with self._saving:
            with self._lock:
                if not self._dirty:
                    return None
                name, text = self._bank.name, self._bank.to_json()
                self._dirty = False
            try:
                self._banks.save(name, text)
                self._banks.remember(name)
            except OSError as error:
                log.error("the bank %s could not be saved: %s", name, error)
                with self._lock:
                    self._dirty = True
                return error
            return None


def _free(program: int, name: str, known: dict[str, int]) -> int:
    """That program, where no other bank has it. Raises `Refused`."""
    if not 0 <= program < PROGRAMS:
        raise Refused(422, f"program must be in 0..{PROGRAMS - 1}, got {program}")
    for other, taken in known.items():
        if taken == program and other != name:
            raise Refused(409, f"program {program} is that of the bank {other!r}", "choose another: /ace/bank/list")
    return program


def _named(values: Values) -> list[str]:
    """The fields that are named, whatever they were called."""
    return [field_name(name) for name in values]


def _event(number: int, light: Light) -> Event:
    return Event("pad", None, (number + 1, light.state.value, light.progress))


def _events(folder: Path, take: Take, client: str) -> list[Event]:
    """What was told of a take when it landed; nothing when its files are not there, or are another's."""
    try:
        manifest = folder / take.file
        data: Any = json.loads(manifest.read_bytes())
        if data["id"] != take.id:
            return []
        kept = {name: value for name, value in data["request"].items() if name in FIELDS}
        request = Request(**kept)
        job = Job(client, take.id, request, request, folder, state="finished")
        files = [(str(clip["stem"]), folder / Path(str(clip["file"])).name) for clip in data["clips"]]
        about = request.bpm, request.bars, str(request.seed)
        job.clips = tuple(Event("clip", job, (stem, str(path), *about)) for stem, path in files if path.is_file())
        finished = Event("finished", job, (len(files), str(manifest)))
        return [*job.clips, finished] if files and len(job.clips) == len(files) else []
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
