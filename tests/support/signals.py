"""Sounds of half a second that are hard to level."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.request import SAMPLE_RATE

N = SAMPLE_RATE // 2
TIME = np.arange(N) / SAMPLE_RATE


def sine(hertz: float, phase: float = 0.0) -> np.ndarray:
    wave: np.ndarray = np.sin(2 * np.pi * hertz * TIME + phase)
    return wave


def square(hertz: float, phase: float = 0.1) -> np.ndarray:
    wave: np.ndarray = np.sign(sine(hertz, phase))
    return wave


RANDOM = np.random.default_rng(0)
SIGNALS = {
    "white noise": RANDOM.standard_normal(N),
    "uniform noise": RANDOM.uniform(-1, 1, N),
    "random signs": np.sign(RANDOM.standard_normal(N)),
    "noise that swells": RANDOM.standard_normal(N) * np.linspace(0, 1, N) ** 2,
    "bass": sine(55),
    "a quarter of the rate, between the samples": sine(SAMPLE_RATE / 4, np.pi / 4),
    "sine at 20 kHz": sine(20_000, 0.2),
    "sine at 23 kHz": sine(23_000, 0.2),
    "square at 1 kHz": square(1000),
    "square at 11.9 kHz": square(11_900),
    "square at 23.9 kHz": square(23_900),
    "clipped sine": np.clip(4 * sine(440), -1, 1),
    "hard clipped noise": np.clip(4 * RANDOM.standard_normal(N), -1, 1),
    "an abrupt end": np.where(TIME > 0.4, sine(3000, 1.0), 0),
    "an abrupt start": np.where(TIME < 0.1, sine(3000, 1.0), 0),
    "a step": np.where(TIME < 0.25, 1.0, -1.0),
    "one click": (np.arange(N) == 1000) - (np.arange(N) == 30_000) * 0.5,
}


every_signal = pytest.mark.parametrize("name", SIGNALS)


def stereo(name: str) -> np.ndarray:
    """The signal, and quieter on the right."""
    return np.stack([SIGNALS[name], 0.3 * SIGNALS[name]]).astype(np.float32)
