"""The lead: a tune that breathes, comes back, and makes room for words."""

from __future__ import annotations

import itertools
import statistics
from collections import defaultdict
from typing import Any

import pytest

from pipeline.guide.composer.arrangement import Arrangement
from pipeline.guide.composer.form import FormLine, LyricSection, SungBars
from pipeline.guide.composer.lead import play_lead
from pipeline.guide.composer.melody import Phrase, Register, Spot, write_melody
from pipeline.guide.composer.mood import Mood
from pipeline.guide.composer.styles import STYLES
from pipeline.guide.score import Note
from tests.guide.composer.arrangements import METERS, make_arrangement, make_section, make_song


def play(arrangement: Arrangement) -> list[Note]:
    return list(play_lead(arrangement))


def list_bars(arrangement: Arrangement) -> list[frozenset[tuple[int, int]]]:
    """What is played in every bar: 16ths and pitches, whoever pushes or lays back."""
    steps = arrangement.sketch.meter.steps
    bars = defaultdict(set)
    for note in play(arrangement):
        bar, step = divmod(round(note.start * 4), steps)
        bars[bar].add((step, note.pitch))
    return [frozenset(bars[bar]) for bar in range(arrangement.sketch.bars)]


def find_longest_breath(notes: list[Note]) -> float:
    """The most beats without a rest of half a beat."""
    longest = 0.0
    begin = notes[0].start
    for note, after in itertools.pairwise([*notes, None]):
        assert note
        longest = max(longest, note.start + note.length - begin)
        if after and after.start - note.start - note.length >= 0.5:
            begin = after.start
    return longest


@pytest.mark.parametrize("style", ["pop", "techno", "lo-fi", "ambient", "jazz", "metal"])
def test_a_lead_breathes_steps_and_varies_in_styles_of_all_kinds(style: str) -> None:
    song = make_song(style)
    notes = play(song)
    assert find_longest_breath(notes) <= 16
    intervals = [abs(one.pitch - other.pitch) for one, other in itertools.pairwise(notes)]
    assert sum(interval in (1, 2) for interval in intervals) / len(intervals) >= 0.45
    assert sum(interval > 7 for interval in intervals) / len(intervals) <= 0.03
    low, high = STYLES[style].tune
    assert all(low <= note.pitch <= high for note in notes)
    assert all(note.length > 0 and note.start >= 0 for note in notes)
    assert notes[-1].start + notes[-1].length <= 64 * 4
    for one, other in itertools.pairwise(notes):
        assert one.start + one.length <= other.start + 0.1
    assert len(set(list_bars(song))) >= 24


def test_a_chorus_comes_back_with_small_variations() -> None:
    same = 0
    for seed in range(3):
        song = make_song(seed=seed)
        first, second = [section for section in song.sections if section.kind == "chorus"][:2]
        bars = list_bars(song)
        pairs = list(zip(bars[first.bar : first.end], bars[second.bar : second.end]))
        same += sum(one == other for one, other in pairs)
    assert 12 <= same < 24


def test_the_same_arrangement_is_played_the_same_and_seeds_and_styles_differ() -> None:
    assert play(make_song()) == play(make_song())
    assert len({tuple(play(make_arrangement(seed=seed))) for seed in range(4)}) == 4
    tunes = {tuple(note.pitch for note in play(make_arrangement(style))) for style in STYLES}
    assert len(tunes) == len(STYLES)


@pytest.mark.parametrize(("quarters", "signature"), METERS)
def test_every_meter_has_a_lead_within_its_piece(quarters: float, signature: str) -> None:
    arrangement = make_arrangement(quarters=quarters, time_signature=signature, bars=16)
    notes = play(arrangement)
    assert notes
    assert all(0 <= note.start < note.start + note.length <= 16 * quarters + 1e-6 for note in notes)


def play_all(**changes: Any) -> list[Note]:
    """Eight bars with each of four seeds."""
    return [note for seed in range(4) for note in play(make_arrangement(seed=seed, **changes))]


