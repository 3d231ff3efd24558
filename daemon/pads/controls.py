"""Knobs, faders, encoders and buttons: how the settings name them, what their messages mean, and
soft takeover.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SYNTAX = (
    "cc 21, cc14 3, rel 16, rel-offset 16, rel-sign 16, pitch or note 98, and ch 2 behind it for "
    "one channel only"
)
MAX_7_BIT = 127
MAX_14_BIT = 16383
DETENT = 1 / 128  # of a field's range: one click of an encoder
TAKEOVER_RANGE = 2 / 127  # a knob that is this close to where its field is takes over
LSB_OFFSET = 32  # a 14-bit controller's least significant half has a number this much higher

ControlSource = tuple[str, int]  # what messages come from: cc and number, pitch or note


@dataclass(frozen=True)
class Control:
    kind: str  # cc, cc14, rel, rel-offset, rel-sign, pitch, note
    number: int = 0
    channel: int = 0  # 1 to 16; 0 is any

    @classmethod
    def of(cls, text: str) -> Control:
        """What the settings say. Raises ValueError with what is allowed and what came."""
        found = re.fullmatch(
            r"(cc14|cc|rel-offset|rel-sign|rel|note) +(\d+)(?: +ch +(\d+))?", text.strip()
        )
        pitch = re.fullmatch(r"pitch(?: +ch +(\d+))?", text.strip())
        if pitch:
            kind = "pitch"
            number = 0
            channel = int(pitch[1] or 0)
        elif found:
            kind = found[1]
            number = int(found[2])
            channel = int(found[3] or 0)
        else:
            raise ValueError(f"a control is written like {SYNTAX}; got {text!r}")
        highest = LSB_OFFSET - 1 if kind == "cc14" else 127
        if number > highest or channel > 16:
            raise ValueError(f"{kind} goes from 0 to {highest} and ch from 1 to 16, got {text!r}")
        return cls(kind, number, channel)

    def __str__(self) -> str:
        number = "" if self.kind == "pitch" else f" {self.number}"
        channel = f" ch {self.channel}" if self.channel else ""
        return f"{self.kind}{number}{channel}"

    def overlaps(self, other: Control) -> bool:
        """Whether one message could be of both."""
        channels = self.channel == other.channel or not (self.channel and other.channel)
        return channels and bool(self.sources & other.sources)

    @property
    def sources(self) -> set[ControlSource]:
        if self.kind in ("pitch", "note"):
            return {(self.kind, self.number)}
        if self.kind == "cc14":
            return {("cc", self.number), ("cc", self.number + LSB_OFFSET)}
        return {("cc", self.number)}


@dataclass(frozen=True)
class Movement:
    """A control was moved to a `position` (0..1), or an encoder was turned by so many `clicks`."""

    control: Control
    position: float = 0.0
    clicks: int = 0


class ControlReader:
    """What the messages of one port say of the controls that turn something."""

    def __init__(self, controls: Iterable[Control]) -> None:
        self._by_source: dict[ControlSource, list[Control]] = {}
        for control in controls:
            for source in control.sources:
                self._by_source.setdefault(source, []).append(control)
        # most significant halves of 14-bit values, by control and channel
        self._high: dict[tuple[Control, int], int] = {}
        # controls and channels that are known to send both halves
        self._pairs: set[tuple[Control, int]] = set()

    def read(self, message: Mapping[str, Any]) -> Movement | None:
        """`message` is mido's dictionary."""
        channel = message.get("channel", 0)
        for control in self._by_source.get(_find_source(message), ()):
            if control.channel in (0, channel + 1):
                return self._read_movement(control, channel, message)
        return None

    def _read_movement(
        self, control: Control, channel: int, message: Mapping[str, Any]
    ) -> Movement | None:
        if control.kind == "pitch":
            return Movement(control, (message["pitch"] + (MAX_14_BIT + 1) // 2) / MAX_14_BIT)
        value: int = message["value"]
        if control.kind == "cc":
            return Movement(control, value / MAX_7_BIT)
        if control.kind == "cc14":
            position = self._join_halves(control, channel, message["control"], value)
            return None if position is None else Movement(control, position)
        clicks = CLICKS[control.kind](value)
        return Movement(control, clicks=clicks) if clicks else None

    def _join_halves(self, control: Control, channel: int, number: int, value: int) -> float | None:
        """The most significant half comes first. Where the other one is known to follow it moves
        nothing yet: the field would jump.
        """
        key = (control, channel)
        if number == control.number:
            self._high[key] = value
            return None if key in self._pairs else value / MAX_7_BIT
        self._pairs.add(key)
        return (self._high.get(key, 0) * (MAX_7_BIT + 1) + value) / MAX_14_BIT


def _find_source(message: Mapping[str, Any]) -> ControlSource:
    if message["type"] == "control_change":
        return "cc", message["control"]
    return ("pitch", 0) if message["type"] == "pitchwheel" else ("", 0)


def _decode_twos_complement(value: int) -> int:
    return value if value < 64 else value - 128


def _decode_binary_offset(value: int) -> int:
    return value - 64


def _decode_sign_bit(value: int) -> int:
    return value if value < 64 else 64 - value


CLICKS = {
    "rel": _decode_twos_complement,
    "rel-offset": _decode_binary_offset,
    "rel-sign": _decode_sign_bit,
}


class SoftTakeover:
    """When a control turns its field.

    A knob that is elsewhere than its field would make it jump, so it has to pass the field's
    position first, and again whenever somebody else has turned that field. An encoder has no
    position: it always turns.
    """

    def __init__(self) -> None:
        self._left_at: float | None = None  # where our last turn left the field
        self._knob: float | None = None  # where the knob was last
        # of an encoder: a field of few values needs more than one click for the next
        self._target = 0.0

    def turn(self, movement: Movement, field: float) -> float | None:
        """The position that the field, which is at `field` now, is to be turned to; None: not
        yet.
        """
        has_control = self._left_at is not None and abs(self._left_at - field) < 1e-9
        if movement.clicks:
            start = self._target if has_control else field
            self._target = min(1.0, max(0.0, start + movement.clicks * DETENT))
            return self._target
        before = self._knob
        now = movement.position
        self._knob = now
        passed = before is not None and min(before, now) <= field <= max(before, now)
        if has_control or passed or abs(now - field) <= TAKEOVER_RANGE:
            return now
        self._left_at = None
        return None

    def leave(self, field: float) -> None:
        """Where the field is after the turn."""
        self._left_at = field
