"""Controllers in the hands of a player: their messages become gestures, and their pads show what
the player says.

Messages are handled one after the other on a thread of their own, so that neither MIDI's thread nor
two controllers at once ever meet in the player. Lights have another: a slow cable must not hold up
a hit.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from ..midi import IDENTITY_SECONDS, POLL_SECONDS, OutputPort, PortNames, Ports
from . import profiles
from .controls import Control, Moved, Reader, SoftTakeover
from .gestures import Favourite, Gesture, GestureReader, Hit, Program, Reroll
from .interface import DARK, Light, Player
from .learn import Learner
from .lights import AT_MOST, BEAT, FRAME, Board
from .mapping import VIRTUAL, Mapping, MidiSettings, plays

log = logging.getLogger("acestepd.pads")

PLUGGED = 0.5  # seconds after which a controller's lights are sent once more


class Controllers:
    """`start`, `close`, and in between every controller that is there plays, whenever it is plugged
    in.
    """

    def __init__(
        self,
        midi: MidiSettings,
        player: Player,
        learnt: Path | None = None,
        every: float = POLL_SECONDS,
        identity_seconds: float = IDENTITY_SECONDS,
    ) -> None:
        """What is learnt is kept in the file `learnt`. Raises `SettingsError` where MIDI needs to
        be installed.
        """
        self._midi = midi
        self._player = player
        self._every = every
        self._identity_seconds = identity_seconds
        self._inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._mappings: dict[str, Mapping] = {}
        self._pads = GestureReader(midi.hold_ms / 1000)
        self._dials = Knobs(midi, player, learnt)
        self._learner: Learner | None = None
        self._lamps = LightOutputs(player, self._mapping)
        self._ports = self._made_ports()
        self._thread = threading.Thread(target=self._work, name="pads", daemon=True)

    @property
    def ports(self) -> PortNames:
        """The names of those that are open."""
        return self._ports.names if self._ports else PortNames([], [])

    def start(self) -> None:
        self._thread.start()
        self._lamps.start()
        if self._ports:
            self._ports.start()

    def close(self) -> None:
        if self._ports:
            self._ports.close()
        self._lamps.close()
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def learn(self, field: str) -> None:
        """The next control that is moved turns `field`; an empty one: none does."""
        self._inbox.put(lambda: self._learn(field))

    def forget(self, field: str = "") -> int:
        """What was learnt for `field`, or for any, turns it no more. How many controls that
        were.
        """
        fields = self._dials.learnt(field)
        for each in dict.fromkeys(fields):
            self._inbox.put(lambda each=each: self._dials.forget(each))  # type: ignore[misc]
        return len(fields)

    def change(self, midi: MidiSettings) -> None:
        """Other settings from now on. Ports are only closed where those changed."""
        if self._midi == midi:
            return
        reopened = (self._midi.ports, self._midi.profile) != (midi.ports, midi.profile)
        if reopened and self._ports:
            self._ports.close()
        self._inbox.put(lambda: self._change(midi))
        self._midi = midi
        self._mappings = {}
        if reopened:
            self._ports = self._made_ports()
            if self._ports:
                self._ports.start()
        else:
            self._lamps.change()

    # --- what the ports say, on their threads ---

    def wants_port(self, name: str) -> bool:
        return plays(self._midi, name)

    def on_message(self, name: str, at: float, message: dict[str, Any]) -> None:
        if message["type"] not in ("clock", "active_sensing"):
            self._inbox.put(lambda: self._heard(name, at, message))

    def on_input_closed(self, name: str) -> None:
        self._inbox.put(lambda: self._pads.gone(name))

    def on_output_opened(self, port: OutputPort) -> None:
        self._lamps.add(port)

    def on_output_closed(self, port: OutputPort) -> None:
        self._lamps.remove(port)

    # --- what becomes of it, on ours ---

    def _work(self) -> None:
        while True:
            try:
                call = self._inbox.get(timeout=self._pause())
            except Empty:
                call = self._due
            if call is None:
                return
            try:
                call()
                self._due()
            except Exception:  # nothing that a hand does may end this
                log.exception("pads")

    def _pause(self) -> float | None:
        until = self._learner.until if self._learner else None
        return None if until is None else max(0.0, until - time.monotonic())

    def _heard(self, name: str, at: float, message: dict[str, Any]) -> None:
        mapping = self._mapping(name)
        for gesture in self._pads.heard(name, mapping, at, message):
            self._do(gesture)
        if self._learner and not (mapping.shift and _is_of(message, mapping.shift)):
            self._learner.heard(at, message)
        else:
            self._dials.heard(name, message)

    def _due(self) -> None:
        """What was moved since /ace/midi/learn, once that is known."""
        if (
            self._learner
            and self._learner.until is not None
            and self._learner.until <= time.monotonic()
        ):
            learner = self._learner
            self._learner = None
            self._dials.bind(learner.field, learner.control())

    def _do(self, gesture: Gesture) -> None:
        match gesture:
            case Hit(slot, velocity):
                self._player.hit(slot, velocity)
            case Reroll(slot):
                self._player.reroll(slot)
            case Favourite(slot):
                self._player.favourite(slot)
            case Program(number):
                self._player.program(number)

    def _learn(self, field: str) -> None:
        self._learner = Learner(field) if field else None

    def _change(self, midi: MidiSettings) -> None:
        self._pads = GestureReader(midi.hold_ms / 1000)
        self._dials.change(midi)

    def _mapping(self, port: str) -> Mapping:
        profile = profiles.of_port(port, self._midi.profile)
        if profile.name not in self._mappings:
            self._mappings[profile.name] = Mapping(self._midi, profile)
        return self._mappings[profile.name]

    def _made_ports(self) -> Ports | None:
        if not self._midi.ports:
            return None
        return Ports(
            self,
            virtual=VIRTUAL in self._midi.ports,
            every=self._every,
            identity_seconds=self._identity_seconds,
        )


def _is_of(message: dict[str, Any], control: Control) -> bool:
    return (
        message["type"] == "control_change"
        and control.kind == "cc"
        and control.number == message["control"]
    )


class Knobs:
    """Knobs and faders, those of the settings and those that were learnt."""

    def __init__(self, midi: MidiSettings, player: Player, learnt: Path | None) -> None:
        self._player = player
        self._file = learnt
        self._learnt = _read(learnt)
        self.change(midi)

    def change(self, midi: MidiSettings) -> None:
        self._set = {Control.of(text): field for text, field in midi.knobs.items()}
        self._wire()

    def heard(self, port: str, message: dict[str, Any]) -> None:
        reader = self._readers.get(port) or self._readers.setdefault(port, Reader(self._fields))
        if moved := reader.read(message):
            self._turn(port, moved)

    def bind(self, field: str, control: Control) -> None:
        """A control turns one field, and a field is turned by one that was learnt."""
        kept = {
            old: turns
            for old, turns in self._learnt.items()
            if turns != field and not old.meets(control)
        }
        self._learnt = kept | {control: field}
        log.info("MIDI learn: %s turns %s", control, field)
        self._keep()
        self._player.learnt(field, str(control))

    def learnt(self, field: str = "") -> list[str]:
        """What was learnt of a field, with its range or without, or of all."""
        return [turns for turns in self._learnt.values() if field in ("", turns, turns.split()[0])]

    def forget(self, field: str) -> None:
        self._learnt = {control: turns for control, turns in self._learnt.items() if turns != field}
        self._keep()
        self._player.learnt(field, "")

    def _turn(self, port: str, moved: Moved) -> None:
        field = self._fields[moved.control]
        stands = self._player.position(field)
        if stands is None:
            log.warning(
                "%s cannot turn %s: no numeric parameter is called that", moved.control, field
            )
            return
        hold = self._holds.setdefault((port, moved.control), SoftTakeover())
        share = hold.turned(moved, stands)
        if share is not None:
            self._player.turn(field, share)
            stands = self._player.position(field)
            hold.left(share if stands is None else stands)

    def _wire(self) -> None:
        shadowed = {one for one in self._set for learnt in self._learnt if one.meets(learnt)}
        self._fields = {
            one: field for one, field in self._set.items() if one not in shadowed
        } | self._learnt
        self._readers: dict[str, Reader] = {}
        self._holds: dict[tuple[str, Control], SoftTakeover] = {}

    def _keep(self) -> None:
        self._wire()
        if self._file:
            lines = (
                f"{json.dumps(str(control))} = {json.dumps(field)}\n"
                for control, field in self._learnt.items()
            )
            fresh = self._file.with_suffix(".new")
            fresh.write_text(
                "# What MIDI learn bound: lines for [midi.knobs].\n" + "".join(lines), "utf-8"
            )
            os.replace(fresh, self._file)


def _read(file: Path | None) -> dict[Control, str]:
    if not file or not file.is_file():
        return {}
    try:
        return {
            Control.of(text): str(field)
            for text, field in tomllib.loads(file.read_text("utf-8")).items()
        }
    except (OSError, ValueError) as error:
        log.warning("what MIDI learn had bound is lost: %s: %s", file, error)
        return {}


@dataclass
class LightOutput:
    """A controller's lights."""

    mouth: OutputPort
    board: Board
    entering: bytes
    # when it is to be told everything: what has just been plugged in does not hear it all yet
    entries: list[float]

    def frame(self, now: float) -> list[bytes]:
        messages: list[bytes] = []
        if self.entries and now >= self.entries[0]:
            del self.entries[0]
            self.board.forget()
            messages = [self.entering] if self.entering else []
        return [*messages, *self.board.frame(now)]


