"""A sketch becomes notes, part by part."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from ...keys import parse_key
from ..score import ROLES, Note, Score
from .arrangement import FirstArrangement
from .bass import play_bass
from .chords import play_chords
from .drums import play_drums
from .lead import play_lead
from .sketch import FirstSketch, make_rng
from .styles import STYLES

_PLAYERS: dict[str, Callable[[FirstArrangement, np.random.Generator], Iterator[Note]]] = {
    "drums": play_drums,
    "bass": play_bass,
    "chords": play_chords,
    "lead": play_lead,
}


def compose(sketch: FirstSketch) -> Score:
    """The notes of a sketch: all in its key, or in its chord line's; exactly within its bars; same
    sketch, same notes. Raises ValueError for a chord, a style or a part that does not exist.
    """
    unknown = [part for part in sketch.parts if part not in ROLES]
    if sketch.style not in STYLES or unknown:
        raise ValueError(
            f"styles are {', '.join(STYLES)}; parts are {', '.join(ROLES)}; got {sketch}"
        )
    arrangement = FirstArrangement(dataclasses.replace(sketch, key=parse_key(sketch.key)))
    notes = [
        note
        for role in sketch.parts
        for note in _PLAYERS[role](arrangement, make_rng(sketch.seed, role))
    ]
    notes.sort(key=lambda note: (note.start, ROLES.index(note.role), note.pitch))
    return Score(sketch.bpm, tuple(notes))
