"""The bass of a composition."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..score import Note
from .arrangement import Arrangement, ChordSpan
from .drums import find_kicks
from .fills import count_last_steps, is_last_hit
from .form import Section
from .groove import place
from .patterns import PATTERNS
from .patterns.notation import FOUR_FOUR, METERS, BassPattern
from .patterns.places import PatternPlace, find_place, name_meter, read_row
from .sketch import pick
from .styles import STYLES

PITCHES = range(28, 56)
OCTAVE = 12
STRONG = 0.34  # a mood that turns patterns into others, on its scale from -1 to 1
EMPTIER = -0.12  # how much emptier than a verse a section is whose bass only holds
LEADS = "acn5"  # what lets a bar lead into the next chord already
GHOST_STEPS = 0.5
LOUDNESS = {"x": 0.42, "a": 0.74, "c": 0.74, "8": 0.8, "u": 0.84}
LOUD = 0.82
ARCHES = (0, 3, 6, 9, -5)  # semitones that a walk goes up on its way, or down


class _BassNote(NamedTuple):
    """What a row plays in a bar: a symbol at a step, and for how many steps."""

    step: int
    length: int
    symbol: str


def play_bass(arrangement: Arrangement) -> Iterator[Note]:
    """All sections that have a bass: one of the style's patterns on the tones of each chord, which
    leads from one to the next, and from the last to the first.
    """
    spans = arrangement.spans
    for span, following in zip(spans, (*spans[1:], *spans[:1])):
        if "bass" not in arrangement.section_at(span.bar).parts:
            continue
        rng = arrangement.sketch.make_rng("bass", span.bar, span.begin)
        notes = list(_read_notes(_write_bar(arrangement, span.bar), span))
        tones = _choose_tones(arrangement, span, following, rng)
        walk = _walk(span, tones, [note for note in notes if note.symbol == "w"], rng)
        for note in notes:
            pitch = next(walk) if note.symbol == "w" else tones[note.symbol]
            yield from _place(arrangement, span.bar, note, pitch, tones)


def _place(
    arrangement: Arrangement, bar: int, note: _BassNote, pitch: int, tones: Mapping[str, int]
) -> Iterator[Note]:
    """A note, and in heavy pieces its lower octave."""
    weight = arrangement.sketch.mood.weight
    is_ghost = note.symbol == "x"
    length = GHOST_STEPS if is_ghost else note.length
    velocity = LOUDNESS.get(note.symbol, LOUD) * (1 + 0.08 * weight)
    slide_from = {"u": tones["1"], "d": tones["8"], "s": tones["1"] - 2}.get(note.symbol)
    yield from place(
        arrangement, "bass", bar, note.step, length, pitch, velocity, slide_from=slide_from
    )
    if weight >= STRONG and not is_ghost and pitch - OCTAVE in PITCHES:
        low = pitch - OCTAVE
        yield from place(arrangement, "bass", bar, note.step, length, low, 0.8 * velocity)


# --- rhythm ---------------------------------------------------------------------------------------


def _write_bar(arrangement: Arrangement, bar: int) -> str:
    """A symbol for every step of a bar."""
    steps = arrangement.sketch.meter.steps
    section = arrangement.section_at(bar)
    if is_last_hit(arrangement, bar):
        return "1".ljust(count_last_steps(arrangement.sketch), "-").ljust(steps, ".")
    pattern, length = _choose_pattern(arrangement, section)
    if pattern.on_kick:
        row = _follow_kick(arrangement, section, bar, pattern, length)
    else:
        row = "".join(
            _read_step(arrangement, pattern, section, bar, step, length) for step in range(steps)
        )
    row = _continue_hold(row)
    row = _vary(arrangement, bar - section.bar, row, arrangement.sketch.make_rng("bass", bar))
    return _follow_mood(arrangement, section, row)


def _choose_pattern(arrangement: Arrangement, section: Section) -> tuple[BassPattern, int]:
    """A section's pattern, and the steps of its bar."""
    patterns = PATTERNS[arrangement.sketch.style]
    meter = name_meter(arrangement.sketch.meter)
    table = patterns.bass if meter == FOUR_FOUR else patterns.family.bass[meter]
    return table[(arrangement.hand["bass"] + section.backing) % len(table)], METERS[meter]


