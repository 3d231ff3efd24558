"""Drums: patterns that vary, sections that tell apart, and what leads from one to the next."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from pipeline.guide.composer.arrangement import Arrangement
from pipeline.guide.composer.drums import PITCH_OF, find_kicks, play_drums, write_bar
from pipeline.guide.composer.mood import Mood
from pipeline.guide.composer.patterns import PATTERNS
from pipeline.guide.composer.styles import STYLES
from pipeline.guide.score import Note
from tests.guide.composer.arrangements import make_arrangement, make_section, make_song

METERS = (4.0, 3.0, 2.0, 6.0, 5.0, 3.5, 0.5, 1.0, 1.1, 7.3, 32.0)
HATS = {PITCH_OF[drum] for drum in ("closed hat", "open hat", "pedal hat")}


def make_styled(style: str, **changes: Any) -> Arrangement:
    """Eight bars of a verse as the style has it."""
    section = {"energy": STYLES[style].energy} | changes.pop("section", {})
    return make_arrangement(style, section=section, **changes)


def make_styled_song(style: str, **changes: Any) -> Arrangement:
    """64 bars with sections whose energies are the style's."""
    song = make_song(style, **changes)
    shift = STYLES[style].energy - 0.5
    sections = tuple(
        dataclasses.replace(section, energy=min(max(section.energy + shift, 0.0), 1.0))
        for section in song.sections
    )
    return dataclasses.replace(song, sections=sections)


def pitches_of(notes: Iterable[Note]) -> set[int]:
    return {note.pitch for note in notes}


def strokes_of(arrangement: Arrangement, bar: int) -> set[tuple[str, int]]:
    return {
        (drum, step)
        for drum, row in write_bar(arrangement, bar).items()
        for step, symbol in enumerate(row)
        if symbol != "."
    }


def count_distinct(arrangement: Arrangement) -> int:
    return len({frozenset(strokes_of(arrangement, bar)) for bar in range(arrangement.sketch.bars)})


def test_the_first_seeds_of_a_style_play_all_its_patterns() -> None:
    for style, patterns in PATTERNS.items():
        count = len(patterns.drums)
        dealt = {make_arrangement(style, seed=seed).hand["drums"] for seed in range(2 * count)}
        assert len(dealt) >= 8, style


def test_64_bars_have_14_different_ones_or_more() -> None:
    for style in PATTERNS:
        assert count_distinct(make_styled_song(style)) >= 14, style


def test_the_same_material_plays_the_same_pattern_and_another_another() -> None:
    song = make_styled_song("rock")
    verse, again, chorus = strokes_of(song, 4), strokes_of(song, 32), strokes_of(song, 25)
    assert verse == again
    assert len(verse & chorus) < 0.75 * len(verse | chorus)


def test_every_second_bar_is_varied_a_little() -> None:
    for style in ("house", "funk", "jazz", "trap"):
        arrangement = make_styled(style, bars=16)
        first, second, third = (strokes_of(arrangement, bar) for bar in (0, 1, 3))
        assert first != second, style
        assert first != third
        assert len(first & second) > 0.5 * len(first | second)


def test_choruses_open_up_and_intros_hold_back() -> None:
    for style, patterns in PATTERNS.items():
        song = make_styled_song(style)
        assert strokes_of(song, 0) <= strokes_of(song, 4), style
        chorus = {*write_bar(song, 26)}
        lifts = [
            {drum for drum, row in pattern.rows.items() if {*row} - {*"._"}}
            for pattern in patterns.lifts
        ]
        assert any(added <= chorus for added in lifts), style
    assert not {"snare", "clap"} & {*write_bar(make_styled_song("pop"), 0)}


def test_breaks_have_few_drums() -> None:
    for style in PATTERNS:
        song = make_styled_song(style)
        assert len(write_bar(song, 49)) <= 3, style


def test_a_fill_takes_the_last_beats_and_leads_into_a_crash() -> None:
    for style, beats in itertools.product(("rock", "house", "jazz", "trap"), (1, 2)):
        sections = (
            make_section(bars=4, fill_beats=beats, energy=STYLES[style].energy),
            make_section("chorus", bar=4, bars=4, crash=True, energy=STYLES[style].energy),
        )
        arrangement = make_arrangement(style, sections=sections)
        plain = make_arrangement(
            style, sections=(dataclasses.replace(sections[0], fill_beats=0), sections[1])
        )
        filled, usual = strokes_of(arrangement, 3), strokes_of(plain, 3)
        first = 16 - 4 * beats
        assert filled != usual
        assert {stroke for stroke in filled ^ usual if stroke[1] < first} == set()
        cymbal = PATTERNS[style].family.crash
        assert {("kick", 0), (cymbal, 0)} <= strokes_of(arrangement, 4)


def test_a_build_rolls_denser_and_the_kick_is_gone_before_the_drop() -> None:
    arrangement = make_styled("house", section={"build": True})
    snares = [
        sum(symbol != "." for symbol in write_bar(arrangement, bar)["snare"]) for bar in range(4, 8)
    ]
    assert snares == sorted(snares)
    assert snares[-1] > snares[0]
    assert max(find_kicks(arrangement, 7)) < 8
    notes = [note for note in play_drums(arrangement) if note.pitch == PITCH_OF["snare"]]
    starts = [note.start for note in notes if note.start > 31]
    assert min(np.diff(starts)) < 0.15  # thirty-seconds


def test_the_piece_ends_with_one_hit_that_rings() -> None:
    song = make_styled_song("rock")
    last = [note for note in play_drums(song) if note.start > 63 * 4 - 0.1]
    assert pitches_of(last) == {PITCH_OF["kick"], PITCH_OF["crash"]}
    assert min(note.length for note in last) > 3


