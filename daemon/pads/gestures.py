"""What hands do on pads: notes and controls in, gestures out. Nothing here knows of ports or of
threads.

A hit has to sound when the pad is hit, so it acts at once, and nobody can know yet whether it will
be a hold. A pad that is let go after `hold` seconds or more rerolls: a hold is a hit, and then a
reroll that takes back what the hit began. It does not reroll while it is down: of a note whose end
got lost on its way nobody would know that, and a seed that somebody liked would be gone.
"""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass
from typing import Any

from .controls import Control
from .mapping import Mapping

# seconds: nobody hits a pad again so soon without letting go, a bad pad or a second cable does
BOUNCE = 0.025


@dataclass(frozen=True)
class Hit:
    slot: int
    velocity: int


@dataclass(frozen=True)
class Reroll:
    slot: int


@dataclass(frozen=True)
class Favourite:
    slot: int


@dataclass(frozen=True)
class Program:
    number: int


Gesture = Hit | Reroll | Favourite | Program


@dataclass
class Down:
    """A pad that is down."""

    port: str
    since: float
    place: tuple[int, int]


class GestureReader:
    """All pads of all controllers: a slot is a slot, whichever is hit."""

    def __init__(self, hold: float) -> None:
        self.hold = hold  # seconds; 0: nothing is ever held
        self._down: dict[int, Down] = {}
        self._shifts: set[str] = set()  # ports on which the shift is down

    def heard(
        self, port: str, mapping: Mapping, at: float, message: Map[str, Any]
    ) -> list[Gesture]:
        if self._shifted(port, mapping.shift, message):
            return []
        kind = message["type"]
        if kind == "program_change" and mapping.channel in (0, message["channel"] + 1):
            return [Program(message["program"])]
        if kind not in ("note_on", "note_off"):
            return []
        slot = mapping.slot(message["note"], message["channel"])
        if slot is None:
            return []
        place = (message["note"], message["channel"])
        if kind == "note_on" and message["velocity"]:
            return self._hit(Down(port, at, place), slot, message["velocity"])
        return self._let_go(slot, port, place, at)

    def gone(self, port: str) -> None:
        """Whatever was down there, nobody will ever let it go: forget it, and do not call it a
        hold.
        """
        self._shifts.discard(port)
        for slot in [slot for slot, down in self._down.items() if down.port == port]:
            del self._down[slot]

    def _hit(self, down: Down, slot: int, velocity: int) -> list[Gesture]:
        before = self._down.get(slot)
        if before and down.since - before.since < BOUNCE:
            return []
        if self._shifts:
            return [Favourite(slot)]
        self._down[slot] = down
        return [Hit(slot, velocity)]

    def _let_go(self, slot: int, port: str, place: tuple[int, int], at: float) -> list[Gesture]:
        down = self._down.get(slot)
        if not down or (down.port, down.place) != (port, place):
            return []
        del self._down[slot]
        return [Reroll(slot)] if self.hold and at - down.since >= self.hold else []

    def _shifted(self, port: str, shift: Control | None, message: Map[str, Any]) -> bool:
        """Whether that message was of the shift."""
        if not shift or shift.channel not in (0, message.get("channel", -1) + 1):
            return False
        if (
            shift.kind == "cc"
            and message["type"] == "control_change"
            and message["control"] == shift.number
        ):
            down = message["value"] >= 64
        elif (
            shift.kind == "note"
            and message["type"] in ("note_on", "note_off")
            and message["note"] == shift.number
        ):
            down = message["type"] == "note_on" and message["velocity"] > 0
        else:
            return False
        (self._shifts.add if down else self._shifts.discard)(port)
        return True
