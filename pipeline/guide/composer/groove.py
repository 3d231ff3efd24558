"""Groove: where a player puts the steps in time, and how hard.

The one place where steps become beats. Micro-timing is what makes a style as much as its patterns
do: swing, who pushes and who lays back, and how exactly a hand plays.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from ..score import DRUMS, Note
from .arrangement import Arrangement
from .styles import STYLES

# A late swung note is a third of its pair's half later: two to one, as in triplets.
TRIPLET = 1 / 3
LIGHT = ("closed hat", "open hat", "pedal hat", "shaker", "ride", "tambourine")
# How loud a note is on a beat, on the eighths between, and on the sixteenths between those.
ACCENTS = {
    "light drums": (1.0, 0.93, 0.86),
    "drums": (1.0, 0.98, 0.96),
    "bass": (1.0, 0.95, 0.9),
    "chords": (1.0, 0.96, 0.92),
    "lead": (1.0, 0.97, 0.94),
}
LOUDER_AND_SOFTER = 0.035  # by hand: the standard deviation of a velocity
GATE = 0.95  # a note ends a little before the next begins
LOUDER = 0.4  # of a velocity, where a part is to be as loud as can be, or as quiet
DRY = 0.45  # of a tone's length, less where the mood is wholly dry
EXACT = 0.8  # of hands and lateness, less where the mood is wholly clean
# the factors of all velocities: in verses and in what is no fuller, and in choruses
VERSE = 0.76
CHORUS = 1.1
RISE = 0.27  # of the level from verse to chorus, where a style has as much room


class Feel(NamedTuple):
    """How a style's players sit in time."""

    swing: float = 0.0  # 0 straight, 1 triplets
    grid: int = 1  # in steps: what swings; 1 sixteenths, 2 eighths
    loose: float = 2.0  # milliseconds: the standard deviation of a hand
    # milliseconds behind the beat, of a role or of one drum; negative: pushed
    late: dict[str, float] = {}  # noqa: RUF012 - a constant of the table below


# Swing of sixteenths is written on drum machines as a share of the pair: 0.25 here is 54 %, 0.5 is
# 58 %, 1 is 67 %. Soloists and basses that lie 5 to 15 ms behind the cymbal, and snares of hip hop
# and soul behind the beat, are what has been measured of players (Friberg and Sundström, "Swing
# ratios and ensemble timing in jazz performance", 2002; Danielsen, "Musical rhythm in the age of
# digital reproduction", 2010).
FEELS = {
    "house": Feel(0.3, 1, 1.5, {"clap": 4, "bass": 5, "chords": -4}),
    "techno": Feel(0.08, 1, 0.7, {"open hat": -3, "bass": 3}),
    "drum and bass": Feel(0.15, 1, 2, {"ride": -5, "closed hat": -4, "bass": 6}),
    "hip hop": Feel(0.45, 2, 4, {"snare": 9, "clap": 8, "bass": 12, "chords": 8, "lead": 10}),
    "trap": Feel(0.0, 1, 1, {"clap": 5, "snare": 5, "lead": 6}),
    "lo-fi": Feel(0.5, 2, 7, {"snare": 12, "rim": 11, "bass": 10, "chords": 14, "lead": 12}),
    "rock": Feel(0.0, 1, 4, {"snare": 5, "bass": 5, "chords": 6, "closed hat": -3}),
    "pop": Feel(0.06, 1, 3, {"snare": 4, "clap": 4, "bass": 4, "chords": -5}),
    "reggae": Feel(0.4, 1, 4, {"bass": 12, "chords": -6, "rim": 6, "lead": 10}),
    "synthwave": Feel(0.0, 1, 0.8, {"snare": 4, "lead": 5}),
    "funk": Feel(0.3, 1, 3, {"snare": 6, "bass": -5, "chords": -6, "closed hat": -3}),
    "ambient": Feel(0.0, 1, 8, {"chords": 10, "lead": 14, "bass": 8}),
    "disco": Feel(0.08, 1, 2, {"open hat": -6, "bass": 4, "chords": -7}),
    "r&b": Feel(0.45, 1, 4, {"snare": 10, "clap": 10, "rim": 9, "bass": 13, "lead": 12}),
    "jazz": Feel(0.95, 2, 5, {"ride": -4, "bass": 5, "chords": 8, "lead": 15}),
    "bossa nova": Feel(0.1, 1, 4, {"bass": 5, "chords": -5, "lead": 12, "rim": -3}),
    "metal": Feel(0.0, 1, 1.5, {"bass": 4, "chords": -5, "snare": -3}),
    "country": Feel(0.12, 2, 4, {"bass": 4, "chords": -5, "snare": 3, "lead": 6}),
    "uk garage": Feel(0.6, 1, 1.5, {"snare": -3, "rim": 4, "bass": 6, "chords": 5}),
    "afrobeats": Feel(0.35, 1, 3, {"shaker": -5, "rim": 5, "bass": 8, "chords": 6, "lead": 10}),
}
# Above so many quarters a minute swung eighths become more even, in proportion (Friberg and
# Sundström).
EVEN_ABOVE = 190


