"""How high audio rises between its samples: its true peak, found without oversampling all of it.

The level between the samples is that of the trigonometric polynomial through a windowed block of
`N` samples. `find_true_peak` looks at it sixteen times as densely, in float64, but only where a
bound says that the highest level of all may be. The bound decides what is computed, never what
comes out: it is the peak that oversampling every block would find.

The bound. Let y be a block's polynomial, of degree N / 2, h the sum of the amplitudes of its
partials above a degree K, and p its highest absolute value on M equidistant points. The part of y
up to degree K is at most p + h on those points, and between them (Ehlich and Zeller, 1964: a
trigonometric polynomial of degree K that is known on M > 2 K points) at most 1 / cos(pi K / M)
times that. So nowhere

    |y| > (p + h) / cos(pi K / M) + h.

Any K may be taken, so the lowest of a few is: music has little above some frequency, so that its
samples alone (M = N, which costs one Fourier transform) say that most blocks are too quiet. What
they leave open, M = 2 N, 4 N and 8 N points decide, where K = N / 2 and h = 0 need no such luck:
3, 0.7 and 0.17 dB. That is in float32, whose error in a transform of 8192 is some 1e-6 of the
block's level: `_TOLERANCE` has room for it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from .steps import Steps

Floats = npt.NDArray[np.floating[Any]]
Highest = npt.NDArray[np.float64]  # (segments,): see `survey`

BLOCK = 8192  # samples that are oversampled at once, and how many of them fade in and out
EDGE = 1024
DENSITY = 16  # levels that are looked at for every sample where the peak may be
SEGMENT = 2048  # samples of which the highest is kept
PAUSE = 8 * 48_000  # samples that are looked at between two pauses
_STEP = BLOCK - 2 * EDGE
_TOGETHER = 16  # blocks that are transformed in one call: what they need stays in the cache
_TOLERANCE = 1e-4
_DEGREES = np.array([512, 1024, 1536, 2048, 2560, 3072, BLOCK // 2])  # K
_RAMP = 0.5 - 0.5 * np.cos(math.pi * (np.arange(EDGE) + 0.5) / EDGE)
WINDOW = np.concatenate([_RAMP, np.ones(_STEP), _RAMP[::-1]])
_WINDOW32 = WINDOW.astype(np.float32)


@dataclass(frozen=True)
class LazyAudio:
    """Audio that is computed where it is looked at: `read(start, stop)` returns (channels, stop -
    start) float64 of its `samples`.
    """

    samples: int
    read: Callable[[int, int], npt.NDArray[np.float64]]

    @classmethod
    def of(cls, audio: Floats) -> LazyAudio:
        """Audio (channels, samples) that is there."""
        return cls(
            audio.shape[1],
            lambda start, stop: np.array(audio[:, start:stop], np.float64, order="C"),
        )

    def read_around(self, start: int, stop: int) -> npt.NDArray[np.float64]:
        """The same, with silence before its beginning and behind its end."""
        first = min(max(start, 0), self.samples)
        last = max(min(stop, self.samples), first)
        inside = self.read(first, last)
        if len(inside[0]) == stop - start:
            return inside
        around = np.zeros((len(inside), stop - start))
        around[:, first - start : last - start] = inside
        return around


def survey(part: LazyAudio) -> Steps[Highest]:
    """The highest absolute sample of every `SEGMENT`, in any channel; with pauses."""
    highest = []
    for number, start in enumerate(range(0, part.samples, 4 * SEGMENT), 1):
        samples = part.read(start, min(start + 4 * SEGMENT, part.samples))
        np.abs(samples, out=samples)
        starts = range(0, samples.shape[1], SEGMENT)
        highest.append(np.maximum.reduceat(samples, starts, axis=1).max(axis=0))
        if number * 4 * SEGMENT % PAUSE < 4 * SEGMENT:
            yield
    return np.concatenate(highest) if highest else np.zeros(0)


def find_true_peak(part: LazyAudio, highest: Highest) -> Steps[float]:
    """The highest level of a part, between its samples too, up to half its rate. `highest` is what
    `survey` says of it.

    A band-limited signal oversampled n times rises at most by 1 / cos(pi / 2n) between its points:
    sixteen times find the peak within 0.04 dB.
    """
    peak = floor = float(highest.max(initial=0.0))
    rows: list[tuple[float, int, int]] = []  # bound, start of the block, channel
    for starts in _list_blocks(part.samples, highest):
        found, floor = _screen(part, starts, floor)
        rows += found
        yield
    for bound, start, channel in sorted(rows, reverse=True):
        if bound <= max(peak, floor):
            break
        peak = max(peak, _measure(part, start, channel))
        yield
    return peak


def _list_blocks(samples: int, highest: Highest) -> Iterator[list[int]]:
    """Where the blocks begin, the loudest first, some at a time. A clip starts and ends abruptly,
    and rings outside.
    """
    starts = np.arange(-2 * EDGE, samples, _STEP)
    around = np.pad(highest, (1, BLOCK // SEGMENT))
    first = (starts + SEGMENT) // SEGMENT
    loudness = np.max([around[first + n] for n in range(BLOCK // SEGMENT)], axis=0)
    order = starts[np.argsort(-loudness, kind="stable")].tolist()
    for number in range(0, len(order), _TOGETHER):
        yield order[number : number + _TOGETHER]


def _screen(
    part: LazyAudio, starts: list[int], floor: float
) -> tuple[list[tuple[float, int, int]], float]:
    """(bound, start, channel) of those blocks that may be higher than `floor`, and the level that
    the highest of all has at least.
    """
    blocks = [part.read_around(start, start + BLOCK) for start in starts]
    channels = len(blocks[0])
    samples = np.concatenate(blocks, dtype=np.float32, casting="same_kind")
    samples *= _WINDOW32
    rows = np.arange(len(samples))
    # "ortho" as NumPy computes the others in float64
    spectra = np.fft.rfft(samples, norm="ortho")
    above = _sum_amplitudes(spectra)
    points = _find_highest(samples)
    bounds = np.empty(0)
    for times in (1, 2, 4, 8):
        for part_of_sample in range(1, times, 2):
            between = np.fft.irfft(spectra * _build_shift(part_of_sample / times), norm="ortho")
            points = np.maximum(points, _find_highest(between))
        floor = max(floor, float(points.max()) * (1 - _TOLERANCE))
        bounds = _bound(points, above, times)
        left = bounds > floor
        rows, points, above, bounds = rows[left], points[left], above[left], bounds[left]
        if not len(rows):
            break
        spectra = spectra[left]
    found = [
        (float(bound), starts[row // channels], int(row % channels))
        for bound, row in zip(bounds, rows)
    ]
    return found, floor


def _find_highest(rows: Floats) -> Floats:
    """(rows,): of their absolute values."""
    highest: Floats = np.maximum(rows.max(axis=1), -rows.min(axis=1))
    return highest


def _sum_amplitudes(spectra: npt.NDArray[np.complexfloating[Any]]) -> npt.NDArray[np.float64]:
    """(rows, degrees): the sum of the amplitudes of all partials above each of `_DEGREES`, from
    spectra (rows, N / 2 + 1) that were scaled by the root of N.
    """
    amplitudes = np.abs(spectra)
    edges = (_DEGREES + 1).tolist()
    bands = [amplitudes[:, low:high].sum(axis=1) for low, high in pairwise(edges)]
    above = np.cumsum(bands[::-1], axis=0, dtype=np.float64)[::-1].T * (2 / math.sqrt(BLOCK))
    return np.pad(above, ((0, 0), (0, 1)))


def _bound(points: Floats, above: npt.NDArray[np.float64], times: int) -> npt.NDArray[np.float64]:
    """(rows,) the bound of the module's docstring, from M = `times` * N points."""
    usable = times * BLOCK > 2 * _DEGREES
    rise = 1 / np.cos(math.pi * _DEGREES[usable] / (times * BLOCK))
    above = above[:, usable]
    bounds: npt.NDArray[np.float64] = ((points[:, None] + above) * rise + above).min(axis=1)
    return bounds * (1 + _TOLERANCE)


@functools.cache
def _build_shift(part_of_sample: float) -> npt.NDArray[np.complex64]:
    """What a spectrum is multiplied with for the levels that far behind the samples."""
    angle = 2j * math.pi * part_of_sample / BLOCK * np.arange(BLOCK // 2 + 1)
    shift: npt.NDArray[np.complex64] = np.exp(angle).astype(np.complex64)
    return shift


def _measure(part: LazyAudio, start: int, channel: int) -> float:
    """The highest level of one channel of a block, sixteen times oversampled."""
    block = part.read_around(start, start + BLOCK)[channel] * WINDOW
    spectrum = np.fft.rfft(block)
    spectrum[-1] /= 2  # the highest frequency becomes an ordinary one, which counts twice
    oversampled = np.fft.irfft(spectrum, DENSITY * BLOCK)
    return float(np.abs(oversampled * DENSITY).max())
