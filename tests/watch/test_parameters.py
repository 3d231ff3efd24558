"""Parameters at the top of a lyric sheet, as writers write them."""

from __future__ import annotations

import pytest

from daemon.jobs import Refused
from daemon.watch.notes import find_problems
from daemon.watch.sheet import read_defaults, read_sheet
from pipeline.request import FIELDS, coerce


def lyrics_of(text: str, suffix: str = ".txt") -> str:
    return str(read_sheet(text, suffix).values.get("lyrics", ""))


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
    read = read_sheet(f"---\n{line}\n---\n")
    assert read.values[name] == value
    assert find_problems(read.notes) == []


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_of_a_request_can_be_given(name: str) -> None:
    note = next(note for note in read_sheet(f"---\n{name}: \n---\n").notes if note.line == 2)
    assert note.code == 0


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("bmp: 92", 404, "no parameter is called 'bmp'; did you mean bpm?"),
        ("wobble: 92", 404, "no parameter is called 'wobble'"),
        ("bpm: fast", 400, "bpm must be a number, got 'fast'"),
        ("bpm: 900", 422, "bpm must be in 30..300 or 0, got 900"),
        ("bars: 2.5", 400, "bars must be a whole number, got 2.5"),
        ("key: H minor", 422, "key must be a note"),
        ("just words", 400, "not understood: just words; write it as key: value"),
    ],
)
def test_what_is_not_understood_is_said_with_its_line_and_the_rest_holds(
    line: str, code: int, says: str
) -> None:
    read = read_sheet(f"---\nprompt: warm\n{line}\nbpm: 90\n---\nla la")
    (problem,) = find_problems(read.notes)
    assert problem.line == 3
    assert problem.code == code
    assert says in str(problem)
    assert read.values == {"prompt": "warm", "bpm": 90.0, "lyrics": "la la"}


def test_of_two_values_the_later_one_holds_and_that_is_said() -> None:
    read = read_sheet("---\nbpm: 90\ntempo: 92\n---\n")
    assert read.values == {"bpm": 92.0}
    assert [str(note) for note in find_problems(read.notes)] == [
        "bpm = 92; it was given in line 2 too: this one holds"
    ]


def test_parameters_need_no_dashes_when_the_first_line_is_one() -> None:
    assert read_sheet("bpm: 92\nprompt: warm\n\nla la").values == {
        "bpm": 92.0,
        "prompt": "warm",
        "lyrics": "la la",
    }
    assert read_sheet("bpm: 92\nVerse 1:\nla").values == {"bpm": 92.0, "lyrics": "[Verse 1]\nla"}


@pytest.mark.parametrize("dashes", ["---", "-----", "—-", "—", "+++"])
def test_editors_that_change_the_dashes_change_nothing(dashes: str) -> None:
    assert read_sheet(f"{dashes}\nbpm: 92\n{dashes}\nla").values == {"bpm": 92.0, "lyrics": "la"}


def test_parameters_that_nothing_closes_end_where_the_words_begin() -> None:
    read = read_sheet("---\nbpm: 92\n\nkey: Am\nla la la\n")
    assert read.values == {"bpm": 92.0, "key": "A minor", "lyrics": "la la la"}
    assert [(note.line, note.code) for note in find_problems(read.notes)] == [(1, 400)]


def test_dashes_around_words_are_no_parameters() -> None:
    assert lyrics_of("---\nla la la\n---\nlo lo") == "la la la\n\nlo lo"
    assert lyrics_of("Mama: don't go\nla: la") == "Mama: don't go\nla: la"


def test_lyrics_below_the_parameters_win_and_that_is_said() -> None:
    read = read_sheet("---\nlyrics: one\n---\ntwo")
    assert read.values["lyrics"] == "two"
    assert [note.line for note in find_problems(read.notes)] == [0]


def test_paths_are_placed_and_a_refusal_is_a_note() -> None:
    def resolve(name: str, value: str) -> str:
        if name == "source":
            raise Refused(403, "not there", "put it here")
        return value

    read = read_sheet("---\nsource: /etc/x.wav\nprompt: warm\n---\n", resolve_path=resolve)
    assert read.values == {"prompt": "warm"}
    assert [(note.line, note.code, str(note)) for note in find_problems(read.notes)] == [
        (2, 403, "not there; put it here")
    ]


def test_a_path_is_not_rewritten_and_words_stay() -> None:
    path = "my\xa0\u200btake.wav"
    assert read_sheet(f"\u200bsource\u200b: {path}\nbpm: 9\u200b0\n").values == {
        "source": path,
        "bpm": 90.0,
    }
    assert read_sheet('name: "a\xa0b"\n').values["name"] == coerce("name", "a\xa0b")


def test_a_file_of_parameters_needs_no_dashes_and_may_have_them() -> None:
    for text in ("prompt: warm\n\n# slow\nbpm: 92\n", "---\nprompt: warm\nbpm: 92\n---\n"):
        read = read_defaults(text)
        assert read.values == {"prompt": "warm", "bpm": 92.0}
        assert find_problems(read.notes) == []
    assert [
        note.line for note in find_problems(read_defaults("bpm: 92\n[chorus]\nla la").notes)
    ] == [2, 3]
