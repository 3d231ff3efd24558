"""The changes: which chord sounds when. A chord line is played as it is given; without one every
section has its progression.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from ..harmony import adapt_scale, parse_chord, scale_of
from .arrangement import ChordSpan
from .form import Section
from .meter import BarMeter
from .progressions import Progression, choose_progressions, name_chord
from .sketch import Sketch, pick

# What may stand for the last chord of a progression when it comes a second time.
TURNS = {"minor": ("V7", "bVII", "iv", "V"), "major": ("V", "V7sus4", "IV", "ii")}
TURN_SHARE = 0.6  # of the phrases that may have one
STILL = ("techno", "ambient")  # styles whose progressions do not turn


def write_changes(sketch: Sketch, sections: Sequence[Section]) -> Iterator[ChordSpan]:
    """The chords of every bar, in order; those of a bar fill it."""
    scale = scale_of(sketch.key)
    bars = _spread_line(sketch) if sketch.chords else _play_progressions(sketch, sections)
    named: list[tuple[int, int, int, str]] = []
    for bar, names in enumerate(bars):
        edges = itertools.pairwise(_divide(sketch.meter, len(names), bool(sketch.chords)))
        spans = ((bar, begin, end, name) for name, (begin, end) in zip(names, edges))
        named += [span for span in spans if span[1] < span[2]]
    chords = [parse_chord(name) for *_, name in named]
    chord = next(filter(None, chords), parse_chord(name_chord(sketch, "I")))
    for (bar, begin, end, name), played in zip(named, chords):
        chord = played or chord  # what a rest's tune goes by
        yield ChordSpan(bar, begin, end, name, chord, adapt_scale(scale, chord), not played)


def _spread_line(sketch: Sketch) -> Iterator[list[str]]:
    """The chord line, one entry per bar, again and again; evenly over all bars if it has more
    entries than there are bars.
    """
    line = sketch.chords
    for bar in range(sketch.bars):
        if len(line) > sketch.bars:
            entries = line[bar * len(line) // sketch.bars : (bar + 1) * len(line) // sketch.bars]
        else:
            entries = (line[bar % len(line)],)
        yield " ".join(entries).split()


def _play_progressions(sketch: Sketch, sections: Sequence[Section]) -> Iterator[list[str]]:
    """Each section's progression from its beginning, or on from the section before where that has
    the same and is no whole phrase. A section that comes back has the chords that it had. The piece
    ends on its tonic; a loop does not, so that it leads into its beginning.
    """
    progressions = choose_progressions(sketch)
    tonic = name_chord(sketch, "i" if sketch.key.endswith("minor") else "I")
    begun = 0
    for index, section in enumerate(sections):
        progression = progressions[section.progression]
        goes_on = index and sections[index - 1].progression == section.progression
        begun = begun if goes_on and section.bar - begun < 4 else section.bar
        bars = [
            _read_bar(sketch.meter, progression, bar - begun)
            for bar in range(section.bar, section.end)
        ]
        rng = sketch.make_rng("changes", section.kind, section.material)
        if sketch.style not in STILL:
            _turn(sketch, section, progression, bars, rng)
        if section.ending:
            bars[-1] = [tonic]
        elif sketch.loop and len(bars) > 1 and bars[-1][-1] == bars[0][0]:
            bars[-1][-1] = name_chord(sketch, pick(rng, TURNS[sketch.key.split()[1]][:2]))
        yield from bars


def _read_bar(meter: BarMeter, progression: Progression, bar: int) -> list[str]:
    """The chords of a progression's bar, counted from its beginning."""
    chords = progression.chords
    # a bar of 3 to 6 quarters counts as one of 4/4; long bars have more chords, short ones share
    bars_per_chord = 2 ** round(math.log2(4 * progression.pace / meter.quarters))
    if bars_per_chord >= 1:
        return [chords[bar // round(bars_per_chord) % len(chords)]]
    in_bar = round(1 / bars_per_chord)
    return [chords[(bar * in_bar + part) % len(chords)] for part in range(in_bar)]


def _turn(
    sketch: Sketch,
    section: Section,
    progression: Progression,
    bars: list[list[str]],
    rng: np.random.Generator,
) -> None:
    """Now and then another chord at the end of every second phrase, so that eight bars are not
    twice four.
    """
    turns = TURNS[sketch.key.split()[1]]
    for end in range(8, section.bars + 1, 8):
        chord = name_chord(sketch, pick(rng, turns))
        turned = rng.random() < TURN_SHARE
        if turned and len(progression.chords) > 2 and chord != bars[end - 2][-1]:
            bars[end - 1] = [*bars[end - 1][:-1], chord]


def _divide(meter: BarMeter, count: int, evenly: bool) -> list[int]:
    """The steps at which so many chords of a bar begin, and its end: on beats, but for those of a
    chord line, which share the bar.
    """
    edges = [meter.steps * index // count for index in range(count + 1)]
    if evenly or count > len(meter.groups):
        return edges
    beats = [*meter.beats, meter.steps]
    return [beats[round(index * len(meter.groups) / count)] for index in range(count + 1)]
