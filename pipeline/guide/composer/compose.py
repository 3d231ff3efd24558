"""A sketch becomes a composition: its form, its harmony, and the notes of every part."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ...keys import parse_key
from ..harmony import scale_of
from ..score import ROLES, Note, Score
from .arrangement import Arrangement, ChordSpan
from .bass import play_bass
from .changes import write_changes
from .chords import play_chords
from .drums import play_drums
from .lead import play_lead
from .sections import CHORUS_MATERIALS, plan_form
from .sketch import Sketch
from .styles import STYLES

_PLAYERS: dict[str, Callable[[Arrangement], Iterator[Note]]] = {
    "drums": play_drums,
    "bass": play_bass,
    "chords": play_chords,
    "lead": play_lead,
}
SILENT = ("bass", "chords")  # where no chord is played
EARLY = 0.25  # beats by which a note may be before the bar that it belongs to


class Composition(NamedTuple):
    """What was composed of a sketch."""

    score: Score
    arrangement: Arrangement


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
    whole, chorus = _choose_chorus(dataclasses.replace(sketch, parts=ROLES))
    return whole if sketch.parts == ROLES else _play(sketch, chorus)


class _Chorus(NamedTuple):
    """What is played in choruses: their material, and whether they are busy verses with a tune of
    their own.
    """

    material: int
    busy: bool = False


CHORUSES = (*map(_Chorus, CHORUS_MATERIALS), _Chorus(CHORUS_MATERIALS[0], busy=True))


def _choose_chorus(sketch: Sketch) -> tuple[Composition, _Chorus]:
    """The composition of all parts, and its choruses: the usual ones, or the first with which none
    is thinner than a verse. Busy ones are not.
    """
    for chorus in CHORUSES:
        composition = _play(sketch, chorus)
        if _compare_choruses(composition) >= 1:
            break
    return composition, chorus


def _play(sketch: Sketch, chorus: _Chorus) -> Composition:
    """The composition with such choruses."""
    sections = plan_form(sketch, *chorus)
    spans = tuple(write_changes(sketch, sections))
    arrangement = Arrangement(sketch, scale_of(sketch.key), sections, spans)
    notes = [note for role in sketch.parts for note in _PLAYERS[role](arrangement)]
    if rests := [span for span in spans if span.is_rest]:
        notes = [kept for note in notes for kept in _keep_out(note, rests, sketch.meter.quarters)]
    notes.sort(key=lambda note: (note.start, ROLES.index(note.role), note.pitch))
    return Composition(Score(sketch.bpm, tuple(notes)), arrangement)


def _keep_out(note: Note, rests: Sequence[ChordSpan], quarters: float) -> Iterator[Note]:
    """A note of chords or bass ends where a rest begins, and does not begin within one."""
    if note.role not in SILENT:
        yield note
        return
    length = note.length
    for rest in rests:
        begin = rest.bar * quarters + rest.begin / 4
        if begin - EARLY / 2 <= note.start < begin + (rest.end - rest.begin) / 4 - EARLY / 2:
            return
        if note.start < begin:
            length = min(length, begin - note.start)
    yield note._replace(length=length)


def _compare_choruses(composition: Composition) -> float:
    """How full the thinnest chorus is, in notes and in force, beside the fullest verse; at least 1
    where there are not both.
    """
    fullness = {kind: _list_fullness(composition, kind) for kind in ("chorus", "verse")}
    if not all(fullness.values()):
        return 1.0
    compared = itertools.product(fullness["chorus"], fullness["verse"])
    return min(
        min(notes / verse_notes, force / verse_force)
        for (notes, force), (verse_notes, verse_force) in compared
    )


def _list_fullness(composition: Composition, kind: str) -> list[tuple[float, float]]:
    """Of every section of a kind its notes a bar, and the sum of their velocities' squares; without
    the bar of a last hit.
    """
    quarters = composition.arrangement.sketch.meter.quarters
    listed = []
    for section in composition.arrangement.sections:
        bars = section.bars - (section.ending and section.bars > 1)
        begin = section.bar * quarters - EARLY
        end = begin + bars * quarters
        forces = [
            note.velocity * note.velocity
            for note in composition.score.notes
            if begin <= note.start < end
        ]
        if section.kind == kind:
            listed.append((len(forces) / bars, sum(forces) / bars))
    return listed
