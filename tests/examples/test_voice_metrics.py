"""What the evaluation's measures say of sounds whose truth is known."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from examples.voice import metrics, songs
from examples.voice.metrics import Floats
from pipeline.request import SAMPLE_RATE

TIME = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
NOISE = np.random.default_rng(1).standard_normal((SAMPLE_RATE, 2)).astype(np.float32)


def tone(*pitches: int) -> Floats:
    """MIDI notes together, as sines."""
    hertz = 440 * 2 ** ((np.array(pitches)[:, None] - 69) / 12)
    sines: Floats = 0.1 * np.sin(2 * np.pi * hertz * TIME).sum(axis=0)
    return sines.astype(np.float32)


def clicks(bpm: float, seconds: float = 8.0, beats: int = 4) -> Floats:
    """A click on every beat, louder on the first of a bar."""
    track = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    burst = np.random.default_rng(0).standard_normal(600) * np.exp(-np.arange(600) / 100)
    for beat in range(int((seconds - 0.1) * bpm / 60)):
        start = round(beat * 60 / bpm * SAMPLE_RATE)
        track[start : start + len(burst)] += (0.1 if beat % beats else 0.2) * burst
    return track


@cache
def renders() -> tuple[list[Floats], list[str]]:
    """Real songs, with drums and without."""
    whole = [songs.make_song(seed, 1.5) for seed in range(40)]
    return [song.render_mix() for song in whole], [
        "drums" if "drums" in song.sketch.parts else "none" for song in whole
    ]


@pytest.mark.parametrize("bpm", [60, 97, 128.5, 174])
def test_the_tempo_of_a_click_track_is_found(bpm: float) -> None:
    measured = metrics.measure_tempo(clicks(bpm))
    assert min(abs(measured / (bpm * octave) - 1) for octave in metrics.OCTAVES) < 0.005
    assert metrics.is_tempo_right(clicks(bpm), bpm)


@pytest.mark.parametrize("wrong", [103, 94, 97 * 1.5, 97 * 4 / 3, 97 * 3])
def test_another_tempo_is_wrong(wrong: float) -> None:
    assert not metrics.is_tempo_right(clicks(97), wrong)


def test_octaves_of_the_tempo_are_right() -> None:
    assert metrics.is_tempo_right(clicks(97), 48.5)
    assert metrics.is_tempo_right(clicks(97), 194)


@pytest.mark.long
def test_the_tempo_of_real_renders_with_drums_is_found() -> None:
    drummed = [
        song
        for song in (songs.make_song(seed, 8.0) for seed in range(7))
        if "drums" in song.sketch.parts
    ]
    assert len(drummed) > 4
    found = [metrics.is_tempo_right(song.render_mix(), song.sketch.bpm) for song in drummed]
    assert found.count(False) <= 1  # reggae leaves out the beats that others stress


def test_a_chord_is_in_its_keys_and_in_no_other() -> None:
    chord = tone(60, 64, 67, 69, 71, 62, 65)  # white keys
    assert metrics.measure_key_share(chord, "C major") > 0.9
    assert metrics.measure_key_share(chord, "A minor") == metrics.measure_key_share(
        chord, "C major"
    )
    assert metrics.measure_key_share(chord, "F# major") < 0.4
    assert metrics.is_best_key(chord, "A minor")
    assert not metrics.is_best_key(chord, "G major")
    assert not metrics.is_best_key(chord, "A major")


def test_noise_is_in_no_key() -> None:
    assert metrics.measure_key_share(NOISE, "E minor") == pytest.approx(7 / 12, abs=0.06)
    assert not metrics.is_best_key(np.zeros((SAMPLE_RATE, 2), np.float32), "E minor")


def test_a_scaled_copy_is_perfect_and_noise_counts_as_it_is() -> None:
    truth = np.stack([tone(60), tone(64)], axis=1)
    assert metrics.measure_si_sdr(0.5 * truth, truth) == math.inf
    assert metrics.measure_si_sdr(0.3 * truth, truth) > 100
    noise = np.random.default_rng(2).standard_normal(truth.shape)
    noise *= 0.1 * np.linalg.norm(truth) / np.linalg.norm(noise)
    assert metrics.measure_si_sdr(truth + noise, truth) == pytest.approx(20, abs=0.1)
    assert metrics.measure_si_sdr(np.zeros_like(truth), truth) == metrics.FLOOR_DB


def test_the_log_mel_distance_of_half_the_level_is_six_decibels() -> None:
    assert metrics.measure_log_mel_distance(NOISE, NOISE) == 0
    assert metrics.measure_log_mel_distance(NOISE, 0.5 * NOISE) == pytest.approx(6.02, abs=0.15)
    assert metrics.measure_log_mel_distance(NOISE, NOISE[::-1]) == metrics.measure_log_mel_distance(
        NOISE[::-1], NOISE
    )


def test_the_mel_bands_of_a_sine_are_its_spectrum() -> None:
    """1 kHz at 0.5: the window's main lobe in its band, weighted by the triangle, plus the floor of
    1e-4.
    """
    sine = (0.5 * np.sin(2 * np.pi * 1000 * TIME)).astype(np.float32)
    frame = metrics.compute_log_mel(sine)[100]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    lobe = (
        np.abs(np.fft.rfft(sine[100 * 512 - 1024 : 100 * 512 + 1024] * window)) / window.sum() * 2
    )
    band = int(np.argmax(frame))
    weights = metrics.make_mel_bank(96, 2048)[band]
    assert weights.sum() == pytest.approx(1, abs=1e-4)
    assert abs(np.average(np.fft.rfftfreq(2048, 1 / SAMPLE_RATE), weights=weights) - 1000) < 30
    assert frame[band] == pytest.approx(20 * math.log10(weights @ lobe + 1e-4), abs=0.01)
    assert frame[90] == pytest.approx(-80, abs=0.5)


def test_levels_are_in_dbfs() -> None:
    sine = 0.5 * np.sin(2 * np.pi * 441 * TIME)
    assert metrics.measure_level(sine) == pytest.approx(-9.03, abs=0.01)
    assert metrics.measure_peak(sine) == pytest.approx(-6.02, abs=0.01)
    assert (
        metrics.measure_level(np.zeros(10))
        == metrics.measure_peak(np.zeros(10))
        == metrics.FLOOR_DB
    )


@pytest.mark.long
def test_drums_are_told_from_none_in_songs_not_seen() -> None:
    clips, truth = renders()
    features = [metrics.compute_drum_features(clip) for clip in clips]
    detector = metrics.fit_classifier(features[:28], truth[:28])
    assert set(truth[28:]) == {"drums", "none"}
    assert detector.measure_accuracy(features[28:], truth[28:]) >= 0.9


@pytest.mark.long
def test_loudness_is_no_feature() -> None:
    clips, _ = renders()
    for features in (
        metrics.compute_drum_features,
        lambda clip: metrics.compute_style_features(clip, 120),
    ):
        assert features(0.5 * clips[0]) == pytest.approx(features(clips[0]), abs=1e-3)


def test_a_classifier_learns_what_is_linear() -> None:
    rng = np.random.default_rng(3)
    points = list(rng.standard_normal((300, 2)))
    truth = [("left", "right")[int(x > y)] for x, y in points]
    learned = metrics.fit_classifier(points[:200], truth[:200])
    assert learned.measure_accuracy(points[200:], truth[200:]) > 0.95
    assert learned(np.array([1.0, -1.0])) == "right"


def test_a_comb_is_told_from_noise_and_from_tones() -> None:
    frame = np.random.default_rng(4).standard_normal(SAMPLE_RATE // 300)
    comb = np.tile(frame, 900).astype(np.float32)
    assert metrics.measure_comb(comb) > 0.8
    assert metrics.measure_comb(comb, 1000.0) < 0.3
    assert abs(metrics.measure_comb(NOISE)) < 0.25
    assert metrics.measure_comb(tone(60, 64, 67)) < 0.3
    assert metrics.measure_comb(np.zeros_like(comb)) == pytest.approx(0, abs=1e-9)  # rounding


@pytest.mark.long
def test_renders_have_no_comb() -> None:
    combs = [metrics.measure_comb(songs.make_song(seed, 3.0).render_mix()) for seed in range(8)]
    assert np.mean(combs) < 0.2


def test_harmonics_are_kept_lost_in_noise_or_too_soft() -> None:
    note = metrics.HeldNote(0.5, 1.5, 220.0)
    numbers = np.arange(1, 40)[:, None]
    sound = (np.sin(2 * np.pi * 220 * numbers * TIME) / numbers).sum(axis=0).astype(np.float32)
    assert metrics.measure_harmonics(sound, sound, [note]) == [True]
    assert metrics.measure_harmonics(0.7 * sound, sound, [note]) == [True]
    assert metrics.measure_harmonics(0.3 * sound, sound, [note]) == [False]
    noise = np.random.default_rng(6).standard_normal(len(sound)).astype(np.float32)
    assert metrics.measure_harmonics(sound + 3 * noise, sound, [note]) == [False]
    # nothing to keep: noise has no harmonics, and a short note is not looked at
    assert metrics.measure_harmonics(sound, noise, [note]) == []
    assert metrics.measure_harmonics(sound, sound, [note._replace(stop=0.6)]) == []


def test_a_songs_held_notes_sound_in_its_render() -> None:
    song = songs.make_song(2, 4.0, parts=("chords",))
    notes = song.list_held_notes()
    mix = song.render_mix()
    assert len(notes) > 3
    for note in notes[:4]:
        if note.stop < 4:
            start, stop = (round(at * SAMPLE_RATE) for at in (note.start, note.stop))
            power = np.abs(np.fft.rfft(mix[start:stop, 0] * np.hanning(stop - start)))
            hertz = np.fft.rfftfreq(stop - start, 1 / SAMPLE_RATE)
            near = np.abs(hertz / note.frequency - 1) < 0.02
            assert power[near].max() > 10 * np.median(power[(hertz > 50) & (hertz < 2000)])


def test_the_slope_of_a_spectrum_is_found() -> None:
    white = np.random.default_rng(7).standard_normal((1 << 17, 2))
    spectrum = np.fft.rfft(white, axis=0)
    pink = spectrum / np.sqrt(np.arange(1, len(spectrum) + 1))[:, None]
    assert metrics.measure_slope(white) == pytest.approx(0, abs=0.2)
    assert metrics.measure_slope(np.fft.irfft(pink, axis=0)) == pytest.approx(-3, abs=0.2)


def test_a_peak_between_two_samples_is_found() -> None:
    swelling = np.hanning(9600)
    tone = np.sin(np.pi / 2 * np.arange(9600) + np.pi / 4) * swelling
    assert metrics.measure_peak(tone) == pytest.approx(-3, abs=0.05)
    assert metrics.measure_true_peak(np.stack([0.5 * tone, tone], axis=1)) == pytest.approx(
        0, abs=0.05
    )


def test_balance_is_of_the_sound_and_not_of_its_level() -> None:
    loud, soft = (metrics.measure_balance(level * NOISE) for level in (1.0, 0.1))
    np.testing.assert_allclose(loud, soft, rtol=1e-4)
    assert loud.presence == pytest.approx(10 * math.log10(3 / 24), abs=0.3)
    assert loud.treble == pytest.approx(10 * math.log10(4 / 24), abs=0.3)
    assert loud.width == pytest.approx(0, abs=0.3)
    assert loud.centroid == pytest.approx(12_000, abs=200)


def test_what_nobody_hears_is_as_faint_as_what_is_not_there() -> None:
    sine = np.repeat(tone(69)[:, None], 2, axis=1)
    hissing = sine + 1e-5 * np.resize(NOISE, sine.shape)
    for audio in (sine, hissing):
        balance = metrics.measure_balance(audio)
        assert (balance.treble, balance.width) == (metrics.FAINT, metrics.FAINT)


def test_the_centroid_of_a_tone_is_its_frequency() -> None:
    assert metrics.measure_centroid(tone(81)[4800:-4800]) == pytest.approx(880, rel=0.05)
    assert metrics.measure_centroid(np.zeros(SAMPLE_RATE)) == 0


def test_hiss_behind_a_bass_does_not_lift_its_centroid() -> None:
    bass = tone(40)
    hissing = bass + 1e-3 * np.resize(NOISE[:, 0], bass.shape)
    assert metrics.measure_centroid(hissing) == pytest.approx(metrics.measure_centroid(bass), 0.01)


def test_a_clip_that_begins_with_a_step_is_found() -> None:
    step = np.array([[0.1, -0.3], [0.0, 0.0]])
    assert metrics.measure_first_sample(step) == pytest.approx(0.3)
    assert metrics.measure_first_sample(step[::-1]) == 0


def test_a_loop_that_is_cut_where_it_does_not_fit_clicks() -> None:
    sine = np.sin(2 * np.pi * 100 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)[:, None]
    assert metrics.measure_seam(sine) <= 1
    assert metrics.measure_seam(0.1 * sine[: -480 // 4]) > 10
    assert metrics.measure_seam(np.zeros((SAMPLE_RATE, 2))) == 0


def test_a_melody_is_in_tune_within_half_a_semitone() -> None:
    notes = [metrics.HeldNote(0.0, 1.0, 220.0), metrics.HeldNote(1.0, 2.0, 330.0)]
    sung = np.repeat([220.0, 330.0], 100)
    assert metrics.measure_melody(sung, 100, notes) == 1
    assert metrics.measure_melody(1.02 * sung, 100, notes) == 1
    assert metrics.measure_melody(1.04 * sung, 100, notes) == 0
    assert metrics.measure_melody(2 * sung, 100, notes) == 0
    assert metrics.measure_melody(np.repeat([220.0, np.nan], 100), 100, notes) == 0.5
    assert math.isnan(metrics.measure_melody(sung, 100, []))


def test_what_is_silent_before_its_note_ends_is_not_in_tune() -> None:
    """Pitches end with the clip."""
    note = metrics.HeldNote(0.0, 2.0, 220.0)
    half = metrics.measure_melody(np.full(100, 220.0), 100, [note])
    assert half == pytest.approx(0.5, abs=0.02)
