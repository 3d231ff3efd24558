"""Arrays of audio: exact lengths, fades, splices, and levels that never clip. NumPy.

A waveform is (samples, 2); a clip has its channels first, (2, samples). 48 kHz.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .request import SAMPLE_RATE
from .steps import Steps, complete

Waveform = npt.NDArray[np.float32]  # (samples, 2)
Floats = npt.NDArray[np.floating[Any]]

FADE_SECONDS = 0.01  # only where the model had to make more than was asked for
SILENT = 1e-6  # of full scale: a file that is nowhere louder has no sound
SILENT_DB = -60.0  # a clip whose loudest sample is below this before levelling is silent
_MARGIN_DB = 0.1  # what another meter's filter may find between our samples
# samples that are oversampled at once, and how many of them fade in and out
_BLOCK = 8192
_EDGE = 1024
_PAUSE = 64  # blocks, after each of which there is one: 8 s


class BadAudio(ValueError):
    """The model returned NaN or silence: no file is made of it."""


# --- lengths --------------------------------------------------------------------------------------


def resample_periodic(waveform: Floats, samples: int) -> Floats:
    """A waveform (N, 2) that repeats, as (samples, 2) that repeat in the same time, exactly."""
    if len(waveform) == samples:
        return waveform
    spectrum = np.fft.rfft(waveform, axis=0)[: samples // 2 + 1]
    resampled = np.fft.irfft(spectrum, samples, axis=0).astype(np.float32)
    return resampled * np.float32(samples / len(waveform))


def place_in_silence(waveform: Floats, front: int, samples: int) -> npt.NDArray[np.float32]:
    """(samples, 2): `waveform` behind `front` samples of silence, cut or followed by silence."""
    whole = np.zeros((samples, 2), np.float32)
    whole[front : front + len(waveform)] = waveform[: max(0, samples - front)]
    return whole


def cut(audio: Floats, samples: int) -> npt.NDArray[np.float64]:
    """Exactly `samples` of (2, N), without DC; faded out where there was more. Raises `BadAudio`
    for NaN, infinity or too little.
    """
    if audio.shape[1] < samples:
        raise BadAudio(f"the model returned {audio.shape[1]} samples of {samples}")
    if not np.isfinite(audio).all():
        raise BadAudio(
            "the model returned numbers that are not finite; another seed or less guidance may help"
        )
    window = build_fade_out(samples) if audio.shape[1] > samples else np.ones(samples)
    return _remove_dc(audio[:, :samples].astype(np.float64), window)


def _remove_dc(
    audio: npt.NDArray[np.float64], window: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """`audio` under `window`, shifted so that its mean is zero although the window's ends stay at
    zero.
    """
    offset = (audio * window).sum(axis=1, keepdims=True) / window.sum()
    centred: npt.NDArray[np.float64] = (audio - offset) * window
    return centred


def build_fade_out(samples: int) -> npt.NDArray[np.float64]:
    """1 everywhere, then a short cosine slope to 0 on the last sample."""
    window = np.ones(samples)
    length = min(samples, round(FADE_SECONDS * SAMPLE_RATE))
    window[samples - length :] = 0.5 + 0.5 * np.cos(np.linspace(0, math.pi, length))
    return window


# --- windows --------------------------------------------------------------------------------------


def splice(new: Floats, old: Floats, window: range, fade: int) -> Floats:
    """`new` (2, N) inside of the window, `old` (2, M) outside of it, and `new` where `old` has
    ended. Each turns into the other within `fade` samples outside of the window.
    """
    length = min(new.shape[1], old.shape[1])
    inside = build_ramp(length, window, fade)
    both = inside * new[:, :length] + (1 - inside) * old[:, :length]
    return np.concatenate([both, new[:, length:]], axis=1)


def build_ramp(length: int, window: range, fade: int) -> npt.NDArray[np.float64]:
    """(length,) 1 inside of the window, falling to 0 over `fade` places on both sides of it."""
    place = np.arange(length)
    rise = place - window.start + fade + 1
    fall = window.stop + fade - place
    return np.clip(np.minimum(rise, fall) / (fade + 1), 0, 1)


# --- levels ---------------------------------------------------------------------------------------


def level(
    parts: Sequence[Floats], peak_db: float, normalize: bool
) -> list[npt.NDArray[np.float32]]:
    """All under one gain: up to `peak_db` of the loudest one if `normalize`, otherwise only down to
    it.
    """
    return complete(level_in_steps(parts, peak_db, normalize))


def level_in_steps(
    parts: Sequence[Floats], peak_db: float, normalize: bool
) -> Steps[list[npt.NDArray[np.float32]]]:
    """The same, with pauses."""
    gain = math.inf
    for part in parts:
        gain = min(gain, (yield from _find_gain_in_steps(peak_db, part)))
    if not normalize or not math.isfinite(gain):
        gain = min(gain, 1.0)
    levelled = []
    for part in parts:
        levelled.append((part * gain).astype(np.float32))
        yield
    return levelled


def find_full_scale_gain(parts: Sequence[Floats]) -> float:
    """1, or the factor that all need so that no sample of any is cut off."""
    return min(1.0, *(1 / max(sample_peak(part), 1e-9) for part in parts))


def check_not_silent(clip: Floats) -> None:
    """Raises `BadAudio` for silence."""
    if sample_peak(clip) < 10 ** (SILENT_DB / 20):
        raise BadAudio(
            f"the model returned silence (below {SILENT_DB:g} dBFS); try another seed or prompt"
        )


def find_gain(peak_db: float, audio: Floats) -> float:
    """The factor that brings `audio` to this true peak, or a little below, for other meters;
    infinite for silence.
    """
    return complete(_find_gain_in_steps(peak_db, audio))


def _find_gain_in_steps(peak_db: float, audio: Floats) -> Steps[float]:
    peak = yield from _find_true_peak_in_steps(audio)
    return 10 ** ((peak_db - _MARGIN_DB) / 20) / peak if peak else math.inf


def sample_peak(audio: Floats) -> float:
    """The highest absolute value of any sample."""
    return float(np.abs(audio).max(initial=0.0))


def true_peak(audio: Floats) -> float:
    """The highest level between the samples too, up to 24 kHz: a meter's short filter stops before
    that.

    A band-limited signal oversampled n times rises at most by 1 / cos(pi / 2n) between its points.
    So four times, as in ITU-R BS.1770, tells which blocks can hold the peak (0.7 dB), and sixteen
    times finds it there (0.04 dB).
    """
    return complete(_find_true_peak_in_steps(audio))


def _find_true_peak_in_steps(audio: Floats) -> Steps[float]:
    step = _BLOCK - 2 * _EDGE
    # a clip starts and ends abruptly, and rings outside
    length = -(-(audio.shape[1] + 2 * _EDGE) // step) * step
    padded = np.pad(audio, ((0, 0), (2 * _EDGE, length - audio.shape[1])))
    ramp = 0.5 - 0.5 * np.cos(math.pi * (np.arange(_EDGE) + 0.5) / _EDGE)
    window = np.concatenate([ramp, np.ones(step), ramp[::-1]])
    peak = 0.0
    for number, start in enumerate(range(0, length, step), 1):
        spectrum = np.fft.rfft(padded[:, start : start + _BLOCK] * window)
        spectrum[:, -1] /= 2  # the highest frequency becomes an ordinary one, which counts twice
        if _oversampled_peak(spectrum, 4) > peak * math.cos(math.pi / 8):
            peak = max(peak, _oversampled_peak(spectrum, 16))
        if number % _PAUSE == 0:
            yield
    return max(sample_peak(audio), peak)


def _oversampled_peak(spectrum: npt.NDArray[np.complex128], times: int) -> float:
    return sample_peak(np.fft.irfft(spectrum, times * _BLOCK) * times)
