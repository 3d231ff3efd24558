"""Arrays of audio: exact lengths, fades, splices, and levels that never clip. NumPy.

A waveform is (samples, 2); a clip has its channels first, (2, samples). 48 kHz.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .peaks import PAUSE, Highest, LazyAudio, find_true_peak, survey
from .request import SAMPLE_RATE
from .steps import Steps, complete

Waveform = npt.NDArray[np.float32]  # (samples, 2)
Floats = npt.NDArray[np.floating[Any]]

FADE_SECONDS = 0.01  # where the model made more than was asked for, or plays from a guide
SILENT = 1e-6  # of full scale: a file that is nowhere louder has no sound
SILENT_DB = -60.0  # a clip whose loudest sample is below this before levelling is silent
_MARGIN_DB = 0.1  # what another meter's filter may find between our samples
_FADE = round(FADE_SECONDS * SAMPLE_RATE)
_FADE_IN = round(0.0005 * SAMPLE_RATE)
_PIECE = 8192  # samples that are computed at once: they stay in the processor's cache
_PASSED_ON = 2**17  # and passed on at once: the one that receives them is woken up for each


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


def cut(audio: Floats, samples: int, gain: float = 1.0, fades: bool = False) -> Steps[LazyAudio]:
    """Exactly `samples` of (2, N), without DC, times `gain`; faded out where there was more, or
    where that is wanted. Raises `BadAudio` for NaN, infinity or too little.
    """
    check_length(audio.shape[1], samples)
    window = build_end(samples, fades or audio.shape[1] > samples)
    faded = samples - len(window)  # the first sample that is
    total = yield from _sum(audio[:, :samples], faded, window)
    check_finite(total, audio[:, samples:])
    # so that the mean is zero although the window's end stays at zero
    offset = total / (faded + window.sum())

    def read(start: int, stop: int) -> npt.NDArray[np.float64]:
        piece = np.array(audio[:, start:stop], np.float64, order="C")
        piece -= offset
        if stop > faded:
            first = max(start, faded)
            piece[:, first - start :] *= window[first - faded : stop - faded]
        if gain != 1.0:
            piece *= gain
        return piece

    return LazyAudio(samples, read)


def check_length(made: int, samples: int) -> None:
    """Raises `BadAudio` for fewer samples than were asked for."""
    if made < samples:
        raise BadAudio(f"the model returned {made} samples of {samples}")


def check_finite(*numbers: Floats) -> None:
    """Raises `BadAudio` for NaN and infinity."""
    if not all(np.isfinite(each).all() for each in numbers):
        raise BadAudio(
            "the model returned numbers that are not finite; another seed or less guidance may help"
        )


def build_end(samples: int, fades: bool) -> npt.NDArray[np.float64]:
    """What the end of a clip is multiplied with: a slope to 0 where it fades, and otherwise 1."""
    return build_fade_out(min(samples, _FADE)) if fades else np.ones(0)


def build_fade_in(samples: int) -> npt.NDArray[np.float32]:
    """A slope from 0 on the first sample, as long as a guide's; shorter than any attack."""
    length = min(samples, _FADE_IN)
    return np.linspace(0, 1, _FADE_IN, dtype=np.float32)[:length]


def _sum(
    audio: Floats, faded: int, window: npt.NDArray[np.float64]
) -> Steps[npt.NDArray[np.float64]]:
    """(2, 1) the sums of the channels, with `window` over what is behind `faded`; with pauses. Not
    finite where a sample is not: float64 has room for any sum of float32.
    """
    sums: list[npt.NDArray[np.float64]] = [(audio[:, faded:] * window).sum(axis=1)]
    for number, start in enumerate(range(0, faded, _PIECE), 1):
        # channels first, where NumPy adds in pairs
        piece = np.array(audio[:, start : min(start + _PIECE, faded)], np.float64, order="C")
        sums.append(piece.sum(axis=1))
        if number * _PIECE % PAUSE < _PIECE:
            yield
    total: npt.NDArray[np.float64] = np.sum(sums, axis=0)[:, None]
    return total


def build_fade_out(samples: int) -> npt.NDArray[np.float64]:
    """1 everywhere, then a short cosine slope to 0 on the last sample."""
    window = np.ones(samples)
    length = min(samples, _FADE)
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

    def steps() -> Steps[list[npt.NDArray[np.float32]]]:
        surveyed = [(part, complete(survey(part))) for part in map(LazyAudio.of, parts)]
        gain = yield from find_common_gain(surveyed, peak_db, normalize)
        return [render(LevelledAudio(part, gain)) for part, _ in surveyed]

    return complete(steps())


