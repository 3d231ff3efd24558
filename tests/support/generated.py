"""Sources for tasks, and the files that a client's job leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from tests.support.osc_client import OscClient

RATE = 48_000  # Hz


def write_tone(folder: Path, level: float, seconds: float = 2.0) -> str:
    """A file with a peak of `level`. Its path."""
    path = folder / "song.wav"
    time = np.arange(round(seconds * RATE)) / RATE
    soundfile.write(
        path, level * np.sin(2 * np.pi * 220 * time)[:, None] * [1.0, 0.8], RATE, "PCM_24"
    )
    return str(path)


def generate_files(client: OscClient, id: str, *values: Any) -> dict[str, npt.NDArray[np.float32]]:
    """Run a job; its files by stem, each (samples, channels)."""
    client.send("/ace/generate", id, "num_steps", 2, "seed", 1, *values)
    transcript = client.until_end(id)
    assert transcript[-1][0] == "/ace/finished", transcript[-1]
    return {
        values[1]: soundfile.read(values[2], dtype="float32")[0]
        for address, values in transcript
        if address == "/ace/clip"
    }


def generate_failure(client: OscClient, id: str, *values: Any) -> str:
    """Run a job that fails; everything that its /ace/fail says."""
    client.send("/ace/generate", id, "num_steps", 2, *values)
    address, arguments = client.until_end(id)[-1]
    assert address == "/ace/fail"
    return " ".join(map(str, arguments))