class LightOutputs:
    """Lights every controller, at most 25 times a second, and at once where that was not just
    now.
    """

    def __init__(self, player: Player, mapping: Callable[[str], Mapping]) -> None:
        self._player = player
        self._mapping = mapping
        self._lamps: dict[str, LightOutput] = {}
        self._changed: dict[int, Light] = {}  # by slot; told by anybody, at any time
        self._lock = threading.Lock()
        self._sending = threading.Lock()  # whoever sends, or takes a lamp away
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="pad lights", daemon=True)
        player.listen(self._listen)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def add(self, mouth: OutputPort) -> None:
        mapping = self._mapping(mouth.name)
        with self._sending:
            now = time.monotonic()
            self._lamps[mouth.name] = LightOutput(
                mouth, Board(mapping), mapping.profile.entering, [now, now + PLUGGED]
            )
        self._listen(-1, DARK)

    def remove(self, mouth: OutputPort) -> None:
        """It is still open, and left dark."""
        with self._sending:
            lamp = self._lamps.pop(mouth.name, None)
            if lamp and lamp.mouth is mouth:
                leaving = self._mapping(mouth.name).profile.leaving
                self._send(lamp, [*lamp.board.dark(), *([leaving] if leaving else [])])

    def change(self) -> None:
        """Other notes from now on."""
        with self._sending:
            for lamp in self._lamps.values():
                self._send(lamp, lamp.board.dark())
                lamp.board = Board(self._mapping(lamp.mouth.name))
        self._listen(-1, DARK)

    def _listen(self, slot: int, light: Light) -> None:
        with self._lock:
            self._changed[slot] = light
        self._wake.set()

    def _work(self) -> None:
        pause: float | None = None
        while not self._closing:
            self._wake.wait(pause)
            self._wake.clear()
            try:
                pause = self._frame()
            except Exception:
                log.exception("pad lights")
                pause = BEAT
            time.sleep(FRAME)

    def _frame(self) -> float | None:
        """Seconds until the next one; None: as long as nobody comes."""
        with self._lock:
            changed = self._changed
            self._changed = {}
        everything = list(self._player.lights()) if -1 in changed else None
        pause = BEAT / 2
        with self._sending:
            for lamp in self._lamps.values():
                if everything is not None:
                    lamp.board.want_all(everything)
                for slot, light in changed.items():
                    if slot >= 0 and everything is None:
                        lamp.board.want(slot, light)
                messages = lamp.frame(time.monotonic())
                self._send(lamp, messages)
                pause = 0.0 if len(messages) >= AT_MOST else pause
        return pause if self._lamps else None

    def _send(self, lamp: LightOutput, messages: list[bytes]) -> None:
        try:
            for message in messages:
                lamp.mouth.send(message)
        # rtmidi has an error of its own for every driver; the ports notice what is gone
        except Exception as error:
            log.debug("lights of %s: %s", lamp.mouth.name, error)
            lamp.board.forget()
