"""Which control turns which field: from the settings, and from MIDI learn."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import untrusted
from pipeline.limits import LIMITS
from pipeline.private import replace_private

from ..runtime.logs import LimitedLog
from .controls import Control, ControlReader, Movement, SoftTakeover
from .interface import Player
from .mapping import MidiSettings

log = logging.getLogger("acestepd.pads")
limited_log = LimitedLog(log)


class ControlBindings:
    """Knobs and faders, those of the settings and those that were learned. Used from one thread."""

    def __init__(self, midi: MidiSettings, player: Player, learned_file: Path | None) -> None:
        """What is learned is kept in that file."""
        self._player = player
        self._file = learned_file
        self._learned = _read_learned(learned_file)
        self.change_settings(midi)

    def change_settings(self, midi: MidiSettings) -> None:
        """Other settings from now on."""
        self._configured = {Control.of(text): field for text, field in midi.knobs.items()}
        self._connect()

    def receive(self, port: str, message: Mapping[str, Any]) -> None:
        """`message` is mido's dictionary."""
        if port not in self._readers:
            self._readers[port] = ControlReader(self._fields)
        if movement := self._readers[port].read(message):
            self._turn(port, movement)

    def bind(self, field: str, control: Control) -> None:
        """A control turns one field, and a field is turned by one that was learned."""
        kept = {
            old: turned
            for old, turned in self._learned.items()
            if turned != field and not old.overlaps(control)
        }
        self._learned = kept | {control: field}
        log.info("MIDI learn: %s turns %s", control, field)
        self._save()
        self._player.announce_learned(field, str(control))

    def list_learned(self, field: str = "") -> list[str]:
        """What was learned of a field, with its range or without, or of all."""
        return [
            turned for turned in self._learned.values() if field in ("", turned, turned.split()[0])
        ]

    def forget(self, field: str) -> None:
        """The control that was learned for it turns it no more."""
        self._learned = {
            control: turned for control, turned in self._learned.items() if turned != field
        }
        self._save()
        self._player.announce_learned(field, "")

    def _turn(self, port: str, movement: Movement) -> None:
        field = self._fields[movement.control]
        current = self._player.read_position(field)
        if current is None:
            text = "%s cannot turn %s: no numeric parameter is called that"
            limited_log.warning(port, text, movement.control, field)
            return
        takeover = self._takeovers.setdefault((port, movement.control), SoftTakeover())
        position = takeover.turn(movement, current)
        if position is not None:
            self._player.turn(field, position)
            after = self._player.read_position(field)
            takeover.leave(position if after is None else after)

    def _connect(self) -> None:
        """What was learned goes before what is configured."""
        free = {
            control: field
            for control, field in self._configured.items()
            if not any(control.overlaps(learned) for learned in self._learned)
        }
        self._fields = free | self._learned
        self._readers: dict[str, ControlReader] = {}  # by port
        self._takeovers: dict[tuple[str, Control], SoftTakeover] = {}

    def _save(self) -> None:
        self._connect()
        if self._file:
            lines = (
                f"{json.dumps(str(control))} = {json.dumps(field)}\n"
                for control, field in self._learned.items()
            )
            text = "# What MIDI learn bound: lines for [midi.knobs].\n" + "".join(lines)
            try:
                replace_private(self._file, text.encode())
            except OSError as error:  # it holds until the daemon ends
                log.error("what MIDI learn bound cannot be kept: %s: %s", self._file, error)


def _read_learned(file: Path | None) -> dict[Control, str]:
    if not file or not file.is_file():
        return {}
    try:
        return {
            Control.of(text): str(field)
            for text, field in untrusted.read_toml(file, LIMITS.settings_bytes).items()
        }
    except (OSError, ValueError) as error:
        log.warning("what MIDI learn had bound is lost: %s: %s", file, error)
        return {}
