"""A score is repeated by whole bars, or cut."""

from __future__ import annotations

import pytest

from pipeline.guide.score import Note, Score, TooManyNotes


def tune(*starts: float, length: float = 1.0) -> Score:
    return Score(120, tuple(Note("lead", start, length, 70, 0.5) for start in starts))


def starts(score: Score) -> list[float]:
    return [note.start for note in score.notes]


def test_a_short_score_repeats_by_whole_bars() -> None:
    assert starts(tune(0, 1).repeat(4, 12)) == [0, 1, 4, 5, 8, 9]
    assert starts(tune(0, 4).repeat(3, 12)) == [0, 4, 6, 10]
    # a tail is no bar of its own
    assert starts(tune(0, 3, length=1.05).repeat(4, 8)) == [0, 3, 4, 7]
    assert starts(tune(0, 4, length=0.1).repeat(4, 16)) == [0, 4, 8, 12]  # but an onset is


def test_a_long_score_is_cut_where_the_clip_ends() -> None:
    score = tune(0, 2, 4, length=3).repeat(4, 4)
    assert [(note.start, note.length) for note in score.notes] == [(0, 3), (2, 2)]


def test_too_many_repeated_notes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.guide.score.MAX_NOTES", 3)
    with pytest.raises(TooManyNotes, match="more than 3"):
        tune(0, 1, 2).repeat(4, 16)