def test_a_section_without_drums_has_none_and_the_kick_is_known_all_the_same() -> None:
    sections = (make_section(bars=4, parts=("bass",)), make_section(bar=4, bars=4))
    arrangement = make_arrangement(sections=sections)
    assert min(note.start for note in play_drums(arrangement)) > 15
    assert find_kicks(arrangement, 0) == find_kicks(arrangement, 4)


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["trap", "house", "jazz"])
def test_no_hats_means_none(style: str) -> None:
    arrangement = make_styled(style, mood=Mood(hats=-1.0))
    assert not pitches_of(play_drums(arrangement)) & HATS


def test_less_hats_are_fewer_and_the_ride_goes_on_without_any() -> None:
    def count(style: str, hats: float, drums: set[int]) -> int:
        played = play_drums(make_styled(style, mood=Mood(hats=hats)))
        return sum(note.pitch in drums for note in played)

    for style in ("house", "trap", "hip hop"):
        assert 0 < count(style, -0.8, HATS) <= 0.75 * count(style, 0.0, HATS)
    ride = {PITCH_OF["ride"]}
    assert count("jazz", -1.0, ride) == count("jazz", 0.0, ride) > 0


def test_rolls_of_hats_are_faster_than_sixteenths() -> None:
    for style in ("hip hop", "trap", "pop"):
        arrangement = make_styled(style, mood=Mood(hats=1.0))
        hats = [note for note in play_drums(arrangement) if note.pitch == PITCH_OF["closed hat"]]
        gaps = np.diff([note.start for note in hats])
        assert np.sum(gaps < 0.2) >= 8, style


def test_half_time_has_its_backbeat_on_three() -> None:
    for style in ("pop", "rock", "drum and bass", "funk"):
        half = make_styled(style, mood=Mood(half_time=True))
        loud = {
            step
            for drum in ("snare", "clap", "rim")
            for step, symbol in enumerate(write_bar(half, 0).get(drum, []))
            if symbol in "Xf"
        }
        assert loud <= {8}, style
        assert len(find_kicks(half, 0)) <= len(find_kicks(make_styled(style), 0))


def test_sparse_and_busy_are_heard() -> None:
    for style in PATTERNS:
        sparse, plain, busy = (
            len(list(play_drums(make_styled(style, bars=4, mood=Mood(density=density)))))
            for density in (-1.0, 0.0, 1.0)
        )
        assert sparse < plain < busy, style
        assert busy > 1.3 * sparse


def test_bright_hats_open_and_dark_ones_close() -> None:
    hat = PITCH_OF["open hat"]
    bright, dark = (
        pitches_of(play_drums(make_styled("hip hop", mood=Mood(brightness=brightness))))
        for brightness in (1.0, -1.0)
    )
    assert hat in bright
    assert hat not in dark


# --- truth to style -------------------------------------------------------------------------------


def find_off_grid(style: str) -> float:
    """The share of hats that are more than a tenth of a sixteenth beside the straight grid."""
    shares = []
    for seed in range(4):
        bpm = sum(STYLES[style].bpm) / 2
        notes = play_drums(make_styled(style, seed=seed, bpm=bpm))
        steps = [note.start * 4 for note in notes if note.pitch in HATS]
        shares += [abs(step - round(step)) > 0.1 for step in steps]
    return float(np.mean(shares))


def test_hats_of_lo_fi_and_hip_hop_are_off_the_straight_grid_and_those_of_techno_on_it() -> None:
    assert find_off_grid("hip hop") >= 0.4
    assert find_off_grid("lo-fi") >= 0.4
    assert find_off_grid("techno") < 0.02


def test_velocities_live() -> None:
    for style in PATTERNS:
        velocities = [note.velocity for note in play_drums(make_styled(style))]
        assert np.std(velocities) > 0.07 * np.mean(velocities), style
        assert len({*velocities}) > 20


def test_funk_has_ghost_notes_on_the_snare() -> None:
    snares = [
        note.velocity
        for seed in range(4)
        for note in play_drums(make_styled("funk", seed=seed))
        if note.pitch == PITCH_OF["snare"]
    ]
    assert np.mean([velocity < 0.45 for velocity in snares]) > 0.25


# --- meters ---------------------------------------------------------------------------------------


def test_every_meter_has_drums_within_the_piece() -> None:
    for style, quarters in zip(itertools.cycle(PATTERNS), METERS * 2):
        section = {"fill_beats": 2, "crash": True, "build": True, "ending": True}
        arrangement = make_styled(style, bars=4, quarters=quarters, section=section)
        notes = list(play_drums(arrangement))
        assert notes, (style, quarters)
        assert min(note.start for note in notes) >= 0
        assert max(note.start + note.length for note in notes) <= 4 * quarters + 1e-5


def test_waltzes_and_sevens_are_not_cut_from_four() -> None:
    waltz = make_styled("rock", quarters=3)
    table = PATTERNS["rock"].family.drums["3/4"]
    pattern = table[waltz.hand["drums"] % len(table)]
    assert {*write_bar(waltz, 0)} == {*pattern.rows}
    six = make_styled("rock", quarters=3, time_signature="6/8")
    backbeats = {step for drum, step in strokes_of(six, 0) if drum == "snare"}
    assert 6 in backbeats


def test_the_same_sketch_gives_the_same_drums() -> None:
    once, again = (list(play_drums(make_styled("trap", seed=7))) for _ in range(2))
    assert once == again
    assert once != list(play_drums(make_styled("trap", seed=8)))