def find_common_gain(
    parts: Sequence[tuple[LazyAudio, Highest]], peak_db: float, normalize: bool
) -> Steps[float]:
    """The factor of `level` for parts with what `survey` says of them; with pauses."""
    gain = math.inf
    for part, highest in parts:
        gain = min(gain, find_peak_gain(peak_db, (yield from find_true_peak(part, highest))))
    return choose_gain(gain, normalize)


def choose_gain(gain: float, normalize: bool) -> float:
    """What brings the loudest part to its peak, or without `normalize` only brings it down."""
    return gain if normalize and math.isfinite(gain) else min(gain, 1.0)


@dataclass(frozen=True)
class LevelledAudio:
    """A part times `gain`, computed when it is asked for: whoever passes a clip on piece by piece
    needs no memory for all of it, and the next one works on a piece while this one computes
    another. The time that it takes is `measured`.
    """

    part: LazyAudio
    gain: float
    measured: Callable[[], AbstractContextManager[None]] = nullcontext

    @property
    def samples(self) -> int:
        return self.part.samples

    def read_frames(self) -> Iterator[Waveform]:
        """(n, 2) after (n, 2), as they follow each other in a file."""
        for start in range(0, self.samples, _PASSED_ON):
            with self.measured():
                frames = np.empty((min(_PASSED_ON, self.samples - start), 2), np.float32)
                for first in range(0, len(frames), _PIECE):
                    last = min(first + _PIECE, len(frames))
                    piece = self.part.read(start + first, start + last)
                    piece *= self.gain
                    frames[first:last] = piece.T
            yield frames


PendingSound = npt.NDArray[np.float32] | LevelledAudio  # (2, samples)


def count_samples(sound: PendingSound) -> int:
    return sound.samples if isinstance(sound, LevelledAudio) else sound.shape[1]


def read_frames(sound: PendingSound) -> Iterator[Waveform]:
    """(n, 2) after (n, 2), as they follow each other in a file."""
    if isinstance(sound, LevelledAudio):
        yield from sound.read_frames()
    else:
        frames = np.ascontiguousarray(sound.T)
        for start in range(0, len(frames), _PASSED_ON):
            yield frames[start : start + _PASSED_ON]


def render(sound: PendingSound) -> npt.NDArray[np.float32]:
    """All of it: (2, samples), which lie in the order of a file."""
    if not isinstance(sound, LevelledAudio):
        return sound
    return join_frames(sound.read_frames(), sound.samples)


def join_frames(pieces: Iterable[Waveform], samples: int) -> npt.NDArray[np.float32]:
    """(n, 2) after (n, 2) in one: (2, samples), which lie in the order of a file. What there is
    beyond is left out.
    """
    frames = np.empty((samples, 2), np.float32)
    start = 0
    for piece in pieces:
        stop = min(start + len(piece), samples)
        frames[start:stop] = piece[: stop - start]
        start = stop
    return frames.T


def find_full_scale_gain(peaks: Iterable[float]) -> float:
    """1, or the factor that all need so that no sample of any is cut off, by their sample peaks."""
    return min(1.0, *(1 / max(peak, 1e-9) for peak in peaks))


def check_not_silent(peak: float) -> None:
    """Raises `BadAudio` for the sample peak of silence."""
    if peak < 10 ** (SILENT_DB / 20):
        raise BadAudio(
            f"the model returned silence (below {SILENT_DB:g} dBFS); try another seed or prompt"
        )


def find_peak_gain(peak_db: float, peak: float) -> float:
    """The factor that brings what has this true peak to another, or a little below, for other
    meters; infinite for silence.
    """
    return 10 ** ((peak_db - _MARGIN_DB) / 20) / peak if peak else math.inf


def find_gain(peak_db: float, audio: Floats) -> float:
    """The same for what has the true peak of `audio`."""
    return find_peak_gain(peak_db, true_peak(audio))


def sample_peak(audio: Floats) -> float:
    """The highest absolute value of any sample."""
    return float(np.abs(audio).max(initial=0.0))


def true_peak(audio: Floats) -> float:
    """The highest level between the samples too, up to half the rate: a meter's short filter stops
    before that. See `peaks`.
    """

    def steps() -> Steps[float]:
        part = LazyAudio.of(audio)
        return (yield from find_true_peak(part, (yield from survey(part))))

    return complete(steps())
