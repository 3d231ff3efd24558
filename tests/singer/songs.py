"""Compositions with words, for tests of what is sung."""

from __future__ import annotations

import dataclasses
from typing import Any

from pipeline.guide.composer.arrangement import Arrangement
from pipeline.guide.composer.changes import write_changes
from pipeline.guide.composer.meter import read_meter
from pipeline.guide.composer.sections import plan_form
from pipeline.guide.composer.sketch import Sketch
from pipeline.guide.harmony import scale_of
from pipeline.guide.score import ROLES
from pipeline.singer.lyrics import Lyrics, parse_lyrics

VERSE_AND_CHORUS = """[Verse 1]
Walking down the empty road tonight
All the stars are falling into light
[Chorus]
We will never be alone
Running through the city
"""


def make_words(
    text: str = VERSE_AND_CHORUS,
    *,
    language: str = "en",
    quarters: float = 4,
    time_signature: str = "",
    **changes: Any,
) -> tuple[Arrangement, Lyrics]:
    """What a sketch with some lyrics becomes, but for the band's notes: 16 bars at 100 bpm."""
    lyrics = parse_lyrics(text, language)
    meter = read_meter(quarters, time_signature)
    sketch = Sketch("pop", 100.0, "A minor", 16, meter, ROLES, 1, lyrics=lyrics.sections)
    sketch = dataclasses.replace(sketch, **changes)
    sections = plan_form(sketch)
    spans = tuple(write_changes(sketch, sections))
    return Arrangement(sketch, scale_of(sketch.key), sections, spans), lyrics
