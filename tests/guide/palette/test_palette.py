"""The sounds of guides and training music: what a mix is to be like, and what notes and moods do
to it.
"""

from __future__ import annotations

from itertools import pairwise
from unittest.mock import Mock

import numpy as np
import pytest

from examples.voice import metrics
from pipeline.guide import palette
from pipeline.guide.bands import BANDS
from pipeline.guide.composer.mood import Mood
from pipeline.guide.composer.styles import STYLES
from pipeline.guide.palette import buses, drums, effects, tones
from pipeline.guide.palette.extents import Extent
from pipeline.guide.palette.mixes import STILL
from pipeline.guide.palette.signals import Audio, Floats, filter_band
from pipeline.guide.production import PRODUCTIONS, Room, Tint, choose_production
from pipeline.guide.score import DRUMS, Note, Score
from pipeline.request import SAMPLE_RATE
from pipeline.steps import complete
from tests.tools.palette_numbers import make_piece

SECOND = SAMPLE_RATE


def play(sound: str, *notes: Note, seconds: float = 1.0) -> Audio:
    """The notes at 60 bpm, in a room."""
    role = notes[0].role
    return palette.render(Score(60, notes), {role: sound}, round(seconds * SECOND), STILL)[role]


def play_note(
    sound: str, pitch: int = 60, velocity: float = 0.8, length: float = 0.5, seconds: float = 1.0
) -> Audio:
    role = palette.INSTRUMENTS[sound].roles[0]
    return play(sound, Note(role, 0.1, length, pitch, velocity), seconds=seconds)


def test_every_style_has_a_band_and_a_production() -> None:
    assert set(BANDS) == set(PRODUCTIONS) == set(STYLES)


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
    assert np.abs(palette.mix(stems)).max() <= buses.CEILING + 1e-5
    assert min(map(metrics.measure_level, stems.values())) > -60


