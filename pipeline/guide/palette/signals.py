"""What all sounds are made with: samples, responses and noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ...request import SAMPLE_RATE

Numbers = npt.NDArray[np.integer]
Floats = npt.NDArray[np.floating]
Planar = npt.NDArray[np.float32]  # (channels, samples)
Audio = npt.NDArray[np.float32]  # (samples, 2)
Response = npt.NDArray[np.complexfloating[Any, Any]]

FADE_IN = round(0.0005 * SAMPLE_RATE)


@dataclass(frozen=True)
class Noise:
    """The rattle of a drum, the breath of a flute: filtered noise that decays."""

    low: float  # Hz
    high: float
    decay: float  # per second
    level: float = 1.0  # peak
    attack: float = 0.0  # seconds
    claps: tuple[float, ...] = ()  # more bursts, at these seconds
    gate: float = 0.0  # seconds after which it is cut off; 0: never


def render_noise(noise: Noise, seconds: float, rng: np.random.Generator) -> Floats:
    """(samples,), as loud as `level` at its peak."""
    time = make_times(seconds)
    loudness = np.exp(-noise.decay * time)
    for at in noise.claps:
        loudness += 0.8 * np.exp(-120 * np.abs(time - at))
    if noise.attack:
        loudness *= np.minimum(1, time / noise.attack)
    if noise.gate:
        loudness *= np.clip((noise.gate - time) / 0.02 + 1, 0, 1)
    sound = filter_band(rng.standard_normal(len(time)), noise.low, noise.high) * loudness
    scaled: Floats = sound * (noise.level / np.abs(sound).max())
    return scaled


def filter_band(sound: Floats, low: float, high: float) -> Floats:
    """What lies between two frequencies, 12 dB an octave, without a shift of phase."""
    gain = _find_band_gain(sound.shape[-1], low, high)
    filtered: Floats = np.fft.irfft(gain * np.fft.rfft(sound), sound.shape[-1])
    return filtered


@lru_cache(maxsize=8)
def _find_band_gain(size: int, low: float, high: float) -> Floats:
    frequency = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    above = np.square(np.square(low / np.maximum(frequency, 1)))
    below = np.square(np.square(frequency / high))
    gain: Floats = 1 / ((1 + above) * (1 + below))
    return gain


def make_times(seconds: float) -> Floats:
    """Seconds of all samples."""
    return np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE


@lru_cache(maxsize=8)
def _list_frequencies(size: int) -> Response:
    return 1j * np.fft.rfftfreq(size, 1 / SAMPLE_RATE).astype(np.float32)


def make_low_pass(size: int, hertz: float, poles: int = 1) -> Response:
    """The response of a causal low-pass for `size` samples: 6 dB an octave for each pole."""
    return 1 / _multiply(1 + _list_frequencies(size) / hertz, poles)


def make_high_pass(size: int, hertz: float, poles: int = 1) -> Response:
    """The same of a high-pass."""
    ratio = _list_frequencies(size) / hertz
    return _multiply(ratio / (1 + ratio), poles)


def _multiply(response: Response, times: int) -> Response:
    """By itself: NumPy's powers of complex numbers take forty times as long."""
    product = response
    for _ in range(times - 1):
        product = product * response
    return product


def make_shelf(size: int, hertz: float, decibels: float) -> Response:
    """The response that lifts or lowers what lies above `hertz`."""
    ratio = _list_frequencies(size) / hertz
    gain = 10 ** (decibels / 40)
    return (1 + ratio * gain) / (1 + ratio / gain)


def find_fft_size(samples: int) -> int:
    """The next length that the FFT is quick with."""
    power = 1 << max(samples - 1, 1).bit_length()
    fast = (
        power,
        power // 16 * 15,
        power // 8 * 7,
        power // 4 * 3,
        power // 8 * 5,
        power // 16 * 9,
    )
    return min(size for size in fast if size >= samples)


def fade_in(sound: Planar) -> None:
    """From silence: a first sample is 0."""
    length = min(FADE_IN, sound.shape[-1])
    sound[..., :length] *= np.linspace(0, 1, FADE_IN, dtype=np.float32)[:length]
