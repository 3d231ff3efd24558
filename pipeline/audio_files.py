"""Audio files read: (samples, 2) float32 at 48 kHz."""

from __future__ import annotations

import math
import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import BinaryIO, Protocol

import numpy as np
import soundfile
import soxr

from .audio import SILENT, Waveform, sample_peak
from .channels import Downmix, plan_downmix
from .ffmpeg import FFMPEG_KINDS, FfmpegDecoder, can_decode, explain_missing, find_ffmpeg
from .limits import LIMITS
from .real_files import LinkOnTheWay, open_real
from .request import MAX_SECONDS, SAMPLE_RATE, BadRequest, LinkedFile, MissingFile
from .sound_headers import RepairedFile, SoundHeader, read_header
from .source_length import check_format

_BLOCK = 2**18  # frames of stereo at 48 kHz that are read at once
_INEXACT = 0.25  # seconds by which what a header says may be beside the truth
_READABLE = "wav, flac, mp3, aiff, ogg, opus and caf are; m4a and others where ffmpeg is installed"


def read_blocks(
    path: str, field: str = "source", notes: list[str] | None = None
) -> Generator[Waveform, None, None]:
    """A file's waveform, piece by piece (samples, 2), at most a little more than `MAX_SECONDS`.

    One channel is heard on both sides; more than two are mixed to them, by where their speakers
    stand if the file says it. However many there are, and whatever the rate, a piece takes the same
    memory. What had to be read otherwise than the file says is added to `notes`, once all is read.
    Raises `BadRequest` for what is no sound, or beyond the limits; `field` is what the request
    calls it.
    """
    path = os.path.expanduser(path)
    name = os.path.basename(path)
    try:
        with open_real(path) as stream:
            yield from _read_stream(stream, name, field, [] if notes is None else notes)
    except FileNotFoundError:
        missing = f"{field}: {name} is not there any more"
        raise MissingFile(missing, "send it again once it is") from None
    except LinkOnTheWay:
        linked = f"{field}: a link leads to {name} now, so it may be another file"
        raise LinkedFile(linked, "name the file where it is") from None
    except (soundfile.SoundFileError, OSError) as error:
        reason = str(error).rpartition(": ")[2].rstrip(".")
        raise BadRequest(f"{field}: {name} is not readable audio ({reason})", _READABLE) from None


def read_audio(path: str) -> Waveform:
    """All of it, also behind links: (samples, 2). Raises `BadRequest`."""
    return np.concatenate(list(read_blocks(os.path.realpath(os.path.expanduser(path)))))


class _Decoder(Protocol):
    """What reads the samples of a file that is open: (frames, channels) of float32."""

    channels: int
    samplerate: int

    @property
    def promised(self) -> float: ...

    def read(self, frames: int) -> Waveform: ...


class _LibsndfileDecoder:
    """libsndfile's, up to where a file is damaged."""

    def __init__(self, file: soundfile.SoundFile) -> None:
        self._file = file
        # soundfile seeks behind each block: a FLAC that does not say how long it is has no places
        file.seekable = lambda: False
        self.channels = int(file.channels)
        self.samplerate = int(file.samplerate)
        self.is_damaged = False

    @property
    def promised(self) -> float:
        """The seconds that it found the file to have."""
        return float(self._file.frames) / self.samplerate

    def read(self, frames: int) -> Waveform:
        if self.is_damaged:
            return np.empty((0, self.channels), np.float32)
        block = np.full((frames, self.channels), np.nan, np.float32)
        try:
            return np.asarray(self._file.read(frames, "float32", out=block), np.float32)
        except soundfile.SoundFileError:
            self.is_damaged = True
            missing = np.isnan(block[:, 0])  # what was not decoded any more
            return block[: missing.argmax() if missing.any() else frames]


