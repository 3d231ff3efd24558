"""The guide's sound: exact onsets, true pitches, silence elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.guide.composer import styles
from pipeline.guide.composer_1.styles import STYLES
from pipeline.guide.guide import resolve_guide
from pipeline.guide.score import DRUMS, ROLES, Note, Score
from pipeline.guide.synth import DRUM_SOUNDS, PLAIN, RINGING, GuidePalette, render
from pipeline.loops import fold_tail
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
    _, guide = resolve_guide(request.resolved())
    assert guide
    return guide.score


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
    sound = DRUM_SOUNDS[DRUMS[drum]]
    end = begin + round((sound.milliseconds + sound.repeat) / 1000 * SAMPLE_RATE)
    assert not wave[end + 1 :].any()


def test_a_tone_that_slides_comes_from_the_other_pitch_and_ends_on_its_own() -> None:
    note = Note("bass", 0.0, 4.0, 40, 0.8, slide_from=52)
    wave = render(Score(120, (note,)), 2 * SAMPLE_RATE)[:, 0]
    begun = measure_hertz(wave[: round(0.02 * SAMPLE_RATE)])
    arrived = measure_hertz(wave[SAMPLE_RATE // 2 : SAMPLE_RATE])
    assert arrived == pytest.approx(440 * 2 ** ((40 - 69) / 12), rel=0.01)
    assert begun > 1.5 * arrived
    assert np.abs(np.diff(wave)).max() < 0.02, "no click on the way"


def measure_hertz(wave: np.ndarray) -> float:
    """By its zero crossings upward."""
    rising = np.flatnonzero((wave[:-1] <= 0) & (wave[1:] > 0))
    return SAMPLE_RATE * (len(rising) - 1) / float(rising[-1] - rising[0])


@pytest.mark.parametrize("role", TONAL)
def test_a_bright_palette_has_stronger_overtones_and_a_dark_one_weaker(role: str) -> None:
    def share(brightness: float) -> float:
        palette = GuidePalette(brightness=brightness)
        wave = render(one_note(role, pitch=57, length=2), SAMPLE_RATE, palette)[:, 0]
        power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)))) ** 2
        return float(power[330:].sum() / power.sum())  # above the first harmonic, 220 Hz

    assert share(-1) < 0.5 * share(0)
    assert share(1) > 2 * share(0)


def test_drive_is_the_basss_alone_and_softness_rings_on() -> None:
    def with_palette(role: str, palette: GuidePalette) -> np.ndarray:
        return render(one_note(role, pitch=40, length=1), SAMPLE_RATE, palette)

    driven = GuidePalette(drive=1.0)
    np.testing.assert_array_equal(with_palette("lead", driven), with_palette("lead", PLAIN))
    assert np.abs(with_palette("bass", driven) - with_palette("bass", PLAIN)).max() > 0.01
    end = round(0.55 * SAMPLE_RATE)
    assert not with_palette("lead", PLAIN)[end:].any()
    assert with_palette("lead", GuidePalette(softness=1.0))[end:].any()


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


@pytest.mark.long
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


@pytest.mark.parametrize("palette", [PLAIN, GuidePalette(1.0, 1.0, 1.0, 1.0)])
def test_nothing_rings_longer_than_a_loop_waits_for_it(palette: GuidePalette) -> None:
    """A crash near the end of a loop was cut after a quarter of a second."""
    last = [Note("drums", 0.0, 0.25, pitch, 1.0) for pitch in DRUMS]
    last += [Note(role, 0.0, 0.25, 60, 1.0) for role in ROLES[1:]]
    for note in last:
        held = 0 if note.role == "drums" else round(0.25 * SAMPLE_RATE)
        audio = render(Score(60, (note,)), 4 * SAMPLE_RATE, palette)
        assert not audio[held + RINGING :].any(), note


@pytest.mark.parametrize("style", [*styles.STYLES])
def test_a_loop_of_any_style_goes_on_at_its_seam(style: str) -> None:
    for bars in (1, 4):
        request = Request(style, guide="auto", loop=True, bars=bars, seed=bars).resolved()
        request, guide = resolve_guide(request)
        assert guide
        samples = request.samples
        ringing = render(guide.score, samples + RINGING, guide.palette)
        loop = fold_tail(ringing, samples)
        steps = np.abs(np.diff(np.concatenate([loop, loop[:1]]), axis=0)).max(axis=1)
        assert steps[-1] <= np.quantile(steps[:-1], 0.99), bars
        rung = ringing[samples : samples + 480]
        assert np.allclose(loop[:480], ringing[:480] + rung)
