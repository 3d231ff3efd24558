"""Stems as parts of their mix."""

from __future__ import annotations

import numpy as np
import pytest

from examples.voice import metrics
from pipeline.audio import Floats
from pipeline.masks import HOP, share_out, take_out
from pipeline.request import SAMPLE_RATE
from pipeline.steps import complete

SAMPLES = SAMPLE_RATE + 1


def play(hertz: float, phase: float = 0.0, samples: int = SAMPLES) -> Floats:
    """Two channels of a tone, each half as loud as the other by turns."""
    seconds = np.arange(samples) / SAMPLE_RATE
    tone = 0.1 * np.sin(2 * np.pi * hertz * seconds + phase)
    return np.stack([tone * (1 + np.sin(8 * seconds)), tone]).astype(np.float32)


def split(mix: Floats, is_loop: bool = False, **stems: Floats) -> dict[str, Floats]:
    return complete(take_out(mix, stems, is_loop))


def test_a_stem_has_the_phases_of_the_mix_and_is_as_loud_as_it_was_made() -> None:
    low, high = play(200), play(3000)
    made = {"bass": 0.5 * play(200, phase=1.0), "lead": play(3000, phase=2.0)}
    taken = split(low + high, False, **made)
    assert metrics.measure_si_sdr(made["bass"].T, low.T) < 0
    assert metrics.measure_si_sdr(taken["bass"].T, low.T) > 30
    assert metrics.measure_si_sdr(taken["lead"].T, high.T) > 30
    assert np.std(taken["bass"]) == pytest.approx(0.5 * np.std(low), rel=0.02)
    assert np.std(taken["lead"]) == pytest.approx(np.std(high), rel=0.02)


@pytest.mark.parametrize("samples", [1, HOP - 1, HOP, 3 * HOP + 5, 70 * HOP])
@pytest.mark.parametrize("is_loop", [False, True])
def test_what_is_all_of_the_mix_is_the_mix_and_silence_is_silent(
    samples: int, is_loop: bool
) -> None:
    mix = play(440, samples=samples)
    taken = split(mix, is_loop, all=mix, louder=np.zeros_like(mix))
    assert taken["all"].shape == mix.shape
    assert taken["all"].dtype == np.float32
    np.testing.assert_allclose(taken["all"], mix, atol=1e-4)
    assert not taken["louder"].any()


def test_stems_are_together_no_louder_than_the_mix() -> None:
    mix = play(440)
    taken = split(mix, one=3 * mix, other=mix)
    np.testing.assert_allclose(taken["one"] + taken["other"], mix, atol=1e-4)
    np.testing.assert_allclose(taken["one"], 0.75 * mix, atol=1e-4)


def test_a_loop_is_a_circle() -> None:
    samples = 8 * HOP
    mix, stem = play(440, samples=samples) + play(900, samples=samples), play(440, 1.0, samples)
    turned = [np.roll(sound, 3 * HOP, axis=1) for sound in (mix, stem)]
    taken = split(mix, is_loop=True, stem=stem)["stem"]
    again = split(turned[0], is_loop=True, stem=turned[1])["stem"]
    np.testing.assert_allclose(np.roll(taken, 3 * HOP, axis=1), again, atol=1e-6)


def test_work_pauses_for_each_stem() -> None:
    mix = play(440, samples=10 * SAMPLE_RATE)
    assert sum(1 for _ in take_out(mix, {"a": mix, "b": mix})) > 50


# --- where a guide tells them ---------------------------------------------------------------------


def share(mix: Floats, is_loop: bool = False, /, **guide: Floats) -> dict[str, Floats]:
    return complete(share_out(mix, guide, [*guide], is_loop))


def make_noise(seed: int, level: float = 0.1, samples: int = SAMPLES) -> Floats:
    noise = np.random.default_rng(seed).standard_normal((2, samples))
    return (level * noise).astype(np.float32)


