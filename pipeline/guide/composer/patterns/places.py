"""Where in a pattern a step of a bar is, whatever the meter."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..meter import BarMeter
from .notation import FOUR_FOUR, METERS

SHORT = 8  # steps: bars that are shorter share a pattern
_BY_STEPS = {12: "3/4", 14: "7/8", 20: "5/4", 24: "3/4", 40: "5/4"}


class PatternPlace(NamedTuple):
    """A step of a pattern, and how often the pattern has been played before it in a section."""

    cycle: int
    step: int


def name_meter(meter: BarMeter) -> str:
    """Which of METERS has the patterns for a meter."""
    if meter.is_compound:
        return "6/8"
    return _BY_STEPS.get(meter.steps, FOUR_FOUR)


def find_place(meter: BarMeter, bar: int, step: int) -> PatternPlace:
    """The place of a step of a section's bar, counted from 0. Long bars repeat patterns, others cut
    them, and those that are shorter than two beats share one.
    """
    length = METERS[name_meter(meter)]
    if meter.steps < SHORT:
        return PatternPlace(*divmod(bar * meter.steps + step, length))
    cycles = math.ceil(meter.steps / length)
    return PatternPlace(bar * cycles + step // length, step % length)


def read_row(row: str, place: PatternPlace, length: int) -> str:
    """The symbol of a row at a place, in patterns of so many steps. A row of another meter begins
    again with every bar.
    """
    fits = len(row) % length == 0 or length % len(row) == 0
    position = place.cycle * length + place.step if fits else place.step
    return row[position % len(row)]
