from __future__ import annotations

import numpy as np
import pytest

from pipeline import audio, peaks
from pipeline.peaks import BLOCK, EDGE, LazyAudio
from pipeline.request import SAMPLE_RATE
from pipeline.steps import complete
from tests.support.signals import SIGNALS, every_signal, stereo

LONG = 40_000
RANDOM = np.random.default_rng(1)


def oversample(blocks: np.ndarray) -> np.ndarray:
    """(blocks,) the highest level of each, sixteen times oversampled in float64."""
    spectra = np.fft.rfft(blocks.astype(np.float64))
    spectra[:, -1] /= 2
    highest: np.ndarray = np.abs(np.fft.irfft(spectra, 16 * BLOCK) * 16).max(axis=1)
    return highest


def peak_of_every_block(clip: np.ndarray) -> float:
    """The plain operation: every block is oversampled."""
    step = BLOCK - 2 * EDGE
    length = -(-(clip.shape[1] + 2 * EDGE) // step) * step
    padded = np.pad(clip, ((0, 0), (2 * EDGE, length - clip.shape[1])))
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(EDGE) + 0.5) / EDGE)
    window = np.concatenate([ramp, np.ones(step), ramp[::-1]])
    starts = range(0, length, step)
    found = [oversample(padded[:, start : start + BLOCK] * window).max() for start in starts]
    return float(max(np.abs(clip).max(), *found))


def make_signal(slope: float, cutoff: float, tone: float) -> np.ndarray:
    """Noise whose spectrum falls with the frequency to the power of `slope` and ends at a part of
    the highest one, and a tone somewhere.
    """
    spectrum = np.fft.rfft(RANDOM.standard_normal(BLOCK))
    frequency = np.arange(len(spectrum)) / (len(spectrum) - 1)
    spectrum *= np.maximum(frequency, 1e-3) ** slope * (frequency <= cutoff)
    noise = np.fft.irfft(spectrum)
    signal: np.ndarray = noise / np.abs(noise).max() + np.sin(np.pi * tone * np.arange(BLOCK))
    return signal


KINDS = [
    make_signal(slope, cutoff, tone)
    for slope in (0.0, -0.5, -1.0, -2.0)
    for cutoff in (0.1, 0.4, 0.7, 0.95, 1.0)
    for tone in (0.01, 0.5, 0.9, 0.999)
]


@every_signal
def test_the_peak_is_that_of_oversampling_every_block(name: str) -> None:
    clip = stereo(name).astype(np.float64)
    assert audio.true_peak(clip) == pytest.approx(peak_of_every_block(clip), rel=1e-12)


@pytest.mark.parametrize("times", [1, 2, 4, 8])
def test_no_block_is_higher_than_its_bound(times: int) -> None:
    own = [np.resize(signal, BLOCK) for signal in SIGNALS.values()]
    blocks = np.array([*own, *KINDS], np.float32)
    above = peaks._sum_amplitudes(np.fft.rfft(blocks, norm="ortho"))
    spectra = np.fft.rfft(blocks.astype(np.float64))
    spectra[:, -1] /= 2
    points = np.abs(np.fft.irfft(spectra, times * BLOCK) * times).max(axis=1)
    assert (peaks._bound(points, above, times) >= oversample(blocks)).all()


def test_a_bound_comes_near_where_little_is_above_some_frequency() -> None:
    """Of music most blocks need no more than their samples."""
    blocks = np.array([make_signal(-1.5, 0.6, 0.01) for _ in range(8)], np.float32)
    above = peaks._sum_amplitudes(np.fft.rfft(blocks, norm="ortho"))
    bounds = peaks._bound(np.abs(blocks).max(axis=1), above, 1)
    assert (bounds < 1.4 * oversample(blocks)).all()


def test_few_blocks_of_a_long_clip_are_oversampled(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = []
    measure = peaks._measure

    def count(part: LazyAudio, start: int, channel: int) -> float:
        measured.append(start)
        return measure(part, start, channel)

    monkeypatch.setattr(peaks, "_measure", count)
    clip = RANDOM.standard_normal((2, 20 * SAMPLE_RATE))
    assert audio.true_peak(clip) == pytest.approx(peak_of_every_block(clip), rel=1e-12)
    blocks = clip.shape[1] / (BLOCK - 2 * EDGE)
    assert 1 <= len(measured) <= 0.1 * blocks


@pytest.mark.parametrize("samples", [0, 1, 2047, 2048, 2049, LONG])
def test_a_survey_has_the_highest_sample_of_every_segment(samples: int) -> None:
    clip = RANDOM.standard_normal((2, samples))
    segments = [clip[:, at : at + peaks.SEGMENT] for at in range(0, samples, peaks.SEGMENT)]
    found = complete(peaks.survey(LazyAudio.of(clip)))
    assert found.tolist() == [np.abs(segment).max() for segment in segments]


@pytest.mark.parametrize("start", [-3000, -10, 0, 10, LONG - 5, LONG + 5])
def test_around_a_part_there_is_silence(start: int) -> None:
    clip = RANDOM.standard_normal((2, LONG))
    padded = np.pad(clip, ((0, 0), (4000, 4000)))
    expected = padded[:, start + 4000 : start + 4000 + 1000]
    assert np.array_equal(LazyAudio.of(clip).read_around(start, start + 1000), expected)
