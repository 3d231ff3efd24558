"""A take at the rate and the level of its files: resampled, brought to a loudness, below a true
peak.

Loudness is that of ITU-R BS.1770 (EBU R 128), measured by pyloudnorm. Arrays are channels first:
(2, N).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from pipeline.audio import find_gain, resample_periodic
from pipeline.request import SAMPLE_RATE, Request

_FILTERS = "DeMan"  # the standard's own, computed for any rate
_BLOCK_SECONDS = 0.4  # that are one loudness block
_SIXTEEN_BIT_STEP = 2.0**-15

Audio = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LevelledTake:
    """The parts of a take as they go into the files; `gain` is the factor they all got. `loudness`,
    in LUFS, is that of the first one, where the request has one.
    """

    parts: list[Audio]
    gain: float = 1.0
    loudness: float | None = None


def are_levels_kept(request: Request) -> bool:
    """Whether the clips become files at the rate and the level at which they were made."""
    return not request.loudness and request.sample_rate == SAMPLE_RATE


def apply_levels(parts: Sequence[Audio], request: Request) -> LevelledTake:
    """The mix and its stems, 48 kHz, as `request` wants them: all with one gain, so that the stems
    still add up.

    The first part decides the loudness; the loudest decides how much of it the true peak allows.
    """
    if not parts:
        return LevelledTake([])
    rate = request.sample_rate
    length = request.count_samples(rate)
    resampled = [
        resample(part, rate, length if part.shape[1] == request.samples else None, request.loop)
        for part in parts
    ]
    if are_levels_kept(request):
        return LevelledTake(resampled)  # the model's own level, which is below the peak
    before = measure_loudness(resampled[0], rate) if request.loudness else -math.inf
    requested_gain = 10 ** ((request.loudness - before) / 20) if math.isfinite(before) else 1.0
    gain = min(requested_gain, *(find_gain(request.peak_db, part) for part in resampled))
    reached = before + 20 * math.log10(gain) if math.isfinite(before) else None
    return LevelledTake([part * np.float32(gain) for part in resampled], gain, reached)


def resample(audio: Audio, rate: int, samples: int | None = None, loop: bool = False) -> Audio:
    """48 kHz -> so many samples at `rate` (or all of them), none of them shifted. A loop stays
    one.
    """
    if rate == SAMPLE_RATE:
        return audio
    samples = samples or round(audio.shape[1] * rate / SAMPLE_RATE)
    if loop:
        return resample_periodic(audio.T, samples).T
    resampled = np.asarray(soxr.resample(audio.T, SAMPLE_RATE, rate, quality="VHQ")).T[:, :samples]
    return np.pad(resampled, ((0, 0), (0, samples - resampled.shape[1])))


def measure_loudness(audio: npt.NDArray[np.floating[Any]], rate: int) -> float:
    """LUFS of the whole clip, gated; a clip shorter than one block (0.4 s) is one block. Silence is
    -inf.
    """
    import pyloudnorm  # brings scipy, which takes half a second

    block = min(_BLOCK_SECONDS, audio.shape[1] / rate)
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of silence, which has no level
        meter = pyloudnorm.Meter(rate, _FILTERS, block)
        return float(meter.integrated_loudness(audio.T.astype(np.float64)))


def dither(audio: Audio, seed: int) -> Audio:
    """With the noise of one 16-bit step that rounding needs (triangular), the same for the same
    seed. Silence stays.
    """
    if not audio.any():
        return audio
    random = np.random.default_rng(seed)
    noise = random.random(audio.shape, np.float32) - random.random(audio.shape, np.float32)
    return audio + noise * np.float32(_SIXTEEN_BIT_STEP)
