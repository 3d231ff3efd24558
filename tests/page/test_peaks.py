"""Waveforms of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from daemon.page import peaks
from daemon.page.peaks import WaveformStore, compute_waveform


@pytest.mark.parametrize("frames", [1, 7, 600, 601, 48_000, 3 * peaks.BLOCK + 17])
@pytest.mark.parametrize("channels", [1, 2])
def test_each_column_has_its_lowest_and_highest_sample(
    tmp_path: Path, frames: int, channels: int
) -> None:
    sound = np.random.default_rng(frames).uniform(-1, 1, (frames, channels)).astype(np.float32)
    path = tmp_path / "a.wav"
    soundfile.write(path, sound, 48_000, "FLOAT")
    found = compute_waveform(path)
    assert found.seconds == frames / 48_000
    edges = np.linspace(0, frames, len(found.peaks) + 1).astype(int)
    for (lowest, highest), start, end in zip(found.peaks, edges[:-1], edges[1:], strict=True):
        part = sound[start:end]
        assert lowest == np.rint(min(0, part.min()) * 127)
        assert highest == np.rint(max(0, part.max()) * 127)


def read(store: WaveformStore, path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return store.read(file)


def test_a_file_that_changed_has_another_one(tmp_path: Path) -> None:
    store = WaveformStore(tmp_path / "waveforms")
    path = tmp_path / "a.wav"
    soundfile.write(path, np.full((4800, 2), 0.5), 48_000)
    quiet = read(store, path)
    soundfile.write(path, np.full((9600, 2), 1.0), 48_000)
    assert read(store, path) != quiet


def test_only_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peaks, "MAX_KEPT", 20)
    store = WaveformStore(tmp_path / "waveforms")
    for number in range(30):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, np.zeros((48, 2)), 48_000)
        read(store, path)
    assert len(list((tmp_path / "waveforms").iterdir())) <= 20


def test_what_is_kept_is_the_user_s_alone(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((48, 2)), 48_000)
    read(WaveformStore(tmp_path / "waveforms"), tmp_path / "a.wav")
    assert (tmp_path / "waveforms").stat().st_mode & 0o077 == 0
