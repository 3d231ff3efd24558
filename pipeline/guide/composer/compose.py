"""A sketch becomes a composition: its form, its harmony, and the notes of every part."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ...keys import parse_key
from ..harmony import scale_of
from ..score import ROLES, Note, Score
from .arrangement import Arrangement
from .bass import play_bass
from .changes import write_changes
from .chords import play_chords
from .drums import play_drums
from .lead import play_lead
from .sections import plan_form
from .sketch import Sketch
from .styles import STYLES

_PLAYERS: dict[str, Callable[[Arrangement], Iterator[Note]]] = {
    "drums": play_drums,
    "bass": play_bass,
    "chords": play_chords,
    "lead": play_lead,
}


class Composition(NamedTuple):
    """What was composed of a sketch; `left_out` are the lines of its lyrics, by (index of section,
    index of line), for which there was no bar.
    """

    score: Score
    arrangement: Arrangement
    left_out: tuple[tuple[int, int], ...]


def compose(sketch: Sketch) -> Composition:
    """The composition of a sketch, exactly within its bars; same sketch, same notes.

    A part that is left out changes no other, but where it would have played alone: those that are
    there play then. Raises ValueError for a chord, a style or a part that does not exist.
    """
    unknown = [part for part in sketch.parts if part not in ROLES]
    if sketch.style not in STYLES or unknown or not sketch.parts:
        raise ValueError(
            f"styles are {', '.join(STYLES)}; parts are {', '.join(ROLES)}; "
            f"got {sketch.style!r} and {sketch.parts}"
        )
    sketch = dataclasses.replace(sketch, key=parse_key(sketch.key))
    form = plan_form(sketch)
    spans = tuple(write_changes(sketch, form.sections))
    arrangement = Arrangement(sketch, scale_of(sketch.key), form.sections, spans)
    notes = [note for role in sketch.parts for note in _PLAYERS[role](arrangement)]
    notes.sort(key=lambda note: (note.start, ROLES.index(note.role), note.pitch))
    return Composition(Score(sketch.bpm, tuple(notes)), arrangement, form.left_out)
