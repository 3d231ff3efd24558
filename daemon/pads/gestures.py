"""Notes and controls in, gestures out. Nothing here knows of ports or of threads.

A hit has to sound when the pad is hit, so it acts at once, and nobody can know yet whether it will
be a hold. A pad that is released after `hold` seconds or more rerolls: a hold is a hit, and then a
reroll that cancels what the hit began. It does not reroll while it is down: a note off that got
lost would look like a hold, and a seed that somebody liked would be gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .controls import Control
from .mapping import PadMapping

# seconds: nobody hits a pad again so soon without releasing it, but a worn pad or a second cable
# sends the note twice
DEBOUNCE = 0.025


@dataclass(frozen=True)
class Hit:
    index: int
    velocity: int


@dataclass(frozen=True)
class Reroll:
    index: int


@dataclass(frozen=True)
class ToggleFavourite:
    index: int


@dataclass(frozen=True)
class LoadProgram:
    number: int


@dataclass(frozen=True)
class Undo:
    pass


Gesture = Hit | Reroll | ToggleFavourite | LoadProgram | Undo


@dataclass
class PressedPad:
    port: str
    since: float  # seconds, as `at`
    note: tuple[int, int]  # (note, channel), the channel from 0


class GestureReader:
    """The pads of all controllers: a pad is the same, whichever controller it is hit on."""

    def __init__(self, hold: float) -> None:
        self._hold = hold  # seconds; 0: nothing is ever held
        self._pressed: dict[int, PressedPad] = {}
        self._shifts: set[str] = set()  # ports on which the shift is down

    def read(
        self, port: str, mapping: PadMapping, at: float, message: Mapping[str, Any]
    ) -> list[Gesture]:
        """The gestures that a message completes: `message` is mido's dictionary, `at` the
        time.monotonic() of its arrival.
        """
        if mapping.shift and _is_from(message, mapping.shift):
            self._read_shift(port, message)
            return []
        if mapping.undo and _is_from(message, mapping.undo):
            return [Undo()] if _is_down(message) else []
        kind = message["type"]
        if kind == "program_change" and mapping.channel in (0, message["channel"] + 1):
            return [LoadProgram(message["program"])]
        if kind not in ("note_on", "note_off"):
            return []
        index = mapping.find_pad(message["note"], message["channel"])
        if index is None:
            return []
        note = (message["note"], message["channel"])
        if kind == "note_on" and message["velocity"]:
            return self._press(index, PressedPad(port, at, note), message["velocity"])
        return self._release(index, PressedPad(port, at, note))

    def forget_port(self, port: str) -> None:
        """It was unplugged: what was down there will never be released, and is no hold."""
        self._shifts.discard(port)
        self._pressed = {
            index: pressed for index, pressed in self._pressed.items() if pressed.port != port
        }

    def _press(self, index: int, pressed: PressedPad, velocity: int) -> list[Gesture]:
        before = self._pressed.get(index)
        if before and pressed.since - before.since < DEBOUNCE:
            return []
        if self._shifts:
            return [ToggleFavourite(index)]
        self._pressed[index] = pressed
        return [Hit(index, velocity)]

    def _release(self, index: int, released: PressedPad) -> list[Gesture]:
        pressed = self._pressed.get(index)
        if not pressed or (pressed.port, pressed.note) != (released.port, released.note):
            return []
        del self._pressed[index]
        held = released.since - pressed.since
        return [Reroll(index)] if self._hold and held >= self._hold else []

    def _read_shift(self, port: str, message: Mapping[str, Any]) -> None:
        if _is_down(message):
            self._shifts.add(port)
        else:
            self._shifts.discard(port)


def _is_down(message: Mapping[str, Any]) -> bool:
    """Whether it presses a button, and does not let it go."""
    if message["type"] == "control_change":
        return bool(message["value"] >= 64)
    return bool(message["type"] == "note_on" and message["velocity"] > 0)


def _is_from(message: Mapping[str, Any], control: Control) -> bool:
    """Whether a message is from that note or cc."""
    if control.channel not in (0, message.get("channel", -1) + 1):
        return False
    kind: str = message["type"]
    if control.kind == "cc":
        return kind == "control_change" and bool(message["control"] == control.number)
    if control.kind == "note":
        return kind in ("note_on", "note_off") and bool(message["note"] == control.number)
    return False
