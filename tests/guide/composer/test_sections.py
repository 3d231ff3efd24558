"""Form: sections from the lyrics, or from the number of bars."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.guide.composer.form import KINDS, FormLine, LyricSection, Section
from pipeline.guide.composer.meter import read_meter
from pipeline.guide.composer.sections import plan_form
from pipeline.guide.composer.sketch import Sketch
from pipeline.guide.composer.styles import STYLES
from pipeline.guide.score import ROLES


def plan(
    bars: int, style: str = "pop", *, quarters: float = 4, **changes: Any
) -> tuple[Section, ...]:
    values: dict[str, Any] = {"bpm": 110.0, "key": "A minor", "parts": ROLES, "seed": 1}
    return plan_form(Sketch(style, bars=bars, meter=read_meter(quarters), **{**values, **changes}))


def write_lines(count: int, syllables: int = 8) -> tuple[FormLine, ...]:
    return tuple(FormLine("la " * syllables, syllables) for _ in range(count))


SONG = (
    LyricSection("Verse 1", "verse", write_lines(4)),
    LyricSection("Chorus", "chorus", write_lines(4)),
    LyricSection("Verse 2", "verse", write_lines(4)),
    LyricSection("Chorus", "chorus", write_lines(4)),
)


ALL_LINES = [(section, line) for section in range(4) for line in range(4)]


def list_sung(sections: tuple[Section, ...]) -> list[tuple[int, int]]:
    """The lines that are sung, by index of section and of line."""
    return sorted({(line.section, line.line) for each in sections for line in each.lines})


def assert_whole(sections: tuple[Section, ...], bars: int) -> None:
    """Sections without gaps, and lines in order within them, each with bars of its own."""
    assert [section.bar for section in sections] == [0, *(each.end for each in sections[:-1])]
    assert sections[-1].end == bars
    for section in sections:
        assert section.kind in KINDS
        assert section.parts
        assert 0 < section.energy <= 1
        assert 0 <= section.lift <= 12
        bar = section.bar
        for line in section.lines:
            assert line.bar == bar
            assert line.bars >= 1
            bar += line.bars
        assert bar <= section.end


@pytest.mark.parametrize("quarters", [0.5, 1.1, 3, 3.5, 4, 5, 7.3, 32])
def test_any_number_of_bars_has_a_form(quarters: float) -> None:
    for bars in (1, 2, 3, 4, 5, 8, 11, 30, 64, 1024):
        for style in ("pop", "ambient"):
            assert_whole(plan(bars, style, quarters=quarters), bars)
        sections = plan(bars, quarters=quarters, lyrics=SONG)
        assert_whole(sections, bars)
        assert list_sung(sections) == ALL_LINES[: len(list_sung(sections))]


def test_long_pieces_have_the_sections_of_songs() -> None:
    kinds = {section.kind for seed in range(8) for section in plan(64, seed=seed)}
    assert kinds >= {"intro", "verse", "pre", "chorus", "break", "bridge", "outro"}
    for style in STYLES:
        for bars in (32, 64, 128):
            sections = plan(bars, style)
            assert all(section.bars in (2, 4, 8, 16, 32) for section in sections)
            assert any(section.fill_beats for section in sections)
            assert any(section.crash for section in sections)
            assert [section.ending for section in sections] == [False] * (len(sections) - 1) + [
                True
            ]


def test_a_chorus_is_fuller_louder_and_higher_than_its_verse() -> None:
    for style in STYLES:
        sections = plan(64, style)
        verses = [section for section in sections if section.kind == "verse"]
        choruses = [section for section in sections if section.kind == "chorus"]
        for verse in verses:
            for chorus in choruses:
                assert chorus.energy > verse.energy
                assert chorus.lift > verse.lift
                assert chorus.material != verse.material
                assert chorus.progression != verse.progression


def test_no_break_is_left_to_the_chords_alone() -> None:
    for style in STYLES:
        breaks = [
            section
            for seed in range(12)
            for section in plan(64, style, seed=seed)
            if section.kind == "break"
        ]
        assert breaks
        assert all(section.parts != ("chords",) for section in breaks)


def test_a_line_gets_two_bars_and_a_section_its_label() -> None:
    sections = plan(32, lyrics=SONG)
    assert [section.label for section in sections] == ["Verse 1", "Chorus", "Verse 2", "Chorus"]
    assert {line.bars for section in sections for line in section.lines} == {2}


def test_where_bars_are_few_lines_get_one_and_the_last_are_left_out() -> None:
    assert {line.bars for each in plan(16, lyrics=SONG) for line in each.lines} == {1}
    assert list_sung(plan(6, lyrics=SONG)) == ALL_LINES[:6]
    verse = (LyricSection("", "verse", write_lines(400)),)
    assert len(list_sung(plan(4, lyrics=verse))) == 4


def test_lines_get_two_bars_before_anything_else_gets_some() -> None:
    song = tuple(
        LyricSection(kind.capitalize(), kind, write_lines(count))
        for kind, count in (
            ("verse", 2),
            ("chorus", 2),
            ("verse", 2),
            ("chorus", 2),
            ("bridge", 1),
            ("chorus", 2),
        )
    )
    sections = plan(16, lyrics=song)
    assert [section.kind for section in sections] == [section.kind for section in song]
    bars = [{line.bars for line in section.lines} for section in sections]
    assert bars == [{2}, {1}, {2}, {1}, {2}, {1}]
    bars = [{line.bars for line in each.lines} for each in plan(17, lyrics=song)]
    assert bars == [{1}, {2}, {1}, {2}, {1}, {2}]


def test_where_bars_are_many_there_are_an_intro_an_outro_and_the_chorus_again() -> None:
    kinds = [section.kind for section in plan(64, lyrics=SONG)]
    assert kinds[0] == "intro"
    assert kinds[-1] == "outro"
    assert kinds.count("chorus") > 2
    sections = plan(64, lyrics=SONG)
    last = [each for each in sections if each.kind == "chorus"][-1]
    assert [line.section for line in last.lines] == [3, 3, 3, 3]
    assert list_sung(sections) == ALL_LINES


def test_one_word_for_a_minute_comes_again_between_parts_without_words() -> None:
    word = (LyricSection("", "verse", (FormLine("hello", 2),)),)
    sections = plan(30, lyrics=word)
    assert sum(bool(section.lines) for section in sections) >= 2
    assert any(section.kind in ("solo", "break") for section in sections)


def test_markers_without_words_get_bars_where_there_are_any() -> None:
    lyrics = (
        LyricSection("Intro", "intro", ()),
        SONG[0],
        LyricSection("Guitar Solo", "solo", ()),
        SONG[1],
    )
    assert [section.label for section in plan(24, lyrics=lyrics)] == [
        "Intro",
        "Verse 1",
        "Guitar Solo",
        "Chorus",
    ]
    assert "Guitar Solo" not in [section.label for section in plan(8, lyrics=lyrics)]


def test_rap_takes_half_the_bars_and_long_lines_take_as_many_as_they_need() -> None:
    def line_bars(label: str, syllables: int, bpm: float = 90.0) -> int:
        lyrics = (LyricSection(label, "verse", write_lines(4, syllables)),)
        sections = plan(64, "hip hop", bpm=bpm, lyrics=lyrics)
        return next(each.lines[0].bars for each in sections if each.lines)

    assert line_bars("rap verse", 10) == 1
    assert line_bars("verse", 10) == 2
    assert line_bars("rap verse", 20) == 2
    assert line_bars("verse", 9, bpm=200.0) == 4


def test_a_section_that_comes_back_plays_the_same_material() -> None:
    sections = plan(64)
    by_kind: dict[str, set[Section]] = {}
    for section in sections:
        by_kind.setdefault(section.kind, set()).add(section)
    assert all(len({each.material for each in group}) == 1 for group in by_kind.values())


def test_lyrics_of_an_outro_alone_are_sung_too() -> None:
    for kind in KINDS:
        for bars in (3, 16):
            sections = plan(bars, lyrics=(LyricSection("", kind, write_lines(2)),))
            assert_whole(sections, bars)
            assert list_sung(sections) == [(0, 0), (0, 1)]
