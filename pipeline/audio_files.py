"""Audio files read: (samples, 2) float32 at 48 kHz."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from .audio import Waveform, sample_peak
from .limits import LIMITS
from .real_files import LinkOnTheWay, open_real
from .request import MAX_SECONDS, SAMPLE_RATE, BadRequest, LinkedFile, MissingFile

_BLOCK = 2**18  # frames of stereo at 48 kHz that are read at once


def read_blocks(path: str, field: str = "source") -> Iterator[Waveform]:
    """A file's waveform, piece by piece (samples, 2), at most a little more than `MAX_SECONDS`.

    One channel is heard on both sides; of more than two, the 1st, 3rd, ... are left and the others
    right. However many there are, and whatever the rate, a piece takes the same memory. Raises
    `BadRequest` for what is no sound, or beyond the limits; `field` is what the request calls it.
    """
    path = os.path.expanduser(path)
    name = os.path.basename(path)
    try:
        with open_real(path) as stream, _open_sound(stream, f"{field}: {name}") as file:
            _check_format(file, f"{field}: {name}")
            rate = int(file.samplerate)
            frames = int(_BLOCK * min(1, 2 / file.channels, rate / SAMPLE_RATE))
            resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 2, "float32", "VHQ")
            left = math.ceil((MAX_SECONDS + 1) * rate)
            while left > 0:
                block = file.read(min(left, frames), "float32", always_2d=True)
                left = left - len(block) if len(block) else 0
                _check_levels(block, f"{field}: {name}")
                waveform = _mix_to_stereo(block)
                if rate != SAMPLE_RATE:
                    waveform = resampler.resample_chunk(waveform, last=left == 0)
                yield waveform
    except FileNotFoundError:
        missing = f"{field}: {name} is not there any more"
        raise MissingFile(missing, "send it again once it is") from None
    except LinkOnTheWay:
        linked = f"{field}: a link leads to {name} now, so it may be another file"
        raise LinkedFile(linked, "name the file where it is") from None
    except (soundfile.SoundFileError, OSError) as error:
        reason = str(error).rpartition(": ")[2].rstrip(".")
        raise BadRequest(
            f"{field}: {name} is not readable audio ({reason})", "wav, flac, mp3, aiff and ogg are"
        ) from None


def read_audio(path: str) -> Waveform:
    """All of it, also behind links: (samples, 2). Raises `BadRequest`."""
    return np.concatenate(list(read_blocks(os.path.realpath(os.path.expanduser(path)))))


def count_folded_channels(path: str) -> int:
    """How many channels a file has, where they are more than are heard; 0 otherwise."""
    try:
        with open_real(os.path.expanduser(path)) as stream:
            channels = int(soundfile.info(stream).channels)
    except (soundfile.SoundFileError, OSError):
        return 0
    return channels if channels > 2 else 0


def _open_sound(stream: BinaryIO, what: str) -> soundfile.SoundFile:
    """Raises `BadRequest` for one that is too large, and SoundFileError."""
    if (size := os.fstat(stream.fileno()).st_size) > LIMITS.audio_bytes:
        raise BadRequest(
            f"{what} has {size} bytes, at most {LIMITS.audio_bytes} are read",
            "cut out the part that is meant",
        )
    return soundfile.SoundFile(stream.fileno(), closefd=False)


def _check_format(file: soundfile.SoundFile, what: str) -> None:
    """Raises `BadRequest` for more channels than a recording has, and for a rate that is none."""
    if file.channels > LIMITS.audio_channels:
        raise BadRequest(
            f"{what} has {file.channels} channels, at most {LIMITS.audio_channels} are read",
            "mix it to stereo",
        )
    if not LIMITS.least_audio_rate <= file.samplerate <= LIMITS.audio_rate:
        allowed = f"{LIMITS.least_audio_rate}..{LIMITS.audio_rate} Hz"
        raise BadRequest(
            f"{what} must have a sample rate of {allowed}, got {file.samplerate}",
            "export it at 48000",
        )


def _check_levels(block: Waveform, what: str) -> None:
    """Raises `BadRequest` for numbers that no sound has: only files of floats can hold them."""
    if not np.isfinite(block).all():
        raise BadRequest(f"{what} holds numbers that are not finite", "export it again")
    # louder ones were meant for another scale, or are damaged
    if (loudest := sample_peak(block)) > LIMITS.audio_peak:
        raise BadRequest(
            f"{what} must stay below {LIMITS.audio_peak} (1 is full scale), got {loudest:.3g}",
            "turn it down",
        )


def _mix_to_stereo(block: Waveform) -> Waveform:
    """(samples, channels) -> (samples, 2)."""
    channels = block.shape[1]
    left = block[:, :: min(channels, 2)]
    right = block[:, min(channels - 1, 1) :: 2]
    return np.stack([side.mean(axis=1, dtype=np.float32) for side in (left, right)], axis=1)
