"""Subtitles as words: SRT, WebVTT, SBV and ASS, whatever their file is called."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.watch.documents.document import Kind
from daemon.watch.documents.read import read_text
from daemon.watch.notes import find_problems
from daemon.watch.sheet import read_sheet
from tests.support.examples import scale_examples
from tests.support.growth import assert_linear

SRT = """1
00:00:12,000 --> 00:00:15,000
the <i>harbour</i> sleeps

2
00:00:15,500 --> 00:00:18,000
{\\an8}♪ nobody wakes ♪

3
00:00:30,000 --> 00:00:33,000
- over &amp; over
"""
VTT = """WEBVTT - made by hand
Kind: captions
Language: en

STYLE
::cue { color: red }

NOTE
nobody sings this

one
00:12.000 --> 00:15.000 align:start position:0%
<v Singer>the harbour sleeps

00:15.500 --> 00:18.000
nobody <c.loud>wakes</c>

00:00:30.000 --> 00:00:33.000
over &amp; over
"""
SBV = """0:00:12.000,0:00:15.000
the harbour sleeps

0:00:15.500,0:00:18.000
>> nobody wakes

0:00:30.000,0:00:33.000
over & over
"""
ASS = """[Script Info]
Title: Low Tide
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,nobody sings this
Dialogue: 0,0:00:15.50,0:00:18.00,Default,,0,0,0,,{\\k20}nobody {\\k30}wakes
Dialogue: 1,0:00:15.50,0:00:18.00,Glow,,0,0,0,,{\\blur3}nobody wakes
Dialogue: 0,0:00:12.00,0:00:15.00,Default,,0,0,0,,the harbour\\Nsleeps
Dialogue: 0,0:00:12.00,0:00:15.00,Default,,0,0,0,,{\\p1}m 0 0 l 10 10{\\p0}
Dialogue: 0,0:00:30.00,0:00:33.00,Default,,0,0,0,,over & over
"""


SUB = """{300}{375}the harbour|sleeps
{388}{450}{y:i}nobody wakes
{750}{825}over & over
"""


def lyrics_of(text: str, suffix: str = ".txt") -> str:
    return str(read_sheet(text, suffix).values.get("lyrics", ""))


@pytest.mark.parametrize("text", [SRT, VTT, SBV, ASS, SUB, SRT.replace("\n", "\r\n")])
@pytest.mark.parametrize("suffix", [".txt", ".srt", ".lrc"])
def test_words_are_sung_and_a_pause_parts_verses(text: str, suffix: str) -> None:
    read = read_sheet(text, suffix)
    assert read_text(text, suffix).kind == Kind.SUBTITLES
    assert read.values["lyrics"] == "the harbour sleeps\nnobody wakes\n\nover & over"
    assert not find_problems(read.notes)


def test_the_title_of_a_script_is_the_name() -> None:
    assert read_sheet(ASS).values["name"] == "Low Tide"


def test_cues_are_sung_in_the_order_of_their_times() -> None:
    first, second, _ = SRT.split("\n\n")
    assert lyrics_of(f"{second}\n\n{first}\n") == "the harbour sleeps\nnobody wakes"


def test_a_cue_on_two_lines_is_two_lines_and_a_second_script_is_a_translation() -> None:
    cue = "1\n00:00:12,000 --> 00:00:15,000\n{}\n{}\n"
    assert lyrics_of(cue.format("the harbour", "sleeps")) == "the harbour\nsleeps"
    bilingual = cue.format("海が眠る", "the sea sleeps")
    assert lyrics_of(bilingual) == "海が眠る"
    assert "translations" in find_problems(read_sheet(bilingual).notes)[0].message


def test_captions_that_roll_are_sung_once_and_a_repeated_line_twice() -> None:
    rolling = (
        "WEBVTT\n\n00:01.000 --> 00:03.000\n \nover<00:01.500><c> the</c><00:02.000><c> water</c>\n"
        "\n00:03.000 --> 00:03.010\nover the water\n \n\n00:03.010 --> 00:05.000\nover the water\n"
        "home<00:04.000><c> again</c>\n"
    )
    assert lyrics_of(rolling) == "over the water\nhome again"
    overlapping = (
        "1\n00:00:01,000 --> 00:00:04,000\nover the water\n\n"
        "2\n00:00:02,000 --> 00:00:06,000\nover the water\nhome again\n\n"
        "3\n00:00:04,000 --> 00:00:08,000\nhome again\nnobody wakes\n"
    )
    assert lyrics_of(overlapping) == "over the water\nhome again\nnobody wakes"
    cue = "{0}\n00:00:0{0},000 --> 00:00:0{0},900\nla la\n\n"
    assert lyrics_of(cue.format(1) + cue.format(2)) == "la la\nla la"


def test_a_sheets_parameters_may_stand_above_the_subtitles() -> None:
    read = read_sheet(f"---\nprompt: slow waltz\n---\n{SRT}")
    assert read.values["prompt"] == "slow waltz"
    assert read.values["lyrics"] == lyrics_of(SRT)


PIECES = st.sampled_from(
    "1|2|00:00:01,000 --> 00:00:02,000|00:03.000 --> 00:04.000|la la||WEBVTT|NOTE x|STYLE|"
    "<i>lo</i>|[Events]|Dialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,la|"
    "Format: Start, Text|bpm: 92|---".split("|")
)


@settings(max_examples=scale_examples(100))
@given(st.lists(PIECES, max_size=20))
def test_of_any_lines_no_time_is_sung_and_each_is_told_of_once(lines: list[str]) -> None:
    text = "\n".join(lines)
    read = read_sheet(text, ".srt")
    assert "-->" not in str(read.values.get("lyrics", ""))
    told = [n for note in read.notes if note.line for n in range(note.line, note.line + note.lines)]
    assert len(told) == len(set(told))
    assert set(told) >= {number for number, line in enumerate(lines, 1) if line.strip()}


@pytest.mark.parametrize(
    "piece", ["00:00:01 --> 00:00:02\n", "1:", "-->", "Dialogue: ,,,,", "<a", "{\\", "1\n"]
)
def test_many_of_anything_take_linear_time(piece: str) -> None:
    assert_linear(lambda text: read_text(text, ".srt"), lambda size: piece * size, 500)
