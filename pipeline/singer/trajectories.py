"""What moves while a voice sings: a value that is held, and then goes to the next one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.float64]  # seconds


class Trajectory:
    """Values that are held for a while, and move from one to the next as half a cosine does."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._values: list[tuple[float, ...]] = []

    def hold(self, begin: float, end: float, *values: float) -> None:
        """`values` from `begin` to `end`. What is held already is not cut short: `begin` waits."""
        begin = max(begin, self._times[-1]) if self._times else begin
        self._times += [begin, max(begin, end)]
        self._values += [values, values]

    def pass_through(self, time: float, *values: float) -> None:
        """`values` at that moment only."""
        self.hold(time, time, *values)

    def sample(self, times: Times) -> npt.NDArray[np.float64]:
        """(times, values)"""
        at = np.array(self._times)
        values = np.array(self._values)
        after = np.clip(np.searchsorted(at, times, "right"), 1, len(at) - 1)
        span = np.maximum(at[after] - at[after - 1], 1e-9)
        way = np.clip((times - at[after - 1]) / span, 0, 1)
        way *= way * (3 - 2 * way)
        made: npt.NDArray[np.float64] = values[after - 1] * (1 - way[:, None])
        made += values[after] * way[:, None]
        return made