def _read_step(
    arrangement: Arrangement,
    pattern: BassPattern,
    section: Section,
    bar: int,
    step: int,
    length: int,
) -> str:
    """What a pattern has for a step. In half-time it goes half as fast."""
    at = find_place(arrangement.sketch.meter, bar - section.bar, step)
    if not arrangement.sketch.mood.half_time:
        return read_row(pattern.row, at, length)
    position = at.cycle * length + at.step
    at = PatternPlace(*divmod(position // 2, length))
    symbol = read_row(pattern.row, at, length)
    return "-" if position % 2 and symbol != "." else symbol


def _follow_kick(
    arrangement: Arrangement, section: Section, bar: int, pattern: BassPattern, length: int
) -> str:
    """A note with every kick, held until the next one, but not for too long. Without a kick the
    root is held.
    """
    meter = arrangement.sketch.meter
    kicks = find_kicks(arrangement, bar)
    row = ["."] * meter.steps
    for kick, following in zip(kicks, (*kicks[1:], meter.steps)):
        at = find_place(meter, bar - section.bar, kick)
        row[kick] = read_row(pattern.row, at, length)
        held = min(following - kick, pattern.on_kick)
        row[kick + 1 : kick + held] = "-" * (held - 1)
    return "".join(row) if kicks else "1".ljust(meter.steps, "-")


def _continue_hold(row: str) -> str:
    """A bar that begins within a held note begins it again, on the root of its chord."""
    return "1" + row[1:] if row.startswith("-") else row


def _vary(arrangement: Arrangement, bar: int, row: str, rng: np.random.Generator) -> str:
    """What players vary: the second bar of four has another tone, the last one leads onwards, and
    others do so now and then.
    """
    patterns = PATTERNS[arrangement.sketch.style]
    played = [step for step, symbol in enumerate(row) if symbol not in ".-x"]
    usual = patterns.bass_leads
    if rng.random() < (1.5 * usual if bar % 4 == 3 else 0.5 * usual):
        row = _lead(row, played, rng)
    if bar % 4 == 1 and len(played) > 2:
        step = pick(rng, played[1:])
        if row[step] == "1":
            row = row[:step] + pick(rng, ("8", "5", "x")) + row[step + 1 :]
    return row


def _lead(row: str, played: list[int], rng: np.random.Generator) -> str:
    """The last note of a bar leads to the next chord; or one is added that does."""
    late = len(row) - 4
    if late < 4 or any(symbol in row[late:] for symbol in LEADS):
        return row
    step = played[-1] if played and played[-1] >= late else len(row) - 2
    return row[:step] + pick(rng, "aac") + row[step + 1 :]


def _follow_mood(arrangement: Arrangement, section: Section, row: str) -> str:
    """Sections that hold back hold notes, and sparse pieces have few; busy ones repeat what is
    held, and dreamy ones hold what is short.
    """
    mood = arrangement.sketch.mood
    emptier = section.energy - STYLES[arrangement.sketch.style].energy
    holds = emptier <= EMPTIER
    if holds or mood.density <= -STRONG:
        row = _keep_few(row)
    elif mood.density >= STRONG:
        row = _repeat_held(row)
    return _hold(row) if holds or mood.dream >= STRONG else row


def _keep_few(row: str) -> str:
    """Every second note, or so many that there are four at most."""
    played = [step for step, symbol in enumerate(row) if symbol not in ".-x"]
    kept = played[:: max(2, math.ceil(len(played) / 4))]
    symbols = ["."] * len(row)
    for step in kept:
        rest = row[step + 1 :]
        end = step + 1 + len(rest) - len(rest.lstrip("-"))
        symbols[step:end] = row[step:end]
    return "".join(symbols)


def _repeat_held(row: str) -> str:
    """A held note is struck again after every second step."""
    symbols = list(row)
    for step, symbol in enumerate(row):
        if symbol == "-" and step >= 2 and row[step - 1] == "-" and step % 2 == 0:
            symbols[step] = "1" if step % 4 == 0 else "8"
    return "".join(symbols)


def _hold(row: str) -> str:
    """Every note lasts until the next."""
    begun = row.lstrip(".")
    return "." * (len(row) - len(begun)) + begun.replace("x", "-").replace(".", "-")


def _read_notes(symbols: str, span: ChordSpan) -> Iterator[_BassNote]:
    """The notes of a bar's symbols in a span. What is held into it begins again with its root."""
    inside = symbols[span.begin : span.end]
    if inside.startswith("-"):
        inside = "1" + inside[1:]
    for offset, symbol in enumerate(inside):
        if symbol in ".-":
            continue
        rest = inside[offset + 1 :]
        length = 1 + len(rest) - len(rest.lstrip("-"))
        is_change = offset == 0 and span.begin > 0
        yield _BassNote(span.begin + offset, length, "1" if is_change else symbol)


# --- tones ----------------------------------------------------------------------------------------


def _choose_tones(
    arrangement: Arrangement, span: ChordSpan, following: ChordSpan, rng: np.random.Generator
) -> dict[str, int]:
    """The pitch of every symbol but a walk's."""
    root = _find_root(arrangement, span)
    next_root = _find_root(arrangement, following)
    below, above = _find_neighbours(span, next_root)
    fifth = root + _find_interval(span, 2, 7)
    return {
        **dict.fromkeys("1xsd", root),
        **dict.fromkeys("8u", root + OCTAVE),
        "3": root + _find_interval(span, 1, 4),
        "5": fifth,
        "v": fifth - OCTAVE if fifth - OCTAVE in PITCHES else fifth,
        "6": root + _find_nearest(span.scale, root, 9),
        "7": root + _find_nearest((*span.chord[3:], *span.scale), root, 10),
        "a": pick(rng, [pitch for pitch in (below, below, above) if pitch in PITCHES]),
        "c": pick(rng, [pitch for pitch in (-1, -1, 1) if next_root + pitch in PITCHES])
        + next_root,
        "n": next_root,
    }


def _find_root(arrangement: Arrangement, span: ChordSpan) -> int:
    """The root of a span in the style's register; of light pieces in a higher one."""
    lowest = PATTERNS[arrangement.sketch.style].lowest
    if arrangement.sketch.mood.weight <= -STRONG:
        lowest = PITCHES[-1] - 2 * OCTAVE + 1
    return lowest + (span.chord[0] - lowest) % OCTAVE


def _find_interval(span: ChordSpan, tone: int, usual: int) -> int:
    """How far a tone of a chord is above its bass; of a chord that lacks it the nearest tone of the
    scale.
    """
    if tone < len(span.chord):
        return (span.chord[tone] - span.chord[0]) % OCTAVE
    return _find_nearest(span.scale, span.chord[0], usual)


def _find_nearest(pitches: Sequence[int], root: int, usual: int) -> int:
    """The interval above a root that is nearest to the usual one, of those to some pitch classes;
    the first of two.
    """
    return min(((pitch - root) % OCTAVE for pitch in pitches), key=lambda at: abs(at - usual))


def _find_neighbours(span: ChordSpan, pitch: int) -> tuple[int, int]:
    """The notes of the scale next to a pitch, below and above."""
    below = next(note for note in range(pitch - 1, pitch - 13, -1) if note % 12 in span.scale)
    above = next(note for note in range(pitch + 1, pitch + 13) if note % 12 in span.scale)
    return below, above


def _walk(
    span: ChordSpan, tones: Mapping[str, int], notes: list[_BassNote], rng: np.random.Generator
) -> Iterator[int]:
    """A way from the root of a span to the next one, in an arch up or down: tones of the chord on
    strong beats, of the scale between, and none twice.
    """
    root, next_root = tones["1"], tones["n"]
    arch = pick(rng, ARCHES)
    before = root
    for index, note in enumerate(notes, 1):
        share = index / (len(notes) + 1)
        ideal = root + (next_root - root) * share + 4 * arch * share * (1 - share)
        ideal += rng.uniform(-1, 1)
        allowed = span.chord if note.step % 8 == 0 else span.scale
        pitches = [pitch for pitch in PITCHES if pitch % OCTAVE in allowed and pitch != before]
        before = min(pitches, key=lambda pitch: abs(pitch - ideal))
        yield before
