"""Audio files are read as stereo at 48 kHz, whatever they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from pipeline import audio_files
from pipeline.limits import LIMITS
from pipeline.request import READ_SOUNDS, SAMPLE_RATE, BadRequest
from tests.support.hostile import forge_wav

SUBTYPES = {  # and what decides the format where the ending does not
    ".wav": ("PCM_24",),
    ".flac": ("PCM_24",),
    ".mp3": (),
    ".aif": ("PCM_16", "BIG", "AIFF"),
    ".aiff": ("PCM_24",),
    ".ogg": (),
    ".wave": ("PCM_16", "FILE", "WAV"),
    ".bwf": ("PCM_24", "FILE", "WAVEX"),
    ".rf64": ("PCM_24", "FILE", "RF64"),
    ".w64": ("PCM_24", "FILE", "W64"),
    ".aifc": ("PCM_16", "LITTLE", "AIFF"),
    ".oga": ("VORBIS", "FILE", "OGG"),
    ".opus": ("OPUS", "FILE", "OGG"),
    ".caf": ("ALAC_16", "FILE", "CAF"),
}


@pytest.mark.parametrize("ending", READ_SOUNDS)
@pytest.mark.parametrize(("rate", "channels"), [(44_100, 1), (48_000, 2), (32_000, 2)])
def test_a_file_of_any_kind_is_read_as_two_channels_at_48_khz(
    tmp_path: Path, ending: str, rate: int, channels: int
) -> None:
    """A tone stays at its pitch and place."""
    rate = 48_000 if ending == ".opus" else rate  # it has no others
    path = tmp_path / f"tone{ending}"
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(3 * rate) / rate)
    tone[: rate // 2] = 0
    soundfile.write(path, np.repeat(tone[:, None], channels, axis=1), rate, *SUBTYPES[ending])
    read = audio_files.read_audio(str(path))
    assert read.dtype == np.float32
    assert read.shape == (pytest.approx(3 * SAMPLE_RATE, abs=2500 if ending == ".mp3" else 1), 2)
    np.testing.assert_array_equal(read[:, 0], read[:, 1])
    middle = read[SAMPLE_RATE : 2 * SAMPLE_RATE, 0]
    assert np.argmax(np.abs(np.fft.rfft(middle))) == 1000
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.1)
    onset = int(np.argmax(np.abs(read[:, 0]) > 0.1))
    assert onset == pytest.approx(SAMPLE_RATE / 2, abs=2500 if ending == ".mp3" else 50)


def test_a_file_at_48_khz_is_read_as_it_is(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, (SAMPLE_RATE, 2)).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", noise, SAMPLE_RATE, "FLOAT")
    np.testing.assert_array_equal(audio_files.read_audio(str(tmp_path / "noise.wav")), noise)


def test_a_long_file_of_another_rate_has_no_seams(tmp_path: Path) -> None:
    """It is read in pieces."""
    rate = 44_100
    tone = 0.5 * np.sin(2 * np.pi * 100 * np.arange(15 * rate) / rate)
    soundfile.write(tmp_path / "tone.wav", tone, rate, "FLOAT")
    read = audio_files.read_audio(str(tmp_path / "tone.wav"))[:, 0]
    assert len(read) == 15 * SAMPLE_RATE
    ideal = 0.5 * np.sin(2 * np.pi * 100 * np.arange(len(read)) / SAMPLE_RATE)
    assert np.abs(read - ideal)[1000:-1000].max() < 1e-4


def test_more_than_two_channels_are_folded_to_the_sides(tmp_path: Path) -> None:
    channels = np.array([0.1, 0.2, 0.3]) * np.ones((100, 1))
    soundfile.write(tmp_path / "three.wav", channels, SAMPLE_RATE, "FLOAT")
    np.testing.assert_allclose(
        audio_files.read_audio(str(tmp_path / "three.wav"))[50], [0.2, 0.2], atol=1e-6
    )
    soundfile.write(
        tmp_path / "four.wav",
        np.array([0.1, 0.2, 0.3, 0.6]) * np.ones((100, 1)),
        SAMPLE_RATE,
        "FLOAT",
    )
    np.testing.assert_allclose(
        audio_files.read_audio(str(tmp_path / "four.wav"))[50], [0.2, 0.4], atol=1e-6
    )


def test_no_more_of_a_file_is_read_than_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio_files, "MAX_SECONDS", 2.0)
    soundfile.write(tmp_path / "long.wav", np.zeros(10 * 8000), 8000)
    assert len(audio_files.read_audio(str(tmp_path / "long.wav"))) == 3 * SAMPLE_RATE


@pytest.mark.parametrize(
    ("channels", "rate"), [(1, 48_000), (2, 48_000), (64, 48_000), (64, 768_000), (2, 1_000)]
)
def test_whatever_a_file_claims_a_piece_of_it_takes_the_same_memory(
    tmp_path: Path, channels: int, rate: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    read = soundfile.SoundFile.read

    def count(file: soundfile.SoundFile, frames: int, *rest: Any, **more: Any) -> Any:
        block = read(file, frames, *rest, **more)
        sizes.append(block.size)
        return block

    monkeypatch.setattr(soundfile.SoundFile, "read", count)
    forge_wav(tmp_path / "x.wav", channels, rate, data=2**31)
    blocks = audio_files.read_blocks(str(tmp_path / "x.wav"))
    pieces = [next(blocks) for _ in range(3)]
    assert max(sizes) <= 2**19
    assert max(len(piece) for piece in pieces) <= 2**18 + 2**15  # what the resampler held back


def test_a_file_that_grew_since_it_was_accepted_is_refused(tmp_path: Path) -> None:
    forge_wav(tmp_path / "x.wav", data=2**20, size=LIMITS.audio_bytes + 1)
    with pytest.raises(BadRequest, match=r"source: x\.wav has 8589934593 bytes, at most"):
        next(audio_files.read_blocks(str(tmp_path / "x.wav")))


SPEAKERS = ("left", "right", "centre", "LFE", "back left", "back right")
SIDES = {  # of the file's 0.4, what is heard left and right
    "left": (0.4, 0),
    "right": (0, 0.4),
    "centre": (0.283, 0.283),
    "LFE": (0, 0),
    "back left": (0.283, 0),
    "back right": (0, 0.283),
}


@pytest.mark.parametrize("speaker", SPEAKERS)
@pytest.mark.parametrize(("kind", "subtype"), [("WAVEX", "PCM_24"), ("FLAC", "PCM_24")])
def test_surround_is_mixed_by_where_its_speakers_stand(
    tmp_path: Path, kind: str, subtype: str, speaker: str
) -> None:
    sound = np.zeros((1000, 6))
    sound[:, SPEAKERS.index(speaker)] = 0.4
    path = tmp_path / "film.wav"
    soundfile.write(path, sound, SAMPLE_RATE, subtype, format=kind)
    notes: list[str] = []
    whole = np.concatenate(list(audio_files.read_blocks(str(path), notes=notes)))
    np.testing.assert_allclose(whole[500], SIDES[speaker], atol=1e-3)
    assert notes[0] == (
        "film.wav has 6 channels: the centre was mixed to both sides at -3 dB, the others to their "
        "sides, the LFE was left out"
    )


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 88_200, 96_000, 192_000])
def test_any_rate_of_a_recorder_is_read(tmp_path: Path, rate: int) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    soundfile.write(tmp_path / "tone.wav", tone, rate)
    read = audio_files.read_audio(str(tmp_path / "tone.wav"))
    assert len(read) == pytest.approx(SAMPLE_RATE, abs=1)
    assert np.argmax(np.abs(np.fft.rfft(read[:, 0]))) == pytest.approx(440, abs=1)
