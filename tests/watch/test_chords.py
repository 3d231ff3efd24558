"""Chords, tabs and diagrams of song sheets are not sung, and words that look like them are."""

from __future__ import annotations

import pytest

from daemon.watch.notes import find_problems
from daemon.watch.sheet import read_sheet

CHORDS = (
    "G       D       C",
    "G D C",
    "Em      D/F#    G",
    "N.C.        Am   C",
    "NC",
    "(N.C.)",
    "Am7  D7sus4  Gmaj7  C#m7b5",
    "F#m7(b5)   B7(#9)   E6/9   A13",
    "Bbmaj7 Ebadd9 Ab/C Gdim7 Faug",
    "C°7   Dø   E+   Fm(maj7)",
    "| Am | F | C | G |",
    "|: Am F :| x2",
    "|| C / / / | G / / / ||",
    "Am F C G x4",
    "Am F C G (x2)",
    "Am F C G   (let ring)",
    "Am - F - C - G",
    "Am-F-C-G",
    "Am, F, C, G",
    "Am → F → C",
    "Am % F %",
    "(Am) (F)",
    "Am*  F*",
    "[Am] [F] [C]",
    "[| Am . . . | F . . . |]",
    "Ｇ　　Ｄ　　Ｃ",
    "G♯m  B♭",
    "H7   Em   Am",
    "Do   Sol   Lam   Fa",
    "RE  LA7  SIm  SOL",
    "( E  A  E  A )",
    "( E A E A )",
    "a   d   E7   a",
    "fis  D  A  E",
    "1   4   6m   5",
    "e|--3--5--|",
    "E|-----0h2p0---3/5\\3---|",
    "B---3---3---2---",
    "HH|x-x-x-x-|",
    "|-----2---0-----|",
    "Bm: x24432",
    "D/F# 2x0232",
    "G  3 2 0 0 0 3",
    "1 & 2 & 3 & 4 &",
    "D DU UDU",
    "D  D  U  U  D  U",
)


@pytest.mark.parametrize("line", CHORDS)
def test_a_line_of_chords_is_not_sung(line: str) -> None:
    read = read_sheet(f"[Verse]\n{line}\nWalking down the shore\n")
    assert read.values["lyrics"] == "[Verse]\nWalking down the shore"
    assert not find_problems(read.notes)


WORDS = (
    "A E",
    "A B C",
    "A B C D E F G",
    "F-A-D-E",
    "Hm hm hm",
    "La La La",
    "Do re mi",
    "A",
    "E",
    "Em",
    "Am I here",
    "A rose",
    "Add me",
    "Dad",
    "Go",
    "Be",
    "(ooh, ahh)",
    "We are (alive)",
    "We are [alive]",
    "- word",
)


@pytest.mark.parametrize("line", WORDS)
def test_words_that_look_like_chords_are_sung(line: str) -> None:
    assert read_sheet(f"[Verse]\n{line}\nthree four").values["lyrics"] == (
        f"[Verse]\n{line}\nthree four"
    )


def test_a_letter_is_a_chord_above_words_where_other_lines_are_chords() -> None:
    text = "Am   F\nA rose is a rose\nG\nof all\nA\n"
    assert read_sheet(text).values["lyrics"] == "A rose is a rose\nof all\nA"


@pytest.mark.parametrize(
    "line",
    [
        "[Am]over the [F/C]water",
        "[Am]o[F]ver the [N.C.]water",
        "over[Am] the[F] water[G]",
        "[Am] over [F] the [G] [C]water",
        "(Am)over(C) the (F)water",
        "[Am7(b5)]over [*softly]the [G / D]water",
        "(Am)over the (F)water",
        "[ch]Am[/ch]over the water",
        "over the [Am]water",
        "【Am】over the 【F】water",
    ],
)
def test_chords_between_words_are_not_sung(line: str) -> None:
    assert read_sheet(f"[Verse]\nDm7  G7\nla\n{line}").values["lyrics"] == (
        "[Verse]\nla\nover the water"
    )


@pytest.mark.parametrize(
    "line", ["Intro: Am F C G", "[Intro] Am F C G", "Intro - Am F", "Intro  Am  F", "(Intro: Am F)"]
)
def test_chords_behind_a_heading_are_not_sung(line: str) -> None:
    assert read_sheet(f"{line}\n\n[Verse]\nla").values["lyrics"] == "[Intro]\n\n[Verse]\nla"


def test_a_guide_is_suggested_that_plays_the_chords() -> None:
    [note, _] = read_sheet("Am  F\nhome").notes
    assert str(note) == "not sung: chords, which guide: Am F would play"


def test_words_do_not_keep_the_space_that_chords_needed() -> None:
    text = "[Verse]\nAm        F\nRivers    of glass"
    assert read_sheet(text).values["lyrics"] == "[Verse]\nRivers of glass"


@pytest.mark.parametrize("line", ["Do Sol", "Sol Re Em Do", "Re Re", "MI7", "LA-"])
def test_notes_by_name_are_chords_where_a_sheet_writes_them_so(line: str) -> None:
    text = f"Sol        Lam\ncamino solo\n{line}\na casa voy"
    assert read_sheet(text).values["lyrics"] == "camino solo\na casa voy"


@pytest.mark.parametrize("line", ["Sol", "Si", "La La La", "Mi mi mi", "La mia casa"])
def test_syllables_are_sung_there_too(line: str) -> None:
    text = f"Sol        Lam\ncamino solo\n{line}\na casa voy"
    assert read_sheet(text).values["lyrics"] == f"camino solo\n{line}\na casa voy"


def test_a_chord_that_rings_is_not_sung() -> None:
    assert read_sheet("Am   F\nhome\nG (let ring)\nlo").values["lyrics"] == "home\nlo"


@pytest.mark.parametrize(
    "line", ["| x   mute", "| h   hammer-on", "| / = slide up", "|p   pull-off|"]
)
def test_what_the_signs_of_a_tab_mean_is_not_sung(line: str) -> None:
    read = read_sheet(f"[Verse]\nla la\n\n*******\n{line}\n*******")
    assert read.values["lyrics"] == "[Verse]\nla la"


def test_words_between_bar_lines_are_sung() -> None:
    assert "| Hold me |" in str(read_sheet("[Verse]\nla la\n| Hold me |").values["lyrics"])
