"""The lines of the evaluation's table."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Row:
    """One line of the table. NaN stands for what does not apply."""

    metric: str
    value: float
    control: float = math.nan
    target: float = math.nan
    better: str = "more"  # or "less"
    real: float = math.nan
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether the target is reached; empty without one."""
        if math.isnan(self.target):
            return ""
        reached = self.value <= self.target if self.better == "less" else self.value >= self.target
        return "ok" if reached else "short"

    def __str__(self) -> str:
        sign = "<=" if self.better == "less" else ">="
        target = "" if math.isnan(self.target) else f"{sign} {self.target:g}"
        numbers = map(_format, (self.value, self.real, self.control))
        cells = "".join(f"{cell:>9}" for cell in (*numbers, target, self.verdict))
        return f"{self.metric:<{WIDTH}}{cells}  {self.note}".rstrip()


def _format(number: float) -> str:
    if math.isnan(number):
        return ""
    return f"{number:.3f}" if 0 < abs(number) < 0.1 else f"{number:.2f}"


WIDTH = 50
COLUMN_NAMES = ("value", "real", "control", "target", "")
HEADER = f"{'metric':<{WIDTH}}" + "".join(f"{name:>9}" for name in COLUMN_NAMES)


def to_json(row: Row) -> dict[str, object]:
    """The row's fields and its verdict; numbers that are not finite are None."""
    fields = dataclasses.asdict(row) | {"verdict": row.verdict}
    return {
        name: None if isinstance(x, float) and not math.isfinite(x) else x
        for name, x in fields.items()
    }


def mean(values: Iterable[float]) -> float:
    """NaN for none."""
    listed = list(values)
    return float(np.mean(listed)) if listed else math.nan


def rotate(items: Sequence[_Item]) -> list[_Item]:
    """Every item's neighbour in its place, as the control."""
    return [*items[1:], *items[:1]]