def test_a_mix_that_is_its_guide_is_divided_exactly_also_where_all_play_the_same_tones() -> None:
    one, other = make_noise(1), make_noise(2, 0.03)
    taken = share(one + other, one=one, other=other)
    assert metrics.measure_si_sdr(taken["one"].T, one.T) > 60
    assert metrics.measure_si_sdr(taken["other"].T, other.T) > 60
    by_loudness = split(one + other, one=one, other=other)
    assert metrics.measure_si_sdr(by_loudness["other"].T, other.T) < 5


def test_what_a_take_has_otherwise_goes_to_whom_the_guide_has_there() -> None:
    low, high = play(200), play(3000)
    guide = {"bass": play(200, phase=np.pi / 2), "lead": play(3000, phase=np.pi)}
    taken = share(low + high, **guide)
    assert metrics.measure_si_sdr(taken["bass"].T, low.T) > 30
    assert metrics.measure_si_sdr(taken["lead"].T, high.T) > 30


def test_what_nobody_plays_in_the_guide_is_in_no_stem() -> None:
    low, high = play(200), play(3000)
    taken = share(low + high, bass=low)["bass"]
    assert metrics.measure_si_sdr(taken.T, low.T) > 30
    assert np.std(taken - low) < 0.01 * np.std(high)


def test_a_stem_that_is_not_in_the_guide_is_silent() -> None:
    mix = play(440)
    taken = complete(share_out(mix, {"bass": mix}, ["bass", "drums"]))
    np.testing.assert_allclose(taken["bass"], mix, atol=1e-4)
    assert not taken["drums"].any()
    assert not complete(share_out(mix, {}, ["drums"]))["drums"].any()
    assert [*complete(share_out(mix, {"bass": mix, "drums": mix}, ["drums"]))] == ["drums"]


@pytest.mark.parametrize("samples", [1, HOP - 1, 3 * HOP + 5, 70 * HOP])
@pytest.mark.parametrize("is_loop", [False, True])
def test_all_stems_of_a_guide_are_together_the_take(samples: int, is_loop: bool) -> None:
    mix = make_noise(1, samples=samples)
    guide = {"one": make_noise(2, samples=samples), "other": mix + make_noise(3, samples=samples)}
    taken = share(mix, is_loop, **guide)
    np.testing.assert_allclose(taken["one"] + taken["other"], mix, atol=1e-4)


@pytest.mark.parametrize("by_guide", [False, True])
def test_a_loop_of_any_length_has_stems_without_a_click_at_their_seam(by_guide: bool) -> None:
    samples = 20 * HOP + HOP // 2  # its end lies within a window
    cycles = np.sin(2 * np.pi * 20 * np.arange(samples) / samples)
    bass = np.tile(0.3 * cycles, (2, 1)).astype(np.float32)
    dying = np.exp(-np.arange(samples) / 500).astype(np.float32)
    drums = make_noise(1, samples=samples) * dying
    made = {"bass": bass, "drums": make_noise(2, samples=samples) * dying}
    take = share(bass + drums, True, **made) if by_guide else split(bass + drums, True, **made)
    bends = np.abs(np.diff(np.pad(take["bass"], ((0, 0), (2, 2)), "wrap"), 2)).max(axis=0)
    seam = [*bends[:2], *bends[-2:]]
    assert max(seam) < np.max(bends[2:-2])


def test_a_take_of_a_loop_is_divided_as_a_circle() -> None:
    samples = 8 * HOP
    sounds = [make_noise(seed, samples=samples) for seed in range(3)]
    turned = [np.roll(sound, 3 * HOP, axis=1) for sound in sounds]
    taken = share(sounds[0], True, one=sounds[1], other=sounds[2])["one"]
    again = share(turned[0], True, one=turned[1], other=turned[2])["one"]
    np.testing.assert_allclose(np.roll(taken, 3 * HOP, axis=1), again, atol=1e-6)
