"""Audio files in every format, with what they say about themselves. The only module of the daemon
that writes with soundfile.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import soundfile

from pipeline.private import make_folder, open_private
from pipeline.request import SAMPLE_RATE

from . import chunks, levels

PREVIEWS = "previews"  # in the state folder
MAX_PREVIEWS = 32
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


def encode_clip(audio: npt.NDArray[np.float32], facts: chunks.ClipFacts) -> memoryview:
    """The bytes of a file with `audio` (2, samples) in it. In memory first: libsndfile would hide
    why a disk refuses.
    """
    form = FORMATS[facts.request.format]
    if form.bits == 16:
        audio = levels.dither(audio, facts.request.seed)
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


def write_preview(folder: Path, name: str, audio: npt.NDArray[np.float32]) -> Path:
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
