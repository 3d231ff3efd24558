"""The finishing of a decoded clip: exact length, no DC, a peak that never clips. NumPy, channels first (2, N)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .request import SAMPLE_RATE

FADE_SECONDS = 0.01  # only where the model had to make more than was asked for
SILENT_DB = -60.0  # a clip whose loudest sample is below this before levelling is silent
_MARGIN_DB = 0.1  # what another meter's filter may find between our samples
_BLOCK, _EDGE = 8192, 1024  # samples that are oversampled at once, and how many of them fade in and out


class BadAudio(ValueError):
    """The model returned NaN or silence: no file is made of it."""


def finished(audio: np.ndarray, samples: int, peak_db: float, normalize: bool) -> np.ndarray:
    """The decoded (2, N) as the clip that is asked for: (2, samples) float32, without DC, below `peak_db` true peak.

    `normalize` also turns quieter clips up to that peak. Raises `BadAudio` for NaN, infinity or silence.
    """
    return finished_together(audio, [], samples, peak_db, normalize)[0]


def finished_together(
    mix: np.ndarray, stems: Sequence[np.ndarray], samples: int, peak_db: float, normalize: bool
) -> list[np.ndarray]:
    """The same for a clip and its stems, which all get the clip's gain, so that they still add up to it; less of it
    where a stem alone would exceed the peak. A stem may be silent."""
    clip, *others = (_cut(part, samples) for part in (mix, *stems))
    if sample_peak(clip) < 10 ** (SILENT_DB / 20):
        raise BadAudio(f"the model returned silence (below {SILENT_DB:g} dBFS); try another seed or prompt")
    gain = min(gain_to(peak_db, part) for part in (clip, *others))
    gain = gain if normalize else min(gain, 1.0)
    return [(part * gain).astype(np.float32) for part in (clip, *others)]


def _cut(audio: np.ndarray, samples: int) -> np.ndarray:
    """Exactly `samples` of (2, N), without DC; faded out where there was more."""
    if audio.shape[1] < samples:
        raise BadAudio(f"the model returned {audio.shape[1]} samples of {samples}")
    if not np.isfinite(audio).all():
        raise BadAudio("the model returned numbers that are not finite; another seed or less guidance may help")
    window = fade_out(samples) if audio.shape[1] > samples else np.ones(samples)
    return without_dc(audio[:, :samples].astype(np.float64), window)


def without_dc(audio: np.ndarray, window: np.ndarray) -> np.ndarray:
    """`audio` under `window`, shifted so that its mean is zero although the window's ends stay at zero."""
    offset = (audio * window).sum(axis=1, keepdims=True) / window.sum()
    return (audio - offset) * window


def fade_out(samples: int) -> np.ndarray:
    """1 everywhere, then a short cosine slope to 0 on the last sample."""
    window = np.ones(samples)
    length = min(samples, round(FADE_SECONDS * SAMPLE_RATE))
    window[samples - length :] = 0.5 + 0.5 * np.cos(np.linspace(0, math.pi, length))
    return window


def gain_to(peak_db: float, audio: np.ndarray) -> float:
    """The factor that brings `audio` to this true peak, or a little below, for other meters; infinite for silence."""
    peak = true_peak(audio)
    return 10 ** ((peak_db - _MARGIN_DB) / 20) / peak if peak else math.inf


def sample_peak(audio: np.ndarray) -> float:
    return float(np.abs(audio).max(initial=0.0))


def true_peak(audio: np.ndarray) -> float:
    """The highest level between the samples too, up to 24 kHz: a meter's short filter stops before that.

    A band-limited signal oversampled n times rises at most by 1 / cos(pi / 2n) between its points. So four times, as
    in ITU-R BS.1770, tells which blocks can hold the peak (0.7 dB), and sixteen times finds it there (0.04 dB).
    """
    step = _BLOCK - 2 * _EDGE
    length = -(-(audio.shape[1] + 2 * _EDGE) // step) * step  # a clip starts and ends abruptly, and rings outside
    padded = np.pad(audio, ((0, 0), (2 * _EDGE, length - audio.shape[1])))
    ramp = 0.5 - 0.5 * np.cos(math.pi * (np.arange(_EDGE) + 0.5) / _EDGE)
    window = np.concatenate([ramp, np.ones(step), ramp[::-1]])
    peak = 0.0
    for start in range(0, length, step):
        spectrum = np.fft.rfft(padded[:, start : start + _BLOCK] * window)
        spectrum[:, -1] /= 2  # the highest frequency becomes an ordinary one, which counts twice
        if _oversampled_peak(spectrum, 4) > peak * math.cos(math.pi / 8):
            peak = max(peak, _oversampled_peak(spectrum, 16))
    return max(sample_peak(audio), peak)


def _oversampled_peak(spectrum: np.ndarray, times: int) -> float:
    return sample_peak(np.fft.irfft(spectrum, times * _BLOCK) * times)
