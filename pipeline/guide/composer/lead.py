"""The lead: a tune in phrases that breathe. It rests where words are sung, and answers them."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ..score import Note
from .arrangement import Arrangement, ChordSpan
from .fills import count_last_steps
from .form import Section
from .groove import place
from .melody import (
    BREATH,
    Phrase,
    PhrasePlan,
    Register,
    Spot,
    find_home,
    list_phrases,
    plan_phrases,
    span_of,
    sung_range,
    weigh,
    write_melody,
)
from .sketch import pick
from .styles import STYLES

# The rhythms of a beat of two eighths, and of three: by the grid of a style, in steps, on which its
# notes begin. "x" begins a note, which lasts until the next one.
_BEATS = {
    4: {
        4: ("....", "x..."),
        2: ("....", "x...", "x...", "..x.", "x.x.", "x.x."),
        1: ("....", "x...", "..x.", "x.x.", "x..x", "...x", "x.xx", "xxx.", "..xx", "xxxx"),
    },
    6: {
        4: ("......", "x....."),
        2: ("......", "x.....", "x...x.", "....x.", "..x.x.", "x.x.x."),
        1: ("......", "x.....", "x...x.", "x.x.x.", "x..xx.", "x.xxx.", "xxx.x.", "..x.xx"),
    },
}
# Steps at the end of a phrase, where the player breathes; and those by which one begins late, or
# with a pick-up before its first beat.
_RESTS = (4, 4, 6, 8)
_LEAST_REST = 4
_ENTRIES = (0, 0, 0, 2, 2, 4, -2, -4)
_SHORTEST_ANSWER = 6  # steps between sung lines
_LONGEST_CADENCE = 12  # steps
_VARIED = 0.5  # of the phrases that come again
# How often a note comes half a beat before the beat that it belongs to, of 1.
_ANTICIPATION = {
    "hip hop": 0.2,
    "trap": 0.1,
    "lo-fi": 0.2,
    "rock": 0.15,
    "pop": 0.25,
    "reggae": 0.15,
    "funk": 0.3,
    "disco": 0.25,
    "r&b": 0.3,
    "jazz": 0.35,
    "bossa nova": 0.4,
    "uk garage": 0.25,
    "afrobeats": 0.35,
    "house": 0.25,
}


def play_lead(arrangement: Arrangement) -> Iterator[Note]:
    """The tune of every section that has one. Sections of the same material have the same tune,
    with small variations when it comes back.
    """
    played: collections.Counter[tuple[str, int]] = collections.Counter()
    register = _find_register(arrangement)
    free = 0.0
    for section in arrangement.sections:
        if "lead" not in section.parts:
            free = section.end * arrangement.sketch.meter.steps
            continue
        time = played[section.kind, section.material]
        played[section.kind, section.material] += 1
        phrases = list(_write_phrases(arrangement, section, free))
        free = phrases[-1].spots[-1].end + _LEAST_REST if phrases else free
        pitches = write_melody(arrangement, section, phrases, register)
        for number, (phrase, row) in enumerate(zip(phrases, pitches)):
            notes = list(zip(phrase.spots, row))
            if time and not section.ending:
                notes = list(_vary(arrangement, section, time, number, notes))
            for spot, pitch in notes:
                bar, step = divmod(spot.begin, arrangement.sketch.meter.steps)
                velocity = 0.72 + 0.1 * spot.weight + 0.006 * (pitch - register.centre)
                yield from place(arrangement, "lead", int(bar), step, spot.length, pitch, velocity)


def _find_register(arrangement: Arrangement) -> Register:
    low, high = STYLES[arrangement.sketch.style].tune
    return Register(low, (low + high) / 2 - 1, high)


def _write_phrases(arrangement: Arrangement, section: Section, free: float) -> Iterator[Phrase]:
    """A section's phrases with their rhythms: what is left of them where lines are sung. Nothing is
    played before the step `free`.
    """
    phrases = list_phrases(arrangement.sketch.meter, section)
    plans = plan_phrases(arrangement, section, len(phrases))
    sung = _list_sung(arrangement, section)
    for phrase, plan in zip(phrases, plans):
        for begin, end in _list_gaps(phrase, sung):
            beats = _list_beats(arrangement, begin, end)
            whole = (begin, end) == (phrase.begin, phrase.end)
            if not whole and (not beats or end - beats[0] < _SHORTEST_ANSWER):
                continue
            spots = _write_rhythm(arrangement, section, plan, beats, end, whole)
            spots = tuple(spot for spot in spots if spot.begin >= free)
            if spots:
                free = spots[-1].end + _LEAST_REST
                yield Phrase(phrase.begin, phrase.end, spots)


def _list_sung(arrangement: Arrangement, section: Section) -> list[tuple[int, int]]:
    """The steps in which words are sung, with the pick-up of the section behind."""
    sections = [section]
    if section.end < arrangement.sketch.bars:
        sections.append(arrangement.section_at(section.end))
    return [sung_range(arrangement, line) for each in sections for line in each.lines]


def _list_gaps(phrase: Phrase, sung: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The steps of a phrase in which nothing is sung, with a breath between."""
    at = phrase.begin
    for begin, end in sorted(sung):
        if begin - BREATH > at:
            yield at, min(begin - BREATH, phrase.end)
        at = max(at, end + BREATH)
        if at >= phrase.end:
            return
    yield at, phrase.end


