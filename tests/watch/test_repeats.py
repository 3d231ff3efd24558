"""What is sung more often than a sheet writes it."""

from __future__ import annotations

import pytest

from daemon.watch.notes import find_problems
from daemon.watch.sheet import read_sheet

SONG = "[Verse 1]\none\n\n[Chorus]\nwe are alive\n\n[Verse 2]\ntwo\n\n"


def sing(text: str) -> list[str]:
    return [line for line in str(read_sheet(text).values["lyrics"]).split("\n") if line]


@pytest.mark.parametrize(
    "line",
    [
        "we are alive (x2)",
        "we are alive x2",
        "we are alive 2x",
        "we are alive (2x)",
        "we are alive [x2]",
        "we are alive ×2",
        "we are alive (twice)",
        "we are alive (2 times)",
        "we are alive (repeat)",
        "we are alive (bis)",
        "we are alive, (2x)",
        "we are alive （×２）",
        "|: we are alive :|",
        "||: we are alive :||",
        "|: we are alive :| x2",
        "/: we are alive :/",
        "[: we are alive :]",
        "we are alive\n(x2)",
        "we are alive\n\n[x2]",
        "we are alive\nRepeat",
        "|: we are\nalive :|",
        "we are alive *2",
        "we are alive, 2 times",
        "we are alive, bis",
        "(2x) we are alive",
        "x2 we are alive",
    ],
)
def test_a_line_or_stanza_is_repeated(line: str) -> None:
    song = " ".join(sing(f"[Verse]\n{line}\n\nend"))
    assert song == "[Verse] we are alive we are alive end"


@pytest.mark.parametrize(
    "heading",
    [
        "[Chorus]",
        "Chorus",
        "CHORUS:",
        "(Chorus)",
        "Repeat Chorus",
        "(Repeat chorus)",
        "Back to the Chorus",
        "Chorus again",
        "Chorus - repeat",
        "[Chorus 2]",
        "{chorus}",
        "Chorus...",
    ],
)
def test_a_chorus_without_words_has_those_of_the_last(heading: str) -> None:
    song = sing(SONG + heading)
    assert song[:-2] == sing(SONG)
    assert song[-2].startswith("[Chorus")
    assert song[-1] == "we are alive"
    [note] = [note for note in read_sheet(SONG + heading).notes if note.line == 10]
    assert "the words of line 4 on, again" in str(note)


def test_what_is_played_or_has_its_own_words_is_not_sung_with_others() -> None:
    assert sing(SONG + "[Verse 3]\n\n[Interlude]")[-2:] == ["[Verse 3]", "[Interlude]"]
    assert sing("[Intro]\noh\n\n[Verse]\none\n\n[Intro]")[-1] == "[Intro]"
    assert sing(SONG + "[Verse 1]")[-2:] == ["[Verse 1]", "one"]
    assert sing(SONG + "Repeat verse")[-2:] == ["[Verse]", "two"]


def test_words_below_a_heading_by_itself_are_the_next_stanza() -> None:
    text = "[Verse]\none\n\n[Chorus]\nwe are\n\n[Chorus]\n\nthree"
    assert sing(text) == ["[Verse]", "one", *["[Chorus]", "we are"] * 2, "three"]
    assert sing("[Chorus]\n\nwe are\n\n[Chorus]\n\nthree") == [
        "[Chorus]",
        "we are",
        "[Chorus]",
        "three",
    ]


def test_several_are_repeated_in_their_order() -> None:
    again = sing(SONG + "Repeat Verse 1 and Chorus x2")[len(sing(SONG)) :]
    assert again == ["[Verse 1]", "one", *["[Chorus]", "we are alive"] * 2]


def test_a_chorus_is_one_stanza_where_no_verse_has_a_heading() -> None:
    text = "one\n\nChorus x2:\nwe are alive\n\ntwo\n\nChorus"
    assert sing(text) == [
        "one",
        *["[Chorus]", "we are alive"] * 2,
        "two",
        "[Chorus]",
        "we are alive",
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Repeat Bridge", "there is none above whose words it could have"),
        ("D.S. al Coda", "write out what is sung again"),
        ("(D.C.)", "write out what is sung again"),
    ],
)
def test_what_cannot_be_repeated_is_said(line: str, says: str) -> None:
    [problem] = find_problems(read_sheet(SONG + line).notes)
    assert (problem.line, problem.hint) == (10, says)
    assert "we are alive" not in sing(SONG + line)[5:]


