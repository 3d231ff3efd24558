"""Timed words as other programs write them: what is no word is not sung, and that is said."""

from __future__ import annotations

import json

import pytest

from daemon.watch.documents.read import read_document
from daemon.watch.notes import find_problems
from daemon.watch.sheet import read_sheet

ASS = """[Script Info]
Title: Low Tide

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:12.34,0:00:15.00,Default,,0,0,0,,one {\\k50}two\\Nthree
Dialogue: 1,0:00:12.34,0:00:15.00,TL,,0,0,0,,un deux
Dialogue: 0,0:00:18.00,0:00:20.00,Default,,0,0,0,,four five
Dialogue: 1,0:00:18.00,0:00:20.00,TL,,0,0,0,,quatre
"""


def sing(text: str, suffix: str = ".txt") -> list[str]:
    lyrics = str(read_sheet(text, suffix).values.get("lyrics", ""))
    return [line for line in lyrics.split("\n") if line]


def test_a_second_style_at_the_same_times_is_a_translation() -> None:
    assert sing(ASS) == ["one two three", "four five"]
    assert len(find_problems(read_sheet(ASS).notes)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "[123][150]one two|/three\n[180][200]/four five",
        "{1}{1}25.000\n{308}{375}one two|three\n{450}{500}{y:i}four five",
        "{1}{1}23,976\n{308}{375}one two|three\n{450}{500}four five",
    ],
)
def test_subtitles_that_count_frames_or_tenths_are_sung_without_numbers(text: str) -> None:
    assert sing(text) == ["one two three", "four five"]


@pytest.mark.parametrize("text", ["[12][3] men went\nto mow", "[1][2]one\ntwo\nthree\nfour"])
def test_numbers_in_brackets_among_words_are_no_subtitles(text: str) -> None:
    assert read_sheet(text).notes
    assert not any("subtitles" in note.message for note in read_sheet(text).notes)


def test_json_with_written_line_ends_is_refused_by_name() -> None:
    content = json.dumps({"name": "Low Tide", "syncedLyrics": "[00:12.34] one\n[00:15.00] two"})
    with pytest.raises(ValueError, match="it is JSON: copy its words"):
        read_document(content.encode(), ".txt")


def test_written_line_ends_of_a_line_in_brackets_are_line_ends() -> None:
    assert sing("[00:01.00]one\\n[00:02.00]two") == ["one", "two"]


def test_who_made_an_lrc_is_not_sung_without_a_time_either() -> None:
    text = "[00:12.00]one\n[00:15.00]two\nLyrics by Someone\nRentAnAdviser.com"
    assert sing(text, ".lrc") == ["one", "two"]


@pytest.mark.parametrize("end", ["--- fin ---", "*** The End ***"])
def test_the_end_of_a_song_between_rules_is_not_sung(end: str) -> None:
    assert sing(f"[00:12.00]one\n[00:15.00]two\n[00:20.00]{end}", ".lrc") == ["one", "two"]
    assert sing(f"one two\nthree\n\n{end}") == ["one two", "three"]


def test_a_tag_that_says_otherwise_than_the_one_above_is_told_of() -> None:
    read = read_sheet("[la:EN]\n[lang:de]\n[00:12.00]one", ".lrc")
    assert read.values["language"] == "en"
    (note,) = find_problems(read.notes)
    assert str(note) == "not used: language = de; it is en already"


def test_the_second_voice_of_ttml_stands_apart() -> None:
    second = '<span ttm:role="x-bg">(<span>down</span>)</span>'
    text = f'<tt><body><p begin="1">down{second}</p></body></tt>'
    assert sing(text) == ["down (down)"]


def test_of_a_duet_of_ultrastar_it_is_said_that_one_follows_the_other() -> None:
    read = read_sheet("#BPM:300\n: 0 2 10 One\n- 4\nP2\n: 0 2 10 Two\nE")
    assert read.values["lyrics"] == "One\nTwo"
    assert [note.line for note in find_problems(read.notes)] == [4]


def test_who_speaks_in_brackets_and_what_is_heard_is_not_sung() -> None:
    cue = "00:0{}.000 --> 00:0{}.000\n{}\n\n"
    lines = ("[MIA] one two", "[door slams]", "[chorus]", "three four")
    text = "WEBVTT\n\n" + "".join(cue.format(n, n + 1, line) for n, line in enumerate(lines))
    assert sing(text, ".vtt") == ["one two", "[Chorus]", "three four"]
