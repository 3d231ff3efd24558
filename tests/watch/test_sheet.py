"""A lyric sheet as a whole, and any text at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.watch.notes import SheetNote, find_problems
from daemon.watch.reports import format_report
from daemon.watch.sheet import Sheet, decode, format_sheet, read_defaults, read_sheet
from pipeline.request import FIELDS, Request

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


@pytest.mark.parametrize(
    ("content", "text", "encoding"),
    [
        ("é ♪".encode(), "é ♪", ""),
        (b"\xef\xbb\xbf" + "é".encode(), "é", ""),
        ("é ♪".encode("utf-16"), "é ♪", "UTF-16"),
        (b"\xfe\xff" + "é ♪".encode("utf-16-be"), "é ♪", "UTF-16"),
        (b"caf\xe9 \x93x\x94", "café “x”", "Windows-1252"),
        (b"caf\xe9 \x81", "café \x81", "Latin-1"),
    ],
)
def test_a_text_is_decoded_as_it_was_written(content: bytes, text: str, encoding: str) -> None:
    assert decode(content) == (text, encoding)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="zero bytes"):
        decode(b"RIFF\0\0\0\0WAVE")


PIECES = st.sampled_from(
    "---|bpm: 92|bpm = x|prompt: >|  more|stems:|- drums|key: Am|nokey: 1|[verse]|[chrous|"
    "[00:12.34]|[00:12][00:13]la|[ti:x]|# Chorus|<!-- |-->|*la* _lo_|Am F|[Am]la|{x}|la|| |...|\t|"
    '```|(bridge)|\'|"|[|]|lyrics: [x]|prompt: "a|+++|—|Verse:|title: x|\ufeff|\r'.split("|")
)
TEXTS = st.one_of(
    st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=25).map("\n".join),
    st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=12).map("".join),
    st.text(),
)


def assert_accounted(notes: tuple[SheetNote, ...], text: str) -> None:
    """Every line that is not blank is in exactly one note."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    covered = [n for note in notes if note.line for n in range(note.line, note.line + note.lines)]
    assert len(covered) == len(set(covered))
    assert (
        {n for n, line in enumerate(lines, 1) if line.strip()}
        <= set(covered)
        <= set(range(1, len(lines) + 1))
    )


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.sampled_from([".txt", ".md", ".lrc"]))
def test_any_text_is_read_and_every_line_accounted_for(text: str, suffix: str) -> None:
    read = read_sheet(text, suffix)
    assert_accounted(read.notes, text)
    assert all(name in FIELDS for name in read.values)
    for name, value in read.values.items():
        Request().changed({name: value, **({"bpm": 300} if name == "bars" else {})})
    assert format_report("x", read.notes, text)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_any_file_of_parameters_is_read_and_every_line_accounted_for(text: str) -> None:
    assert_accounted(read_defaults(text).notes, text)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_file_is_decoded_or_refused(content: bytes) -> None:
    try:
        text, _ = decode(content)
    except ValueError:
        return
    read_sheet(text)


LONG = (
    "[ ] [a] [a ( <!-- --> * _ **a ` # ' '' \" \\\" - -\t — [00:01] <00:01> [00: : a: = “ a\t "
    "{ | Am\t \\ > \ufeff"
)


@pytest.mark.parametrize("piece", [*LONG.split(" "), " ", "\t", "# ", " #"])
def test_long_lines_of_anything_do_not_take_forever(piece: str) -> None:
    line = piece * (20_000 // len(piece))
    for suffix in (".txt", ".md", ".lrc"):
        for text in (
            line,
            f"# {line}x",
            f"{line}x",
            f"---\nprompt: {line}x\n---\n",
            f"[ti:{line}x]",
        ):
            read_sheet(text, suffix)


@pytest.mark.parametrize(
    "line",
    ["", "la", "bpm: 1", " x", "- x", "[x]", "[00:01][00:02]x", "# x", "<!--", "prompt: |\n  x"],
)
def test_many_lines_of_anything_do_not_take_forever(line: str) -> None:
    text = "\n".join([line] * 5_000)
    for suffix in (".txt", ".md", ".lrc"):
        for variant in (text, f"---\nprompt: |\n{text}\n---\n"):
            read_sheet(variant, suffix)
