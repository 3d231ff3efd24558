"""The guide's sound: exact onsets, true pitches, silence elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.guide.guide import resolve_guide
from pipeline.guide.score import DRUMS, ROLES, Note, Score
from pipeline.guide.styles import STYLES
from pipeline.guide.synth import render
from pipeline.request import SAMPLE_RATE, Request

TONAL = ("bass", "chords", "lead")


def one_note(
    role: str, start: float = 0.0, length: float = 1.0, pitch: int = 60, bpm: float = 120.0
) -> Score:
    return Score(bpm, (Note(role, start, length, pitch, 0.8),))


def compose_guide(prompt: str = "pop", seed: int = 1) -> Score:
    request = Request(
        prompt, guide="auto", bpm=120.0, key="A minor", beats_per_bar=4, seconds=8.0, seed=seed
    )
    _, score = resolve_guide(request.resolved())
    assert score
    return score


@pytest.mark.parametrize("role", TONAL)
@pytest.mark.parametrize("start", [0.0, 1.0, 1 / 3, 2.15])
def test_a_tone_begins_on_its_sample(role: str, start: float) -> None:
    wave = render(one_note(role, start, bpm=97.0), 4 * SAMPLE_RATE)
    begin = round(start * 60 / 97 * SAMPLE_RATE)
    assert not wave[: begin + 1].any()  # a sine of phase 0 is silent at its first sample
    assert wave[begin + 1].all()


@pytest.mark.parametrize("drum", DRUMS)
def test_a_drum_begins_on_its_sample(drum: int) -> None:
    wave = render(one_note("drums", 0.7, 0.25, drum), SAMPLE_RATE)
    begin = round(0.35 * SAMPLE_RATE)
    assert not wave[: begin + 1].any()
    assert wave[begin + 1].all()
    assert np.abs(wave).max() > 0.05
    assert not wave[begin + round(0.13 * SAMPLE_RATE) :].any()


@pytest.mark.parametrize("role", TONAL)
@pytest.mark.parametrize("pitch", [28, 45, 60, 69, 81, 100])
def test_a_tone_has_its_pitch(role: str, pitch: int) -> None:
    wave = render(one_note(role, pitch=pitch, length=2), SAMPLE_RATE)[:, 0]
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    assert np.argmax(spectrum) == pytest.approx(440 * 2 ** ((pitch - 69) / 12), abs=1.0)


def test_a_tone_is_released_within_20_ms() -> None:
    wave = render(one_note("lead", 0.5, 1.0), 2 * SAMPLE_RATE)
    end = round(0.75 * SAMPLE_RATE)
    assert np.abs(wave[end - 200 : end]).max() > 0.02
    assert not wave[end + round(0.020 * SAMPLE_RATE) :].any()


def test_silence_is_silent() -> None:
    assert not render(Score(120, ()), 1000).any()
    assert not render(one_note("lead", 10), SAMPLE_RATE).any()


def test_a_tone_has_no_clicks() -> None:
    for role in TONAL:
        wave = render(one_note(role, 0.5, pitch=48), SAMPLE_RATE)
        assert np.abs(np.diff(wave, axis=0)).max() < 0.02


def test_shape_kind_and_level_of_full_guides() -> None:
    for style in STYLES:
        for seed in range(2):
            score = compose_guide(style, seed)
            wave = render(score, 8 * SAMPLE_RATE + 17)
            assert wave.shape == (8 * SAMPLE_RATE + 17, 2)
            assert wave.dtype == np.float32
            assert 0.1 < np.abs(wave).max() < 0.9


def test_even_a_wall_of_notes_stays_below_the_ceiling() -> None:
    notes = tuple(Note(role, 0, 4, pitch, 1.0) for role in TONAL for pitch in range(128))
    drums = tuple(Note("drums", beat, 1, drum, 1.0) for drum in DRUMS for beat in (0, 1, 2))
    assert np.abs(render(Score(120, notes + drums), SAMPLE_RATE)).max() < 0.9


def test_same_score_same_bytes_whatever_was_rendered_before() -> None:
    scores = [compose_guide(seed=seed) for seed in range(3)]
    first = [render(score, 100_000).tobytes() for score in scores]
    second = [render(score, 100_000).tobytes() for score in reversed(scores)]
    assert first == second[::-1]


def test_a_shorter_guide_is_the_beginning_of_a_longer_one() -> None:
    score = compose_guide()
    assert np.array_equal(render(score, 50_001), render(score, 200_000)[:50_001])


def test_roles_sit_where_they_are_told_apart() -> None:
    def balance(role: str) -> float:
        left, right = np.square(render(one_note(role, pitch=45), SAMPLE_RATE)).sum(axis=0)
        return float(left / (left + right))

    assert balance("bass") == balance("drums") == pytest.approx(0.5)
    assert balance("chords") == pytest.approx(0.63, abs=0.05)
    assert balance("lead") == pytest.approx(0.37, abs=0.05)


def test_long_tones_fade_but_do_not_break() -> None:
    wave = render(one_note("chords", 0, 100), 12 * SAMPLE_RATE)
    assert np.abs(wave[:SAMPLE_RATE]).max() > 100 * np.abs(wave[7 * SAMPLE_RATE :]).max()


def test_every_role_has_a_sound() -> None:
    assert all(render(one_note(role, pitch=42), 9600).any() for role in ROLES)
