"""One generation under way: what is decided, how far it is, what it has cost so far."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import mlx.core as mx
import numpy as np

from .latent_store import StoredLatents
from .request import Request

# Rough shares of the work, for the progress fraction.
_ENCODE = 0.15
_TEXT = 0.02
_CONDITION = 0.03
_PAINT = 0.93
_FINISH = 0.02


class ProgressSpan(NamedTuple):
    """A part of the progress."""

    start: float
    length: float

    def at(self, part: float) -> float:
        return self.start + self.length * part


class Meter:
    """Seconds, and the most bytes that MLX held, of every stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.bytes: dict[str, int] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Around work of a stage, without a pause in it: another generation may run in a pause."""
        mx.reset_peak_memory()
        started = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started
        self.bytes[stage] = max(
            self.bytes.get(stage, 0), mx.get_peak_memory(), mx.get_active_memory()
        )

    def most(self, *without: str) -> int:
        """The most bytes of any stage but those."""
        return max((size for stage, size in self.bytes.items() if stage not in without), default=0)

    def without(self, stage: str) -> float:
        """The seconds of all the others."""
        return sum(self.seconds.values()) - self.seconds.get(stage, 0.0)

    def each(
        self, stage: str, pieces: Iterator[mx.array] | Iterator[np.ndarray]
    ) -> Iterator[np.ndarray]:
        """The pieces, computed."""
        while True:
            with self(stage):
                piece = next(pieces, None)
                if piece is None:
                    return
                mx.eval(piece)  # lets other threads run, which the copy's own evaluation does not
                copied = np.array(piece)
            yield copied


class Work(NamedTuple):
    """One generation under way."""

    request: Request  # with everything decided
    steps: np.ndarray  # the timesteps
    meter: Meter
    spans: Iterator[ProgressSpan]  # the progress of each part of the work, in their order
    source: np.ndarray | None = None  # the task's, (samples, 2)
    stored: StoredLatents | None = None  # what the source was decoded from


def spans(request: Request, guided: bool) -> Iterator[ProgressSpan]:
    encoded = [_ENCODE] * (bool(request.task) + guided + bool(request.reference))
    mix = [_TEXT, _CONDITION, _PAINT]
    if request.task == "lego":
        shares = (
            encoded
            + ([_PAINT] + [_ENCODE, _PAINT] * len(request.tracks))[: 2 * len(request.tracks) - 1]
        )
    else:
        shares = encoded + mix * (request.task != "extract") + [_PAINT] * len(request.taken)
    shares.append(_FINISH)
    start = 0.0
    for share in shares:
        yield ProgressSpan(start, share / sum(shares))
        start += share / sum(shares)


def after_plan(spans: Iterator[ProgressSpan], share: float) -> Iterator[ProgressSpan]:
    """What is left of the progress when `share` of it was the plan's."""
    rest = ProgressSpan(share, 1 - share)
    return (ProgressSpan(rest.at(span.start), span.length * rest.length) for span in spans)
