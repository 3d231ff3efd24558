"""Lyrics are read: sections, lines, second voices, and what is not sung."""

from __future__ import annotations

import pytest

from pipeline.guide.composer.form import KINDS, FormLine, LyricSection
from pipeline.singer.lyrics import Lyrics, find_kind, is_spoken, parse_lyrics
from tests.support.growth import assert_linear


def read(text: str) -> Lyrics:
    return parse_lyrics(text, "en")


def test_markers_begin_sections_and_lines_are_counted_by_syllables() -> None:
    lyrics = read("[Verse 1]\nWalking down the road\n\nAlone\n[Chorus - loud]\nTonight\n")
    assert lyrics.sections == (
        LyricSection(
            "Verse 1", "verse", (FormLine("Walking down the road", 5), FormLine("Alone", 2))
        ),
        LyricSection("Chorus - loud", "chorus", (FormLine("Tonight", 2),)),
    )
    assert [line.number for part in lyrics.parts for line in part.lines] == [1, 3, 5]


def test_words_before_any_marker_are_a_verse_without_a_name() -> None:
    assert read("Tonight").sections == (LyricSection("", "verse", (FormLine("Tonight", 2),)),)


@pytest.mark.parametrize(
    ("marker", "kind"),
    [
        ("Verse 12", "verse"),
        ("pre-chorus", "pre"),
        ("Pre Chorus 2", "pre"),
        ("Build-Up", "pre"),
        ("Final Chorus x2", "chorus"),
        ("Hook: Anna", "chorus"),
        ("Post-Chorus", "chorus"),
        ("guitar solo", "solo"),
        ("Instrumental", "break"),
        ("Fade Out", "outro"),
        ("Rap", "verse"),
        ("Rap Chorus", "chorus"),
        ("Spoken Bridge", "bridge"),
        ("Refrão", "chorus"),
        ("Estribillo", "chorus"),
        ("Припев 2", "chorus"),
        ("サビ", "chorus"),
        ("副歌", "chorus"),
        ("후렴", "chorus"),
        ("whispered", ""),
        ("raspy vocal", ""),
        ("overchorused", ""),
        ("", ""),
    ],
)
def test_a_marker_says_what_kind_of_section_it_begins(marker: str, kind: str) -> None:
    assert find_kind(marker) == kind
    assert kind in (*KINDS, "")


def test_rap_and_spoken_sections_are_spoken() -> None:
    assert all(map(is_spoken, ("Rap", "Verse 2 - rap", "Spoken Word", "rapped")))
    assert not any(map(is_spoken, ("Verse", "Trap", "Wrapped", "")))
    assert [part.spoken for part in read("[rap]\nyo\n[Chorus]\nyeah").parts] == [True, False]


def test_a_section_without_words_is_kept_and_has_no_lines() -> None:
    assert read("[Intro]\n[Verse]\n\n[Solo]").sections == (
        LyricSection("Intro", "intro", ()),
        LyricSection("Verse", "verse", ()),
        LyricSection("Solo", "solo", ()),
    )


def test_words_behind_a_marker_are_its_first_line() -> None:
    (section,) = read("[Chorus] We are the light").sections
    assert section == LyricSection("Chorus", "chorus", (FormLine("We are the light", 4),))


def list_voices(line: str) -> list[tuple[str, bool]]:
    (part,) = read(line).parts
    return [(word.word.text, word.backing) for word in part.lines[0].words]


def test_what_is_in_parentheses_is_a_second_voices() -> None:
    assert list_voices("We are (so very) here") == [
        ("We", False),
        ("are", False),
        ("(so", True),
        ("very)", True),
        ("here", False),
    ]
    assert list_voices("(ooh)") == [("(ooh)", True)]
    assert list_voices("fine (oh (oh) oh") == [
        ("fine", False),
        ("(oh)", True),
        ("(oh)", True),
        ("(oh)", True),
    ]
    assert list_voices("fine :) now") == [("fine", False), ("now", False)]


def test_parentheses_go_on_over_lines_until_they_are_closed() -> None:
    (part,) = read("we go (so far\naway yeah) from here\nwe (never\nend").parts
    voices = [[(word.word.text, word.backing) for word in line.words] for line in part.lines]
    assert voices == [
        [("we", False), ("go", False), ("(so", True), ("far)", True)],
        [("(away", True), ("yeah)", True), ("from", False), ("here", False)],
        [("we", False), ("(never)", True)],
        [("end", False)],
    ]


def test_parentheses_end_with_their_section_and_a_face_is_none() -> None:
    for text in ("so sad :(\nbut fine :)", "we (go\n[Chorus]\naway) now"):
        parts = read(text).parts
        assert not any(word.backing for word in parts[-1].lines[-1].words)
    assert [word.word.text for word in read("away) now").parts[0].lines[0].words] == ["away", "now"]


def test_other_brackets_are_not_sung_and_are_told_of() -> None:
    lyrics = read("[whispered]\nhello [guitar fills] there [unclosed")
    assert [line.text for line in lyrics.sections[0].lines] == ["hello there"]
    assert "no section and not sung: [whispered], [guitar fills], [unclosed]" in lyrics.notes


def test_a_line_of_emoji_has_no_syllable_and_form_does_not_see_it() -> None:
    lyrics = read("😀 ❤️\nhello")
    assert [line.text for line in lyrics.sections[0].lines] == ["hello"]
    assert [line.syllables for line in lyrics.parts[0].lines] == [0, 2]


def test_nothing_is_no_lyrics() -> None:
    assert read("").sections == ()
    assert read("\n \n").sections == ()


def test_the_language_of_all_lines_is_said_where_none_is_given() -> None:
    assert any("no language is given" in note for note in parse_lyrics("I love you").notes)


@pytest.mark.parametrize("piece", ["[", "]", "(", ")", "[a", "()", "la\n", "[Verse]\n", "a-"])
def test_reading_takes_linear_time(piece: str) -> None:
    assert_linear(lambda text: read(text), lambda size: piece * size)