def place(
    arrangement: Arrangement,
    role: str,
    bar: int,
    step: float,
    length: float,
    pitch: int,
    velocity: float,
    *,
    slide_from: int | None = None,
) -> Iterator[Note]:
    """The note that is written at a step of a bar, `length` steps long, as it is played; none where
    the bar has no such step. A step may be any fraction; one below 0 is before the bar, as grace
    notes are, and a length may lead into later bars.

    `velocity` is what is written: accents of the meter, the section's energy, phrases and hands are
    added here.
    """
    meter = arrangement.sketch.meter
    if step >= min(meter.steps, meter.quarters * 4) - 1e-6:
        return
    end_of_piece = arrangement.sketch.bars * meter.quarters
    written = find_beat(arrangement, bar, step)
    beats = min(
        (find_beat(arrangement, bar, step + length) - written) * _find_gate(arrangement, role),
        end_of_piece - written,
    )
    if beats <= 1e-6:
        return
    timing, force = _read_hand(arrangement, role, bar, step, pitch)
    late = min(_find_lateness(arrangement, role, pitch, timing), beats / 2)
    start = max(written + late, 0.0)
    beats = min(beats, end_of_piece - start)
    velocity *= _accent(arrangement, role, step, pitch) * read_dynamics(arrangement, bar)
    velocity *= 1 + LOUDER * getattr(arrangement.sketch.mood, role)
    by_hand = LOUDER_AND_SOFTER * _find_looseness(arrangement) * force
    velocity = min(max(velocity * (1 + by_hand), 0.05), 1.0)
    yield Note(role, round(start, 6), round(beats, 6), pitch, round(velocity, 3), slide_from)


def find_beat(arrangement: Arrangement, bar: int, step: float) -> float:
    """Where a step of a bar is with the style's swing, in beats from the piece's beginning."""
    meter = arrangement.sketch.meter
    while step >= meter.steps:
        bar += 1
        step -= meter.steps
    return bar * meter.quarters + min(_swing(arrangement, step) / 4, meter.quarters)


def read_level(arrangement: Arrangement, bar: int) -> float:
    """How full and loud a bar is played, 0 to 1: its section's energy and the mood's."""
    level = _find_section_level(arrangement, bar) + 0.2 * arrangement.sketch.mood.energy
    return min(max(level, 0.0), 1.0)


def _find_section_level(arrangement: Arrangement, bar: int) -> float:
    """A section's energy, which grows towards its end where it is to."""
    section = arrangement.section_at(bar)
    grown = 0.25 * (bar - section.bar) / section.bars if section.build else 0.0
    return section.energy + grown


def read_dynamics(arrangement: Arrangement, bar: int) -> float:
    """The factor of all velocities in a bar: its level, and a phrase of four bars that rises and
    falls. It is softer where it is dusty, and harder where it is clean.
    """
    place_in_phrase = (bar - arrangement.section_at(bar).bar) % 4
    phrase = (-0.02, 0.01, 0.03, 0.0)[place_in_phrase]
    dusty = 0.08 * arrangement.sketch.mood.dust
    return _read_force(arrangement, bar) + phrase - dusty


