"""A lyric sheet as a whole, and any text at all."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.watch.characters import split_lines
from daemon.watch.documents.read import read_text
from daemon.watch.notes import SheetNote, find_problems
from daemon.watch.parameters import _split_pair
from daemon.watch.reports import format_report
from daemon.watch.sheet import Sheet, format_sheet, read_defaults, read_sheet
from pipeline.request import FIELDS, Request
from tests.support.examples import scale_examples
from tests.support.growth import assert_linear

WHOLE = """\
---
# the mood
prompt: "warm lo-fi, dusty drums"   # quoted
bpm: 92 # slow
key = Am

stems:
  - drums
  - bass
---

[verse 1]
City lights are calling me home
I keep walking on my own

(chorus)
We are alive tonight
"""


def notes_of(text: str, suffix: str = ".txt") -> list[tuple[int, int, str]]:
    return [(note.line, note.code, str(note)) for note in read_sheet(text, suffix).notes]


def test_a_sheet_becomes_parameters_and_lyrics() -> None:
    read = read_sheet(WHOLE)
    assert read.values == {
        "prompt": "warm lo-fi, dusty drums",
        "bpm": 92.0,
        "key": "A minor",
        "stems": "drums bass",
        "lyrics": "[Verse 1]\nCity lights are calling me home\nI keep walking on my own\n\n"
        "[Chorus]\nWe are alive tonight",
    }
    assert find_problems(read.notes) == []
    Request().changed(read.values)


def test_a_sheet_says_what_it_made_of_each_line() -> None:
    assert notes_of(WHOLE) == [
        (1, 0, "around the parameters"),
        (2, 0, "a comment"),
        (3, 0, "prompt = warm lo-fi, dusty drums"),
        (4, 0, "bpm = 92"),
        (5, 0, "key = A minor"),
        (7, 0, "stems = drums bass"),
        (10, 0, "around the parameters"),
        (12, 0, "begins [Verse 1]"),
        (13, 0, "sung"),
        (16, 0, "begins [Chorus]"),
        (17, 0, "sung"),
    ]


@pytest.mark.parametrize(
    ("line", "insert"),
    [
        ("insert: reaper", "reaper"),
        ("Insert = Live # the set", "live"),
        ("insert: auto", "auto"),
        ("insert: no", "no"),
        ('insert: "off"', "no"),
        ("insert: false", "no"),
        ("insert:", ""),
        ("bpm: 90", ""),
    ],
)
def test_a_sheet_says_who_puts_its_take_into_a_daw(line: str, insert: str) -> None:
    for text in (f"{line}\n\nla", f"---\nprompt: x\n{line}\n---\nla"):
        read = read_sheet(text)
        assert read.insert == insert
        assert "insert" not in read.values
        assert read.values["lyrics"] == "la"
        assert find_problems(read.notes) == []
    assert read_defaults(line).insert == insert


def test_a_program_that_cannot_be_one_is_said() -> None:
    for wrong in ("a b", "-x", "x" * 33, "reaper, live"):
        read = read_sheet(f"insert: {wrong}\n\nla")
        assert read.insert == ""
        [problem] = find_problems(read.notes)
        assert (problem.line, problem.code) == (1, 422)
        assert problem.message.startswith("insert must be the name of a program like live")


def test_words_alone_are_sung() -> None:
    assert read_sheet("la la la\nla la").values == {"lyrics": "la la la\nla la"}


@pytest.mark.parametrize("text", ["", "\n", " \n\t\n", "\ufeff"])
def test_nothing_is_nothing(text: str) -> None:
    assert read_sheet(text) == Sheet()


def test_a_sheet_that_is_written_says_what_it_was_made_of() -> None:
    song = {
        "prompt": 'a "slow" waltz: rain # and \\ more',
        "bpm": 92.5,
        "key": "F# minor",
        "lyrics": "[Verse]\nla: la",
    }
    assert read_sheet(format_sheet(song)).values == song
    assert read_sheet(format_sheet({"bpm": 92})).values == {"bpm": 92}


# --- any text at all ------------------------------------------------------------------------------


PIECES = st.sampled_from(
    "---|bpm: 92|bpm = x|prompt: >|  more|stems:|- drums|key: Am|nokey: 1|[verse]|[chrous|"
    "[00:12.34]|[00:12][00:13]la|[ti:x]|# Chorus|<!-- |-->|*la* _lo_|Am F|[Am]la|{x}|la|| |...|\t|"
    '```|(bridge)|\'|"|[|]|lyrics: [x]|prompt: "a|+++|—|Verse:|title: x|\ufeff|\r'.split("|")
)
# a song sheet, of the forms that people write
FORMS = {
    "head": "Title: x¦Artist: y¦Key: G¦Key: G | Tempo: 72 | 4/4¦Tempo: ninety¦Capo 2¦72 bpm¦by X¦"
    "{key: G}¦{t: x}¦© 2012 X¦曲名：夜¦调：G¦Original key: A¦Tempo: Slow¦Time: 6/8¦Flow: V C¦x",
    "heading": "Chorus (x2)¦Verse One:¦VERSE II¦2nd Verse¦**Chorus**¦[Chorus] x2¦Repeat Chorus¦"
    "Chorus x16¦{soc}¦{eoc}¦{chorus}¦{c: Verse 2}¦副歌 x2¦【サビ】¦Ref:¦V1¦[V1]¦[C]¦1.¦2. la¦"
    "Verse 1, Chorus¦Guitar Solo¦Intro: Am F¦D.S. al Coda¦(x2)¦Repeat¦{sot}¦{eot}¦Chorus: la¦"
    "Припев¦Drop¦(Chorus)",
    "line": "Am  F  C¦G D C¦N.C.¦| G / / / |¦e|--3--|¦Do  Sol  Lam¦[Am]la [F]la¦(Am)la¦la x2¦"
    "|: la :|¦|: la¦la :| x3¦A¦A E¦1 & 2 &¦.G  C¦;la¦la_la¦All: la¦｜：la：｜¦la\u200b la¦"
    "la¦la (bis)",
}
SONGS = st.lists(
    st.one_of(*(st.sampled_from(forms.split("¦")) for forms in FORMS.values()), PIECES),
    max_size=30,
).map("\n".join)
TEXTS = st.one_of(
    SONGS,
    st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=25).map("\n".join),
    st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=12).map("".join),
    st.text(),
)


def assert_accounted(notes: tuple[SheetNote, ...], text: str) -> None:
    """Every line that is not blank is in exactly one note."""
    lines = split_lines(text)
    covered = [n for note in notes if note.line for n in range(note.line, note.line + note.lines)]
    assert len(covered) == len(set(covered))
    assert (
        {n for n, line in enumerate(lines, 1) if line.strip()}
        <= set(covered)
        <= set(range(1, len(lines) + 1))
    )


@settings(max_examples=scale_examples(400))
@given(TEXTS, st.sampled_from([".txt", ".md", ".lrc"]))
def test_any_text_is_read_and_every_line_accounted_for(text: str, suffix: str) -> None:
    read = read_sheet(text, suffix)
    assert_accounted(read.notes, text)
    assert all(name in FIELDS for name in read.values)
    for name, value in read.values.items():
        Request().changed({name: value, **({"bpm": 300} if name == "bars" else {})})
    assert format_report("x", read.notes, text)


@settings(max_examples=scale_examples(100))
@given(SONGS, st.sampled_from(["\r\n", "\r", "\x0b", "\u2028", "\x85"]))
def test_a_song_means_the_same_with_other_line_ends_and_invisible_characters(
    text: str, end: str
) -> None:
    read = read_sheet(text)
    written = read_sheet("\ufeff" + end.join(f"\u200e{line}\u200b" for line in split_lines(text)))
    assert (written.values, written.sung) == (read.values, read.sung)


@settings(max_examples=scale_examples(100))
@given(SONGS)
def test_what_is_sung_has_no_space_around_its_lines_and_stanzas(text: str) -> None:
    lyrics = str(read_sheet(text).values.get("lyrics", ""))
    assert all(line == line.strip() for line in lyrics.split("\n"))
    assert "\n\n\n" not in lyrics


@settings(max_examples=scale_examples(200))
@given(TEXTS)
def test_any_file_of_parameters_is_read_and_every_line_accounted_for(text: str) -> None:
    assert_accounted(read_defaults(text).notes, text)


LONG = (
    "[ ] [a] [a ( <!-- --> * _ **a ` # ' '' \" \\\" - -\t — [00:01] <00:01> [00: : a: = “ a\t "
    "{ | Am\t \\ > \ufeff"
)


@pytest.mark.long
@pytest.mark.parametrize("piece", [*LONG.split(" "), " ", "\t", "# ", " #", "1", ".", "[a](."])
@pytest.mark.parametrize("suffix", [".md", ".lrc"])
def test_a_long_line_of_anything_takes_linear_time(piece: str, suffix: str) -> None:
    for before, after in (
        ("", ""),
        ("# ", "x"),
        ("[", "x"),
        ("[", "x]"),
        ("[a](", "x"),
        ("---\nprompt: ", "x\n---\n"),
        ('---\nprompt: "', "x\n---\n"),
        ("[ti:", "x]"),
    ):

        def write(size: int, before: str = before, after: str = after) -> str:
            return before + piece * (size // len(piece)) + after

        assert_linear(lambda text: read_sheet(text, suffix), write, 1000)


@pytest.mark.long
@pytest.mark.parametrize(
    "line",
    [
        *["", "la", "bpm: 1", " x", "- x", "[x]", "[00:01][00:02]x", "# x", "#", "<!--"],
        *["key: |\n  x", "Chorus", "la\n\n(x2)", "Am  F", "Key: G | Tempo: 72", "|: la\nla :|"],
    ],
)
@pytest.mark.parametrize("suffix", [".txt", ".md", ".lrc"])
def test_many_lines_of_anything_take_linear_time(line: str, suffix: str) -> None:
    def read(text: str) -> None:
        read_sheet(text, suffix)
        read_defaults(text)

    for before in ("", "---\nprompt: |\n", "bpm: 90\n", "\n" * 2000):

        def write(size: int, before: str = before) -> str:
            return before + f"{line}\n" * size

        assert_linear(read, write, 120)


def test_headings_below_many_blank_lines_do_not_look_through_them_again() -> None:
    def write(size: int) -> str:
        return "\n" * size + "x\n" + "# y\n" * size

    assert_linear(lambda text: read_sheet(text, ".md"), write, 240)


def test_a_line_that_is_sung_thousands_of_times_is_refused_before_it_is_written() -> None:
    text = "[00:01]" * 10_000 + "x" * 100_000
    read = read_sheet(text, ".lrc")  # a gigabyte of lyrics
    assert str(read.refusal) == "lyrics must have at most 65536 characters, got 1000009999"
    assert "lyrics" not in read.values


@pytest.mark.parametrize("suffix", [".txt", ".lrc"])
def test_a_sheet_of_too_many_lines_is_refused_before_they_are_read(suffix: str) -> None:
    text = "\n".join(["[00:01.00] la"] * 10_001)
    assert {line.text for line in read_text(text, suffix).lines} == {"[00:01.00] la"}
    read = read_sheet(text, suffix)
    assert str(read.refusal) == "a sheet must have at most 10000 lines, got 10001"
    assert not read.values


@pytest.mark.long
def test_a_sheet_of_too_many_lines_or_parameters_is_told_so() -> None:
    for read in (read_sheet("la\n" * 10_000), read_defaults("bpm: 90\n" * 10_000)):
        assert str(read.refusal) == "a sheet must have at most 10000 lines, got 10001"
        assert not read.values
    assert read_sheet("la\n" * 9_999).refusal is None
    read = read_sheet("---\n" + "bpm: 90\n" * 201 + "key: Am\n---\n")
    assert read.values == {"bpm": 90.0}
    assert (read.notes[-1].line, read.notes[-1].code) == (202, 422)
    assert "at most 200 parameters" in read.notes[-1].message


@settings(max_examples=scale_examples(300))
@given(st.text(" a:=\tbpm-_#é1"))
def test_a_line_is_a_pair_where_a_name_stands_before_its_first_mark(line: str) -> None:
    old = re.fullmatch(r"( *)([^\W\d_][\w -]{0,40}?) *[:=](.*)", line)
    pair = _split_pair(line)
    assert pair == (old and (len(old[1]), old[2], old[3]))
