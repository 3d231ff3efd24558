"""Audio files in every format, with what they say about themselves. The only module of the daemon
that writes with soundfile.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import soundfile

from pipeline.private import make_folder, open_private
from pipeline.request import SAMPLE_RATE

from . import chunks, levels
from .finished_take import Audio, ClipSound

PREVIEWS = "previews"  # in the state folder
MAX_PREVIEWS = 32
_PIECE = 65_536  # samples of a file that are written at once
_BLOCK = 32_768  # numbers that are quantised at once
PART = ".part"  # unfinished files must not look like clips to programs that find hidden ones too


class AudioFormat(NamedTuple):
    container: str
    subtype: str
    bits: int

    @property
    def extension(self) -> str:
        return self.container.lower()


FORMATS = {
    "wav16": AudioFormat("WAV", "PCM_16", 16),
    "wav24": AudioFormat("WAV", "PCM_24", 24),
    "wav32f": AudioFormat("WAV", "FLOAT", 32),
    "flac": AudioFormat("FLAC", "PCM_24", 24),
}


def encode_clip(sound: ClipSound, facts: chunks.ClipFacts) -> Iterator[bytes | memoryview]:
    """The bytes of a file with that sound, piece by piece, as far as that is read. Raises
    ValueError, in place of the first, when that is more than a WAV can hold.
    """
    form = FORMATS[facts.request.format]
    if form == FORMATS["wav24"]:
        return _encode_pcm(sound, facts, form.bits)
    audio = sound.read_whole()
    if form.bits == 16:
        dithered = levels.dither(audio, facts.request.seed)
        return _encode_pcm(sound._replace(pieces=(dithered,)), facts, form.bits)
    return iter([_encode_with_libsndfile(audio, facts, form)])


def _encode_pcm(
    sound: ClipSound, facts: chunks.ClipFacts, bits: int
) -> Iterator[bytes | memoryview]:
    """A WAV of whole numbers, the same bytes as libsndfile's with our chunks behind them: its calls
    for every 8 kB took four times as long.
    """
    tail = chunks.pack_chunks(chunks.build_chunks(facts))
    yield chunks.build_head(facts.rate, bits, sound.samples, tail)
    for audio in sound.pieces:
        for start in range(0, audio.shape[1], _PIECE):
            yield quantise(audio[:, start : start + _PIECE].T, bits).data
    yield tail


def quantise(frames: npt.NDArray[np.float32], bits: int) -> npt.NDArray[np.uint8]:
    """(N, bits / 8) the little-endian bytes of samples in [-1, 1], cut off beyond that: the highest
    bits of their 32, as libsndfile has it.

    In blocks that stay in the processor's cache, on the same memory each: what is new costs a fault
    for every page.
    """
    samples = frames.reshape(-1)
    highest = np.empty((len(samples), bits // 8), np.uint8)
    memory = np.empty((2, min(len(samples), _BLOCK)), np.float32)
    for start in range(0, len(samples), _BLOCK):
        block = samples[start : start + _BLOCK]
        scaled = np.multiply(block, np.float32(2.0**31), out=memory[0, : len(block)])
        np.clip(np.rint(scaled, out=scaled), -(2.0**31), 2.0**31 - 128, out=scaled)
        whole = memory[1, : len(block)].view("<i4")
        np.copyto(whole, scaled, casting="unsafe")
        columns = whole.view(np.uint8).reshape(-1, 4)
        for number in range(bits // 8):  # a column at a time, which NumPy copies fastest
            highest[start : start + len(block), -1 - number] = columns[:, -1 - number]
    return highest


def _encode_with_libsndfile(audio: Audio, facts: chunks.ClipFacts, form: AudioFormat) -> memoryview:
    """In memory: libsndfile would hide why a disk refuses."""
    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer, "w", facts.rate, 2, form.subtype, format=form.container
    ) as file:
        if form.container == "FLAC":
            for name, text in chunks.build_tags(facts).items():
                setattr(file, name, text)
        file.write(audio.T)
    if form.container == "WAV":
        chunks.append_chunks(buffer, chunks.build_chunks(facts))
    return buffer.getbuffer()


def write_preview(folder: Path, name: str, audio: Audio) -> Path:
    """An estimate (2, samples) at 48 kHz as folder/name.wav; the newest `MAX_PREVIEWS` are kept
    there. Raises OSError.
    """
    make_folder(folder)
    buffer = io.BytesIO()
    path = folder / f"{name}.wav"
    soundfile.write(buffer, audio.T, SAMPLE_RATE, "PCM_24", format="WAV")
    part = folder / f"{name}{PART}"
    with open(part, "wb", opener=open_private) as stream:
        stream.write(buffer.getbuffer())
    part.replace(path)
    previews = sorted(folder.glob("*.wav"), key=lambda file: file.stat().st_mtime)
    for old in previews[:-MAX_PREVIEWS]:
        old.unlink(missing_ok=True)
    return path
