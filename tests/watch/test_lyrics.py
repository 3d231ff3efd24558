"""What is sung of a lyric sheet, and the markers between."""

from __future__ import annotations

import pytest

from daemon.watch.notes import find_problems
from daemon.watch.sheet import read_sheet


def lyrics_of(text: str, suffix: str = ".txt") -> str:
    return str(read_sheet(text, suffix).values.get("lyrics", ""))


def notes_of(text: str, suffix: str = ".txt") -> list[tuple[int, int, str]]:
    return [(note.line, note.code, str(note)) for note in read_sheet(text, suffix).notes]


@pytest.mark.parametrize(
    ("line", "marker"),
    [
        ("[verse]", "[Verse]"),
        ("[VERSE 2]", "[Verse 2]"),
        ("[chorus 2]", "[Chorus 2]"),
        ("[ pre chorus ]", "[Pre-Chorus]"),
        ("[Chorus - anthemic]", "[Chorus - anthemic]"),
        ("[verse: soft]", "[Verse: soft]"),
        ("[サビ]", "[サビ]"),
        ("副歌 2:", "[副歌 2]"),
        ("ПРИПЕВ:", "[Припев]"),
        ("[후렴]", "[후렴]"),
        ("Estribillo:", "[Estribillo]"),
        ("[raspy vocal]", "[raspy vocal]"),
        ("[Guitar Solo]", "[Guitar Solo]"),
        ("[verse 1][soft]", "[Verse 1][soft]"),
        ("[inst]", "[Inst]"),
        ("(bridge)", "[Bridge]"),
        ("Verse 1:", "[Verse 1]"),
        ("bridge:", "[Bridge]"),
        ("CHORUS", "[Chorus]"),
        ("Pre-Chorus 2", "[Pre-Chorus 2]"),
        ("# chorus", "[Chorus]"),
        ("## Verse 2 ##", "[Verse 2]"),
        ("[outro", "[Outro]"),
        ("[verse] City lights", "[Verse]\nCity lights"),
    ],
)
def test_a_section_may_be_begun_as_writers_do(line: str, marker: str) -> None:
    assert lyrics_of(f"one\n{line}\ntwo") == f"one\n{marker}\ntwo"


@pytest.mark.parametrize(
    "line",
    [
        "bridge",
        "drop",
        "(ooh, ahh)",
        "(hook, line and sinker)",
        "A E",
        "Am I here",
        "We are [alive]",
        "#love",
    ],
)
def test_what_is_no_section_is_sung(line: str) -> None:
    assert notes_of(f"one\n{line}") == [(1, 0, "sung")]
    assert lyrics_of(line) == line


def test_a_mistyped_section_stays_and_is_asked_about() -> None:
    assert lyrics_of("[chrous]\nla") == "[chrous]\nla"
    assert notes_of("[chrous]\nla")[0] == (1, 404, "marker [chrous]; did you mean [Chorus]?")


def test_chords_are_not_sung() -> None:
    assert (
        lyrics_of("[Am]over the [F/C]water\nAm F | C G\n[Dm7] [G7]\nhome") == "over the water\nhome"
    )
    assert notes_of("Am F\n[Am]home") == [
        (1, 0, "not sung: chords, which guide: Am F would play"),
        (2, 0, "sung without the chords, which guide: Am would play"),
    ]


def test_comments_rules_and_directives_are_not_sung() -> None:
    assert lyrics_of("# take it slow\none\n-----\ntwo\n{nothing}\nthree") == "one\n\ntwo\nthree"
    assert [note.line for note in find_problems(read_sheet("one\n{nothing}").notes)] == [2]


def test_blank_lines_part_verses_once() -> None:
    assert lyrics_of("\n\none  \n\n\n\ntwo\n\n") == "one\n\ntwo"


def test_lines_end_as_on_any_machine() -> None:
    assert lyrics_of("one\r\ntwo\rthree\nfour") == "one\ntwo\nthree\nfour"


def test_markdown_is_read_as_it_is_shown() -> None:
    text = (
        "# Night Drive\n\n## Verse\n*City* lights\\\n> **are __calling__**\n- me \\*home\\*\n\n"
        "**Chorus**\na_case_word"
    )
    read = read_sheet(text, ".md")
    assert read.values["name"] == "Night Drive"
    assert (
        read.values["lyrics"]
        == "[Verse]\nCity lights\nare calling\nme *home*\n\n[Chorus]\na_case_word"
    )


def test_markdown_keeps_what_is_hidden_hidden() -> None:
    assert lyrics_of(
        "one <!-- a --> two\n<!-- b\nc -->\nthree <!-- d\ne --> four\n![cover](cover.png)", ".md"
    ) == ("one  two\nthree\nfour")


def test_an_unknown_heading_below_the_words_is_a_marker() -> None:
    assert lyrics_of("## whispered\nla\n## with a choir\nla", ".md") == "la\n[with a choir]\nla"


def test_the_times_of_an_lrc_file_are_not_sung_and_its_tags_are_read() -> None:
    tags = "[ti:Night Drive]\n[ar: Me]\n[by:You]\n[length: 03:21]\n[bpm:92]\n"
    text = tags + "[00:01.00]\n[00:12.34]City <00:12.90>lights\n[Chorus]\n[00:15]home"
    read = read_sheet(text, ".lrc")
    assert read.values == {
        "name": "Night Drive",
        "seconds": 201.0,
        "bpm": 92.0,
        "lyrics": "City lights\n[Chorus]\nhome",
    }
    assert [str(note) for note in read.notes][:6] == [
        "its times say what is sung after what; the music does not follow them",
        "name = Night Drive",
        "ar is not used",
        "by is not used",
        "seconds = 201",
        "bpm = 92",
    ]
    assert find_problems(read.notes) == []


def test_a_line_of_an_lrc_file_is_sung_at_each_of_its_times() -> None:
    text = (
        "[chorus]\n[00:20.00][00:40.00]We are alive\n[verse]\n"
        "[00:10.00]City lights\n[00:30.00]Me home"
    )
    assert (
        lyrics_of(text, ".lrc")
        == "[Verse]\nCity lights\n[Chorus]\nWe are alive\nMe home\nWe are alive"
    )


def test_who_speaks_is_not_sung_and_that_is_said_once() -> None:
    text = "[Verse]\nAnna: I walked alone\nTom: so did I\nBoth: along\nANNA & TOM: (together) hey"
    assert lyrics_of(text) == "[Verse]\nI walked alone\nso did I\nalong\n(together) hey"
    assert [line for line, code, _ in notes_of(text) if code] == [2]


@pytest.mark.parametrize("text", ["Remember: hold on\nhold on", "Mama: don't go\nTime: let it be"])
def test_a_word_with_a_colon_is_sung(text: str) -> None:
    assert lyrics_of(f"[Verse]\nla\n{text}") == f"[Verse]\nla\n{text}"
