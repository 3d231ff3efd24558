"""A take at the rate and the level of its files: resampled, brought to a loudness, below a true
peak.

Loudness is that of ITU-R BS.1770 (EBU R 128), measured by pyloudnorm. Arrays are channels first:
(2, N).
"""

from __future__ import annotations

import importlib.util
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr

from pipeline.audio import gain_to, periodic
from pipeline.request import SAMPLE_RATE, Request

_FILTERS = "DeMan"  # the standard's own, computed for any rate
_BLOCK = 0.4  # seconds that are one loudness block


@dataclass(frozen=True)
class Levelled:
    """The parts of a take as they go into the files; `gain` is the factor they all got. `loudness`,
    in LUFS, is that of the first one, where it was asked for.
    """

    parts: list[np.ndarray]
    gain: float = 1.0
    loudness: float | None = None


def levelled(parts: Sequence[np.ndarray], request: Request) -> Levelled:
    """The mix and its stems, 48 kHz, as `request` wants them: all with one gain, so that the stems
    still add up.

    The first part decides the loudness; the loudest decides how much of it the true peak allows.
    """
    length = request.samples_at(request.sample_rate)
    ready = [
        resampled(
            part,
            request.sample_rate,
            length if part.shape[1] == request.samples else None,
            request.loop,
        )
        for part in parts
    ]
    if not request.loudness and request.sample_rate == SAMPLE_RATE:
        return Levelled(ready)  # the model's own level, which is below the peak
    before = integrated_loudness(ready[0], request.sample_rate) if request.loudness else -math.inf
    wanted = 10 ** ((request.loudness - before) / 20) if math.isfinite(before) else 1.0
    gain = min(wanted, *(gain_to(request.peak_db, part) for part in ready))
    reached = before + 20 * math.log10(gain) if math.isfinite(before) else None
    return Levelled([part * np.float32(gain) for part in ready], gain, reached)


def resampled(
    audio: np.ndarray, rate: int, samples: int | None = None, loop: bool = False
) -> np.ndarray:
    """48 kHz -> so many samples at `rate` (or all of them), none of them shifted. A loop stays
    one.
    """
    if rate == SAMPLE_RATE:
        return audio
    samples = samples or round(audio.shape[1] * rate / SAMPLE_RATE)
    if loop:
        return periodic(audio.T, samples).T
    moved = np.asarray(soxr.resample(audio.T, SAMPLE_RATE, rate, quality="VHQ")).T[:, :samples]
    return np.pad(moved, ((0, 0), (0, samples - moved.shape[1])))


def can_measure() -> bool:
    """Whether loudness can be measured here: it needs a library that is an extra."""
    return importlib.util.find_spec("pyloudnorm") is not None


def integrated_loudness(audio: np.ndarray, rate: int) -> float:
    """LUFS of the whole clip, gated; a clip shorter than one block (0.4 s) is one block. Silence is
    -inf.
    """
    import pyloudnorm  # brings scipy, which takes half a second

    length = audio.shape[1]
    block = min(_BLOCK, length / rate)
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of silence, which has no level
        return float(
            pyloudnorm.Meter(rate, _FILTERS, block).integrated_loudness(audio.T.astype(np.float64))
        )


def dithered(audio: np.ndarray, seed: int) -> np.ndarray:
    """With the noise of one 16-bit step that rounding needs (triangular), the same for the same
    seed. Silence stays.
    """
    draw = np.random.default_rng(seed)
    noise = draw.random(audio.shape, np.float32) - draw.random(audio.shape, np.float32)
    return audio + noise * np.float32(2**-15) * bool(audio.any())