@pytest.mark.parametrize(
    "line", ["sad :|", "|: never closed", "x", "me 100x", "a b :]", "page x20"]
)
def test_what_is_no_repeat_is_sung_once(line: str) -> None:
    assert sing(f"[Verse]\n{line}\n\nend") == ["[Verse]", line, "end"]


def test_a_repeated_line_comes_from_its_line() -> None:
    read = read_sheet("[Chorus x2]\none\ntwo x2")
    assert read.sung == (1, 2, 3, 3) * 2


def test_a_sheet_that_repeats_too_much_is_refused_before_it_is_written() -> None:
    stanza = "[Chorus x16]\n" + "|: words x16\n" + "words x16\n" * 4 + "words :| x16\n\n(x16)\n\n"
    for text in (stanza, stanza + "[Chorus x16]\n" * 900):
        read = read_sheet(text)
        assert read.refusal
        assert "at most 65536 characters" in str(read.refusal)


@pytest.mark.parametrize(
    ("name", "short"),
    [("Refren", "Ref."), ("Refrén", "Ref."), ("Припев", "Пр."), ("Chorus", "Cho.")],
)
def test_an_abbreviation_is_of_the_section_that_its_sheet_has(name: str, short: str) -> None:
    sung = sing(f"[Verse 1]\none\n\n{name}\nwe are alive\n\n[Verse 2]\ntwo\n\n{short}")
    assert sung.count("we are alive") == 2


@pytest.mark.parametrize("line", ["Пр. 2 раза", "Ch. 2 times", "Ref. 2 mal"])
def test_how_often_an_abbreviation_is_sung_is_not_its_number(line: str) -> None:
    name = {"Пр": "Припев", "Ch": "Chorus", "Re": "Refrain"}[line[:2]]
    sung = sing(f"[Verse 1]\none\n\n{name}\nwe are alive\n\n[Verse 2]\ntwo\n\n{line}")
    assert sung.count("we are alive") == 3
    assert sung.count(f"[{name}]") == 3


REFRAIN = "[Verse 1]\none\n\n[Refrain]\nO tide, come in,\ncome home to me.\n\n[Verse 2]\ntwo\n\n"


@pytest.mark.parametrize("amen", ["A-men.", "Amen", "Amen, amen.", "A - men"])
def test_a_refrain_before_amen_is_sung_whole(amen: str) -> None:
    sung = sing(f"{REFRAIN}[Refrain:]\n{amen}")
    assert sung[-4:] == ["[Refrain]", "O tide, come in,", "come home to me.", amen]


@pytest.mark.parametrize("begins", ["O tide, come in...", "O tide…", "O Tide, come in, etc."])
def test_of_a_refrain_its_beginning_may_be_written(begins: str) -> None:
    sung = sing(f"{REFRAIN}Refrain:\n{begins}")
    assert sung[-3:] == ["[Refrain]", "O tide, come in,", "come home to me."]


@pytest.mark.parametrize("line", ["O tide, come in,", "come home to me.", "Come home to me"])
def test_a_refrain_of_one_of_its_lines_is_sung_so_and_said(line: str) -> None:
    text = f"{REFRAIN}[Refrain]\n{line}"
    assert sing(text)[-2:] == ["[Refrain]", line]
    [problem] = find_problems(read_sheet(text).notes)
    assert problem.hint.startswith("only this line of those from line 4 on is sung")


@pytest.mark.parametrize("words", ["and so we wait...", "another tide", "Amen to that"])
def test_other_words_of_a_refrain_are_its_own(words: str) -> None:
    text = f"{REFRAIN}[Refrain]\n{words}"
    assert sing(text)[-2:] == ["[Refrain]", words]
    assert not find_problems(read_sheet(text).notes)
