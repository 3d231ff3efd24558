"""The control surface that Live sees: its timer, its MIDI, and its end."""

from __future__ import annotations

from typing import Any

import Live

from . import keys
from .bridge import Bridge

try:
    from _Framework.ControlSurface import ControlSurface
except ImportError:
    from ableton.v2.control_surface import ControlSurface

TICK_MILLISECONDS = 50
NOTE_ON = 0x90
CONTROL_CHANGE = 0xB0


class Acestepd(ControlSurface):
    """Everything happens in `Bridge.tick`: listeners and MIDI only leave a note for it."""

    def __init__(self, c_instance: Any) -> None:
        super().__init__(c_instance)
        self._bridge = Bridge(c_instance)
        self._cc_values: dict[tuple[int, int], int] = {}
        self._tick_timer = self._start_timer()
        self.request_rebuild_midi_map()

    def disconnect(self) -> None:
        try:
            if self._tick_timer is not None:
                self._tick_timer.stop()
                self._tick_timer = None
            self._bridge.close()
        finally:
            super().disconnect()

    def build_midi_map(self, midi_map_handle: int) -> None:
        super().build_midi_map(midi_map_handle)
        handle = self._c_instance.handle()
        for channel in keys.CHANNELS:
            for note in keys.NOTES:
                Live.MidiMap.forward_midi_note(handle, midi_map_handle, channel, note)
            for control in keys.CONTROLS:
                Live.MidiMap.forward_midi_cc(handle, midi_map_handle, channel, control)

    def receive_midi(self, midi_bytes: tuple[int, ...]) -> None:
        action = self._find_action(midi_bytes) if len(midi_bytes) == 3 else None
        if action:
            self._bridge.press(action)

    def _find_action(self, midi_bytes: tuple[int, ...]) -> str | None:
        status, number, value = midi_bytes
        if status & 0xF0 == NOTE_ON and value:
            return keys.NOTES.get(number)
        if status & 0xF0 != CONTROL_CHANGE:
            return None
        before = self._cc_values.get((status, number), 0)
        self._cc_values[status, number] = value
        return keys.CONTROLS.get(number) if before < 64 <= value else None

    def _start_timer(self) -> Any:
        """Live's own timer; where it has none, a message that schedules the next one."""
        if hasattr(Live.Base, "Timer"):
            return Live.Base.Timer(
                callback=self._bridge.tick, interval=TICK_MILLISECONDS, repeat=True, start=True
            )
        self._tick_again()
        return None

    def _tick_again(self) -> None:
        if not self._bridge.is_closed:
            self._bridge.tick()
            self.schedule_message(1, self._tick_again)
