"""How far a generation is, and what its stages have cost so far: seconds and bytes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import mlx.core as mx
import numpy as np
import numpy.typing as npt

from .request import Request

_Array = TypeVar("_Array", bound=mx.array | npt.NDArray[np.float32])

# Rough shares of the work, for the progress fraction.
_ENCODE = 0.15
_TEXT = 0.02
_CONDITION = 0.03
_DIFFUSE = 0.93
_DIVIDE = 0.5
_FINISH = 0.02


class Meter:
    """Seconds, and the most bytes that MLX held, of every stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.bytes: dict[str, int] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Measure work of a stage. Nothing is yielded within: another generation may run then."""
        mx.reset_peak_memory()
        started = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started
        self.bytes[stage] = max(
            self.bytes.get(stage, 0), mx.get_peak_memory(), mx.get_active_memory()
        )

    def measure_each(
        self, stage: str, pieces: Iterator[mx.array | npt.NDArray[np.float32]]
    ) -> Iterator[npt.NDArray[Any]]:
        """The pieces as NumPy arrays, with the time that each took counted for the stage."""
        for piece in self.measure_each_array(stage, pieces):
            with self.measure(stage):
                copied = np.array(piece)
            yield copied

    def measure_each_array(self, stage: str, pieces: Iterator[_Array]) -> Iterator[_Array]:
        """The pieces as they are, computed, with that time."""
        while True:
            with self.measure(stage):
                piece = next(pieces, None)
                if piece is None:
                    return
                mx.eval(piece)  # lets other threads run, which a copy's own evaluation does not
            yield piece

    def most_bytes(self, without: str) -> int:
        """The most bytes of all stages but that one."""
        return max((size for stage, size in self.bytes.items() if stage != without), default=0)

    def total_seconds(self, without: str) -> float:
        """The seconds of all stages but that one."""
        return sum(self.seconds.values()) - self.seconds.get(without, 0.0)


class ProgressSpan(NamedTuple):
    """A part of the progress, which goes from 0 to 1."""

    start: float
    length: float

    def at(self, share: float) -> float:
        """Where the progress is when this share of the part is done."""
        return self.start + self.length * share

    def divide(self, begin: float, end: float) -> ProgressSpan:
        """The part of it between two shares."""
        return ProgressSpan(self.at(begin), self.length * (end - begin))

    def within(self, outer: ProgressSpan) -> ProgressSpan:
        """This part of the whole as a part of `outer`."""
        return ProgressSpan(outer.at(self.start), self.length * outer.length)


def split_progress(
    request: Request, has_guide: bool, taken_out: int = 0, by_guide: bool = False
) -> Iterator[ProgressSpan]:
    """Which part of the progress each stage after the plan is, in their order. So many tracks are
    taken out: by the network, or all of them by the guide's.
    """
    shares = _list_shares(request, has_guide, taken_out, by_guide)
    start = 0.0
    for share in shares:
        yield ProgressSpan(start, share / sum(shares))
        start += share / sum(shares)


def _list_shares(request: Request, has_guide: bool, taken_out: int, by_guide: bool) -> list[float]:
    shares = [_ENCODE for used in (request.task, has_guide, request.reference) if used]
    if request.task == "lego":
        # every track is conditioned on those before it, which are encoded for that
        shares += [_DIFFUSE]
        shares += [_ENCODE, _DIFFUSE] * (len(request.tracks) - 1)
    elif request.task != "extract":
        shares += [_TEXT, _CONDITION, _DIFFUSE]
    shares += [_DIVIDE] if by_guide else [_DIFFUSE] * taken_out
    return [*shares, _FINISH]
