"""What is done to whole stems and mixes (samples, 2), in place and piece by piece: tape, a record's
crackle, and the bus. But for the rounding of the tape all of it changes alike for all stems, so
that stems add up to their mix.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np

from ...request import SAMPLE_RATE
from ...steps import Steps
from .effects import find_places, read_at
from .extents import Extent
from .signals import Audio, Floats, Numbers, Planar

BLOCK = 64  # samples for which a gain is found; in between it is interpolated
PIECE = 1024  # blocks at a time
CEILING = 0.84  # -1.5 dB, so that between samples it is below -1
# what is half-way between two samples, of the four on either side: a sinc under a Hann window
HALFWAY = (np.sinc(np.arange(4) + 0.5) * np.cos(np.pi * (np.arange(4) + 0.5) / 10) ** 2).astype(
    np.float32
)
REACH = len(HALFWAY)
LOOK_AHEAD = 5  # blocks, 7 ms
GLUE_BLOCKS = 30  # 40 ms
OFFSET_BLOCKS = 187  # a quarter of a second
WOW, FLUTTER = 0.6, 6.1  # Hz
MOST_DRIFT = 1024  # samples
CRACKLE = 1 << 16  # samples at a time
CLICKS = 14  # per second


class Pieces:
    """The blocks of a clip, and pieces of many of them. The last block has also what is left."""

    def __init__(self, extent: Extent) -> None:
        self.extent = extent
        self.blocks = max(extent.samples // BLOCK, 1)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """The first block of each piece, and the one behind it."""
        for first in range(0, self.blocks, PIECE):
            yield first, min(first + PIECE, self.blocks)

    def find_samples(self, first: int, last: int) -> tuple[int, int]:
        """Where a piece begins and ends."""
        return first * BLOCK, self.extent.samples if last == self.blocks else last * BLOCK

    def reduce(self, values: Floats, how: np.ufunc) -> Floats:
        """One of the values of each block of a piece (..., samples): (..., blocks)."""
        count = max(values.shape[-1] // BLOCK, 1)
        starts = np.arange(count) * BLOCK
        reduced: Floats = how.reduceat(values, starts, axis=-1)
        return reduced

    def count(self, first: int, last: int) -> Numbers:
        """How many samples each block of a piece has."""
        begin, end = self.find_samples(first, last)
        counts = np.full(last - first, BLOCK)
        counts[-1] = end - begin - BLOCK * (last - first - 1)
        return counts

    def interpolate(self, values: Floats, first: int, last: int) -> Planar:
        """From the middles of all blocks to the samples of a piece; the ends of a clip are held,
        and those of a loop meet.
        """
        around = np.arange(first - 1, last + 1)
        # of a clip its ends, of a loop the other end
        around = around % self.blocks if self.extent.is_loop else around.clip(0, self.blocks - 1)
        ends = values.take(around).astype(np.float32)
        part = (np.arange(BLOCK) / BLOCK).astype(np.float32)
        between = ends[:-1, None] + part * np.diff(ends)[:, None]
        half = BLOCK // 2
        samples: Planar = between.reshape(-1)[half:-half]
        begin, end = self.find_samples(first, last)
        if missing := end - begin - len(samples):
            samples = np.pad(samples, (0, missing), mode="edge")[: end - begin]
        if self.extent.is_loop:
            seam = self.extent.samples - (self.blocks - 1) * BLOCK
            meeting = np.linspace(values[-1], values[0], seam, endpoint=False, dtype=np.float32)
            if first == 0:
                samples[:half] = meeting[seam - half :]
            if last == self.blocks:
                samples[half - seam :] = meeting[: seam - half]
        return samples


def saturate(stem: Audio, drive: float, extent: Extent) -> Steps[None]:
    """The stem as tape records it: peaks are rounded, quiet sounds stay as loud, and no offset is
    recorded: nothing is around what it would be around over half a second.
    """
    pieces = Pieces(extent)
    gain = np.float32(drive)
    means = np.empty((2, pieces.blocks))
    for first, last in pieces:
        sound = stem[slice(*pieces.find_samples(first, last))]
        sound *= gain
        np.tanh(sound, out=sound)
        sound /= gain
        sums = pieces.reduce(sound.T, np.add)
        means[:, first:last] = sums / pieces.count(first, last)
        yield
    window = np.hanning(2 * OFFSET_BLOCKS + 1)
    window /= window.sum()
    around = [extent.surround(each, OFFSET_BLOCKS, OFFSET_BLOCKS) for each in means]
    for channel, padded in enumerate(around):
        for first, last in pieces:
            means[channel, first:last] = np.convolve(
                padded[first : last + 2 * OFFSET_BLOCKS], window, "valid"
            )
            yield
    for first, last in pieces:
        begin, end = pieces.find_samples(first, last)
        for channel, offsets in enumerate(means):
            stem[begin:end, channel] -= pieces.interpolate(offsets, first, last)
        yield


def add_stem(mixed: Audio, stem: Audio) -> Steps[None]:
    """Add the stem to a mix."""
    for begin in range(0, len(mixed), BLOCK * PIECE):
        mixed[begin : begin + BLOCK * PIECE] += stem[begin : begin + BLOCK * PIECE]
        yield


def add_crackle(stem: Audio, peak: float) -> Steps[None]:
    """The dust on a record, whose usual clicks reach `peak`: clicks, and a little hiss."""
    for number, begin in enumerate(range(0, len(stem), CRACKLE)):
        sound = stem[begin : begin + CRACKLE]
        sound += np.float32(peak) * _make_crackle(number)[: len(sound)]
        yield


def _make_crackle(number: int) -> Audio:
    """One piece (CRACKLE, 2) of the record."""
    rng = np.random.default_rng([33, number])
    crackle = np.float32(0.035) * rng.standard_normal((CRACKLE, 2), np.float32)
    crackle[1:] -= np.float32(0.6) * crackle[:-1]
    crackle[0] = 0
    click = np.exp(-np.arange(40) / 7) * np.cos(np.arange(40) / 1.9)
    count = round(CRACKLE / SAMPLE_RATE * CLICKS)
    places = rng.integers(0, CRACKLE - len(click), count)
    sizes = rng.exponential(1, count)
    for place, size, side in zip(places, sizes, rng.uniform(0.3, 1, (count, 2))):
        crackle[place : place + len(click)] += (size * click[:, None] * side).astype(np.float32)
    return crackle


def play_tape(stem: Audio, depth: float, extent: Extent) -> Steps[None]:
    """A worn tape: its speed drifts, and is off by as much as `depth`."""
    before = extent.read(stem, -MOST_DRIFT, 0).T.copy()  # of a loop, as it is now
    pieces = Pieces(extent)
    for first, last in reversed([*pieces]):  # what is read is earlier
        begin, end = pieces.find_samples(first, last)
        earlier = stem[max(begin - MOST_DRIFT, 0) : end]
        if begin < MOST_DRIFT:
            earlier = np.concatenate([before[begin:], earlier])
        late = _find_drift(depth, begin, end, extent)
        places = find_places(MOST_DRIFT + np.arange(end - begin) - late)
        for channel in range(2):
            stem[begin:end, channel] = read_at(earlier[:, channel], places)
        yield


def _find_drift(depth: float, begin: int, end: int, extent: Extent) -> Floats:
    """How many samples the tape is late."""
    time = np.arange(begin, end) / SAMPLE_RATE
    wow, flutter = extent.fit_rate(WOW), extent.fit_rate(FLUTTER)
    drift = (1 - np.cos(2 * np.pi * wow * time)) / wow
    drift += 0.15 * (1 - np.cos(2 * np.pi * flutter * time)) / flutter
    late: Floats = SAMPLE_RATE * depth / (2 * np.pi) * drift
    return late


def squeeze(stems: Sequence[Audio], glue: float, extent: Extent) -> Steps[None]:
    """The bus: stems, turned down together as their sum asks for it. A compressor takes `glue`,
    0..1, of what its loudness is above -20 dBFS; then a limiter looks ahead and lets nothing above
    CEILING pass.
    """
    pieces = Pieces(extent)
    power = np.empty(pieces.blocks)
    for first, last in pieces:
        sound = _sum_up(stems, *pieces.find_samples(first, last), extent)
        squares = np.square(sound[0]) + np.square(sound[1])
        sums = pieces.reduce(squares, np.add)
        power[first:last] = sums / (2 * pieces.count(first, last))
        yield
    glued = yield from _compress(power, glue, pieces)
    peaks = yield from _find_peaks(stems, glued, pieces)
    limit = np.minimum(1, CEILING / np.maximum(peaks, 1e-6))
    spread = extent.hold(limit, 2 * LOOK_AHEAD + 1, 2 * LOOK_AHEAD + 1)
    count = len(spread) - 2 * LOOK_AHEAD - 2
    lowest = functools.reduce(
        np.minimum, (spread[late : late + count] for late in range(2 * LOOK_AHEAD + 3))
    )
    yield
    window = np.hanning(2 * LOOK_AHEAD + 3)[1:-1]
    smoothed = np.convolve(lowest, window / window.sum(), "valid")
    for first, last in pieces:
        gain = pieces.interpolate(glued, first, last)
        gain *= pieces.interpolate(smoothed, first, last)
        for stem in stems:
            stem[slice(*pieces.find_samples(first, last))] *= gain[:, None]
        yield


def _sum_up(stems: Sequence[Audio], begin: int, end: int, extent: Extent) -> Planar:
    """All stems together, between two samples."""
    return functools.reduce(np.add, (extent.read(stem, begin, end) for stem in stems))


def _compress(power: Floats, glue: float, pieces: Pieces) -> Steps[Floats]:
    """The compressor's gain (blocks,)."""
    kernel = np.exp(-np.arange(3 * GLUE_BLOCKS) / GLUE_BLOCKS)
    kernel /= kernel.sum()
    before = pieces.extent.surround(power, len(kernel) - 1, 0)
    glued = np.empty(pieces.blocks)
    for first, last in pieces:
        mean = np.convolve(before[first : last + len(kernel) - 1], kernel, "valid")
        glued[first:last] = np.minimum(1, 0.1 / np.maximum(np.sqrt(mean), 1e-6)) ** glue
        yield
    return glued


