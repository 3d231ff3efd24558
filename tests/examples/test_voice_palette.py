"""The sounds of the training music: what a mix is to be like, and what notes and moods do to it."""

from __future__ import annotations

from itertools import pairwise
from unittest.mock import Mock

import numpy as np
import pytest
from scipy import fft

from examples.voice import metrics, palette
from examples.voice.bands import BANDS
from examples.voice.palette import drums, effects, players
from examples.voice.palette.players import STILL, Audio
from examples.voice.palette.signals import filter_band
from pipeline.guide.composer.mood import Mood
from pipeline.guide.composer.styles import STYLES
from pipeline.guide.score import DRUMS, Note, Score
from pipeline.request import SAMPLE_RATE
from tests.tools.palette_numbers import make_piece

SECOND = SAMPLE_RATE


def play(sound: str, *notes: Note, seconds: float = 1.0) -> Audio:
    """The notes at 60 bpm, in a room."""
    role = notes[0].role
    return palette.render(Score(60, notes), {role: sound}, round(seconds * SECOND), STILL)[role]


def play_note(sound: str, pitch: int = 60, velocity: float = 0.8, length: float = 0.5) -> Audio:
    role = palette.INSTRUMENTS[sound].roles[0]
    return play(sound, Note(role, 0.1, length, pitch, velocity))


def test_every_style_has_a_band_and_a_production() -> None:
    assert set(BANDS) == set(palette.PRODUCTIONS) == set(STYLES)


@pytest.mark.parametrize("style", STYLES)
def test_instruments_reach_what_they_are_to_play(style: str) -> None:
    """What is moved by an octave is another tune, and of chords some notes are one."""
    notes = [note for seed in (1, 2) for note in make_piece(style, seed).score.notes]
    for role in ("bass", "chords", "lead"):
        for sound in getattr(BANDS[style], role):
            instrument = palette.INSTRUMENTS[sound]
            pitches = [note.pitch for note in notes if note.role == role]
            moved = [pitch for pitch in pitches if instrument.fold(pitch) != pitch]
            assert len(moved) <= 0.02 * len(pitches), (sound, min(moved), max(moved))


@pytest.mark.parametrize("style", ["house", "jazz", "trap"])
def test_a_mix_is_as_wide_as_bright_and_as_loud_as_records_are(style: str) -> None:
    song = make_piece(style, 1)
    mix = palette.mix(palette.render(song.score, song.sounds, 4 * SECOND, song.production))
    assert -17 < metrics.measure_width(mix) < -7
    assert metrics.measure_width(mix, 20, 100) < -30
    assert -25 < metrics.measure_band(mix, 4000, 8000) < -16
    assert metrics.measure_crest(mix) < 16
    assert -24 < metrics.measure_level(mix) < -9
    assert not mix[0].any()
    assert metrics.measure_true_peak(mix) < -1


def test_a_mix_never_clips_also_with_tape_wow_and_crackle() -> None:
    song = make_piece("lo-fi", 1)
    stems = palette.render(song.score, song.sounds, 2 * SECOND, song.production)
    assert song.production.wow > 0
    assert song.production.crackle > 0
    assert np.abs(palette.mix(stems)).max() <= effects.CEILING + 1e-5
    assert min(map(metrics.measure_level, stems.values())) > -60


