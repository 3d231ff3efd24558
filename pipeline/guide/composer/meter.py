"""The grid of a bar: steps, and the beats that they make."""

from __future__ import annotations

import math
from typing import NamedTuple

STEPS_PER_QUARTER = 4  # a step is a 16th


class BarMeter(NamedTuple):
    """A bar of `quarters` quarter notes (6/8 has three), on a grid of 16ths.

    `groups` are the steps of each beat as it is counted: (4, 4, 4, 4) in 4/4, (6, 6) in 6/8,
    (4, 4, 6) in 7/8. They sum up to `steps`.
    """

    quarters: float
    groups: tuple[int, ...]

    @property
    def steps(self) -> int:
        return sum(self.groups)

    @property
    def is_compound(self) -> bool:
        """Whether its beats are dotted, as in 6/8."""
        return set(self.groups) == {6}

    @property
    def beats(self) -> tuple[int, ...]:
        """The steps at which beats begin."""
        return tuple(sum(self.groups[:index]) for index in range(len(self.groups)))


def read_meter(quarters: float, time_signature: str = "") -> BarMeter:
    """The meter of a bar of so many quarter notes; `time_signature` tells 6/8 from 3/4."""
    steps = max(1, math.ceil(quarters * STEPS_PER_QUARTER - 1e-6))
    eighths = time_signature.partition("/")[2] == "8" or time_signature == "6"
    if eighths and steps % 6 == 0 and steps > 6:
        return BarMeter(quarters, (6,) * (steps // 6))
    whole, rest = divmod(steps, 4)
    groups = (4,) * whole
    if rest and whole and rest == 2:  # 7/8 and 5/8 count 2 2 3
        return BarMeter(quarters, (*groups[:-1], 6))
    return BarMeter(quarters, groups + ((rest,) if rest else ()))