def _read_stream(stream: BinaryIO, name: str, field: str, notes: list[str]) -> Iterator[Waveform]:
    """The pieces of a file that is open. Raises `BadRequest`, SoundFileError and OSError."""
    what = f"{field}: {name}"
    if (size := os.fstat(stream.fileno()).st_size) > LIMITS.audio_bytes:
        raise BadRequest(
            f"{what} has {size} bytes, at most {LIMITS.audio_bytes} are read",
            "cut out the part that is meant",
        )
    header = read_header(stream)
    most = MAX_SECONDS + 1
    with ExitStack() as opened:
        decoder = _open_decoder(stream, header, what, most, opened)
        check_format(what, decoder.channels, decoder.samplerate)
        rate = decoder.samplerate
        mask = decoder.mask if isinstance(decoder, FfmpegDecoder) else header.mask
        downmix = plan_downmix(decoder.channels, header.kind, mask)
        frames = int(_BLOCK * min(1, 2 / decoder.channels, rate / SAMPLE_RATE))
        resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 2, "float32", "VHQ")
        left = wanted = math.ceil(most * rate)
        low, high = np.full(2, np.inf), np.full(2, -np.inf)
        while left > 0:
            block = decoder.read(min(left, frames))
            if left == wanted and not len(block):
                raise _explain_no_sound(what, header, decoder)
            _check_levels(block, what)
            waveform = _mix_to_stereo(block, downmix)
            low = np.minimum(low, waveform.min(axis=0, initial=np.inf))
            high = np.maximum(high, waveform.max(axis=0, initial=-np.inf))
            is_last = not len(block) or len(block) == left
            left -= len(block)
            if rate != SAMPLE_RATE:
                waveform = resampler.resample_chunk(waveform, last=is_last)
            yield waveform
            if is_last:
                break
        said = [downmix.note] if downmix.note else []
        if left > 0:
            said += _describe_end(header, decoder, (wanted - left) / rate)
        if (high - low).max() < SILENT:
            said.append("is silent")
        notes += [f"{name} {each}" for each in said]


def _open_decoder(
    stream: BinaryIO, header: SoundHeader, what: str, seconds: float, opened: ExitStack
) -> _Decoder:
    """libsndfile, or ffmpeg for what that does not read. `opened` closes it. Raises `BadRequest`,
    SoundFileError and OSError.
    """
    if header.kind not in FFMPEG_KINDS:
        source = RepairedFile(stream, header) if header.is_repaired else stream.fileno()
        try:
            file = opened.enter_context(soundfile.SoundFile(source, closefd=False))
            return _LibsndfileDecoder(file)
        except soundfile.SoundFileError:
            if not find_ffmpeg() or not can_decode(header.kind):
                raise
    if not find_ffmpeg():
        raise explain_missing(what)
    return opened.enter_context(FfmpegDecoder(stream, header, seconds + 1))


def _explain_no_sound(what: str, header: SoundHeader, decoder: _Decoder) -> BadRequest:
    """What to say of a file in which there is nothing behind its header."""
    promised = header.promised or decoder.promised
    reason = f"its header promises {promised:.1f} s, and nothing is there" if promised else ""
    reason = reason or "it ends behind its header"
    hint = "export it again, or wait until it is here as a whole"
    return BadRequest(f"{what} has no sound: {reason}", hint)


def _describe_end(header: SoundHeader, decoder: _Decoder, seconds: float) -> list[str]:
    """Whether there was as much of it as it says."""
    promised = header.promised
    if not promised and (header.kind == "ogg" or isinstance(decoder, FfmpegDecoder)):
        promised = decoder.promised
    if promised > seconds + _INEXACT:
        return [f"is not whole: its header promises {promised:.1f} s, {seconds:.1f} s are there"]
    if isinstance(decoder, _LibsndfileDecoder) and decoder.is_damaged:
        return [f"is damaged: it was read up to there, {seconds:.1f} s"]
    if header.is_unfinished and seconds:
        end = "was cut off" if header.kind == "ogg" else "has a header that was never finished"
        return [f"{end}: it was read to its end, {seconds:.1f} s"]
    return []


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


def _mix_to_stereo(block: Waveform, downmix: Downmix) -> Waveform:
    """(samples, channels) -> (samples, 2)."""
    return block if block.shape[1] == 2 else block @ downmix.matrix
