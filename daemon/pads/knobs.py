"""What a knob, a fader or a pad's velocity turns: a numeric field of the request, all of its range
or a part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pipeline.request import FIELDS, BadRequest, field_name

# behind the point: a fader has 16,384 positions at most, and a manifest should be readable
DIGITS = 4


@dataclass(frozen=True)
class Knob:
    """A field and a range. Positions 0..1 lead from `low` to `high`, which may lie the other way
    round.
    """

    field: str
    low: float
    high: float

    @classmethod
    def of(cls, text: str) -> Self:
        """`bars` (all of its range) or `bars 1 16`. Raises ValueError saying what is allowed."""
        name, *limits = text.split() or [""]
        try:
            field = field_name(name)
        except BadRequest as error:
            raise ValueError(f"{error}; {error.hint}") from None
        spec = FIELDS[field]
        if isinstance(spec.default, bool) or not isinstance(spec.default, int | float):
            raise ValueError(f"{field} is no number: only numeric parameters can be turned")
        try:
            low, high = map(float, limits or (spec.low, spec.high))
        except ValueError:
            raise ValueError(
                f"a knob is a parameter, or one with two numbers like bars 1 16; got {text!r}"
            ) from None
        if not (spec.low <= min(low, high) and max(low, high) <= spec.high) or low == high:
            raise ValueError(
                f"{field} must stay in {spec.low:.10g}..{spec.high:.10g}, got {text!r}"
            )
        return cls(field, low, high)

    def to_value(self, position: float) -> float | int:
        """The field's value at a position; the nearer end outside of 0..1."""
        value = self.low + min(1.0, max(0.0, position)) * (self.high - self.low)
        return round(value) if isinstance(FIELDS[self.field].default, int) else round(value, DIGITS)

    def to_position(self, value: float) -> float:
        """Where `value` is, 0..1; the nearer end for one outside."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))
