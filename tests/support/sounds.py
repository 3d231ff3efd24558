"""Sound files as recorders, phones, syncs and other programs leave them, made from a tone."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

RATE = 48_000
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")


def make_tone(seconds: float = 2.0, channels: int = 2) -> npt.NDArray[np.float32]:
    """220 Hz at 0.3, with some noise, so that every kind of file has something to keep."""
    place = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(0).normal(0, 0.01, len(place))
    tone = 0.3 * np.sin(2 * np.pi * 220 * place) + noise
    return np.repeat(tone[:, None], channels, axis=1).astype(np.float32)


def encode(
    kind: str = "WAV", subtype: str = "PCM_16", sound: Any = None, endian: str = "FILE"
) -> bytes:
    """The bytes of a file of that kind."""
    buffer = io.BytesIO()
    samples = make_tone() if sound is None else sound
    soundfile.write(buffer, samples, RATE, subtype, endian, kind)
    return buffer.getvalue()


def make_chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    """A chunk of a RIFF, which may claim another size; without a byte behind an odd one."""
    return name + struct.pack("<I", len(content) if size is None else size) + content


def make_riff(chunks: Iterable[bytes], outer: bytes = b"RIFF", size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return outer + struct.pack("<I", len(body) if size is None else size) + body


def write_size(content: bytes, chunk: bytes, size: int, form: str = "<I") -> bytes:
    """The same file, whose chunk claims another size."""
    place = content.index(chunk) + len(chunk)
    written = struct.pack(form, size)
    return content[:place] + written + content[place + len(written) :]


def convert(sound: npt.NDArray[np.float32], path: Path, *options: str) -> Path:
    """Encoded by ffmpeg."""
    wav = path.with_suffix(".made.wav")
    soundfile.write(wav, sound, RATE, "PCM_16", format="WAVEX")
    command = ["ffmpeg", "-y", "-v", "error", "-i", str(wav), "-bitexact", *options, str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    wav.unlink()
    return path
