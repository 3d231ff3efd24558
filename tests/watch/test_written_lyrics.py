"""Lyrics of a message, a panel or an option are read as those of a watched sheet."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.watch.written_lyrics import MOST_TOLD, read_written_lyrics
from pipeline.request import OutOfRange
from tests.support.examples import scale_examples

PASTED = "Title: Low Tide\nbpm: 92\nKey: Em\n\nVerse 1\nAm G\nBlue jar\nChorus x2\nhey"
PLAIN = (
    "Blue jar on the sill",
    "hey, hey",
    "I can't let go",
    "夜の川を渡る",
    "она идёт домой",
    "  la la",
    "",
    "[verse]",
    "[Verse 2]",
    "[chorus]",
    "[Bridge - softly]",
    "[instrumental]",
)
WRITTEN = (
    *PLAIN,
    *("Verse 1", "Chorus x2", "Am G F", "Do Sol Lam", "[Am]over the [G]hill", "hey (x2)"),
    *("bpm: 92", "Key: Em", "© 2012 Nobody", "| 1 | 4 | 5 |", "1. one", "2. two", "{t:Low}"),
    *("Anna: I walked", "---", "#", "[", "]", "(x2)", "|: la :|", "N.C.", "RIT.", "", ""),
)


def test_headings_chords_and_repeats_are_read() -> None:
    read = read_written_lyrics(PASTED)
    assert read.lyrics == "[Verse 1]\nBlue jar\n[Chorus]\nhey\n[Chorus]\nhey"
    assert read.values == {"name": "Low Tide", "bpm": 92.0, "key": "E minor"}


def test_each_line_that_was_read_otherwise_is_told() -> None:
    assert read_written_lyrics(PASTED).notes == (
        "the lyrics' line 1 (Title: Low Tide): name = Low Tide",
        "the lyrics' line 2 (bpm: 92): bpm = 92",
        "the lyrics' line 3 (Key: Em): key = E minor",
        "the lyrics' line 5 (Verse 1): begins [Verse 1]",
        "the lyrics' line 6 (Am G): not sung: chords, which guide: Am G would play",
        "the lyrics' line 8 (Chorus x2): begins [Chorus], 2 times",
    )


def test_lines_of_which_the_same_is_said_are_told_together() -> None:
    read = read_written_lyrics("[Verse]\nAm G\nBlue jar\nDm F\non the sill\nAm G\nhey")
    assert read.notes == ("the lyrics' lines 2, 4, 6 (Am G): not sung: chords",)


def test_a_long_sheet_is_told_in_few_sentences() -> None:
    read = read_written_lyrics("".join(f"Verse {n}\nword {n}\n\n" for n in range(1, 40)))
    assert len(read.notes) == MOST_TOLD
    assert read.notes[-1] == "the lyrics: 32 more things were read otherwise than written"


def test_a_number_that_was_not_understood_is_refused_where_it_is_needed() -> None:
    read = read_written_lyrics("bpm: fast\n\nla")
    assert str(read.refused["bpm"]).startswith("the lyrics' line 1 (bpm: fast): bpm must be a")


def test_lyrics_name_no_files() -> None:
    read = read_written_lyrics("source: /etc/passwd\n\nla la")
    assert (read.lyrics, read.values) == ("la la", {})
    assert "source is not read out of lyrics" in read.notes[0]


def test_what_is_sung_too_often_is_refused() -> None:
    with pytest.raises(OutOfRange, match="at most 65536 characters"):
        read_written_lyrics("\n".join(["la " * 1000 + "(x16)"] * 4))


def test_a_first_line_above_a_marker_is_sung() -> None:
    text = "Blue jar on the sill\n\n[Chorus]\nhey\n\n[Chorus]"
    assert read_written_lyrics(text).lyrics == text


@given(st.lists(st.sampled_from(PLAIN), max_size=12))
@settings(max_examples=scale_examples(150))
def test_plain_lines_and_our_markers_stay_as_they_are(lines: list[str]) -> None:
    text = "\n".join(lines)
    read = read_written_lyrics(text)
    assert (read.lyrics, read.values) == (text, {})


@given(st.lists(st.sampled_from(WRITTEN), max_size=16))
@settings(max_examples=scale_examples(300))
def test_what_was_read_is_read_the_same(lines: list[str]) -> None:
    lyrics = read_written_lyrics("\n".join(lines)).lyrics
    again = read_written_lyrics(lyrics)
    assert again.lyrics == lyrics