def _list_beats(arrangement: Arrangement, begin: int, end: int) -> list[int]:
    """The steps in a range at which beats begin."""
    meter = arrangement.sketch.meter
    bars = range(begin // meter.steps, (end - 1) // meter.steps + 1)
    beats = (bar * meter.steps + beat for bar in bars for beat in meter.beats)
    return [beat for beat in beats if begin <= beat < end]


def _write_rhythm(
    arrangement: Arrangement,
    section: Section,
    plan: PhrasePlan,
    beats: Sequence[int],
    end: int,
    whole: bool,
) -> tuple[Spot, ...]:
    """The notes of a phrase over some beats: a rhythm that comes again in its second half, and a
    note that is held at its end.
    """
    sketch = arrangement.sketch
    style = STYLES[sketch.style]
    rng = sketch.make_rng("lead", section.material, plan.motif, len(beats))
    edges = [*beats, end]
    half = (len(beats) + 1) // 2
    last = _choose_cadence(rng, arrangement, section, beats, end)
    wanted = _count_notes(arrangement, section, whole)
    grid = 1 if section.kind == "solo" else style.lead.grid
    rhythms: list[str] = []
    for index in range(last):
        if index >= half and rng.random() < 0.6:
            rhythms.append(rhythms[index - half])
        else:
            steps = edges[index + 1] - edges[index]
            rhythms.append(_pick_rhythm(rng, steps, grid, wanted))
    begins = [
        beat + step
        for beat, rhythm in zip(beats, rhythms)
        for step, sign in enumerate(rhythm)
        if sign == "x"
    ]
    begins = _enter(rng, begins, beats[0]) if whole else begins
    begins.append(edges[last])
    begins = _anticipate(rng, begins, _ANTICIPATION.get(sketch.style, 0.0))
    longest = style.lead.longest * (1.5 if sketch.mood.dream > 0.3 else 1)
    until = max(end - pick(rng, _RESTS), begins[-1] + 2)
    cadence = min(max(2 * longest, 4), _LONGEST_CADENCE, until - begins[-1])
    if section.ending and end == section.end * sketch.meter.steps:
        cadence = max(1, end - sketch.meter.steps + count_last_steps(sketch) - begins[-1])
    lengths = [min(after - begin, longest) for begin, after in itertools.pairwise(begins)]
    return tuple(
        Spot(begin, length, weigh(sketch.meter, begin))
        for begin, length in zip(begins, [*lengths, cadence])
    )


def _choose_cadence(
    rng: np.random.Generator,
    arrangement: Arrangement,
    section: Section,
    beats: Sequence[int],
    end: int,
) -> int:
    """The beat on which a phrase comes to rest: one of its last three, or where the bar begins that
    ends the piece.
    """
    drawn = max(0, len(beats) - 2 - int(rng.integers(2)) * (len(beats) > 5))
    last_bar = end - arrangement.sketch.meter.steps
    is_end = section.ending and end == section.end * arrangement.sketch.meter.steps
    return beats.index(last_bar) if is_end and last_bar in beats else drawn


def _enter(rng: np.random.Generator, begins: list[int], first: int) -> list[int]:
    """A phrase begins on its first beat, half a beat or a beat later, or with a pick-up."""
    entry = pick(rng, _ENTRIES)
    if entry < 0:
        return [*range(first + entry, first, 2), *begins]
    late = [first + entry] if entry and begins else []
    return late + [begin for begin in begins if begin >= first + entry and begin not in late]


def _count_notes(arrangement: Arrangement, section: Section, whole: bool) -> float:
    """How many notes four steps want: by the style, the section's energy and the mood."""
    rhythm = STYLES[arrangement.sketch.style].lead
    mood = arrangement.sketch.mood
    level = find_home(arrangement, section).energy + 0.3 * mood.energy
    level += 0.5 if section.kind == "solo" else 0.0
    notes = rhythm.fewest + (rhythm.most - rhythm.fewest) * min(max(level, 0.0), 1.4)
    notes *= 1 + 0.6 * mood.density - 0.3 * max(mood.dream, 0.0)
    return notes / 4 * (1.0 if whole else 0.8)


def _pick_rhythm(rng: np.random.Generator, steps: int, grid: int, wanted: float) -> str:
    """The rhythm of one beat, with about as many notes as are wanted."""
    patterns = _BEATS[6 if steps == 6 else 4][grid]
    weights = [1 / (0.15 + (pattern.count("x") - wanted * steps / 4) ** 2) for pattern in patterns]
    place = rng.random() * sum(weights)
    chosen = next(
        pattern
        for pattern, total in zip(patterns, itertools.accumulate(weights))
        if place < total or pattern == patterns[-1]
    )
    return chosen[:steps]


def _anticipate(rng: np.random.Generator, begins: Sequence[int], often: float) -> list[int]:
    """Some notes come half a beat before their beat, where nothing else is."""
    moved = [begins[0]]
    for begin in begins[1:]:
        early = begin - 2
        is_free = early - moved[-1] >= 2
        moved.append(early if rng.random() < often and is_free else begin)
    return moved


def _vary(
    arrangement: Arrangement,
    section: Section,
    time: int,
    phrase: int,
    notes: Sequence[tuple[Spot, int]],
) -> Iterator[tuple[Spot, int]]:
    """A phrase that has been heard before, with an ornament in one of its longer notes: before the
    next one comes its neighbour.
    """
    rng = arrangement.sketch.make_rng("lead", section.material, "variation", time, phrase)
    places = [
        index
        for index, ((spot, _), (after, _)) in enumerate(itertools.pairwise(notes))
        if spot.length >= 4 and after.begin == spot.end
    ]
    chosen = pick(rng, places) if places and rng.random() < _VARIED else -1
    for index, (spot, pitch) in enumerate(notes):
        if index != chosen:
            yield spot, pitch
            continue
        yield spot._replace(length=spot.length - 2), pitch
        ornament = Spot(spot.end - 2, 2, weigh(arrangement.sketch.meter, spot.end - 2))
        yield ornament, _find_neighbour(span_of(arrangement, ornament), pitch, notes[index + 1][1])


def _find_neighbour(span: ChordSpan, pitch: int, goal: int) -> int:
    """The note of the scale next to a goal, on the side from which it is reached."""
    side = 1 if goal < pitch else -1
    near = (goal + side * distance for distance in range(1, 12))
    return next((note for note in near if note % 12 in span.scale), goal)
