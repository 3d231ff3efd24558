"""The changes: which chord sounds when."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.guide.composer.arrangement import ChordSpan
from pipeline.guide.composer.changes import write_changes
from pipeline.guide.composer.meter import read_meter
from pipeline.guide.composer.sections import plan_form
from pipeline.guide.composer.sketch import Sketch
from pipeline.guide.composer.styles import STYLES
from pipeline.guide.harmony import parse_chord
from pipeline.guide.score import ROLES


def write(
    bars: int, style: str = "pop", *, quarters: float = 4, key: str = "A minor", **changes: Any
) -> list[ChordSpan]:
    sketch = Sketch(style, 120.0, key, bars, read_meter(quarters), ROLES, **{"seed": 1, **changes})
    return list(write_changes(sketch, plan_form(sketch)))


@pytest.mark.parametrize("quarters", [0.5, 1.1, 3, 3.5, 4, 5, 7.3, 32])
def test_the_spans_of_a_bar_fill_it(quarters: float) -> None:
    steps = read_meter(quarters).steps
    for style in ("pop", "techno", "jazz"):
        for bars in (1, 3, 16):
            spans = write(bars, style, quarters=quarters)
            for bar in range(bars):
                inside = [span for span in spans if span.bar == bar]
                assert [span.begin for span in inside] == [0, *(each.end for each in inside[:-1])]
                assert inside[-1].end == steps
            assert all(parse_chord(span.name) == span.chord for span in spans)
            assert all({*span.chord} <= {*span.scale} for span in spans)


def test_a_chord_line_is_played_as_it_is_given() -> None:
    line = ("Am", "F C", "Dm7", "G7/B")
    for loop in (False, True):
        spans = write(8, chords=line, loop=loop)
        names = [" ".join(span.name for span in spans if span.bar == bar) for bar in range(8)]
        assert names == [*line, *line]
    assert [span.name for span in write(2, chords=line)] == ["Am", "F", "C", "Dm7", "G7/B"]


def test_a_piece_with_an_ending_comes_home_and_a_loop_does_not() -> None:
    for style in STYLES:
        for seed in range(2):
            assert write(32, style, seed=seed)[-1].name == "Am"
            loop = write(8, style, seed=seed, loop=True)
            assert len({span.name for span in loop}) == 1 or loop[-1].name != loop[0].name


def test_sections_have_their_progressions() -> None:
    for style in STYLES:
        sketch = Sketch(style, 120.0, "A minor", 64, read_meter(4), ROLES, 2)
        sections = plan_form(sketch)
        spans = list(write_changes(sketch, sections))
        heard = {
            section.progression: {
                span.name for span in spans if section.bar <= span.bar < section.end
            }
            for section in sections
        }
        assert heard[0] != heard[1]


def test_eight_bars_are_not_always_twice_four() -> None:
    turned = 0
    for seed in range(30):
        names = [span.name for span in write(8, "pop", seed=seed, loop=True)]
        turned += names[: len(names) // 2] != names[len(names) // 2 :]
    assert 8 <= turned <= 29


def test_chords_change_on_beats() -> None:
    for quarters in (3, 3.5, 4, 5):
        meter = read_meter(quarters)
        for style in STYLES:
            assert {span.begin for span in write(16, style, quarters=quarters)} <= {*meter.beats}


def test_a_section_that_comes_back_has_its_chords() -> None:
    for seed in range(4):
        sketch = Sketch("pop", 110.0, "A minor", 64, read_meter(4), ROLES, seed)
        sections = plan_form(sketch)
        spans = list(write_changes(sketch, sections))
        played: dict[int, set[tuple[str, ...]]] = {}
        for section in sections[:-1]:
            names = tuple(span.name for span in spans if section.bar <= span.bar < section.end)
            if section.kind == "chorus":
                played.setdefault(section.bars, set()).add(names)
        assert played
        assert all(len(changes) == 1 for changes in played.values())
