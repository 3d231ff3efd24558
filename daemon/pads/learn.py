"""MIDI learn: which control was just moved, and of which kind it is."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from .controls import LSB_OFFSET, Control

WINDOW = 0.5  # seconds after the first message in which the control and its kind are detected
MIN_VALUES = 3  # that must be there before they are taken for an encoder's

ChannelSource = tuple[int, str, int]  # channel (1 to 16), cc or pitch, number


class MidiLearn:
    """Binds `field` to the control that sends most within half a second of the first message."""

    def __init__(self, field: str) -> None:
        self.field = field
        self.deadline: float | None = None  # time.monotonic(); None: nothing was moved yet
        self._values: dict[ChannelSource, list[int]] = {}

    def receive(self, at: float, message: Mapping[str, Any]) -> None:
        """`message` is mido's dictionary."""
        if message["type"] == "control_change":
            self._add(at, (message["channel"] + 1, "cc", message["control"]), message["value"])
        elif message["type"] == "pitchwheel":
            self._add(at, (message["channel"] + 1, "pitch", 0), message["pitch"])

    def _add(self, at: float, source: ChannelSource, value: int) -> None:
        if self.deadline is None:
            self.deadline = at + WINDOW
        self._values.setdefault(source, []).append(value)

    def detect_control(self) -> Control:
        """The one that was moved, once the deadline has passed."""
        counts = Counter({source: len(values) for source, values in self._values.items()})
        channel, kind, number = counts.most_common(1)[0][0]
        if kind == "pitch":
            return Control("pitch", 0, channel)
        for high in (number, number - LSB_OFFSET):
            halves = {(channel, "cc", high), (channel, "cc", high + LSB_OFFSET)}
            if high in range(LSB_OFFSET) and halves <= counts.keys():
                return Control("cc14", high, channel)
        return Control(detect_kind(self._values[channel, kind, number]), number, channel)


def detect_kind(values: Sequence[int]) -> str:
    """A knob never sends the same value twice running, an encoder that is turned evenly does: its
    encoding shows in the values that it repeats.

    Turned in one direction only, two's complement and sign bit may be the same: then it is the
    commoner first.
    """
    repeats = any(value == following for value, following in itertools.pairwise(values))
    if len(values) < MIN_VALUES or not repeats:
        return "cc"
    up = range(1, 16)
    if all(value in up or value in range(113, 128) for value in values):
        return "rel"
    if all(value in range(49, 80) for value in values):
        return "rel-offset"
    if all(value in up or value in range(65, 80) for value in values):
        return "rel-sign"
    return "cc"
