"""Rate, loudness and true peak of what lands, against signals whose answer is known and against
ffmpeg's meter.
"""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.landing import levels
from pipeline.audio import true_peak
from pipeline.request import Request
from tests.support.examples import scale_examples

RATES = [44_100, 48_000, 88_200, 96_000, 192_000, 22_050, 8_000]


def sine(hertz: float, dbfs: float, seconds: float = 3.0, rate: int = 48_000) -> np.ndarray:
    wave = 10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.stack([wave, wave]).astype(np.float32)


def noise(level: float = 0.05, samples: int = 144_000, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((2, samples)) * level).astype(np.float32)


# --- resampling -----------------------------------------------------------------------------------


@given(st.integers(1, 50_000), st.sampled_from(RATES))
def test_the_length_is_exact_at_any_rate(samples: int, rate: int) -> None:
    expected = round(samples * rate / 48_000)
    assert levels.resample(np.zeros((2, samples), np.float32), rate).shape == (2, expected)


@pytest.mark.parametrize(
    ("bpm", "rate", "samples"),
    [(62, 44_100, 170_710), (140, 96_000, 164_571), (140, 192_000, 329_143)],
)
def test_bars_are_counted_in_the_files_own_samples(bpm: float, rate: int, samples: int) -> None:
    request = Request(bars=1, bpm=bpm, sample_rate=rate)
    assert levels.apply_levels([noise(samples=request.samples)], request).parts[0].shape == (
        2,
        samples,
    )


