"""Notes that have places get pitches: a tune."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from pipeline.guide.composer.arrangement import Arrangement
from pipeline.guide.composer.form import FormLine, LyricSection, SungBars
from pipeline.guide.composer.melody import (
    Phrase,
    Register,
    Spot,
    list_phrases,
    span_of,
    sung_range,
    weigh,
    write_melody,
)
from pipeline.guide.composer.meter import read_meter
from pipeline.guide.composer.mood import Mood
from tests.guide.composer.arrangements import METERS, make_arrangement, make_section

REGISTER = Register(57, 67, 79)


def write_eighths(arrangement: Arrangement, index: int = 0) -> list[tuple[Phrase, tuple[int, ...]]]:
    """A section's phrases full of eighths, but for a rest at the end of each."""
    meter = arrangement.sketch.meter
    section = arrangement.sections[index]
    phrases = [
        phrase._replace(
            spots=tuple(
                Spot(step, 2, weigh(meter, step))
                for step in range(phrase.begin, max(phrase.end - 6, phrase.begin + 1), 2)
            )
        )
        for phrase in list_phrases(meter, section)
    ]
    return list(zip(phrases, write_melody(arrangement, section, phrases, REGISTER)))


def list_pitches(arrangement: Arrangement, index: int = 0) -> list[int]:
    return [pitch for _, row in write_eighths(arrangement, index) for pitch in row]


def test_phrases_have_two_bars_of_four_and_are_about_as_long_in_other_meters() -> None:
    section = make_section(bar=4, bars=8)
    phrases = list_phrases(read_meter(4), section)
    assert [phrase[:2] for phrase in phrases] == [(64, 96), (96, 128), (128, 160), (160, 192)]
    for quarters, signature in METERS:
        meter = read_meter(quarters, signature)
        phrases = list_phrases(meter, make_section(bar=1, bars=32))
        assert phrases[0].begin == meter.steps
        assert phrases[-1].end == 33 * meter.steps
        assert all(one.end == other.begin for one, other in itertools.pairwise(phrases))
        lengths = {(phrase.end - phrase.begin) / meter.steps * quarters for phrase in phrases}
        assert all(4 <= length <= 12 for length in lengths), quarters


def test_the_last_phrase_of_an_odd_section_has_what_is_left() -> None:
    phrases = list_phrases(read_meter(4), make_section(bars=5))
    assert [phrase.end - phrase.begin for phrase in phrases] == [32, 32, 16]


@pytest.mark.parametrize(("quarters", "signature"), METERS)
def test_every_meter_has_tunes(quarters: float, signature: str) -> None:
    arrangement = make_arrangement(quarters=quarters, time_signature=signature)
    for phrase, row in write_eighths(arrangement):
        assert len(row) == len(phrase.spots) > 0
        assert all(REGISTER.low <= pitch <= REGISTER.high for pitch in row)


@pytest.mark.parametrize("seed", range(3))
def test_heavy_notes_are_of_the_chord_and_all_of_the_scale(seed: int) -> None:
    arrangement = make_arrangement(seed=seed)
    for phrase, row in write_eighths(arrangement):
        for spot, pitch in zip(phrase.spots, row):
            span = span_of(arrangement, spot)
            assert pitch % 12 in (span.chord if spot.weight >= 0.8 else span.scale)


def test_most_goes_by_step_and_hardly_anything_further_than_a_fifth() -> None:
    intervals = [
        abs(one - other)
        for seed in range(8)
        for one, other in itertools.pairwise(list_pitches(make_arrangement(seed=seed)))
    ]
    assert sum(interval in (1, 2) for interval in intervals) / len(intervals) > 0.55
    assert sum(interval > 7 for interval in intervals) / len(intervals) < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_a_section_has_one_climax_behind_its_middle(seed: int) -> None:
    arrangement = make_arrangement(seed=seed)
    pitches = list_pitches(arrangement)
    assert pitches.count(max(pitches)) == 1
    assert pitches.index(max(pitches)) >= len(pitches) / 3


@pytest.mark.parametrize("seed", range(3))
def test_a_question_stays_open_and_the_last_answer_closes(seed: int) -> None:
    arrangement = make_arrangement(seed=seed, chords=("Am",))
    ends = [row[-1] % 12 for _, row in write_eighths(arrangement)]
    assert {ends[0], ends[2]} <= {0, 4}
    assert ends[1] in (9, 0)
    assert ends[3] == 9


def test_the_same_material_is_the_same_tune_even_with_more_energy() -> None:
    sections = (
        make_section("chorus", 0, 8, material=1, lift=4),
        make_section("verse", 8, 8),
        make_section("chorus", 16, 8, material=1, lift=6, energy=1.0),
    )
    arrangement = make_arrangement(sections=sections)
    assert list_pitches(arrangement, 0) == list_pitches(arrangement, 2)
    assert list_pitches(arrangement, 0) != list_pitches(arrangement, 1)


def find_mean(**changes: Any) -> float:
    tunes = [list_pitches(make_arrangement(seed=seed, **changes)) for seed in range(4)]
    return sum(map(sum, tunes)) / sum(map(len, tunes))


def test_a_lift_and_a_bright_mood_raise_a_tune() -> None:
    plain = find_mean()
    assert find_mean(section={"lift": 4}) > plain + 2
    assert find_mean(mood=Mood(brightness=1)) > plain + 1.5
    assert find_mean(mood=Mood(brightness=-1)) < plain - 1.5


def test_sad_phrases_fall_and_happy_ones_rise() -> None:
    def find_rise(valence: float) -> int:
        """How much higher the later half of a phrase is than the earlier one, all together."""
        rise = 0
        for seed in range(6):
            for _, row in write_eighths(make_arrangement(seed=seed, mood=Mood(valence=valence))):
                half = len(row) // 2
                rise += sum(row[half : 2 * half]) - sum(row[:half])
        return rise

    assert find_rise(-1) < find_rise(0) < find_rise(1)


def test_words_take_of_their_bars_what_they_need_and_leave_the_rest() -> None:
    lines = (FormLine("no", 1), FormLine("one that needs all it can get of them", 40))
    arrangement = make_arrangement(lyrics=(LyricSection("Verse", "verse", lines),))
    assert sung_range(arrangement, SungBars(0, 0, 0, 4)) == (0, 32)
    assert sung_range(arrangement, SungBars(0, 0, 4, 2)) == (60, 80)
    assert sung_range(arrangement, SungBars(0, 1, 4, 2)) == (60, 96)


def test_a_section_without_notes_has_no_tune() -> None:
    arrangement = make_arrangement()
    section = arrangement.sections[0]
    assert write_melody(arrangement, section, [], REGISTER) == []
    assert write_melody(arrangement, section, [Phrase(0, 32, ())], REGISTER) == [()]
