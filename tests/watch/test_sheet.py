"""What writers write, and what is made of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.jobs import Refused
from daemon.watch import sheet
from daemon.watch.lyrics import SheetNote
from daemon.watch.sheet import Sheet, problems
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


def lyrics(text: str, suffix: str = ".txt") -> str:
    return str(sheet.read(text, suffix).values.get("lyrics", ""))


def values(header: str) -> dict[str, Any]:
    return sheet.read(f"---\n{header}\n---\n").values


def said(text: str, suffix: str = ".txt") -> list[tuple[int, int, str]]:
    return [(note.line, note.code, str(note)) for note in sheet.read(text, suffix).notes]


def test_a_sheet_becomes_parameters_and_lyrics() -> None:
    read = sheet.read(WHOLE)
    assert read.values == {
        "prompt": "warm lo-fi, dusty drums",
        "bpm": 92.0,
        "key": "A minor",
        "stems": "drums bass",
        "lyrics": "[Verse 1]\nCity lights are calling me home\nI keep walking on my own\n\n"
        "[Chorus]\nWe are alive tonight",
    }
    assert problems(read.notes) == []
    Request().changed(read.values)


def test_a_sheet_says_what_it_made_of_each_line() -> None:
    assert said(WHOLE) == [
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


def test_words_alone_are_sung() -> None:
    assert sheet.read("la la la\nla la").values == {"lyrics": "la la la\nla la"}


@pytest.mark.parametrize("text", ["", "\n", " \n\t\n", "\ufeff"])
def test_nothing_is_nothing(text: str) -> None:
    assert sheet.read(text) == Sheet()


# --- parameters -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("prompt: warm", "prompt", "warm"),
        ("prompt = warm", "prompt", "warm"),
        ("prompt:warm", "prompt", "warm"),
        ("Prompt : warm", "prompt", "warm"),
        ("  prompt: warm", "prompt", "warm"),
        ("tempo: 92", "bpm", 92.0),
        ("beats per bar: 3", "beats_per_bar", 3),
        ("Time-Signature: 6/8", "time_signature", "6/8"),
        ("title: Night Drive", "name", "Night Drive"),
        ('prompt: "a # b"', "prompt", "a # b"),
        (r'prompt: "say \"hey\"\nnow"', "prompt", 'say "hey"\nnow'),
        ("prompt: 'it''s late' # yes", "prompt", "it's late"),
        ("prompt: “curly”", "prompt", "curly"),
        ("prompt: 'til dawn", "prompt", "'til dawn"),
        ('prompt: "Heroes" style guitars', "prompt", '"Heroes" style guitars'),
        ("prompt: like song #1 of 1999 # a comment", "prompt", "like song #1 of 1999"),
        ("prompt: ratio 3:4 = fine", "prompt", "ratio 3:4 = fine"),
        ("prompt: [lo-fi, 'warm']", "prompt", "lo-fi, warm"),
        ("prompt:\n  - lo-fi\n  - warm", "prompt", "lo-fi, warm"),
        ("prompt:\n- lo-fi\n- warm", "prompt", "lo-fi, warm"),
        ("prompt: warm\n  and dusty", "prompt", "warm and dusty"),
        ("prompt: >\n  warm\n  and dusty", "prompt", "warm and dusty"),
        ("guide: [Am, F, C, G]", "guide", "Am F C G"),
        ("key: F# minor", "key", "F# minor"),
        ("normalize: no", "normalize", False),
        ("length: 1:30", "seconds", 90.0),
        ("lyrics: [Instrumental]", "lyrics", "[Instrumental]"),
        ("lyrics: |\n  [Verse]\n  one\n\n  two", "lyrics", "[Verse]\none\n\ntwo"),
        ("lyrics: |-\n  # one\n  bpm: two\nbpm: 90", "lyrics", "# one\nbpm: two"),
    ],
)
def test_a_parameter_may_be_written_as_writers_do(line: str, name: str, value: object) -> None:
    read = sheet.read(f"---\n{line}\n---\n")
    assert read.values[name] == value
    assert problems(read.notes) == []


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_of_a_request_can_be_given(name: str) -> None:
    note = next(note for note in sheet.read(f"---\n{name}: \n---\n").notes if note.line == 2)
    assert note.code == 0


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("bmp: 92", 404, "no parameter is called 'bmp'; did you mean bpm?"),
        ("bpm: fast", 400, "bpm must be a number, got 'fast'"),
        ("bpm: 900", 422, "bpm must be in 30..300 or 0, got 900"),
        ("bars: 2.5", 400, "bars must be a whole number, got 2.5"),
        ("key: H moll", 422, "key must be a note"),
        ("just words", 400, "not understood: just words; write it as key: value"),
    ],
)
def test_what_is_not_understood_is_said_with_its_line_and_the_rest_holds(
    line: str, code: int, says: str
) -> None:
    read = sheet.read(f"---\nprompt: warm\n{line}\nbpm: 90\n---\nla la")
    (problem,) = problems(read.notes)
    assert problem.line == 3
    assert problem.code == code
    assert says in str(problem)
    assert read.values == {"prompt": "warm", "bpm": 90.0, "lyrics": "la la"}


def test_of_two_values_the_later_one_holds_and_that_is_said() -> None:
    read = sheet.read("---\nbpm: 90\ntempo: 92\n---\n")
    assert read.values == {"bpm": 92.0}
    assert [str(note) for note in problems(read.notes)] == [
        "bpm = 92; it was given in line 2 too: this one holds"
    ]


def test_parameters_need_no_dashes_when_the_first_line_is_one() -> None:
    assert sheet.read("bpm: 92\nprompt: warm\n\nla la").values == {
        "bpm": 92.0,
        "prompt": "warm",
        "lyrics": "la la",
    }
    assert sheet.read("bpm: 92\nVerse 1:\nla").values == {"bpm": 92.0, "lyrics": "[Verse 1]\nla"}


@pytest.mark.parametrize("dashes", ["---", "-----", "—-", "—", "+++"])
def test_editors_that_change_the_dashes_change_nothing(dashes: str) -> None:
    assert sheet.read(f"{dashes}\nbpm: 92\n{dashes}\nla").values == {"bpm": 92.0, "lyrics": "la"}


def test_parameters_that_nothing_closes_end_where_the_words_begin() -> None:
    read = sheet.read("---\nbpm: 92\n\nkey: Am\nla la la\n")
    assert read.values == {"bpm": 92.0, "key": "A minor", "lyrics": "la la la"}
    assert [(note.line, note.code) for note in problems(read.notes)] == [(1, 400)]


def test_dashes_around_words_are_no_parameters() -> None:
    assert lyrics("---\nla la la\n---\nlo lo") == "la la la\n\nlo lo"
    assert lyrics("Mama: don't go\nbpm: 92") == "Mama: don't go\nbpm: 92"


def test_lyrics_below_the_parameters_win_and_that_is_said() -> None:
    read = sheet.read("---\nlyrics: one\n---\ntwo")
    assert read.values["lyrics"] == "two"
    assert [note.line for note in problems(read.notes)] == [0]


def test_paths_are_placed_and_a_refusal_is_a_note() -> None:
    def place(name: str, value: str) -> str:
        if name == "source":
            raise Refused(403, "not there", "put it here")
        return value

    read = sheet.read("---\nsource: /etc/x.wav\nprompt: warm\n---\n", place=place)
    assert read.values == {"prompt": "warm"}
    assert [(note.line, note.code, str(note)) for note in problems(read.notes)] == [
        (2, 403, "not there; put it here")
    ]


def test_a_file_of_parameters_needs_no_dashes_and_may_have_them() -> None:
    for text in ("prompt: warm\n\n# slow\nbpm: 92\n", "---\nprompt: warm\nbpm: 92\n---\n"):
        read = sheet.read_fields(text)
        assert read.values == {"prompt": "warm", "bpm": 92.0}
        assert problems(read.notes) == []
    assert [
        note.line for note in problems(sheet.read_fields("bpm: 92\n[chorus]\nla la").notes)
    ] == [2, 3]


# --- what is sung ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "marker"),
    [
        ("[verse]", "[Verse]"),
        ("[VERSE 2]", "[Verse 2]"),
        ("[chorus 2]", "[Chorus 2]"),
        ("[ pre chorus ]", "[Pre-Chorus]"),
        ("[Chorus - anthemic]", "[Chorus - anthemic]"),
        ("[Chorus (x2)]", "[Chorus (x2)]"),
        ("[verse: soft]", "[Verse: soft]"),
        ("[Chorus x2]", "[Chorus x2]"),
        ("[raspy vocal]", "[raspy vocal]"),
        ("[Guitar Solo]", "[Guitar Solo]"),
        ("[verse 1][soft]", "[Verse 1][soft]"),
        ("[inst]", "[Inst]"),
        ("(bridge)", "[Bridge]"),
        ("(Chorus x2)", "[Chorus x2]"),
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
    assert lyrics(f"one\n{line}\ntwo") == f"one\n{marker}\ntwo"


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
    assert said(f"one\n{line}") == [(1, 0, "sung")]
    assert lyrics(line) == line


def test_a_mistyped_section_stays_and_is_asked_about() -> None:
    assert lyrics("[chrous]\nla") == "[chrous]\nla"
    assert said("[chrous]\nla")[0] == (1, 404, "marker [chrous]; did you mean [Chorus]?")


def test_chords_are_not_sung() -> None:
    assert lyrics("[Am]over the [F/C]water\nAm F | C G\n[Dm7] [G7]\nhome") == "over the water\nhome"
    assert said("Am F\n[Am]home") == [
        (1, 0, "not sung: chords, which guide: Am F would play"),
        (2, 0, "sung without the chords, which guide: Am would play"),
    ]


def test_comments_rules_and_directives_are_not_sung() -> None:
    assert lyrics("# take it slow\none\n-----\ntwo\n{soc}\nthree") == "one\n\ntwo\nthree"
    assert [note.line for note in problems(sheet.read("one\n{soc}").notes)] == [2]


def test_blank_lines_part_verses_once() -> None:
    assert lyrics("\n\none  \n\n\n\ntwo\n\n") == "one\n\ntwo"


def test_lines_end_as_on_any_machine() -> None:
    assert lyrics("one\r\ntwo\rthree\nfour") == "one\ntwo\nthree\nfour"


def test_markdown_is_read_as_it_is_shown() -> None:
    text = "# Night Drive\n\n## Verse\n*City* lights\\\n> **are __calling__**\n- me \\*home\\*\n\n**Chorus**\na_case_word"
    read = sheet.read(text, ".md")
    assert read.values["name"] == "Night Drive"
    assert (
        read.values["lyrics"]
        == "[Verse]\nCity lights\nare calling\nme *home*\n\n[Chorus]\na_case_word"
    )


def test_markdown_keeps_what_is_hidden_hidden() -> None:
    assert lyrics(
        "one <!-- a --> two\n<!-- b\nc -->\nthree <!-- d\ne --> four\n![cover](cover.png)", ".md"
    ) == ("one  two\nthree\nfour")


def test_an_unknown_heading_below_the_words_is_a_marker() -> None:
    assert lyrics("## whispered\nla\n## with a choir\nla", ".md") == "la\n[with a choir]\nla"


def test_the_times_of_an_lrc_file_are_not_sung_and_its_tags_are_read() -> None:
    tags = "[ti:Night Drive]\n[ar: Me]\n[by:You]\n[length: 03:21]\n[bpm:92]\n"
    text = tags + "[00:01.00]\n[00:12.34]City <00:12.90>lights\n[Chorus]\n[00:15]home"
    read = sheet.read(text, ".lrc")
    assert read.values == {
        "name": "Night Drive", "seconds": 201.0, "bpm": 92.0, "lyrics": "City lights\n[Chorus]\nhome",
    }  # fmt: skip
    assert [str(note) for note in read.notes][:5] == [
        "name = Night Drive", "ar is not used", "by is not used", "seconds = 201", "bpm = 92",
    ]  # fmt: skip
    assert problems(read.notes) == []


def test_a_line_of_an_lrc_file_is_sung_at_each_of_its_times() -> None:
    text = "[chorus]\n[00:20.00][00:40.00]We are alive\n[verse]\n[00:10.00]City lights\n[00:30.00]Me home"
    assert (
        lyrics(text, ".lrc")
        == "[Verse]\nCity lights\n[Chorus]\nWe are alive\nMe home\nWe are alive"
    )


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
    assert sheet.decode(content) == (text, encoding)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="zero bytes"):
        sheet.decode(b"RIFF\0\0\0\0WAVE")


PIECES = st.sampled_from(
    "---|bpm: 92|bpm = x|prompt: >|  more|stems:|- drums|key: Am|nokey: 1|[verse]|[chrous|[00:12.34]|[00:12][00:13]la|"
    '[ti:x]|# Chorus|<!-- |-->|*la* _lo_|Am F|[Am]la|{x}|la|| |...|\t|```|(bridge)|\'|"|[|]|lyrics: [x]|prompt: "a|+++|'
    "—|Verse:|title: x|\ufeff|\r".split("|")
)
TEXTS = st.one_of(
    st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=25).map("\n".join),
    st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=12).map("".join),
    st.text(),
)


def accounted(notes: tuple[SheetNote, ...], text: str) -> None:
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
    read = sheet.read(text, suffix)
    accounted(read.notes, text)
    assert all(name in FIELDS for name in read.values)
    for name, value in read.values.items():
        Request().changed({name: value, **({"bpm": 300} if name == "bars" else {})})
    assert sheet.report("x", read.notes, text)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_any_file_of_parameters_is_read_and_every_line_accounted_for(text: str) -> None:
    accounted(sheet.read_fields(text).notes, text)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_file_is_decoded_or_refused(content: bytes) -> None:
    try:
        text, _ = sheet.decode(content)
    except ValueError:
        return
    sheet.read(text)


LONG = "[ ] [a] [a ( <!-- --> * _ **a ` # ' '' \" \\\" - -\t — [00:01] <00:01> [00: : a: = “ a\t { | Am\t \\ > \ufeff"


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
            sheet.read(text, suffix)


@pytest.mark.parametrize(
    "line",
    ["", "la", "bpm: 1", " x", "- x", "[x]", "[00:01][00:02]x", "# x", "<!--", "prompt: |\n  x"],
)
def test_many_lines_of_anything_do_not_take_forever(line: str) -> None:
    text = "\n".join([line] * 5_000)
    for suffix in (".txt", ".md", ".lrc"):
        for written in (text, f"---\nprompt: |\n{text}\n---\n"):
            sheet.read(written, suffix)


# --- the report -----------------------------------------------------------------------------------


def test_a_report_shows_first_what_to_look_at_and_then_the_rest() -> None:
    text = "---\nbmp: 92\nkey: Am\n---\none\ntwo\n"
    assert sheet.report("chorus.txt", sheet.read(text).notes, text) == (
        "chorus.txt: 1 thing to look at\n\n"
        "line 2: bmp: 92\n    no parameter is called 'bmp'; did you mean bpm?\n\n"
        "What was understood\n\n"
        "line 1: around the parameters\n"
        "line 3: key = A minor\n"
        "line 4: around the parameters\n"
        "lines 5 to 6: sung\n"
    )


def test_a_sheet_that_is_written_says_what_it_was_made_of() -> None:
    song = {
        "prompt": 'a "slow" waltz: rain # and \\ more',
        "bpm": 92.5,
        "key": "F# minor",
        "lyrics": "[Verse]\nla: la",
    }
    assert sheet.read(sheet.written(song)).values == song
    assert sheet.read(sheet.written({"bpm": 92})).values == {"bpm": 92}
