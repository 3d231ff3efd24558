"""Controllers, plugged in and wired to a player: their messages become gestures and turns, and
their pads show what the player's are.

Messages are handled one after the other on a thread of their own, so that neither MIDI's thread nor
two controllers at once ever meet in the player. Lights have another: a slow cable must not hold up
a hit.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from ..midi import IDENTITY_SECONDS, POLL_SECONDS, OutputPort, PortNames, Ports
from . import profiles
from .bindings import ControlBindings
from .controls import Control
from .gestures import Gesture, GestureReader, Hit, LoadProgram, Reroll, ToggleFavourite, Undo
from .interface import Player
from .learn import MidiLearn
from .light_outputs import LightOutputs
from .mapping import VIRTUAL, MidiSettings, PadMapping, wants_port

log = logging.getLogger("acestepd.pads")


class Controllers:
    """Between `start` and `close` every controller plays that is plugged in, whenever that is."""

    def __init__(
        self,
        midi: MidiSettings,
        player: Player,
        learned_file: Path | None = None,
        every: float = POLL_SECONDS,
        identity_seconds: float = IDENTITY_SECONDS,
    ) -> None:
        """`learned_file` keeps what is learned; `every` is the seconds between two looks at the
        ports. Raises `SettingsError` where MIDI needs to be installed.
        """
        self._midi = midi
        self._player = player
        self._every = every
        self._identity_seconds = identity_seconds
        self._inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._mappings: dict[str, PadMapping] = {}  # by the port's name
        self._gestures = GestureReader(midi.hold_ms / 1000)
        self._bindings = ControlBindings(midi, player, learned_file)
        self._learn: MidiLearn | None = None  # while a control is to be learned
        self._lights = LightOutputs(player, self._find_mapping)
        self._ports = self._create_ports()
        self._thread = threading.Thread(target=self._run, name="pads", daemon=True)

    @property
    def ports(self) -> PortNames:
        """The names of those that are open."""
        return self._ports.names if self._ports else PortNames([], [])

    def start(self) -> None:
        self._thread.start()
        self._lights.start()
        if self._ports:
            self._ports.start()

    def close(self) -> None:
        if self._ports:
            self._ports.close()
        self._lights.close()
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def learn(self, field: str) -> None:
        """The next control that is moved turns `field`; an empty one: none does."""
        self._inbox.put(partial(self._start_learning, field))

    def forget(self, field: str = "") -> int:
        """What was learned for `field`, or for any, turns it no more. Returns how many controls
        that were.
        """
        fields = self._bindings.list_learned(field)
        for each in dict.fromkeys(fields):
            self._inbox.put(partial(self._bindings.forget, each))
        return len(fields)

    def change_settings(self, midi: MidiSettings) -> None:
        """Other settings from now on. Ports are only closed where those changed."""
        if self._midi == midi:
            return
        reopen = (self._midi.ports, self._midi.profile) != (midi.ports, midi.profile)
        if reopen and self._ports:
            self._ports.close()
        self._inbox.put(partial(self._apply_settings, midi))
        self._midi = midi
        self._mappings = {}
        if reopen:
            self._ports = self._create_ports()
            if self._ports:
                self._ports.start()
        else:
            self._lights.reload_mappings()

    # --- called by the ports, on their threads ----------------------------------------------------

    def wants_port(self, name: str) -> bool:
        return wants_port(self._midi, name)

    def on_message(self, name: str, at: float, message: dict[str, Any]) -> None:
        if message["type"] not in ("clock", "active_sensing"):
            self._inbox.put(partial(self._handle, name, at, message))

    def on_input_closed(self, name: str) -> None:
        self._inbox.put(partial(self._forget_port, name))

    def on_output_opened(self, port: OutputPort) -> None:
        self._lights.add(port)

    def on_output_closed(self, port: OutputPort) -> None:
        self._lights.remove(port)

    # --- on our own thread ------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            try:
                call = self._inbox.get(timeout=self._get_timeout())
            except Empty:
                call = self._finish_learning
            if call is None:
                return
            try:
                call()
                self._finish_learning()
            except Exception:  # nothing that a controller sends may end this
                log.exception("pads")

    def _get_timeout(self) -> float | None:
        deadline = self._learn.deadline if self._learn else None
        return None if deadline is None else max(0.0, deadline - time.monotonic())

    def _handle(self, port: str, at: float, message: dict[str, Any]) -> None:
        mapping = self._find_mapping(port)
        for gesture in self._gestures.read(port, mapping, at, message):
            self._play(gesture, port)
        buttons = filter(None, (mapping.shift, mapping.undo))
        if self._learn and not any(_is_from_cc(message, button) for button in buttons):
            self._learn.receive(at, message)
        else:
            self._bindings.receive(port, message)

    def _play(self, gesture: Gesture, port: str) -> None:
        match gesture:
            case Hit(index, velocity):
                self._player.hit(index, velocity, port)
            case Reroll(index):
                self._player.reroll(index, port)
            case ToggleFavourite(index):
                self._player.toggle_favourite(index, port)
            case Undo():
                self._player.undo(port)
            case LoadProgram(number):
                self._player.load_program(number, port)

    def _forget_port(self, name: str) -> None:
        self._gestures.forget_port(name)

    def _start_learning(self, field: str) -> None:
        self._learn = MidiLearn(field) if field else None

    def _finish_learning(self) -> None:
        """Bind the control that was moved since /ace/midi/learn, once it is known."""
        learn = self._learn
        if learn and learn.deadline is not None and learn.deadline <= time.monotonic():
            self._learn = None
            self._bindings.bind(learn.field, learn.detect_control())

    def _apply_settings(self, midi: MidiSettings) -> None:
        self._gestures = GestureReader(midi.hold_ms / 1000)
        self._bindings.change_settings(midi)

    def _find_mapping(self, port: str) -> PadMapping:
        """Called for every message, so a profile that is a file is read once."""
        mappings = self._mappings  # others take its place when settings change
        if port not in mappings:
            profile = profiles.choose_profile(port, self._midi.profile)
            mappings[port] = PadMapping(self._midi, profile)
        return mappings[port]

    def _create_ports(self) -> Ports | None:
        if not self._midi.ports:
            return None
        return Ports(
            self,
            virtual=VIRTUAL in self._midi.ports,
            every=self._every,
            identity_seconds=self._identity_seconds,
        )


def _is_from_cc(message: dict[str, Any], control: Control) -> bool:
    return (
        message["type"] == "control_change"
        and control.kind == "cc"
        and control.number == message["control"]
    )
