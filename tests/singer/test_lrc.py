"""Times of words as LRC."""

from __future__ import annotations

import re

from pipeline.singer.lines import LineTime, WordTime
from pipeline.singer.lrc import format_lrc
from pipeline.singer.vocals import write_vocals
from tests.singer.songs import make_words


def make_line(start: float, *words: str, number: int = 0) -> LineTime:
    """Words of half a second each."""
    times = tuple(
        WordTime(word, start + index / 2, start + index / 2 + 0.4)
        for index, word in enumerate(words)
    )
    return LineTime(" ".join(words), start, times[-1].end, "Verse", 1, 2, number, times)


def test_a_line_has_its_time_and_that_of_every_word() -> None:
    text = format_lrc([make_line(61.2, "We", "are", "here")])
    assert (
        text == "[01:01.20] <01:01.20> We <01:01.70> are <01:02.20> here <01:02.60>\n[01:02.60]\n"
    )


def test_title_and_length_are_tags() -> None:
    text = format_lrc([make_line(0, "oh")], title="My [best]\nsong", seconds=125.4)
    assert text.split("\n")[:3] == [
        "[ti:My (best) song]",
        "[length:02:05]",
        "[00:00.00] <00:00.00> oh <00:00.40>",
    ]


def test_lines_are_in_order_of_time_and_a_long_pause_takes_words_away() -> None:
    lines = [make_line(0, "one"), make_line(20, "three"), make_line(2, "two")]
    assert re.findall(r"\w+(?= <)|^\[[0-9:.]*\]$", format_lrc(lines), re.MULTILINE) == [
        "one",
        "two",
        "[00:02.40]",
        "three",
        "[00:20.40]",
    ]


def test_what_is_not_sung_is_not_in_it() -> None:
    left_out = LineTime("gone", 0, 0, "Verse", 0, 0, 3, (), "left out")
    assert "gone" not in format_lrc([make_line(1, "here"), left_out])
    assert format_lrc([left_out]) == ""
    assert format_lrc([]) == ""


def test_hundredths_are_rounded_over_the_minute() -> None:
    assert format_lrc([make_line(59.996, "oh")]).startswith("[01:00.00] <01:00.00> oh")


def test_a_song_can_be_read_back() -> None:
    part = write_vocals(*make_words())
    assert part
    rows = format_lrc(part.lines).split("\n")
    words = [re.findall(r"<(\d+):([\d.]+)> ([^<]+?) (?=<)", row) for row in rows]
    read = [(float(m) * 60 + float(s), text) for row in words for m, s, text in row]
    sung = [word for line in part.lines for word in line.words]
    assert [text for _, text in read] == [word.text for word in sung]
    assert all(abs(time - word.start) <= 0.0051 for (time, _), word in zip(read, sung))
