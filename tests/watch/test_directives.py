"""ChordPro."""

from __future__ import annotations

import pytest

from daemon.watch.notes import find_problems
from daemon.watch.sheet import read_sheet


def sing(text: str) -> str:
    return str(read_sheet(text).values.get("lyrics", ""))


@pytest.mark.parametrize(
    ("begin", "end", "marker"),
    [
        ("{soc}", "{eoc}", "Chorus"),
        ("{start_of_chorus}", "{end_of_chorus}", "Chorus"),
        ("{start_of_chorus: Chorus 2}", "{end_of_chorus}", "Chorus 2"),
        ('{start_of_verse: label="Verse 1"}', "{end_of_verse}", "Verse 1"),
        ('{start_of_verse label="Verse 1"}', "{end_of_verse}", "Verse 1"),
        ("{sov}", "{eov}", "Verse"),
        ("{sob}", "{eob}", "Bridge"),
        ("{start_of_intro}", "{end_of_intro}", "Intro"),
        ("{start-of-bridge}", "{end-of-bridge}", "Bridge"),
        ("{c: Chorus}", "", "Chorus"),
        ("{comment: Verse 2}", "", "Verse 2"),
        ("｛soc｝", "｛eoc｝", "Chorus"),
    ],
)
def test_an_environment_is_a_section(begin: str, end: str, marker: str) -> None:
    assert sing(f"{begin}\n[Am]one\n{end}") == f"[{marker}]\none"


def test_a_comment_may_repeat() -> None:
    assert sing("{soc}\none\n{eoc}\n{c: x2}\n{c: repeat chorus}\n{c: Verse 2}\ntwo") == (
        "[Chorus]\none\n\none\n[Chorus]\none\n\none\n[Verse 2]\ntwo"
    )


def test_what_follows_a_section_that_ended_is_a_verse() -> None:
    assert sing("{soc}\none\n{eoc}\n\ntwo\nthree\n\nfour") == (
        "[Chorus]\none\n\n[Verse]\ntwo\nthree\n\nfour"
    )


@pytest.mark.parametrize("kind", ["tab", "grid", "abc", "ly", "svg"])
def test_what_has_no_words_is_left_out(kind: str) -> None:
    text = f"one\n{{start_of_{kind}}}\n|: G | D\nX:1\n{{end_of_{kind}}}\ntwo"
    assert sing(text) == "one\ntwo"


@pytest.mark.parametrize(
    "directive",
    ["{define: Am base-fret 1}", "{x_any: 1}", "{new_page}", "{columns: 2}", "{ci: softly}"],
)
def test_what_is_for_paper_is_no_problem(directive: str) -> None:
    assert sing(f"one\n{directive}\ntwo") == "one\ntwo"
    assert not find_problems(read_sheet(f"one\n{directive}").notes)


def test_comments_of_a_chordpro_file_are_not_sung() -> None:
    assert sing("#comment\n{t: Low Tide}\n# another\none") == "one"


def test_a_transposition_is_no_silent_matter() -> None:
    for written in ("{transpose: 2}", "Transpose: +2"):
        (note,) = find_problems(read_sheet(f"{{title: X}}\n{{key: G}}\n{written}\n\none").notes)
        assert (note.line, note.message) == (
            3,
            "transpose is not followed: the key is the one that is written",
        )
        assert "key: A" in note.hint
    assert not find_problems(read_sheet("{key: G}\n{transpose: 0}\n\none").notes)
