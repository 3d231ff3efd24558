"""Audio files read, (samples, 2) at 48 kHz; and the finishing of a decoded clip, channels first (2,
N): exact length, no DC, a peak that never clips. NumPy.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence

import numpy as np
import soundfile
import soxr

from .request import MAX_SECONDS, SAMPLE_RATE, BadRequest, MissingFile

FADE_SECONDS = 0.01  # only where the model had to make more than was asked for
SILENT = 1e-6  # of full scale: a file that is nowhere louder has no sound
SILENT_DB = -60.0  # a clip whose loudest sample is below this before levelling is silent
# in a file, 60 dB over full scale: louder ones were meant for another scale, or are damaged
_LOUDEST = 1000.0
_MARGIN_DB = 0.1  # what another meter's filter may find between our samples
# samples that are oversampled at once, and how many of them fade in and out
_BLOCK = 8192
_EDGE = 1024
_READ = 2**18  # frames of a file that are read at once


class BadAudio(ValueError):
    """The model returned NaN or silence: no file is made of it."""


# --- reading --------------------------------------------------------------------------------------


def blocks(path: str, field: str = "source") -> Iterator[np.ndarray]:
    """A file's sound, piece by piece (samples, 2) float32 at 48 kHz, at most a little more than
    `MAX_SECONDS`.

    Any rate. One channel is heard on both sides; of more than two, the 1st, 3rd, ... are left and
    the others right. Raises `BadRequest` for what is no sound; `field` is what the request calls
    it.
    """
    path, name = os.path.expanduser(path), os.path.basename(path)
    if not os.path.isfile(path):
        raise MissingFile(f"{field}: {name} is not there any more", "send it again once it is")
    try:
        with soundfile.SoundFile(path) as file:
            resampler = soxr.ResampleStream(file.samplerate, SAMPLE_RATE, 2, "float32", "VHQ")
            left = math.ceil((MAX_SECONDS + 1) * file.samplerate)
            while left > 0:
                block = file.read(min(left, _READ), "float32", always_2d=True)
                left = left - len(block) if len(block) else 0
                _plausible(block, f"{field}: {name}")
                sound = _stereo(block)
                yield (
                    sound
                    if file.samplerate == SAMPLE_RATE
                    else resampler.resample_chunk(sound, last=left == 0)
                )
    except (soundfile.SoundFileError, OSError) as error:
        reason = str(error).rpartition(": ")[2].rstrip(".")
        raise BadRequest(
            f"{field}: {name} is not readable audio ({reason})", "wav, flac, mp3, aiff and ogg are"
        ) from None


def _plausible(block: np.ndarray, what: str) -> None:
    """Raises `BadRequest` for numbers that no sound has: only files of floats can hold them."""
    if not np.isfinite(block).all():
        raise BadRequest(f"{what} holds numbers that are not finite", "export it again")
    if (loudest := sample_peak(block)) > _LOUDEST:
        raise BadRequest(
            f"{what} must stay below {_LOUDEST:g} (1 is full scale), got {loudest:.3g}",
            "turn it down",
        )


def read(path: str) -> np.ndarray:
    """All of it: (samples, 2)."""
    return np.concatenate(list(blocks(path)))


def folded(path: str) -> int:
    """How many channels a file has, where they are more than are heard; 0 otherwise."""
    try:
        channels = int(soundfile.info(os.path.expanduser(path)).channels)
    except (soundfile.SoundFileError, OSError):
        return 0
    return channels if channels > 2 else 0


def _stereo(block: np.ndarray) -> np.ndarray:
    channels = block.shape[1]
    sides = (block[:, :: min(channels, 2)], block[:, min(channels - 1, 1) :: 2])
    return np.stack([side.mean(axis=1, dtype=np.float32) for side in sides], axis=1)


def periodic(sound: np.ndarray, samples: int) -> np.ndarray:
    """Sound (N, 2) that repeats, as (samples, 2) that repeat in the same time, exactly."""
    if len(sound) == samples:
        return sound
    spectrum = np.fft.rfft(sound, axis=0)[: samples // 2 + 1]
    return np.fft.irfft(spectrum, samples, axis=0).astype(np.float32) * np.float32(
        samples / len(sound)
    )


def placed(sound: np.ndarray, front: int, samples: int) -> np.ndarray:
    """(samples, 2): `sound` behind `front` samples of silence, cut or followed by silence."""
    whole = np.zeros((samples, 2), np.float32)
    whole[front : front + len(sound)] = sound[: max(0, samples - front)]
    return whole


# --- finishing ------------------------------------------------------------------------------------


def finished(audio: np.ndarray, samples: int, peak_db: float, normalize: bool) -> np.ndarray:
    """The decoded (2, N) as the clip that is asked for: (2, samples) float32, without DC, below
    `peak_db` true peak.

    `normalize` also turns quieter clips up to that peak. Raises `BadAudio` for NaN, infinity or
    silence.
    """
    return finished_together(audio, [], samples, peak_db, normalize)[0]


def finished_together(
    mix: np.ndarray, stems: Sequence[np.ndarray], samples: int, peak_db: float, normalize: bool
) -> list[np.ndarray]:
    """The same for a clip and its stems, which all get the clip's gain, so that they still add up
    to it; less of it where a stem alone would exceed the peak. A stem may be silent.
    """
    parts = [cut(part, samples) for part in (mix, *stems)]
    not_silent(parts[0])
    return levelled(parts, peak_db, normalize)


def levelled(parts: Sequence[np.ndarray], peak_db: float, normalize: bool) -> list[np.ndarray]:
    """All under one gain: up to `peak_db` of the loudest one if `normalize`, otherwise only down to
    it.
    """
    gain = min(gain_to(peak_db, part) for part in parts)
    gain = gain if normalize and math.isfinite(gain) else min(gain, 1.0)
    return [(part * gain).astype(np.float32) for part in parts]


def full_scale_gain(parts: Sequence[np.ndarray]) -> float:
    """1, or the factor that all need so that no sample of any is cut off."""
    return min(1.0, *(1 / max(sample_peak(part), 1e-9) for part in parts))


def not_silent(clip: np.ndarray) -> None:
    """Raises `BadAudio` for silence."""
    if sample_peak(clip) < 10 ** (SILENT_DB / 20):
        raise BadAudio(
            f"the model returned silence (below {SILENT_DB:g} dBFS); try another seed or prompt"
        )


def spliced(new: np.ndarray, old: np.ndarray, window: range, fade: int) -> np.ndarray:
    """`new` (2, N) inside of the window, `old` (2, M) outside of it, and `new` where `old` has
    ended. Each turns into the other within `fade` samples outside of the window.
    """
    length = min(new.shape[1], old.shape[1])
    inside = ramped(length, window, fade)
    both = inside * new[:, :length] + (1 - inside) * old[:, :length]
    return np.concatenate([both, new[:, length:]], axis=1)


def ramped(length: int, window: range, fade: int) -> np.ndarray:
    """(length,) 1 inside of the window, falling to 0 over `fade` places on both sides of it."""
    place = np.arange(length)
    rise = place - window.start + fade + 1
    fall = window.stop + fade - place
    return np.clip(np.minimum(rise, fall) / (fade + 1), 0, 1)


def cut(audio: np.ndarray, samples: int) -> np.ndarray:
    """Exactly `samples` of (2, N), without DC; faded out where there was more."""
    if audio.shape[1] < samples:
        raise BadAudio(f"the model returned {audio.shape[1]} samples of {samples}")
    if not np.isfinite(audio).all():
        raise BadAudio(
            "the model returned numbers that are not finite; another seed or less guidance may help"
        )
    window = fade_out(samples) if audio.shape[1] > samples else np.ones(samples)
    return without_dc(audio[:, :samples].astype(np.float64), window)


def without_dc(audio: np.ndarray, window: np.ndarray) -> np.ndarray:
    """`audio` under `window`, shifted so that its mean is zero although the window's ends stay at
    zero.
    """
    offset = (audio * window).sum(axis=1, keepdims=True) / window.sum()
    centred: np.ndarray = (audio - offset) * window
    return centred


def fade_out(samples: int) -> np.ndarray:
    """1 everywhere, then a short cosine slope to 0 on the last sample."""
    window = np.ones(samples)
    length = min(samples, round(FADE_SECONDS * SAMPLE_RATE))
    window[samples - length :] = 0.5 + 0.5 * np.cos(np.linspace(0, math.pi, length))
    return window


def gain_to(peak_db: float, audio: np.ndarray) -> float:
    """The factor that brings `audio` to this true peak, or a little below, for other meters;
    infinite for silence.
    """
    peak = true_peak(audio)
    return 10 ** ((peak_db - _MARGIN_DB) / 20) / peak if peak else math.inf


def sample_peak(audio: np.ndarray) -> float:
    return float(np.abs(audio).max(initial=0.0))


def true_peak(audio: np.ndarray) -> float:
    """The highest level between the samples too, up to 24 kHz: a meter's short filter stops before
    that.

    A band-limited signal oversampled n times rises at most by 1 / cos(pi / 2n) between its points.
    So four times, as in ITU-R BS.1770, tells which blocks can hold the peak (0.7 dB), and sixteen
    times finds it there (0.04 dB).
    """
    step = _BLOCK - 2 * _EDGE
    # a clip starts and ends abruptly, and rings outside
    length = -(-(audio.shape[1] + 2 * _EDGE) // step) * step
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
