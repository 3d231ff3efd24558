"""Words in time: stressed syllables on beats, the others between them, a breath behind the line.

Where a line's syllables are is the cheapest row of slots of a grid: stresses on what is heavy in
the meter, gaps near a comfortable pace, the first stress where the line's bars begin (so that what
is before it is a pick-up). That is how songs are set in languages with stress (D. Temperley, The
Cognition of Basic Musical Structures, 2001; N. Palmer and M. Kelly, "Linguistic prosody and musical
meter in song", 1992).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..guide.composer.arrangement import Arrangement
from ..guide.composer.groove import find_beat
from ..guide.composer.melody import weigh
from .syllables import SungWord

UNITS = (8.0, 4.0, 2.0, 1.0, 0.5)  # steps of a grid: from half notes to 32nds
WIDEST = 0.375  # seconds of a grid's unit: a fast piece is phrased in half time
FULL = 0.7  # of a grid's slots; more syllables want a finer one

Floats = npt.NDArray[np.float64]


class Pace(NamedTuple):
    """Seconds from one syllable to the next: the least, and what is comfortable, from quick to
    slow; and for how many a syllable is held at most.
    """

    shortest: float
    quick: float
    slow: float
    held: float


SUNG = Pace(0.11, 0.28, 0.45, 1.5)
SPOKEN = Pace(0.09, 0.18, 0.3, 0.35)

# What it costs: a stress beside the beat, an unstressed syllable on it, a gap of twice or half what
# is comfortable, a first stress that is so many times WIDEST away from where it should be, a short
# last syllable.
_STRESS_OFF_BEAT = 3.0
_LIGHT_ON_BEAT = 0.4
_GAP = 1.2
_AWAY = 0.35
_SHORT_END = 2.0
_HELD = 0.6  # seconds that a last syllable has at least, if it can
_LEAST_HELD = 0.25
_STRETCHED = 1.3  # of a comfortable gap behind a stressed syllable
_HURRIED = 0.8  # and behind another one, unless a comma is there
_RUSHED = 1.5  # what a gap below the comfortable one costs besides, for half of it
_PAUSE = 1.6  # of one behind a comma
_WITHIN_WORD = 0.8  # what a gap inside a word costs besides, for as much again as is comfortable
_LONGEST_GAP = 1.6  # seconds
_PAUSES = (",", ";", ":", ".", "!", "?", "–", "—", "…", "，", "、", "。")


class Beat(NamedTuple):
    """A syllable as far as its time goes."""

    stress: float  # 0..1
    ends_word: bool
    pauses: bool  # a comma is behind it


class Slots(NamedTuple):
    """Where syllables may begin, in order: (slots,) each."""

    steps: Floats  # from the piece's beginning
    seconds: Floats
    weights: Floats  # 0..1: how heavy in the meter


def list_beats(words: Sequence[SungWord]) -> list[Beat]:
    """The syllables of a line."""
    beats = []
    for word in words:
        last = len(word.syllables) - 1
        for index, syllable in enumerate(word.syllables):
            ends = index == last
            beats.append(Beat(syllable.stress, ends, ends and word.text.endswith(_PAUSES)))
    return beats


def choose_unit(step_seconds: float, room: float, syllables: int, shortest: float) -> float:
    """The steps of a grid for so many syllables in a room of so many steps: eighths at usual
    tempos, sixteenths for many syllables, quarters where a piece is fast.
    """
    usable = [unit for unit in UNITS if shortest <= unit * step_seconds <= WIDEST]
    usable = usable or [min(UNITS, key=lambda unit: abs(unit * step_seconds - WIDEST))]
    return next((unit for unit in usable if room / unit * FULL >= syllables), usable[-1])


def make_slots(arrangement: Arrangement, begin: float, end: float, unit: float) -> Slots:
    """The grid's slots among the steps from `begin` to `end`: it starts again with every beat, so
    that beats of any length are on it.
    """
    meter = arrangement.sketch.meter
    if unit > min(meter.groups):
        inside = [float(beat) for beat in meter.beats if beat % unit == 0]
    else:
        inside = [
            beat + offset
            for beat, group in zip(meter.beats, meter.groups)
            for offset in np.arange(0.0, group, unit).tolist()
        ]
    inside = [step for step in inside if step < meter.quarters * 4 - 1e-6]
    bars = range(math.floor(begin / meter.steps), math.ceil(end / meter.steps))
    places = [
        (bar, step)
        for bar in bars
        for step in inside
        if begin <= bar * meter.steps + step < end and 0 <= bar < arrangement.sketch.bars
    ]
    second = 60 / arrangement.sketch.bpm
    return Slots(
        np.array([bar * meter.steps + step for bar, step in places]),
        np.array([find_beat(arrangement, bar, step) * second for bar, step in places]),
        np.array([weigh(meter, step) for _, step in places]),
    )


def choose_pace(pace: Pace, seconds: float, syllables: int) -> float:
    """The comfortable time between syllables of a line that has so many seconds."""
    return min(max(0.6 * seconds / (syllables + 1), pace.quick), pace.slow)


def place_syllables(
    beats: Sequence[Beat],
    slots: Slots,
    anchor: float,
    until: float,
    gap: float,
    shortest: float,
) -> list[int] | None:
    """The slot of each syllable; None where there is no room for them.

    `anchor` is when the first stress should be, `until` when the line must be over, `gap` what is
    comfortable between syllables and `shortest` the least, all in seconds.
    """
    count = len(slots.steps)
    if not beats or len(beats) > count:
        return None
    costs = _price_places(beats, slots, anchor, until)
    widest = _count_widest(slots.seconds)
    total = costs[0]
    came_from = []
    for beat, cost in zip(beats, costs[1:]):
        ways = np.full((widest, count), np.inf)
        for wide in range(1, min(widest, count - 1) + 1):
            apart = slots.seconds[wide:] - slots.seconds[:-wide]
            ways[wide - 1, wide:] = total[:-wide] + _price_gaps(apart, beat, gap, shortest)
        chosen = np.argmin(ways, 0)
        came_from.append(chosen)
        total = ways[chosen, np.arange(count)] + cost
    at = int(np.argmin(total))
    if not math.isfinite(total[at]):
        return None
    row = [at]
    for chosen in reversed(came_from):
        at -= int(chosen[at]) + 1
        row.append(at)
    return row[::-1]


def _price_places(beats: Sequence[Beat], slots: Slots, anchor: float, until: float) -> list[Floats]:
    costs: list[Floats] = [
        _STRESS_OFF_BEAT * beat.stress * (1 - slots.weights)
        + _LIGHT_ON_BEAT * (1 - beat.stress) * slots.weights
        for beat in beats
    ]
    first = next((index for index, beat in enumerate(beats) if beat.stress >= 1), 0)
    away = np.abs(slots.seconds - anchor)
    costs[first] = costs[first] + _AWAY / WIDEST * away
    left = until - slots.seconds
    costs[-1] = costs[-1] + _SHORT_END * np.maximum(0, 1 - left / _HELD)
    costs[-1] = np.where(left < _LEAST_HELD, np.inf, costs[-1])
    return costs


def _price_gaps(apart: Floats, beat: Beat, gap: float, shortest: float) -> Floats:
    """What it costs that a syllable lasts so many seconds. Half as long as is comfortable costs as
    much as twice as long.
    """
    wanted = gap * (_STRETCHED if beat.stress >= 1 else 1.0 if beat.pauses else _HURRIED)
    wanted *= _PAUSE if beat.pauses else 1.0
    costs = _GAP * (apart / wanted + wanted / apart - 2)
    costs += _RUSHED * np.maximum(gap / apart - 1, 0)
    if not beat.ends_word:
        costs = costs + _WITHIN_WORD * np.maximum(apart / wanted - 1, 0)
    return np.where(apart < shortest, np.inf, costs)


def _count_widest(seconds: Floats) -> int:
    """The most slots from one syllable to the next."""
    nearest = float(np.min(np.diff(seconds))) if len(seconds) > 1 else _LONGEST_GAP
    return max(1, math.ceil(_LONGEST_GAP / max(nearest, 1e-3)))
