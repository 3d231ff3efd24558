"""Waveforms: the lowest and highest sample of each column of a picture.

They are computed once for each file, on a thread of the server, and kept in the state folder.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from pipeline import untrusted
from pipeline.private import make_private

COLUMNS = 600  # of a waveform
BLOCK = 1 << 16  # frames that are read at a time
MAX_KEPT = 20_000  # files in the folder: about 50 MB
MAX_BYTES = 16_384  # of one of them


class Waveform(NamedTuple):
    """`peaks`: int8 pairs, lowest and highest sample of each column, +-127 at full scale."""

    seconds: float
    peaks: NDArray[np.int8]

    def to_json(self) -> dict[str, Any]:
        peaks = base64.b64encode(self.peaks.tobytes()).decode()
        return {"seconds": self.seconds, "columns": len(self.peaks), "peaks": peaks}


class WaveformStore:
    """Waveforms of files in `folder`; a file that has changed gets another one. From any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, file: BinaryIO) -> dict[str, Any]:
        """The waveform of a sound file that is open, as JSON. Raises OSError, and ValueError for
        what is no sound.
        """
        kept = self._folder / f"{_identify(file)}.json"
        with suppress(OSError, ValueError):
            found: dict[str, Any] = untrusted.parse_json(untrusted.read_bytes(kept, MAX_BYTES))
            return found
        try:
            waveform = compute_waveform(file.fileno()).to_json()
        except soundfile.SoundFileError as error:
            raise ValueError(str(error).rpartition(": ")[2]) from error
        with suppress(OSError):  # it is computed again, where it cannot be kept
            self._keep(kept, waveform)
        return waveform

    def _keep(self, path: Path, waveform: dict[str, Any]) -> None:
        make_private(self._folder)
        part = path.with_suffix(f".{secrets.token_hex(4)}.part")  # two may compute the same
        part.write_text(json.dumps(waveform))
        part.replace(path)
        kept = list(os.scandir(self._folder))
        if len(kept) > MAX_KEPT:
            by_age = sorted(kept, key=lambda entry: entry.stat().st_mtime)
            for entry in by_age[: MAX_KEPT // 10]:
                os.unlink(entry)


def compute_waveform(sound: Path | int, columns: int = COLUMNS) -> Waveform:
    """Of a sound file, by its path or descriptor, both channels together; a file of fewer frames
    has a column for each.
    """
    with soundfile.SoundFile(sound, closefd=False) as file:
        frames = max(1, file.frames)
        edges = np.linspace(0, frames, min(columns, frames) + 1).astype(int)
        lowest = np.zeros(len(edges) - 1, np.float32)
        highest = np.zeros(len(edges) - 1, np.float32)
        start = 0
        for block in _read_blocks(file):
            found = np.searchsorted(edges, [start, start + len(block)], side="right") - 1
            for column in range(found[0], min(found[1], len(lowest) - 1) + 1):
                part = block[max(0, edges[column] - start) : max(0, edges[column + 1] - start)]
                if part.size:
                    lowest[column] = min(lowest[column], part.min())
                    highest[column] = max(highest[column], part.max())
            start += len(block)
        seconds = file.frames / file.samplerate
    peaks = np.stack([lowest, highest], axis=1)
    return Waveform(seconds, np.rint(np.clip(peaks, -1, 1) * 127).astype(np.int8))


def _read_blocks(file: soundfile.SoundFile) -> Iterator[NDArray[np.float32]]:
    while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
        yield block


def _identify(file: BinaryIO) -> str:
    """One name for each content that a file has had."""
    found = os.fstat(file.fileno())
    return f"{found.st_dev:x}-{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"