def _read_force(arrangement: Arrangement, bar: int) -> float:
    """The factor of all velocities by what section it is, and by the mood. Choruses stand out also
    in styles whose verses are loud.
    """
    sketch = arrangement.sketch
    if sketch.composer == 2:
        return 0.8 + 0.28 * read_level(arrangement, bar)
    verse = STYLES[sketch.style].energy
    above = (_find_section_level(arrangement, bar) - verse) / min(RISE, 1 - verse)
    return VERSE + (CHORUS - VERSE) * min(max(above, 0.0), 1.0) + 0.06 * sketch.mood.energy


def _swing(arrangement: Arrangement, step: float) -> float:
    """A step as it is swung: the half of each pair is late. Triplets stay: they are what swing
    leads to. So does what has no partner: the last eighth of three.
    """
    feel = FEELS[arrangement.sketch.style]
    swing = _find_swing(arrangement)
    is_triplet = abs(step * 8 - round(step * 8)) > 1e-6
    if not swing or step < 0 or is_triplet:
        return step
    pair = 2 * feel.grid
    begin, end = _find_beat_of(arrangement, step)
    inside = (step - begin) % pair
    first = step - inside
    if first + pair > min(end, arrangement.sketch.meter.quarters * 4):
        return step
    middle = feel.grid * (1 + swing * TRIPLET)
    if inside <= feel.grid:
        return first + inside * middle / feel.grid
    return first + pair - (pair - inside) * (pair - middle) / feel.grid


def _find_swing(arrangement: Arrangement) -> float:
    sketch = arrangement.sketch
    feel = FEELS[sketch.style]
    swing = feel.swing if sketch.mood.swing is None else sketch.mood.swing
    if feel.grid == 1:
        return swing
    if sketch.meter.is_compound:  # its eighths are the triplets already
        return 0.0
    return swing * min(1.0, EVEN_ABOVE / sketch.bpm)


def _find_beat_of(arrangement: Arrangement, step: float) -> tuple[int, int]:
    """The steps at which the beat begins and ends that holds a step."""
    begin = 0
    for group in arrangement.sketch.meter.groups:
        if step < begin + group:
            return begin, begin + group
        begin += group
    return begin, begin


def _find_gate(arrangement: Arrangement, role: str) -> float:
    """How much of its length a note sounds: less in a dry mood, but for drums, which ring."""
    if role == "drums":
        return GATE
    return GATE * (1 + DRY * min(arrangement.sketch.mood.dream, 0.0))


def _find_looseness(arrangement: Arrangement) -> float:
    """How much of a style's looseness is left: less in a clean mood."""
    return 1 + EXACT * min(arrangement.sketch.mood.dust, 0.0)


def _find_lateness(arrangement: Arrangement, role: str, pitch: int, timing: float) -> float:
    """How far behind its place a note is, in beats; before it where negative."""
    sketch = arrangement.sketch
    feel = FEELS[sketch.style]
    name = DRUMS[pitch] if role == "drums" else role
    dust = max(sketch.mood.dust, 0.0)
    milliseconds = feel.late.get(name, 0.0) + (feel.loose + 3 * dust) * timing
    milliseconds *= _find_looseness(arrangement)
    if name != "kick":
        milliseconds += 4 * dust
    return milliseconds / 1000 * sketch.bpm / 60


def _read_hand(
    arrangement: Arrangement, role: str, bar: int, step: float, pitch: int
) -> tuple[float, float]:
    """What the hand that plays a note does not do exactly, in time and force: -2 to 2. The notes of
    a chord are one hand's; drums have a limb each.
    """
    hands = arrangement.hands[role]
    moment = round((bar * arrangement.sketch.meter.steps + step) * 12)
    limb = pitch if role == "drums" else 0
    return hands[(moment + 101 * limb) % len(hands)], hands[(moment + 211 * pitch + 1) % len(hands)]


def _accent(arrangement: Arrangement, role: str, step: float, pitch: int) -> float:
    is_light = role == "drums" and DRUMS[pitch] in LIGHT
    on_beat, on_eighth, on_sixteenth = ACCENTS["light drums" if is_light else role]
    inside = step - _find_beat_of(arrangement, max(step, 0.0))[0]
    if math.isclose(inside, 0.0):
        return on_beat * (1.03 if step == 0 else 1.0)
    return on_eighth if math.isclose(inside % 2, 0.0) else on_sixteenth