@pytest.mark.parametrize("style", ["pop", "lo-fi", "metal"])
def test_a_mix_is_the_sum_of_its_stems_though_it_takes_less_work(
    style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With tape and without, with a record's crackle, and with several amplifiers."""
    song = make_piece(style, 1)
    stems = palette.render(song.score, song.sounds, 2 * SECOND, song.production)
    transforms = Mock(wraps=fft.irfft)
    monkeypatch.setattr(fft, "irfft", transforms)  # what notes need is kept by now
    mixed = palette.render_mix(song.score, song.sounds, 2 * SECOND, song.production)
    np.testing.assert_allclose(mixed, palette.mix(stems), atol=2e-6)
    assert len(stems) == 4
    assert transforms.call_count == (7 if song.production.tape else 2)


def test_a_stem_is_placed_in_blocks_without_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(4).standard_normal((2, 3 * SECOND))
    stem = filter_band(noise, 0, 12_000).astype(np.float32)
    dry = effects.Dry(stem, 0.3)
    room, tint = effects.Room(0.5), effects.Tint(bright=-5, high_pass=30, low_pass=11_000)
    [whole] = effects.place_in_room([[dry]], 1.0, room, tint)
    monkeypatch.setattr(effects, "LONGEST_HOP", SECOND // 10)
    [joined] = effects.place_in_room([[dry]], 1.0, room, tint)
    assert 20 * np.log10(np.abs(joined - whole).max() / np.abs(whole).max()) < -80


@pytest.mark.parametrize("sound", ["piano", "brass", "nylon guitar", "rhodes", "vibraphone"])
def test_a_note_that_is_played_harder_is_brighter(sound: str) -> None:
    soft, hard = (metrics.measure_band(play_note(sound, velocity=v), 2000) for v in (0.3, 1.0))
    assert hard > soft + 1.5


def test_notes_ring_on_as_long_as_their_instrument_does() -> None:
    def measure_tail(sound: str) -> float:
        """In dB, a quarter of a second after the note's end against its last quarter."""
        audio = play_note(sound, length=0.4)
        return metrics.measure_level(audio[36_000:]) - metrics.measure_level(audio[12_000:24_000])

    assert measure_tail("vibraphone") > measure_tail("electric bass") + 12
    assert -60 < measure_tail("piano") < -15  # the room is left


def test_a_tone_is_the_same_whatever_was_kept_of_it_before() -> None:
    """A longer one of the same pitch, which was needed in another piece."""
    players.kept_tones.clear()
    short = play_note("piano", length=0.3)
    play("piano", Note("chords", 0.0, 2.5, 60, 0.8), seconds=3.0)
    assert players.kept_tones["piano", 60].soft.shape[1] > SECOND
    np.testing.assert_allclose(play_note("piano", length=0.3), short, atol=1e-6)


def test_a_part_renders_of_each_pitch_what_its_longest_note_needs() -> None:
    players.kept_tones.clear()
    notes = (
        Note("chords", 0.0, 0.2, 60, 0.8),
        Note("chords", 0.0, 2.2, 67, 0.8),
        Note("chords", 1.0, 0.2, 60, 0.8),
    )
    play("piano", *notes, seconds=3.0)
    lengths = {
        pitch: shot.soft.shape[1] / SECOND for (_, pitch), shot in players.kept_tones.items()
    }
    assert lengths == {60: 0.5, 67: 3.0}


def test_four_hits_of_a_drum_are_four_sounds() -> None:
    hits = [drums.render_drum("acoustic", 38, robin).soft for robin in range(4)]
    assert all(not np.allclose(one, other, atol=0.01) for one, other in pairwise(hits))


@pytest.mark.parametrize("kit", sorted(palette.KITS))
def test_a_kit_has_every_drum(kit: str) -> None:
    for pitch in DRUMS:
        assert drums.find_drum(kit, pitch).gain > 0


def test_a_note_glides_into_its_pitch() -> None:
    slid = play("808 bass", Note("bass", 0.0, 1.0, 36, 1.0, slide_from=48), seconds=1.2)
    early, late = (
        np.count_nonzero(np.diff(np.signbit(metrics.mix_to_mono(part))))
        for part in (slid[:4800], slid[12_000:16_800])
    )
    assert early > 1.2 * late


def test_drive_is_brighter_than_the_clean_guitar() -> None:
    driven, clean = (
        metrics.measure_band(play_note(sound, pitch=52), 2000, 6000)
        for sound in ("distorted guitar", "guitar")
    )
    assert driven > clean + 3


def test_the_kick_ducks_and_lets_go() -> None:
    gain = effects.make_ducking([10_000], 48_000, 6.0, 0.2)
    assert gain[10_000] == pytest.approx(10 ** (-6 / 20), abs=0.01)
    assert gain[9_000] == 1
    assert gain[-1] == pytest.approx(1)


@pytest.mark.parametrize("glue", [0.0, 0.5])
def test_nothing_is_louder_than_the_limiter_allows(glue: float) -> None:
    rng = np.random.default_rng(2)
    loud = (rng.standard_normal((2, 20_001)) * np.linspace(0, 2, 20_001)).astype(np.float32)
    assert np.abs(loud * effects.make_bus_gain(loud, glue)).max() <= effects.CEILING + 1e-5


def test_tape_records_no_offset_of_a_waveform_that_is_not_symmetric() -> None:
    cycle = np.sin(2 * np.pi * 45 * np.arange(3 * SECOND) / SECOND)
    lopsided = np.stack([np.exp(cycle) - np.exp(cycle).mean()] * 2).astype(np.float32)
    rounded = (np.tanh(1.8 * lopsided) / 1.8)[:, SECOND:-SECOND]
    taped = effects.saturate([lopsided], 1.8)[:, SECOND:-SECOND]
    assert abs(float(rounded.mean())) > 0.05
    assert abs(float(taped.mean())) < 0.001
    assert np.std(taped - rounded) < 0.001


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_kick_of_hip_hop_is_as_loud_as_its_bass_below_100_hertz(seed: int) -> None:
    """Boom bap is mixed around the kick."""
    song = make_piece("hip hop", seed)
    stems = palette.render(song.score, song.sounds, 6 * SECOND, song.production)
    kick, bass = (
        metrics.measure_level(stems[role]) + metrics.measure_band(stems[role], 40, 100)
        for role in ("drums", "bass")
    )
    assert kick > bass - 4
    assert metrics.measure_band(palette.mix(stems), 40, 100) > -4.5


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Mood(brightness=0.8), Mood(brightness=-0.8)),
        (Mood(valence=0.8), Mood(valence=-0.8)),
        (Mood(dust=0.8), Mood(dust=-0.8)),
        (Mood(dream=0.8), Mood(dream=-0.8)),
        (Mood(weight=0.8), Mood(weight=-0.8)),
        (Mood(energy=0.8), Mood(energy=-0.8)),
    ],
)
def test_a_mood_is_heard_though_notes_are_the_same(one: Mood, other: Mood) -> None:
    song = make_piece("pop", 1)
    first, second = (
        palette.mix(
            palette.render(
                song.score, song.sounds, 3 * SECOND, palette.choose_production("pop", mood)
            )
        )
        for mood in (one, other)
    )
    assert metrics.measure_log_mel_distance(first, second) >= 1.5
