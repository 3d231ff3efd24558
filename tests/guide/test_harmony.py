"""Chords and keys as they are written become the pitches that are meant."""

from __future__ import annotations

import pytest

from pipeline.guide.harmony import (
    adapt_scale,
    fit_key,
    parse_chord,
    parse_chord_line,
    scale_of,
)


@pytest.mark.parametrize(
    ("name", "pitches"),
    [
        ("C", (0, 4, 7)),
        ("Am", (9, 0, 4)),
        ("am", (9, 0, 4)),
        ("bb", (10, 2, 5)),
        ("F#m", (6, 9, 1)),
        ("F♯m", (6, 9, 1)),
        ("Bb", (10, 2, 5)),
        ("Cb", (11, 3, 6)),
        ("G7", (7, 11, 2, 5)),
        ("Cmaj7", (0, 4, 7, 11)),
        ("CM7", (0, 4, 7, 11)),
        ("Dm7", (2, 5, 9, 0)),
        ("Bdim", (11, 2, 5)),
        ("Caug", (0, 4, 8)),
        ("Dsus2", (2, 4, 9)),
        ("Dsus4", (2, 7, 9)),
        ("C6", (0, 4, 7, 9)),
        ("Am6", (9, 0, 4, 6)),
        ("C9", (0, 4, 7, 10, 2)),
        ("Cadd9", (0, 4, 7, 2)),
        ("F#m/A", (9, 6, 1)),
        ("C/D", (2, 0, 4, 7)),
        ("C/Bb", (10, 0, 4, 7)),
        ("C6/9", (0, 4, 7, 9, 2)),
        ("C6/9/E", (4, 0, 7, 9, 2)),
        ("Dm7/G", (7, 2, 5, 9, 0)),
        ("H", (11, 3, 6)),
        ("Hm7/F♯", (6, 11, 2, 9)),
        ("E♭Δ7", (3, 7, 10, 2)),
        ("N.C.", ()),
        ("(NC)", ()),
        ("n.c.", ()),
    ],
)
def test_a_chord_is_read_as_its_pitches(name: str, pitches: tuple[int, ...]) -> None:
    assert parse_chord(name) == pitches


@pytest.mark.parametrize(
    ("line", "bars"),
    [
        ("Am F C G", ("Am", "F", "C", "G")),
        ("Am | F | C | G", ("Am", "F", "C", "G")),
        ("| Am F C G |", ("Am", "F", "C", "G")),
        ("Dm7, G7, Cmaj7", ("Dm7", "G7", "Cmaj7")),
        ("Am F | C", ("Am F", "C")),
        ("Am\nF", ("Am", "F")),
        ("F#m/A", ("F#m/A",)),
        ("C7(b9,#11), F | G7 (b13)", ("C7(b9,#11) F", "G7(b13)")),
        ("Am N.C. F", ("Am", "N.C.", "F")),
        ("Hm7 E7 A D/H", ("Bm7", "E7", "A", "D/B")),
        ("H7 B | Bb", ("B7 Bb", "Bb")),
    ],
)
def test_chord_lines(line: str, bars: tuple[str, ...]) -> None:
    assert parse_chord_line(line) == bars


@pytest.mark.parametrize("bad", ["Im", "Cmaj77", "atuo", "C/", "A#b", "1", "Am-F"])
def test_a_chord_that_is_none_is_named_with_what_is_allowed(bad: str) -> None:
    with pytest.raises(ValueError, match="like Am") as refused:
        parse_chord_line(f"Am {bad} C")
    assert bad in str(refused.value)


@pytest.mark.parametrize("line", ["", "  | |", "C " * 300, "C," * 300])
def test_a_line_without_chords_or_with_too_many_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="1 to 256"):
        parse_chord_line(line)


@pytest.mark.parametrize(
    ("key", "pitches"),
    [
        ("C major", (0, 2, 4, 5, 7, 9, 11)),
        ("A minor", (9, 11, 0, 2, 4, 5, 7)),
        ("E♭ minor", (3, 5, 6, 8, 10, 11, 1)),
    ],
)
def test_scales(key: str, pitches: tuple[int, ...]) -> None:
    assert scale_of(key) == pitches


def test_a_scale_gives_way_to_foreign_notes() -> None:
    assert adapt_scale(scale_of("A minor"), parse_chord("Am")) == (0, 2, 4, 5, 7, 9, 11)
    # G#, neither G nor A
    assert adapt_scale(scale_of("A minor"), parse_chord("E")) == (0, 2, 4, 5, 8, 11)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("Am F C G", "A minor"),
        ("C F G C", "C major"),
        ("F#m D A E", "F# minor"),
        ("Dm7 G7 C", "C major"),
        ("N.C. Am F C G", "A minor"),
        ("Dm9 G13 Cmaj9 Am11", "C major"),
    ],
)
def test_a_chord_line_has_a_key(line: str, key: str) -> None:
    assert fit_key(parse_chord_line(line)) == key


def test_a_line_of_rests_alone_is_none() -> None:
    with pytest.raises(ValueError, match=r"N\.C\. only"):
        parse_chord_line("N.C. | N.C.")


@pytest.mark.parametrize(
    ("line", "chords"),
    [
        ("Do Re Mi Fa Sol La Si", ("C", "D", "E", "F", "G", "A", "B")),
        ("DO SOL LA- FA", ("C", "G", "A-", "F")),
        ("Do Rém | Sol7 Sib", ("C Dm", "G7 Bb")),
        ("Lam Fa#m7 Do/Mi Solsus4 N.C.", ("Am", "F#m7", "C/E", "Gsus4", "N.C.")),
        ("Dom Fa", ("Cm", "F")),
    ],
)
def test_a_line_in_solfege_is_named_as_in_english(line: str, chords: tuple[str, ...]) -> None:
    assert parse_chord_line(line) == chords


@pytest.mark.parametrize("line", ["Do", "Do Do7", "Am Do", "Do G"])
def test_a_do_that_may_be_two_chords_is_refused_by_name(line: str) -> None:
    with pytest.raises(ValueError, match=r'Ddim or D° for D diminished.*solfège, got "Do'):
        parse_chord_line(line)
    assert parse_chord_line("Co Bo7 Ddim D°") == ("Co", "Bo7", "Ddim", "D°")


@pytest.mark.parametrize("word", ["La", "Sol", "Mi"])
def test_a_word_that_may_be_sung_is_no_chord(word: str) -> None:
    with pytest.raises(ValueError, match=r"chords must be written like .*, got .*kinds: "):
        parse_chord_line(word)
