"""Arrangements for tests of the players, without the form and the harmony that compose one."""

from __future__ import annotations

from typing import Any

from pipeline.guide.composer.arrangement import Arrangement, ChordSpan
from pipeline.guide.composer.form import Section
from pipeline.guide.composer.meter import read_meter
from pipeline.guide.composer.mood import Mood
from pipeline.guide.composer.sketch import Sketch
from pipeline.guide.harmony import adapt_scale, parse_chord, scale_of
from pipeline.guide.score import ROLES

CHORDS = ("Am7", "Fmaj7", "C", "G7")

# quarter notes of a bar, and a time signature where one is given
METERS = (
    (4, ""),
    (3, ""),
    (3, "6/8"),
    (3.5, ""),
    (5, ""),
    (0.5, ""),
    (1.1, ""),
    (7.3, ""),
    (32, ""),
)


def make_section(kind: str = "verse", bar: int = 0, bars: int = 8, **changes: Any) -> Section:
    values: dict[str, Any] = {
        "label": kind,
        "kind": kind,
        "bar": bar,
        "bars": bars,
        "energy": 0.5,
        "parts": ROLES,
        "material": 0,
        "progression": 0,
    }
    return Section(**values | changes)


def make_song(style: str = "pop", **changes: Any) -> Arrangement:
    """64 bars with the sections that songs have."""
    plan: tuple[tuple[str, int, dict[str, Any]], ...] = (
        ("intro", 4, {"energy": 0.3, "material": 0}),
        ("verse", 16, {"energy": 0.5, "material": 0, "fill_beats": 1}),
        ("pre", 4, {"energy": 0.6, "material": 2, "build": True, "fill_beats": 2}),
        ("chorus", 8, {"energy": 0.85, "material": 1, "crash": True, "fill_beats": 1}),
        ("verse", 8, {"energy": 0.55, "material": 0, "fill_beats": 1}),
        ("chorus", 8, {"energy": 0.85, "material": 1, "crash": True}),
        ("break", 4, {"energy": 0.25, "material": 3, "fill_beats": 2}),
        ("chorus", 8, {"energy": 0.95, "material": 1, "crash": True}),
        ("outro", 4, {"energy": 0.4, "material": 0, "ending": True}),
    )
    sections = []
    bar = 0
    for kind, bars, values in plan:
        sections.append(make_section(kind, bar, bars, **values))
        bar += bars
    return make_arrangement(style, sections=tuple(sections), **changes)


def make_arrangement(
    style: str = "pop",
    *,
    bars: int = 8,
    quarters: float = 4,
    time_signature: str = "",
    sections: tuple[Section, ...] = (),
    chords: tuple[str, ...] = CHORDS,
    section: dict[str, Any] | None = None,
    **changes: Any,
) -> Arrangement:
    """One section of so many bars, unless sections are given; a chord a bar. `section` changes that
    one section, other names the sketch.
    """
    sections = sections or (make_section(bars=bars, **(section or {})),)
    values: dict[str, Any] = {
        "style": style,
        "bpm": 120.0,
        "key": "A minor",
        "bars": sections[-1].end,
        "meter": read_meter(quarters, time_signature),
        "parts": ROLES,
        "seed": 1,
        "mood": Mood(),
    }
    sketch = Sketch(**values | changes)
    scale = scale_of(sketch.key)
    spans = []
    for bar in range(sketch.bars):
        names = chords[bar % len(chords)].split()
        for index, name in enumerate(names):
            begin = sketch.meter.steps * index // len(names)
            end = sketch.meter.steps * (index + 1) // len(names)
            chord = parse_chord(name)
            if begin < end:
                spans.append(ChordSpan(bar, begin, end, name, chord, adapt_scale(scale, chord)))
    return Arrangement(sketch, scale, sections, tuple(spans))
