"""Lyrics on the notes of a MIDI file's vocals."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest

from pipeline.guide.score import Note, Score
from pipeline.singer.fitting import fit_vocals
from pipeline.singer.lyrics import parse_lyrics
from pipeline.singer.vocal_part import CUT, MELISMA, NO_TIME, VocalPart
from tests.support.growth import assert_linear

LYRICS = parse_lyrics("We will never be alone\nRunning through the city", "en")  # 7 and 6 syllables
BEAT = 0.6  # seconds, at 100 bpm


def make_notes(phrases: Iterable[int], pitch: int = 60, length: float = 0.5) -> list[Note]:
    """Phrases of so many eighths, each from a bar line on."""
    notes = []
    start = 0.0
    for count in phrases:
        for index in range(count):
            notes.append(Note("lead", start, length, pitch + index % 3, 0.8, sung=True))
            start += 0.5
        start = 4 * (start // 4 + 1)
    return notes


def fit(*phrases: int, **changes: int) -> VocalPart:
    part = fit_vocals(make_notes(phrases, **changes), 100, 4.0, LYRICS)
    assert part
    return part


def list_words(part: VocalPart) -> list[list[str]]:
    return [[word.text for word in line.words] for line in part.lines]


def test_a_syllable_is_on_each_note() -> None:
    part = fit(7, 6)
    assert [len(each.notes) for each in part.syllables] == [1] * 13
    assert [each.start for each in part.syllables[:3]] == pytest.approx([0, 0.3, 0.6])
    assert [(line.bar, line.bars) for line in part.lines] == [(1, 1), (2, 1)]
    assert list_words(part)[1] == ["Running", "through", "the", "city"]
    assert part.notes == ("sung in bars 1 to 2: lines 1 to 2",)


def test_of_one_bar_it_is_not_said_that_there_are_several() -> None:
    part = fit_vocals(make_notes((4,)), 100, 4.0, parse_lyrics("Never ever", "en"))
    assert part is not None
    assert part.notes[0] == "sung in bar 1: line 1"


def test_notes_that_are_over_are_the_last_syllables() -> None:
    part = fit(8, 6)
    assert [len(each.notes) for each in part.syllables] == [1] * 6 + [2] + [1] * 6
    assert [line.note for line in part.lines] == [MELISMA, ""]


def test_syllables_that_are_over_share_a_phrases_last_note() -> None:
    part = fit(6, 6)
    assert len(part.syllables) == 13
    assert [each.end - each.start for each in part.syllables[4:8]] == pytest.approx(
        [0.3, 0.15, 0.15, 0.3]
    )
    assert part.syllables[7].start == pytest.approx(4 * BEAT)


def test_a_long_row_of_notes_is_shared_out_line_by_line() -> None:
    part = fit(13)
    assert part.syllables[7].start == pytest.approx(3.5 * BEAT)
    assert part.syllables[7].syllable.onset == ("R",)


def test_lines_are_sung_again_as_long_as_there_are_notes_for_a_whole_one() -> None:
    part = fit(7, 6, 7, 6, 3)
    assert [line.line for line in part.lines] == [0, 1, 0, 1]
    assert "the last 3 of the vocals' notes have no words" in part.notes


def test_lines_without_notes_are_left_out_and_one_with_too_few_is_cut_short() -> None:
    part = fit(2)
    assert part.lines[0].note == CUT
    assert part.lines[1].note == NO_TIME
    assert len(part.lines[0].words) < 5


@pytest.mark.parametrize(
    ("pitch", "singer"), [(36, "man"), (47, "man"), (59, "woman"), (96, "woman")]
)
def test_notes_are_moved_by_octaves_to_who_sings_them_best(pitch: int, singer: str) -> None:
    part = fit(7, 6, pitch=pitch)
    pitches = [note.pitch for each in part.syllables for note in each.notes]
    assert part.singer == singer
    assert 44 <= min(pitches) <= max(pitches) <= 64
    assert {sung % 12 for sung in pitches} == {(pitch + index) % 12 for index in range(3)}
    assert any("semitones" in note for note in part.notes) == (min(pitches) != pitch)


def test_who_is_named_sings() -> None:
    for singer in ("man", "woman"):
        part = fit_vocals(make_notes([7, 6], pitch=72), 100, 4.0, LYRICS, singer)
        assert part
        assert part.singer == singer


def test_of_several_notes_at_a_time_the_highest_is_sung() -> None:
    notes = [*make_notes([7, 6], pitch=55), *make_notes([7, 6], pitch=50, length=1.0)]
    part = fit_vocals(notes, 100, 4.0, LYRICS, "man")
    assert part
    assert {note.pitch for each in part.syllables for note in each.notes} == {55, 56, 57}
    for one, other in itertools.pairwise(part.syllables):
        assert one.end <= other.start + 1e-6


def test_nothing_is_sung_behind_the_clips_end() -> None:
    part = fit_vocals(make_notes([7, 6]), 100, 4.0, LYRICS, seconds=2.0)
    assert part
    assert part.syllables[-1].start < 2.0
    assert part.lines[1].note == NO_TIME


def test_without_notes_or_words_there_are_no_vocals() -> None:
    assert fit_vocals([], 100, 4.0, LYRICS) is None
    assert fit_vocals(make_notes([7]), 100, 4.0, parse_lyrics("😀")) is None


def test_a_score_keeps_its_vocals_when_it_is_repeated_and_cut() -> None:
    band = (Note("bass", 0, 4, 40, 0.8),)
    score = Score(100, (*band, *make_notes([7]))).repeat(4, 6)
    assert len(score.vocals) == 7 + 4
    assert all(note.role == "lead" for note in score.vocals)


@pytest.mark.parametrize("count", [1, 100])
def test_fitting_takes_linear_time(count: int) -> None:
    """Phrases of that many notes."""
    assert_linear(
        lambda notes: fit_vocals(notes, 100, 4.0, LYRICS),
        lambda size: make_notes([count] * (size // count)),
        size=200,
        factor=8,
    )
