"""Knobs, faders and buttons: how the settings name them, what their messages mean, and when they
take hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WAYS = "cc 21, cc14 3, rel 16, rel-offset 16, rel-sign 16, pitch or note 98, and ch 2 behind it for one channel only"
COARSE = 127  # the highest values of seven bits and of two times seven
FINE = 16383
DETENT = 1 / 128  # of a field's range: one click of an encoder
NEAR = 2 / 127  # a knob this close to where its field stands has hold of it
PAIRS = 32  # a controller below has its finer half this much higher


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
            raise ValueError(f"a control is written like {WAYS}; got {text!r}")
        highest = PAIRS - 1 if kind == "cc14" else 127
        if number > highest or channel > 16:
            raise ValueError(f"{kind} goes from 0 to {highest} and ch from 1 to 16, got {text!r}")
        return cls(kind, number, channel)

    def __str__(self) -> str:
        number = "" if self.kind == "pitch" else f" {self.number}"
        return f"{self.kind}{number}" + (f" ch {self.channel}" if self.channel else "")

    def meets(self, other: Control) -> bool:
        """Whether one message could be of both."""
        channels = self.channel == other.channel or not (self.channel and other.channel)
        return channels and bool(self._sources() & other._sources())

    def _sources(self) -> set[tuple[str, int]]:
        if self.kind in ("pitch", "note"):
            return {(self.kind, self.number)}
        return {("cc", self.number)} | (
            {("cc", self.number + PAIRS)} if self.kind == "cc14" else set()
        )


@dataclass(frozen=True)
class Moved:
    """A control now stands at `share` of its way, or was turned by so many `clicks`."""

    control: Control
    share: float = 0.0
    clicks: int = 0


class Reader:
    """What the messages of one port say of the controls that somebody listens to."""

    def __init__(self, controls: Mapping[Control, Any]) -> None:
        self._by_source: dict[tuple[str, int], list[Control]] = {}
        for control in controls:
            for source in control._sources():
                self._by_source.setdefault(source, []).append(control)
        # halves that wait for the other one, by control and channel
        self._high: dict[tuple[Control, int], int] = {}
        self._pairs: set[tuple[Control, int]] = set()  # that are known to send both halves

    def read(self, message: Mapping[str, Any]) -> Moved | None:
        channel = message.get("channel", 0)
        for control in self._by_source.get(_source(message), ()):
            if control.channel in (0, channel + 1):
                return self._moved(control, channel, message)
        return None

    def _moved(self, control: Control, channel: int, message: Mapping[str, Any]) -> Moved | None:
        if control.kind == "pitch":
            return Moved(control, (message["pitch"] + (FINE + 1) // 2) / FINE)
        value = message["value"]
        if control.kind == "cc":
            return Moved(control, value / COARSE)
        if control.kind == "cc14":
            share = self._pair(control, channel, message["control"], value)
            return None if share is None else Moved(control, share)
        clicks = CLICKS[control.kind](value)
        return Moved(control, clicks=clicks) if clicks else None

    def _pair(self, control: Control, channel: int, number: int, value: int) -> float | None:
        """The coarse half comes first. Where a finer one is known to follow it says nothing yet: it
        would jump.
        """
        place = (control, channel)
        if number == control.number:
            self._high[place] = value
            return None if place in self._pairs else value / COARSE
        self._pairs.add(place)
        return (self._high.get(place, 0) * (COARSE + 1) + value) / FINE


def _source(message: Mapping[str, Any]) -> tuple[str, int]:
    if message["type"] == "control_change":
        return "cc", message["control"]
    return ("pitch", 0) if message["type"] == "pitchwheel" else ("", 0)


def _twos_complement(value: int) -> int:
    return value if value < 64 else value - 128


def _binary_offset(value: int) -> int:
    return value - 64


def _sign_bit(value: int) -> int:
    return value if value < 64 else 64 - value


CLICKS = {"rel": _twos_complement, "rel-offset": _binary_offset, "rel-sign": _sign_bit}


class SoftTakeover:
    """One control's hold on its field.

    A knob that stands elsewhere than its field would make it jump, so it has to come by where the
    field stands first (soft takeover), and again whenever somebody else has turned that field. An
    encoder stands nowhere: it always turns.
    """

    def __init__(self) -> None:
        self._left: float | None = None  # where our last turn left the field
        self._share: float | None = None  # where the knob stood last
        self._aim = (
            0.0  # of an encoder: a field of few values needs more than one click for the next
        )

    def turned(self, moved: Moved, stands: float) -> float | None:
        """The share that the field is to be turned to; None: not yet."""
        ours = self._left is not None and abs(self._left - stands) < 1e-9
        if moved.clicks:
            self._aim = min(1.0, max(0.0, (self._aim if ours else stands) + moved.clicks * DETENT))
            return self._aim
        before = self._share
        self._share = moved.share
        passed = before is not None and min(before, moved.share) <= stands <= max(
            before, moved.share
        )
        if ours or passed or abs(moved.share - stands) <= NEAR:
            return moved.share
        self._left = None
        return None

    def left(self, stands: float) -> None:
        """Where the field stands after the turn."""
        self._left = stands