def test_moods_are_heard() -> None:
    plain = len(play_all())
    assert len(play_all(mood=Mood(density=1))) > 1.15 * plain
    assert len(play_all(mood=Mood(density=-1))) < 0.85 * plain
    assert len(play_all(mood=Mood(energy=1))) > plain > len(play_all(mood=Mood(dream=1)))
    bright, dark = (
        statistics.mean(note.pitch for note in play_all(mood=Mood(brightness=brightness)))
        for brightness in (1, -1)
    )
    assert bright > dark + 4


def test_a_solo_has_more_to_say_than_a_verse() -> None:
    solos = play_all(style="rock", section={"kind": "solo"})
    assert len(solos) > 1.2 * len(play_all(style="rock", section={"kind": "verse"}))


def test_a_section_without_a_lead_has_none_of_it_and_no_pick_up_into_the_next() -> None:
    sections = (
        make_section("intro", 0, 4, parts=("drums",)),
        make_section("verse", 4, 8),
    )
    for seed in range(4):
        assert (
            min(note.start for note in play(make_arrangement(sections=sections, seed=seed))) > 15.9
        )


def make_sung(bars_of_line: int, syllables: int, seed: int = 1) -> Arrangement:
    """Four lines of so many bars each, from bar 2 on."""
    lines = tuple(FormLine("la", syllables) for _ in range(4))
    sung = tuple(SungBars(0, index, 2 + index * bars_of_line, bars_of_line) for index in range(4))
    section = make_section(bars=2 + 4 * bars_of_line, lines=sung)
    lyrics = (LyricSection("Verse", "verse", lines),)
    return make_arrangement(sections=(section,), lyrics=lyrics, seed=seed)


@pytest.mark.parametrize("seed", range(2))
def test_a_lead_rests_where_words_are_sung_and_answers_behind_them(seed: int) -> None:
    arrangement = make_sung(bars_of_line=4, syllables=8, seed=seed)
    notes = play(arrangement)
    for note in notes:
        inside = (note.start - 8) % 16
        end = inside + note.length
        assert note.start < 8 or (inside > 8 and end < 15.1), note
    assert len([note for note in notes if note.start > 8]) >= 8


def test_a_lead_is_silent_where_words_fill_their_bars() -> None:
    notes = play(make_sung(bars_of_line=2, syllables=24))
    assert notes
    assert all(note.start + note.length < 7.1 for note in notes)


def test_the_last_note_of_a_piece_is_held_from_its_last_bar_on() -> None:
    for seed in range(2):
        song = make_song(seed=seed)
        last = play(song)[-1]
        assert abs(last.start - 63 * 4) < 0.2
        assert 63 * 4 + 1.5 < last.start + last.length <= 63 * 4 + 2.1  # and rings on
        assert last.pitch % 12 in song.spans[-1].chord


def test_no_note_is_struck_over_and_over() -> None:
    """These stood still for eight to ten notes."""
    for style, seed in (("reggae", 3), ("trap", 2), ("jazz", 3), ("house", 4)):
        pitches = [note.pitch for note in play_lead(make_song(style, seed=seed))]
        assert max(len([*same]) for _, same in itertools.groupby(pitches)) <= 5


def test_a_tune_comes_back_at_the_end_and_only_its_last_bar_goes_home() -> None:
    tonic = make_section("chorus", 12, 4, material=1, energy=0.85, ending=True)
    sections = (
        make_section("chorus", 0, 4, material=1, energy=0.85),
        make_section("verse", 4, 8),
        tonic,
    )
    for seed in range(6):
        arrangement = make_arrangement("pop", sections=sections, seed=seed)
        phrases = [
            Phrase(0, 32, tuple(Spot(step, 3, 0.6) for step in range(0, 28, 4))),
            Phrase(32, 64, tuple(Spot(step, 3, 0.6) for step in range(32, 60, 4))),
        ]
        later = [
            Phrase(
                each.begin + 192,
                each.end + 192,
                tuple(spot._replace(begin=spot.begin + 192) for spot in each.spots),
            )
            for each in phrases
        ]
        register = Register(60, 69, 79)
        first = [*itertools.chain(*write_melody(arrangement, sections[0], phrases, register))]
        last = [*itertools.chain(*write_melody(arrangement, tonic, later, register))]
        assert first[:11] == last[:11]  # of 14, three are in the last bar
        assert last[-1] % 12 == arrangement.span_at(15, 8).chord[0]
