"""What sites for lyrics and karaoke programs write around the words of a song is not sung."""

from __future__ import annotations

import pytest

from daemon.watch.documents.credits import is_last_credit
from daemon.watch.notes import find_problems
from daemon.watch.sheet import read_sheet

SONG = "[Verse]\nthe harbour sleeps\nthe boats are in\n\n[Chorus]\nand nobody is home"
TIMED = "[00:01.00]one\n[00:05.00]two\n[00:09.00]three\n"
TAILS = (
    "Lyrics powered by www.musixmatch.com",
    "Lyrics powered by Musixmatch",
    "Powered by Musixmatch",
    "Writer(s): Jane Doe, John Roe",
    "Writers: Jane Doe",
    "Songwriters: A Doe / B Roe",
    "Written by: Jane Doe",
    "Source: LyricFind",
    "Lyrics Source: Musixmatch",
    "Submitted by anna92",
    "Submitted by: Anna",
    "Lyrics submitted by Anna Doe",
    "Corrected by jim",
    "Lyrics licensed & provided by LyricFind",
    "Lyrics © Nobody Music Publishing LLC",
    "Copyright: Nobody Music",
    "AZLyrics.com",
    "Last update on: January 5, 2021",
    "Thanks to Anna for adding these lyrics.",
    "[Thanks to anna@example.com for lyrics]",
    "(Thanks to Ben, Zoé for correcting these lyrics)",
    "Find more lyrics at www.example.com",
    "More on Genius",
    "歌词来自：网易云音乐",
)
SUNG = (
    "powered by love alone",
    "written by the hand of time",
    "edited by the rain",
    "the source: it never dries",
    "submitted by the shore to all the waves",
    "thanks to you for everything",
    "lyrics from my heart",
)


@pytest.mark.parametrize("tail", TAILS)
def test_what_a_site_writes_below_a_song_is_not_sung(tail: str) -> None:
    read = read_sheet(f"---\nbpm: 90\nsource: a.wav\n---\n{SONG}\n\n{tail}\n")
    assert read.values["lyrics"] == SONG
    assert not find_problems(read.notes)
    assert (read.notes[-1].line, str(read.notes[-1])) == (12, "not sung: who made the song")


@pytest.mark.parametrize("tail", SUNG)
def test_a_last_line_that_only_begins_so_is_sung(tail: str) -> None:
    assert str(read_sheet(f"{SONG}\n{tail}\n").values["lyrics"]).endswith(f"home\n{tail}")


def test_several_of_them_go_and_none_from_between_the_words() -> None:
    read = read_sheet(f"{SONG}\n\n{TAILS[0]}\n\n{TAILS[3]}\n{TAILS[7]}\n\n")
    assert read.values["lyrics"] == SONG
    between = f"Source: my own\n{SONG}"
    assert "and nobody is home" in str(read_sheet(between).values["lyrics"])
    assert is_last_credit(TAILS[7])
    assert read_sheet(f"{SONG}\nSource: x\nand all is well").values["lyrics"] == (
        f"{SONG}\nSource: x\nand all is well"
    )


def test_parameters_are_none() -> None:
    assert read_sheet("prompt: lo-fi\nsource: a.wav\n").values == {
        "prompt": "lo-fi",
        "source": "a.wav",
    }


@pytest.mark.parametrize("tail", TAILS)
def test_a_timed_one_is_not_sung_either(tail: str) -> None:
    assert read_sheet(f"{TIMED}[00:13.00]{tail}\n", ".lrc").values == {"lyrics": "one\ntwo\nthree"}


@pytest.mark.parametrize("dash", ["-", "–", "—"])
@pytest.mark.parametrize("below", ["", "\n", "[ar:The Lamps]\n", "Lyrics by: Nobody\n"])
def test_the_title_above_the_times_is_the_name(dash: str, below: str) -> None:
    read = read_sheet(f"\n“Night Drive” {dash} The Lamps\n{below}{TIMED}", ".lrc")
    assert read.values == {"name": "Night Drive", "lyrics": "one\ntwo\nthree"}
    assert (2, "name = Night Drive") in [(note.line, str(note)) for note in read.notes]


def test_a_title_that_a_tag_has_too_is_not_sung() -> None:
    read = read_sheet(f"[ti:Night Drive]\nNight Drive - The Lamps\n{TIMED}", ".lrc")
    assert read.values == {"name": "Night Drive", "lyrics": "one\ntwo\nthree"}
    assert (2, "not sung: what the song is called") in [
        (note.line, str(note)) for note in read.notes
    ]


@pytest.mark.parametrize("first", ["oh - ", "well-known words", "la la la"])
def test_a_first_line_without_a_time_that_is_no_title_is_sung(first: str) -> None:
    lyrics = str(read_sheet(f"{first}\n{TIMED}", ".lrc").values["lyrics"])
    assert lyrics.startswith(first.strip())