def _find_peaks(stems: Sequence[Audio], glued: Floats, pieces: Pieces) -> Steps[Floats]:
    """Of each block the loudest place (blocks,), at a sample or half-way to the next, at this gain.
    Where samples are so quiet that nothing between them can reach CEILING, only they are seen.
    """
    extent = pieces.extent
    loud = np.empty(pieces.blocks, np.float32)
    for first, last in pieces:
        sound = _sum_up(stems, *pieces.find_samples(first, last), extent)
        levels = np.maximum(*np.abs(sound)) * pieces.interpolate(glued, first, last)
        loud[first:last] = pieces.reduce(levels, np.maximum)
        yield
    around = np.maximum(loud, np.maximum(np.roll(loud, 1), np.roll(loud, -1)))
    is_chosen = around > CEILING / (2 * np.abs(HALFWAY).sum())
    peaks: Floats = loud.copy()
    for first, last in pieces:
        chosen = first + np.flatnonzero(is_chosen[first:last])
        if not len(chosen):
            continue
        begin, end = pieces.find_samples(first, last)
        sound = _sum_up(stems, begin - REACH + 1, end + REACH, extent)
        gain = pieces.interpolate(glued, first, last)
        starts = chosen * BLOCK - begin
        if chosen[-1] == pieces.blocks - 1:  # what is left behind the last whole block
            starts = np.append(starts, end - begin - BLOCK)
            chosen = np.append(chosen, chosen[-1])
        starts = np.maximum(starts, 0)
        between = _find_between(sound, gain, starts)
        np.maximum.at(peaks, chosen, between)
        yield
    return peaks


def _find_between(sound: Planar, gain: Planar, starts: Numbers) -> Planar:
    """The loudest place half-way between samples, of the blocks that start there, in a sound
    (channels, REACH - 1 + samples + REACH).
    """
    width = min(BLOCK, len(gain))
    windows = np.lib.stride_tricks.sliding_window_view(sound, width + 2 * REACH - 1, axis=1)
    near = windows[:, starts]
    halfway = np.zeros((len(sound), len(starts), width), np.float32)
    for distance, share in enumerate(HALFWAY):
        first, last = REACH - 1 - distance, REACH + distance
        halfway += share * (near[..., first : first + width] + near[..., last : last + width])
    gains = np.lib.stride_tricks.sliding_window_view(gain, width)[starts]
    loudest: Planar = (np.maximum(*np.abs(halfway)) * gains).max(axis=1)
    return loudest
