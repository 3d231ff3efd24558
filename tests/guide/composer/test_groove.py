"""Groove: swing, who lays back, and hands that are no machines."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from examples.voice import metrics
from pipeline.guide.composer.groove import FEELS, find_beat, place, read_level
from pipeline.guide.composer.mood import Mood
from pipeline.guide.composer.styles import STYLES
from pipeline.guide.score import ROLES, Note
from tests.guide.composer.arrangements import make_arrangement, make_section

METERS = (4.0, 3.0, 2.0, 6.0, 5.0, 3.5, 0.5, 1.0, 1.1, 7.3, 32.0)


def place_sixteenths(
    style: str, role: str = "drums", pitch: int = 36, **changes: Any
) -> list[Note]:
    arrangement = make_arrangement(style, **changes)
    steps = itertools.product(range(arrangement.sketch.bars), range(arrangement.sketch.meter.steps))
    return [
        note for bar, step in steps for note in place(arrangement, role, bar, step, 1, pitch, 0.7)
    ]


def find_lateness(style: str, role: str, pitch: int, **changes: Any) -> float:
    """The mean distance of beats behind their place, in milliseconds at 120 bpm."""
    notes = place_sixteenths(style, role, pitch, bars=32, **changes)[::4]
    return float(np.mean([(note.start - round(note.start)) * 500 for note in notes[1:]]))


def test_swung_eighths_lead_to_triplets() -> None:
    jazz = make_arrangement("jazz", mood=Mood(swing=1.0))
    assert [find_beat(jazz, 0, step) for step in (0, 2, 4)] == pytest.approx([0, 2 / 3, 1])
    straight = make_arrangement("jazz", mood=Mood(swing=0.0))
    assert [find_beat(straight, 1, step) for step in (0, 2, 4)] == [4, 4.5, 5]


def test_swung_sixteenths_leave_the_eighths() -> None:
    garage = make_arrangement("uk garage", mood=Mood(swing=1.0))
    beats = [find_beat(garage, 0, step) for step in (0, 1, 2, 3, 4)]
    assert beats == pytest.approx([0, 1 / 3, 0.5, 5 / 6, 1])


def test_swing_keeps_triplets_and_the_order_of_everything_else() -> None:
    jazz = make_arrangement("jazz")
    assert find_beat(jazz, 0, 4 / 3) == pytest.approx(1 / 3)
    for style in FEELS:
        arrangement = make_arrangement(style)
        beats = [find_beat(arrangement, 0, step / 2) for step in range(33)]
        assert beats == sorted(beats)
        assert beats[-1] == 4


def test_eighths_are_more_even_when_they_are_fast() -> None:
    slow, fast = (make_arrangement("jazz", bpm=bpm) for bpm in (120, 280))
    assert find_beat(fast, 0, 2) < find_beat(slow, 0, 2) - 0.03


def test_the_last_of_three_eighths_has_no_partner_and_compound_beats_are_triplets_already() -> None:
    seven = make_arrangement("jazz", quarters=3.5)
    assert find_beat(seven, 0, 10) > 2.6
    assert find_beat(seven, 0, 12) == 3
    six = make_arrangement("jazz", quarters=3, time_signature="6/8")
    assert find_beat(six, 0, 2) == 0.5


def test_boom_bap_and_lo_fi_swing_the_eighths() -> None:
    for style in ("hip hop", "lo-fi"):
        assert find_beat(make_arrangement(style), 0, 2) > 0.55, style


def test_who_lays_back_and_who_pushes_is_5_to_15_milliseconds_from_the_kick() -> None:
    assert 5 < find_lateness("hip hop", "drums", 38) < 15
    assert 5 < find_lateness("hip hop", "bass", 40) < 15
    assert abs(find_lateness("hip hop", "drums", 36)) < 2
    assert -15 < find_lateness("reggae", "chords", 60) < -3
    for style, feel in FEELS.items():
        assert all(3 <= abs(late) <= 15 for late in feel.late.values()), style


def test_hands_are_not_machines_but_those_of_techno_nearly_are() -> None:
    deviations = {
        style: float(np.std([(note.start + 0.5) % 1 for note in place_sixteenths(style)[4::4]]))
        for style in ("techno", "lo-fi")
    }
    assert deviations["techno"] < 0.003 < 0.008 < deviations["lo-fi"]


def test_dust_is_late_and_soft() -> None:
    dusty = Mood(dust=1.0)
    late = find_lateness("pop", "drums", 38, mood=dusty)
    assert late > find_lateness("pop", "drums", 38) + 2
    clean = place_sixteenths("pop")
    loudness = [note.velocity for note in place_sixteenths("pop", mood=dusty)]
    assert np.mean(loudness) < np.mean([note.velocity for note in clean]) - 0.03


def test_clean_is_exact_and_hard() -> None:
    clean = Mood(dust=-0.8)
    for style in ("pop", "lo-fi"):
        usual = place_sixteenths(style, pitch=38)
        exact = place_sixteenths(style, pitch=38, mood=clean)
        scatter, less = (
            np.std([(note.start + 0.5) % 1 for note in notes[4::4]]) for notes in (usual, exact)
        )
        assert less < scatter / 2, style
        assert find_lateness(style, "drums", 38, mood=clean) < find_lateness(style, "drums", 38) / 2
        assert np.mean([note.velocity for note in exact]) > np.mean(
            [note.velocity for note in usual]
        )


def test_dry_tones_are_short_and_drums_ring() -> None:
    dry = Mood(dream=-0.8)
    for role, shorter in (("bass", True), ("chords", True), ("lead", True), ("drums", False)):
        pitch = 38 if role == "drums" else 60
        usual, short = (
            np.mean([note.length for note in place_sixteenths("pop", role, pitch, mood=mood)])
            for mood in (Mood(), dry)
        )
        assert (short < 0.7 * usual) == shorter, role


def test_velocities_live() -> None:
    players = itertools.cycle((("drums", 42), ("bass", 40), ("chords", 60), ("lead", 72)))
    for style, (role, pitch) in zip(FEELS, players):
        notes = place_sixteenths(style, role, pitch)
        assert len({note.velocity for note in notes}) > 20, style
        beats, eighths, sixteenths = (
            np.mean([note.velocity for note in notes[first::pair]])
            for first, pair in ((0, 4), (2, 4), (1, 2))
        )
        assert beats > eighths > sixteenths, style


def test_loud_sections_are_loud_and_builds_grow() -> None:
    quiet, loud = (
        np.mean([note.velocity for note in place_sixteenths("rock", section={"energy": energy})])
        for energy in (0.2, 0.9)
    )
    assert loud > quiet * 1.15
    build = make_arrangement(section={"build": True})
    levels = [read_level(build, bar) for bar in range(8)]
    assert levels == sorted(levels)
    assert levels[-1] > levels[0] + 0.2
    assert read_level(make_arrangement(mood=Mood(energy=1.0)), 0) > read_level(build, 0)


def place_at(style: str, energy: float, mood: Mood) -> list[Note]:
    return place_sixteenths(style, section={"energy": energy}, mood=mood)


@pytest.mark.parametrize("style", STYLES)
def test_a_chorus_is_played_harder_than_a_verse_in_every_style_and_mood(style: str) -> None:
    verse = STYLES[style].energy
    for mood in (Mood(), Mood(energy=0.9), Mood(energy=-0.9), Mood(dust=0.8)):
        soft, hard = (
            metrics.to_decibels(
                float(
                    np.sqrt(np.mean([note.velocity**2 for note in place_at(style, energy, mood)]))
                )
            )
            for energy in (verse, min(verse + 0.27, 1.0))
        )
        assert hard > soft + 2


def test_nothing_is_outside_the_piece_in_any_meter() -> None:
    players = zip(itertools.cycle(FEELS), itertools.cycle(ROLES), METERS * 4)
    for style, role, quarters in players:
        arrangement = make_arrangement(style, bars=3, quarters=quarters, bpm=300)
        meter = arrangement.sketch.meter
        written = 0
        for bar, step in itertools.product(range(3), range(-1, meter.steps + 1)):
            for note in place(arrangement, role, bar, step, 9, 36, 0.7):
                written += 1
                assert note.start >= 0
                assert note.length > 0
                assert note.start + note.length <= 3 * quarters + 1e-5
        assert written == 3 * (meter.steps + 1)


def test_the_same_sketch_is_played_the_same_and_another_seed_otherwise() -> None:
    assert place_sixteenths("funk") == place_sixteenths("funk")
    assert place_sixteenths("funk") != place_sixteenths("funk", seed=2)


def test_sections_have_their_own_levels() -> None:
    sections = (make_section(bars=4, energy=0.2), make_section(bar=4, bars=4, energy=0.9))
    arrangement = make_arrangement(sections=sections)
    assert read_level(arrangement, 3) == pytest.approx(0.2)
    assert read_level(arrangement, 4) == pytest.approx(0.9)
