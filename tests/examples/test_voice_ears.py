"""What ears hear of sounds whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from examples.voice import ears, metrics
from pipeline.request import SAMPLE_RATE

TIME = np.arange(6 * SAMPLE_RATE) / SAMPLE_RATE


def test_who_misses_ears_is_told_which_and_what_to_do() -> None:
    assert ears.find_missing("numpy", "soxr") == ""
    missing = ears.find_missing("numpy", "no_such_ear")
    assert missing == 'no no_such_ear here: pip install -e ".[ears]"'


@pytest.mark.long
@pytest.mark.parametrize("bpm", [90, 128.0])
def test_the_tempo_of_a_click_track_is_heard(bpm: float) -> None:
    pytest.importorskip("librosa")
    beat = TIME % (60 / bpm)
    clicks = (np.sin(2 * np.pi * 1000 * TIME) * np.exp(-100 * beat)).astype(np.float32)
    assert metrics.is_same_tempo(ears.hear_tempo(clicks), bpm, 0.02)
    assert ears.hear_tempo(np.zeros_like(clicks)) == 0


@pytest.mark.long
def test_the_pitch_of_a_tone_is_heard_where_it_sounds() -> None:
    pytest.importorskip("librosa")
    pitch = 440 * 2 ** ((57 + (TIME > 3) * 4 - 69) / 12)  # A, then C#
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    voice = sum(np.sin(number * phase) / number for number in range(1, 9))
    sound = (0.1 * voice * (TIME < 5)).astype(np.float32)
    heard = ears.hear_pitch(sound)
    notes = [metrics.HeldNote(0.2, 2.8, 220.0), metrics.HeldNote(3.2, 4.8, 277.18)]
    assert metrics.measure_melody(heard, ears.PITCH_RATE, notes) > 0.95
    silent = metrics.HeldNote(5.3, 5.9, 277.18)
    assert metrics.measure_melody(heard, ears.PITCH_RATE, [silent]) < 0.1
