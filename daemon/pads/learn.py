"""MIDI learn: which control was just moved, and of which kind it is."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from typing import Any

from .controls import PAIRS, Control

WINDOW = 0.5  # seconds after the first message in which it is heard what kind of control that is
FEW = 3  # values that must be there before they are taken for an encoder's


class Learner:
    """Binds the control that says most within half a second of the first word."""

    def __init__(self, field: str) -> None:
        self.field = field
        self.until: float | None = None
        self._values: dict[tuple[int, str, int], list[int]] = {}

    def heard(self, at: float, message: Mapping[str, Any]) -> None:
        if message["type"] == "control_change":
            self._heard(at, (message["channel"] + 1, "cc", message["control"]), message["value"])
        elif message["type"] == "pitchwheel":
            self._heard(at, (message["channel"] + 1, "pitch", 0), message["pitch"])

    def _heard(self, at: float, source: tuple[int, str, int], value: int) -> None:
        if self.until is None:
            self.until = at + WINDOW
        self._values.setdefault(source, []).append(value)

    def control(self) -> Control:
        """The one that was moved, once `until` has passed."""
        said = Counter({source: len(values) for source, values in self._values.items()})
        channel, kind, number = said.most_common(1)[0][0]
        if kind == "pitch":
            return Control("pitch", 0, channel)
        for coarse in (number, number - PAIRS):
            if (
                coarse in range(PAIRS)
                and {(channel, "cc", coarse), (channel, "cc", coarse + PAIRS)} <= said.keys()
            ):
                return Control("cc14", coarse, channel)
        return Control(kind_of(self._values[channel, kind, number]), number, channel)


def kind_of(values: list[int]) -> str:
    """A knob never says the same twice running, an encoder that is turned evenly does: by what it
    says over and over.

    Turned in one direction only, two's complement and sign bit may be the same: then it is the
    commoner first.
    """
    again = any(one == next for one, next in itertools.pairwise(values))
    if len(values) < FEW or not again:
        return "cc"
    up = range(1, 16)
    down = range(113, 128)
    around = range(49, 80)
    if all(value in up or value in down for value in values):
        return "rel"
    if all(value in around for value in values):
        return "rel-offset"
    return "rel-sign" if all(value in up or value in range(65, 80) for value in values) else "cc"
