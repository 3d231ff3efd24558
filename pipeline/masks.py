"""Stems as parts of their mix. What a network makes of a stem is as blurred as its VAE; where and
how loud it is tells which part of the mix it is, and that is clear.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from .audio import Floats
from .steps import Steps

WINDOW = 2048  # samples
HOP = WINDOW // 2
TOGETHER = 32  # windows that are transformed in one step
FAINT = np.float32(1e-6)  # a bin of the mix that nothing is heard of

# its square and that of the next one add up to 1
SHAPE = np.sin(np.pi * (np.arange(WINDOW) + 0.5) / WINDOW).astype(np.float32)


def take_out(
    mix: Floats, stems: Mapping[str, Floats], is_loop: bool = False
) -> Steps[dict[str, Floats]]:
    """Of each stem the part of the mix that it is, all (2, N): every bin of its spectrum as loud as
    in the stem, and together never louder than in the mix. A loop goes on at its ends.
    """
    samples = mix.shape[1]
    padded = {name: _pad(sound, is_loop) for name, sound in stems.items()}
    whole = _pad(mix, is_loop)
    taken = {name: np.zeros_like(whole) for name in stems}
    for begin in range(0, whole.shape[1] - HOP, TOGETHER * HOP):
        stretch = slice(begin, min(begin + (TOGETHER + 1) * HOP, whole.shape[1]))
        loudness = {}
        for name, sound in padded.items():
            loudness[name] = _measure(_transform(sound[:, stretch]))
            yield
        spectra = _transform(whole[:, stretch])
        yield
        most = np.maximum(_measure(spectra), sum(loudness.values())) + FAINT
        for name, loud in loudness.items():
            taken[name][:, stretch] += _join(spectra * (loud / most))
            yield
    return {name: sound[:, HOP : HOP + samples] for name, sound in taken.items()}


def _pad(sound: Floats, is_loop: bool) -> npt.NDArray[np.float32]:
    """(2, N) -> (2, a multiple of HOP), from HOP before its beginning to HOP or more behind it."""
    behind = HOP + -sound.shape[1] % HOP
    sides = ((0, 0), (HOP, behind))
    sound = np.asarray(sound, np.float32)
    return np.pad(sound, sides, "wrap") if is_loop else np.pad(sound, sides)


def _transform(sound: npt.NDArray[np.float32]) -> npt.NDArray[np.complex64]:
    """(2, N) -> the spectra of its windows (2, windows, bins)."""
    windows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW, axis=1)[:, ::HOP]
    spectra: npt.NDArray[np.complex64] = np.fft.rfft(windows * SHAPE).astype(np.complex64)
    return spectra


def _measure(spectra: npt.NDArray[np.complex64]) -> npt.NDArray[np.float32]:
    """How loud each bin is, of both channels (windows, bins)."""
    power = (spectra.real**2 + spectra.imag**2).mean(axis=0)
    loudness: npt.NDArray[np.float32] = np.sqrt(power)
    return loudness


def _join(spectra: npt.NDArray[np.complex64]) -> npt.NDArray[np.float32]:
    """The sound (2, N) of spectra (2, windows, bins)."""
    windows = np.fft.irfft(spectra, WINDOW).astype(np.float32) * SHAPE
    halves = windows.reshape(len(windows), -1, 2, HOP)
    joined = np.zeros((len(windows), halves.shape[1] + 1, HOP), np.float32)
    joined[:, :-1] += halves[:, :, 0]
    joined[:, 1:] += halves[:, :, 1]
    return joined.reshape(len(windows), -1)
