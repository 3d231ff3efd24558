"""The tempo of a MIDI clock: a linear regression over its ticks."""

from __future__ import annotations

import itertools
import math
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..midi import Input
from .source import MAX_BPM, MIN_BPM, BeatPosition

TICKS_PER_BEAT = 24
TICKS_PER_SIXTEENTH = TICKS_PER_BEAT // 4  # what a song position counts
WINDOW = 96  # ticks that a tempo is estimated from at first: one bar
# and as long as it stays, from so many: then a late tick weighs next to nothing
MAX_WINDOW = 8 * WINDOW
SILENCE = 2.0  # seconds without a tick after which a clock counts as stopped
# seconds between two ticks after which the estimate starts over; at 20 bpm they are 0.125 apart
GAP = 0.5
DRIFT = 3e-5  # relative: two crystals, the sound card's and this computer's, never quite agree
MAX_AUTOCORRELATION = 0.99  # of neighbouring ticks' lateness: the highest that is reckoned with
CONTRADICTION = 4  # standard errors that the new tempo is away from the old one
CONFIDENCE = 3  # standard errors on either side within which the true tempo is


class TempoEstimate(NamedTuple):
    bpm: float
    standard_error: float  # in bpm


UNKNOWN = TempoEstimate(0.0, 0.0)


class MidiClock:
    """The tempo of a MIDI clock, 24 ticks a beat: the slope of a straight line through the last
    ticks, by least squares. They are those of one bar, and of up to eight while the newest bar does
    not contradict the others.
    """

    name = "midi"

    def __init__(self, port: str = "") -> None:
        """`port` is part of an input's name; without one, somebody else calls `receive`."""
        self._input = Input(port, self.receive) if port else None
        self._lock = threading.Lock()
        self._ticks: deque[float] = deque(maxlen=MAX_WINDOW)
        self._last_tick = -math.inf
        self._estimate = UNKNOWN
        self._playing = False  # from a start or a continue to a stop
        # the number in the song of the tick that comes next; None: nobody has said where it is
        self._next_number: int | None = None
        # when the newest tick came while the song played, and its number in the song
        self._newest: tuple[float, int] | None = None

    @property
    def bpm(self) -> float:
        return self._estimate.bpm

    @property
    def position(self) -> BeatPosition | None:
        with self._lock:
            bpm = self._estimate.bpm
            newest = self._newest
        if not (bpm and newest and self._playing):
            return None
        at, number = newest
        return BeatPosition(at, number / TICKS_PER_BEAT, bpm)

    def start(self) -> None:
        if self._input:
            self._input.start()

    def close(self) -> None:
        if self._input:
            self._input.close()

    def receive(self, at: float, message: dict[str, Any]) -> None:
        """A MIDI message that arrived at that time.monotonic(), as mido's dictionary."""
        with self._lock:
            kind = message["type"]
            if kind in ("start", "continue"):
                self._ticks.clear()
                self._playing = True
                self._newest = None
                self._next_number = 0 if kind == "start" else self._next_number
            elif kind == "stop":
                self._playing = False
            elif kind == "songpos":
                self._next_number = message["pos"] * TICKS_PER_SIXTEENTH
                self._newest = None
            elif kind == "clock":
                self._add_tick(at)

    def _add_tick(self, at: float) -> None:
        if at - self._last_tick > GAP:
            self._ticks.clear()
        self._ticks.append(at)
        self._last_tick = at
        if self._playing and self._next_number is not None:
            self._newest = at, self._next_number
            self._next_number += 1

    def poll(self, now: float) -> None:
        """Estimate the tempo from the ticks that have come."""
        with self._lock:
            ticks = list(self._ticks)
            last_tick = self._last_tick
        if now - last_tick > SILENCE:
            self._estimate = UNKNOWN
        elif len(ticks) >= WINDOW:
            newest_bar = estimate_tempo(ticks[-WINDOW:])
            if contradicts(newest_bar, self._estimate):
                self._drop_ticks(before=ticks[-WINDOW])
                ticks = ticks[-WINDOW:]
            measured = estimate_tempo(ticks)
            if MIN_BPM <= measured.bpm <= MAX_BPM:
                self._estimate = settle(self._estimate, measured)

    def _drop_ticks(self, before: float) -> None:
        with self._lock:
            while self._ticks and self._ticks[0] < before:
                self._ticks.popleft()


def estimate_tempo(ticks: Sequence[float]) -> TempoEstimate:
    """The tempo of a clock whose ticks came at these seconds: least squares, tick's time over
    tick's number.

    The standard error is that of the slope, corrected for the autocorrelation of the residuals: a
    busy computer is late for a while, and neighbours that are late together say less than as many
    independent ticks (the effective sample size of a first-order autoregression).
    """
    count = len(ticks)
    mean_number = (count - 1) / 2
    mean_time = sum(ticks) / count
    sum_of_squares = sum((number - mean_number) ** 2 for number in range(count))
    covariance = sum((number - mean_number) * (at - mean_time) for number, at in enumerate(ticks))
    slope = covariance / sum_of_squares  # seconds for one tick
    if slope <= 0:
        return TempoEstimate(math.inf, math.inf)
    residuals = [at - mean_time - slope * (number - mean_number) for number, at in enumerate(ticks)]
    residual_sum = sum(residual * residual for residual in residuals)
    autocorrelation = _clip_autocorrelation(residuals, residual_sum)
    variance = residual_sum / (count - 2) / sum_of_squares
    standard_error = math.sqrt(variance * (1 + autocorrelation) / (1 - autocorrelation))
    bpm = 60 / TICKS_PER_BEAT / slope
    return TempoEstimate(bpm, bpm * (standard_error / slope + DRIFT))


def _clip_autocorrelation(residuals: Sequence[float], residual_sum: float) -> float:
    """Of neighbours (lag 1), from 0 to `MAX_AUTOCORRELATION`."""
    if not residual_sum:
        return 0.0
    products = sum(one * following for one, following in itertools.pairwise(residuals))
    return min(MAX_AUTOCORRELATION, max(0.0, products / residual_sum))


def contradicts(measured: TempoEstimate, current: TempoEstimate) -> bool:
    """Whether it cannot be the same tempo."""
    return abs(current.bpm - measured.bpm) > CONTRADICTION * measured.standard_error


def settle(current: TempoEstimate, measured: TempoEstimate) -> TempoEstimate:
    """The number that was meant: the roundest one that is as likely as the measured one.

    A DAW's clock of exactly 120 measures as 120.03 or 119.98, and differently every moment.
    Whatever lies within the confidence interval of three standard errors fits the ticks just as
    well, and people set 120, rarely 127.5, hardly ever 120.03: of these the roundest is the
    likeliest, and never further from the truth than the estimate may be itself. It stays until
    something contradicts it: takes that were made for it would be worth nothing.
    """
    if current.bpm and not contradicts(measured, current):
        return current
    for digits in (0, 1, 2):
        if abs(round(measured.bpm, digits) - measured.bpm) <= CONFIDENCE * measured.standard_error:
            break
    return TempoEstimate(round(measured.bpm, digits), measured.standard_error)