@pytest.mark.parametrize("rate", RATES)
def test_nothing_is_shifted_and_the_pitch_stays(rate: int) -> None:
    moved = levels.resample(sine(997, -6), rate)
    assert np.abs(moved - sine(997, -6, rate=rate))[:, rate // 10 : -rate // 10].max() < 1e-5


def test_at_the_models_own_rate_and_level_the_samples_stay_as_they_are() -> None:
    audio = noise()
    assert levels.apply_levels([audio], Request()).parts[0] is audio


# --- loudness -------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("rate", RATES)
def test_a_stereo_sine_of_997_hz_reads_as_its_level(rate: int) -> None:
    # the standard's filters reach above what a rate of 8 kHz has
    near = 0.05 if rate > 8_000 else 0.5
    assert levels.measure_loudness(sine(997, -23, rate=rate), rate) == pytest.approx(
        -23.0, abs=near
    )


@pytest.mark.parametrize(
    "parts",  # EBU Tech 3341, cases 3 to 5, at half length: what is quiet does not count
    [
        [(-36, 5), (-23, 30), (-36, 5)],
        [(-72, 5), (-36, 5), (-23, 30), (-36, 5), (-72, 5)],
        [(-26, 10), (-20, 10.05), (-26, 10)],
    ],
)
def test_the_broadcasters_test_signals_read_minus_23(parts: list[tuple[float, float]]) -> None:
    signal = np.concatenate([sine(1_000, level, seconds) for level, seconds in parts], axis=1)
    assert levels.measure_loudness(signal, 48_000) == pytest.approx(-23.0, abs=0.1)


def test_a_clip_shorter_than_a_loudness_block_is_measured_as_a_whole() -> None:
    assert levels.measure_loudness(sine(997, -20, seconds=0.3), 48_000) == pytest.approx(
        -20, abs=0.2
    )
    assert levels.measure_loudness(np.zeros((2, 100)), 48_000) == -math.inf
    assert levels.measure_loudness(np.zeros((2, 48_000)), 48_000) == -math.inf


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_ffmpegs_meter_agrees(tmp_path: Path, rate: int) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs ffmpeg")
    pulse = np.sin(2 * np.pi * 0.4 * np.arange(8 * rate) / rate) > 0
    audio = noise(0.1, 8 * rate) * (0.02 + pulse) + sine(60, -20, 8, rate)
    soundfile.write(tmp_path / "x.wav", audio.T, rate, subtype="FLOAT")
    command = [
        "ffmpeg",
        "-nostats",
        "-i",
        str(tmp_path / "x.wav"),
        "-af",
        "ebur128",
        "-f",
        "null",
        "-",
    ]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    theirs = float(re.findall(r"I:\s+(-?[\d.]+) LUFS", output)[-1])
    assert levels.measure_loudness(audio, rate) == pytest.approx(theirs, abs=0.1)


# --- both, for all stems --------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [48_000, 44_100])
def test_the_mix_decides_and_the_stems_get_its_gain(rate: int) -> None:
    drums = noise(0.02, seed=1)
    bass = noise(0.01, seed=2)
    level = levels.apply_levels(
        [drums + bass, drums, bass], Request(loudness=-20, sample_rate=rate)
    )
    mix, *stems = level.parts
    assert levels.measure_loudness(mix, rate) == pytest.approx(-20, abs=0.01)
    assert level.loudness == pytest.approx(-20, abs=0.01)
    assert np.abs(mix - sum(stems)).max() < 1e-5
    assert {part.shape for part in level.parts} == {(2, 3 * rate)}


def test_the_true_peak_comes_before_the_loudness() -> None:
    """A stem alone may exceed the mix."""
    level = levels.apply_levels([noise(0.01), sine(100, -12)], Request(loudness=-10, peak_db=-3))
    assert max(map(true_peak, level.parts)) < 10 ** (-3 / 20)
    assert level.loudness is not None
    assert level.loudness < -20
    assert 20 * math.log10(level.gain) == pytest.approx(9 - 0.1, abs=0.05)


@given(st.integers(0, 99), st.sampled_from([rate for rate in RATES if rate != 48_000]))
@settings(max_examples=scale_examples(20))
def test_resampling_never_exceeds_the_true_peak(seed: int, rate: int) -> None:
    rough = np.sign(noise(1.0, 4_800, seed)) * np.float32(0.5)
    (part,) = levels.apply_levels([rough], Request(sample_rate=rate, peak_db=-6)).parts
    assert true_peak(part) < 10 ** (-6 / 20)


def test_resampling_alone_only_turns_down() -> None:
    level = levels.apply_levels([sine(440, -20)], Request(sample_rate=44_100))
    assert level.gain == 1.0
    assert level.loudness is None


def test_silence_stays_silence() -> None:
    level = levels.apply_levels(
        [np.zeros((2, 48_000), np.float32)], Request(loudness=-14, sample_rate=44_100)
    )
    assert level.gain == 1.0
    assert level.loudness is None
    assert not level.parts[0].any()


# --- sixteen bits ---------------------------------------------------------------------------------


def test_what_is_smaller_than_a_step_survives_sixteen_bits_as_dither(tmp_path: Path) -> None:
    quiet = sine(1_000, -100, seconds=10)
    soundfile.write(tmp_path / "x.wav", levels.dither(quiet, 7).T, 48_000, subtype="PCM_16")
    read, _ = soundfile.read(tmp_path / "x.wav")
    amplitude = abs(np.fft.rfft(read[:, 0])[10_000]) / len(read) * 2
    assert amplitude == pytest.approx(1e-5, rel=0.2)


def test_dither_is_the_same_for_the_same_seed_and_leaves_silence_alone() -> None:
    audio = noise()
    assert np.array_equal(levels.dither(audio, 7), levels.dither(audio, 7))
    assert not np.array_equal(levels.dither(audio, 7), levels.dither(audio, 8))
    assert not levels.dither(np.zeros((2, 100), np.float32), 7).any()


def test_a_loop_at_another_rate_is_still_one() -> None:
    turn = np.arange(48_000) / 48_000
    loop = np.stack([np.cos(2 * np.pi * 440 * turn)] * 2).astype(np.float32) * np.float32(0.5)
    (moved,) = levels.apply_levels([loop], Request(sample_rate=44_100, loop=True)).parts
    steps = np.abs(np.diff(moved, axis=1)).max()
    assert moved.shape == (2, 44_100)
    assert np.abs(moved[:, 0] - moved[:, -1]).max() <= steps
    np.testing.assert_allclose(
        moved[0], 0.5 * np.cos(2 * np.pi * 440 * np.arange(44_100) / 44_100), atol=1e-5
    )
