"""Chords: rhythms of their style, fuller and higher where a section or a mood wants it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from pipeline.guide.composer.chords import play_chords
from pipeline.guide.composer.meter import read_meter
from pipeline.guide.composer.mood import Mood
from pipeline.guide.composer.rhythms import JIGS, RHYTHMS, WALTZES, find_texture, fit_rhythm
from pipeline.guide.composer.styles import STYLES
from pipeline.guide.score import Note

from .arrangements import make_arrangement, make_song


def play(style: str = "pop", **changes: Any) -> list[Note]:
    return list(play_chords(make_arrangement(style, **changes)))


@pytest.mark.parametrize("style", STYLES)
def test_rhythms_are_sixteen_steps_of_known_symbols(style: str) -> None:
    assert len({*RHYTHMS[style]}) == len(RHYTHMS[style]) >= 8
    for rhythm in RHYTHMS[style]:
        assert len(rhythm) == 16
        assert {*rhythm} <= {*"xXo?btdu12345-."}
        assert rhythm[0] != "-"


def test_three_four_and_six_eight_have_rhythms_of_their_own() -> None:
    for table in (WALTZES, JIGS):
        assert all(len(rhythm) == 12 for rhythms in table.values() for rhythm in rhythms)
        assert {*table} >= {find_texture(each) for style in RHYTHMS.values() for each in style}
    for rhythm in itertools.chain.from_iterable(RHYTHMS.values()):
        assert fit_rhythm(rhythm, read_meter(3), 0) in itertools.chain(*WALTZES.values())
        assert fit_rhythm(rhythm, read_meter(3, "6/8"), 0) in itertools.chain(*JIGS.values())
        for quarters in (0.5, 1.1, 3.5, 4, 5, 7.3, 32):
            meter = read_meter(quarters)
            assert len(fit_rhythm(rhythm, meter, 1)) == meter.steps
        assert fit_rhythm(rhythm, read_meter(4), 5) == rhythm


@pytest.mark.parametrize("quarters", [0.5, 1.1, 3, 3.5, 4, 5, 7.3, 32])
def test_chords_are_of_their_span_and_within_the_piece(quarters: float) -> None:
    for style in ("rock", "lo-fi", "country"):
        arrangement = make_arrangement(style, quarters=quarters, bars=6)
        notes = list(play_chords(arrangement))
        assert notes
        heard = {pitch for span in arrangement.spans for pitch in span.chord}
        low, high = STYLES[style].chords
        for note in notes:
            assert 0 <= note.start < note.start + note.length <= 6 * quarters + 1e-6
            assert note.pitch % 12 in heard
            assert low <= note.pitch <= high


@pytest.mark.parametrize("style", STYLES)
def test_the_two_lowest_notes_that_sound_together_are_no_second(style: str) -> None:
    begun: dict[float, set[int]] = {}
    for note in play_chords(make_arrangement(style, bars=16, seed=3)):
        begun.setdefault(round(note.start, 2), set()).add(note.pitch)
    for pitches in begun.values():
        lowest = sorted(pitches)[:2]
        if len(pitches) > 2:  # a plucked note and its neighbour are a tune
            assert lowest[1] - lowest[0] > 2


@pytest.mark.parametrize("style", STYLES)
def test_chords_that_play_alone_leave_no_silence(style: str) -> None:
    """Under drums a stroke a bar may be enough, or short ones; a breakdown of those is silent."""
    for energy in (0.1, 0.32, 0.6):
        notes = play(style, section={"parts": ("chords", "lead"), "energy": energy})
        gaps = [
            after.start
            - max(note.start + note.length for note in notes if note.start < after.start)
            for after in notes
            if after.start > notes[0].start + 0.1
        ]
        assert max(gaps) < 1.3
        assert notes[-1].start + notes[-1].length > 8 * 4 - 0.5


def count(style: str = "pop", seeds: int = 4, **changes: Any) -> float:
    return sum(len(play(style, seed=seed, **changes)) for seed in range(seeds)) / seeds


def test_energy_decides_how_busy_they_are() -> None:
    for style in ("house", "rock", "ambient"):
        calm, plain, lively = (count(style, section={"energy": e}) for e in (0.1, 0.5, 0.95))
        assert calm < plain <= lively


def test_moods_turn_rhythm_and_register() -> None:
    assert count(mood=Mood(density=-0.8)) < count() < count(mood=Mood(density=0.8))

    def mean_pitch(brightness: float) -> float:
        mood = Mood(brightness=brightness)
        pitches = [note.pitch for seed in range(4) for note in play(seed=seed, mood=mood)]
        return sum(pitches) / len(pitches)

    assert mean_pitch(-0.8) < mean_pitch(0) - 1
    assert mean_pitch(0.8) > mean_pitch(0) + 2
    for seed in range(6):
        lengths = [note.length for note in play("house", seed=seed, mood=Mood(dream=0.8))]
        assert max(lengths) >= 1.5


def test_a_section_without_chords_has_none_and_an_ending_holds_one() -> None:
    assert not play(section={"parts": ("drums",)})
    notes = play("funk", bars=8, section={"ending": True})
    assert {round(note.start) for note in notes if note.start > 27.5} == {28}
    assert 1.8 < max(note.length for note in notes if note.start > 27.5) <= 2  # and rings on


def test_strings_of_a_guitar_are_struck_one_after_the_other() -> None:
    strums = 0
    for seed in range(8):
        notes = play("country", seed=seed)
        starts = sorted(note.start for note in notes)
        strums += any(0.01 < b - a < 0.06 for a, b in itertools.pairwise(starts))
    assert strums >= 1


def test_phrases_vary() -> None:
    for style in ("house", "funk", "metal"):
        bars: dict[int, set[tuple[int, int]]] = {}
        for note in play_chords(make_song(style)):
            bar, step = divmod(round(note.start * 4), 16)
            bars.setdefault(bar, set()).add((step, note.pitch))
        assert len({frozenset(bar) for bar in bars.values()}) >= 8
