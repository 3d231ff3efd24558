"""A dry voice becomes a stem, and a band makes room for it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.request import SAMPLE_RATE
from pipeline.singer.production import BALANCE, LOUDNESS, duck, find_balance, produce

Floats = npt.NDArray[np.floating]


def make_voice(seconds: float = 3.0, gain: float = 0.2, hertz: float = 200) -> Floats:
    """A sawtooth that sings from the first second to the second."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    saw = 2 * (hertz * time % 1) - 1
    return (gain * saw * ((time >= 1) & (time < 2))).astype(np.float32)


def make_band(seconds: float = 3.0, seed: int = 0) -> Floats:
    noise = np.random.default_rng(seed).standard_normal((round(seconds * SAMPLE_RATE), 1))
    return (0.1 * noise).astype(np.float32).repeat(2, axis=1)


def cut(sound: Floats, begin: float, end: float) -> Floats:
    return sound[round(begin * SAMPLE_RATE) : round(end * SAMPLE_RATE)]


def measure_db(sound: Floats) -> float:
    return float(10 * np.log10(np.mean(sound.astype(np.float64) ** 2) + 1e-12))


def measure_band_db(sound: Floats, low: float, high: float) -> float:
    power = np.abs(np.fft.rfft(sound, axis=0)) ** 2 / len(sound) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE)
    return float(10 * np.log10(power[(hertz >= low) & (hertz < high)].sum() + 1e-12))


@pytest.mark.parametrize("gain", [0.01, 0.2, 0.6])
def test_a_stem_is_as_loud_whoever_sings(gain: float) -> None:
    stem = produce(make_voice(gain=gain))
    assert stem.shape == (3 * SAMPLE_RATE, 2)
    assert stem.dtype == np.float32
    assert measure_db(cut(stem, 1.1, 1.9)) == pytest.approx(LOUDNESS, abs=1.5)
    assert np.abs(stem).max() < 0.9


def test_loud_syllables_come_nearer_to_soft_ones() -> None:
    voice = make_voice()
    voice[: round(1.5 * SAMPLE_RATE)] *= 4
    stem = produce(voice)
    apart = measure_db(cut(stem, 1.1, 1.4)) - measure_db(cut(stem, 1.6, 1.9))
    assert 4 < apart < 10  # of 12 dB


def test_soft_consonants_come_nearer_to_their_vowels() -> None:
    """80 ms that are 12 dB softer, as an N or a V is."""
    voice = make_voice()
    voice[round(1.46 * SAMPLE_RATE) : round(1.54 * SAMPLE_RATE)] /= 4
    stem = produce(voice)
    vowel = measure_db(cut(stem, 1.2, 1.4))
    assert 4 < vowel - measure_db(cut(stem, 1.48, 1.52)) < 6


def test_a_stem_is_brighter_where_words_are_told_apart_and_not_in_an_s() -> None:
    voice = make_voice()
    stem = produce(voice).mean(axis=1)
    low, clear, hiss = (
        measure_band_db(stem, *octaves) - measure_band_db(voice, *octaves)
        for octaves in ((300, 1200), (1800, 4500), (6000, 10_000))
    )
    assert clear - low == pytest.approx(4, abs=1)
    assert hiss - low == pytest.approx(-1, abs=1)


def test_it_is_wide_but_not_below() -> None:
    stem = produce(make_voice(hertz=100))
    middle, side = stem.mean(axis=1), (stem[:, 0] - stem[:, 1]) / 2
    assert -18 < measure_db(side) - measure_db(middle) < -8
    assert measure_band_db(side, 0, 150) < measure_band_db(middle, 0, 150) - 30


def test_the_voice_itself_is_neither_late_nor_early() -> None:
    stem = produce(make_voice())
    assert measure_db(cut(stem, 0.9, 0.995)) < -60
    assert measure_db(cut(stem, 1.0, 1.02)) > -26


def test_the_room_dies_away_and_then_there_is_silence() -> None:
    stem = produce(make_voice(seconds=6))
    assert measure_db(cut(stem, 2.05, 2.1)) > -60
    assert measure_db(cut(stem, 2.6, 6)) < -90


def test_nobody_sings_in_silence() -> None:
    nothing = np.zeros(SAMPLE_RATE, np.float32)
    assert not produce(nothing).any()
    band = make_band(1.0)
    stem = produce(nothing)
    assert find_balance(band, stem) == 1
    assert (duck(band, stem) == band).all()
    assert produce(nothing[:0]).shape == (0, 2)


def test_a_voice_stands_in_front_of_a_band_however_loud_that_is() -> None:
    stem = produce(make_voice())
    for gain in (0.1, 1, 3):
        band = gain * make_band()
        voice = find_balance(band, stem) * stem
        apart = measure_band_db(cut(voice, 1.1, 1.9), 300, 5000) - measure_band_db(
            cut(band, 1.1, 1.9), 300, 5000
        )
        assert apart == pytest.approx(BALANCE, abs=1.5)


def test_a_deep_bass_does_not_make_the_voice_louder() -> None:
    stem, band = produce(make_voice()), make_band()
    time = np.arange(len(band)) / SAMPLE_RATE
    deep = band + 0.5 * np.sin(2 * np.pi * 50 * time)[:, None].astype(np.float32)
    assert find_balance(deep, stem) == pytest.approx(find_balance(band, stem), rel=0.1)


def test_a_band_gives_way_where_a_voice_is_heard_and_only_while_it_sings() -> None:
    stem, band = produce(make_voice()), make_band()
    ducked = duck(band, stem)
    lost = [
        measure_band_db(cut(band, 1.2, 1.8), *octaves)
        - measure_band_db(cut(ducked, 1.2, 1.8), *octaves)
        for octaves in ((300, 700), (1500, 3000), (20, 100), (6000, 20_000))
    ]
    assert lost[0] == pytest.approx(8, abs=0.7)
    assert lost[1] == pytest.approx(8, abs=0.7)
    assert lost[2] == pytest.approx(0, abs=0.2)
    assert lost[3] == pytest.approx(0, abs=0.2)
    assert np.abs(cut(ducked - band, 0, 0.7)).max() < 1e-6


def test_ducked_stems_are_the_ducked_mix() -> None:
    stem = produce(make_voice())
    drums, bass = make_band(seed=1), make_band(seed=2)
    together = duck(drums + bass, stem)
    assert np.abs(duck(drums, stem) + duck(bass, stem) - together).max() < 1e-5


def test_same_voice_same_bytes() -> None:
    assert produce(make_voice()).tobytes() == produce(make_voice()).tobytes()