@pytest.mark.parametrize("style", ["pop", "lo-fi", "metal"])
def test_a_mix_is_the_sum_of_its_stems_though_it_takes_less_work(
    style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With tape and without, with a record's crackle, and with several amplifiers."""
    song = make_piece(style, 1)
    stems = palette.render(song.score, song.sounds, 2 * SECOND, song.production)
    transforms = Mock(wraps=effects.invert)
    monkeypatch.setattr(effects, "invert", transforms)
    mixed = palette.render_mix(song.score, song.sounds, 2 * SECOND, song.production)
    np.testing.assert_allclose(mixed, palette.mix(stems), atol=2e-6)
    assert len(stems) == 4
    assert transforms.call_count == (7 if song.production.tape else 2)


def test_a_stem_is_placed_in_blocks_without_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(4).standard_normal((2, 3 * SECOND))
    stem = filter_band(noise, 0, 12_000).astype(np.float32)

    def place() -> Audio:
        extent = Extent(3 * SECOND)
        room, tint = Room(0.5), Tint(bright=-5, high_pass=30, low_pass=11_000)
        blocks = effects.choose_blocks(extent.samples, room)
        placed = np.zeros((extent.samples, 2), np.float32)
        for begin in range(0, extent.samples, blocks.samples):
            dry = effects.Dry(stem[:, begin : begin + blocks.samples], 0.3)
            where = blocks, begin, extent
            complete(effects.place_in_room(placed, [dry], 1.0, (room, tint), where))
        return placed

    whole = place()
    monkeypatch.setattr(effects, "LONGEST_HOP", SECOND // 10)
    joined = place()
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


@pytest.mark.parametrize("sound", ["piano", "supersaw", "saxophone", "808 bass"])
def test_a_tone_that_is_held_goes_on_from_piece_to_piece(sound: str) -> None:
    """Longer than its vibrato takes to set in, and a slide to end."""
    tone = palette.INSTRUMENTS[sound].tone
    slide = tones.Slide(110.0, 0.1) if sound == "808 bass" else None
    pieces = [tones.render_tone(tone, 220.0, number, slide).soft for number in range(4)]
    joined = np.concatenate(pieces, axis=1)
    steps = np.abs(np.diff(joined, axis=1)).max(axis=0)
    seams = [number * tones.PIECE - 1 for number in (1, 2, 3)]
    for seam in seams:
        assert steps[seam] <= 1.2 * steps[seam - 2000 : seam].max()


def test_a_note_is_heard_as_long_as_it_is_held() -> None:
    held = play_note("organ", length=20.0, seconds=22.0)
    assert metrics.measure_level(held[-3 * SECOND : -2 * SECOND]) == pytest.approx(
        metrics.measure_level(held[SECOND : 2 * SECOND]), abs=3
    )
    faded = play_note("nylon guitar", length=20.0, seconds=22.0)
    assert not faded[-2 * SECOND :].any()


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
    gain = effects.make_ducking([10_000], 0, 48_000, 6.0, 0.2)
    assert gain[10_000] == pytest.approx(10 ** (-6 / 20), abs=0.01)
    assert gain[9_000] == 1
    assert gain[-1] == pytest.approx(1)


@pytest.mark.parametrize("glue", [0.0, 0.5])
@pytest.mark.parametrize("is_loop", [False, True])
def test_nothing_is_louder_than_the_limiter_allows(glue: float, is_loop: bool) -> None:
    rng = np.random.default_rng(2)
    loud = rng.standard_normal((20_001, 2)) * np.linspace(0, 2, 20_001)[:, None]
    audio = loud.astype(np.float32)
    complete(buses.squeeze([audio], glue, Extent(20_001, is_loop)))
    assert np.abs(audio).max() <= buses.CEILING + 1e-5


def test_tape_records_no_offset_of_a_waveform_that_is_not_symmetric() -> None:
    cycle = np.sin(2 * np.pi * 45 * np.arange(3 * SECOND) / SECOND)
    lopsided = np.stack([np.exp(cycle) - np.exp(cycle).mean()] * 2, axis=1).astype(np.float32)
    rounded = (np.tanh(1.8 * lopsided) / 1.8)[SECOND:-SECOND]
    complete(buses.saturate(lopsided, 1.8, Extent(3 * SECOND)))
    taped = lopsided[SECOND:-SECOND]
    assert abs(float(rounded.mean())) > 0.05
    assert abs(float(taped.mean())) < 0.001
    assert np.std(taped - rounded) < 0.001


@pytest.mark.parametrize("samples", [16_000, 16_007, 200_063])
def test_what_is_done_to_a_loop_is_done_to_a_circle(samples: int) -> None:
    """Wherever it begins, by whole blocks: tape with wow and without, and the bus."""
    rng = np.random.default_rng(7)
    extent = Extent(samples, is_loop=True)
    time = np.arange(samples) / samples
    loud = 0.5 + 3 * np.exp(-(((time - 0.01) / 0.02) ** 2))  # a climax right behind the seam
    sound = filter_band(rng.standard_normal((2, samples)), 20, 400).T * loud[:, None]

    def treat(audio: Floats) -> Audio:
        treated = audio.astype(np.float32)
        complete(buses.saturate(treated, 1.5, extent))
        complete(buses.squeeze([treated], 0.5, extent))
        return treated

    here, there = treat(sound), treat(np.roll(sound, 100 * buses.BLOCK, axis=0))
    off = np.abs(np.roll(here, 100 * buses.BLOCK, axis=0) - there).max()
    assert off < (1e-5 if samples % buses.BLOCK == 0 else 0.002)
    squeezed = sound.astype(np.float32)
    complete(buses.squeeze([squeezed], 0.5, extent))
    gain = np.linalg.norm(squeezed, axis=1) / np.linalg.norm(sound, axis=1)
    steps = np.abs(np.diff(np.append(gain, gain[0])))
    assert steps[-1] <= 1.1 * steps[:-1].max()
    rates = [extent.fit_rate(rate) * samples / SECOND for rate in (0.6, 4.6, 6.3)]
    assert all(cycles >= 1 for cycles in rates)
    assert rates == pytest.approx([round(cycles) for cycles in rates])


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
            palette.render(song.score, song.sounds, 3 * SECOND, choose_production("pop", mood))
        )
        for mood in (one, other)
    )
    assert metrics.measure_log_mel_distance(first, second) >= 1.5
