"""The drums of a composition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..score import DRUMS, Note
from .arrangement import Arrangement
from .fills import Rows, is_last_hit, lay_over, play_last_hit, play_transitions
from .form import Section
from .groove import place, read_level
from .patterns import PATTERNS
from .patterns.notation import FOUR_FOUR, LOUDNESS, METERS, MULTIPLE, DrumPattern
from .patterns.places import PatternPlace, find_place, name_meter, read_row
from .sketch import pick
from .styles import STYLES

PITCH_OF = {name: pitch for pitch, name in DRUMS.items()}
HATS = ("closed hat", "open hat", "pedal hat")
TIMEKEEPERS = (*HATS, "ride", "shaker")
BACKBEAT = ("snare", "clap")
COLOURS = ("tambourine", "cowbell", "claves", "high conga", "low conga", "shaker", "rim")
SOFT = ("o", "g", "?")
LOUD = ("X", "x", "f")
RINGS = {"open hat": 2, "ride": 4, "crash": 16}  # steps; other drums ring for one
# What is half as fast when a piece is in half-time: all but those that keep the time.
HALVED = ("kick", "snare", "clap", "rim", "tom", "low tom", "high tom")
# How much fuller than a verse a section is that opens up, and how much emptier one that holds back.
FULLER = 0.19
EMPTIER = -0.2
STRONG = 0.34  # a mood that turns patterns into others, on its scale from -1 to 1
SOMETIMES = 0.5
FILLED = ("closed hat", "shaker", "ride", "tambourine", "high conga")  # by busy players
# Where hats roll, and with what: three or four strokes to the eighth.
ROLL_STEPS = (2, 6, 10, 12, 14)
ROLLS = ("rr", "t.", "xr", "rx")


class _Stroke(NamedTuple):
    step: float
    loudness: float


class _Material(NamedTuple):
    """What the bars of a section have in common."""

    pattern: DrumPattern
    lift: DrumPattern | None
    turns: tuple[DrumPattern, ...]  # in the order in which they come
    length: int  # of the pattern, in steps
    is_halved: bool  # played at half the speed, but for what keeps the time


def play_drums(arrangement: Arrangement) -> Iterator[Note]:
    """All sections that have drums."""
    for bar in range(arrangement.sketch.bars):
        if "drums" not in arrangement.section_at(bar).parts:
            continue
        for drum, row in write_bar(arrangement, bar).items():
            length = RINGS.get(drum, 1)
            if is_last_hit(arrangement, bar):
                length = arrangement.sketch.meter.steps
            for step, loudness in _read_strokes(row):
                velocity = loudness * _weigh(arrangement, drum)
                yield from place(arrangement, "drums", bar, step, length, PITCH_OF[drum], velocity)


def find_kicks(arrangement: Arrangement, bar: int) -> tuple[int, ...]:
    """The steps of a bar at which the kick is struck, or would be if the section had drums."""
    kick = write_bar(arrangement, bar).get("kick", [])
    return tuple(step for step, symbol in enumerate(kick) if symbol not in (".", "g"))


def write_bar(arrangement: Arrangement, bar: int) -> Rows:
    """A symbol for every step of a bar, of every drum that is struck in it."""
    if is_last_hit(arrangement, bar):
        return play_last_hit(arrangement)
    section = arrangement.section_at(bar)
    rng = arrangement.sketch.make_rng("drums", bar)
    rows = _read_pattern(arrangement, section, bar)
    _thin(arrangement, section, rows)
    _follow_mood(arrangement, section, rows, rng)
    play_transitions(arrangement, bar, rows)
    if arrangement.sketch.mood.hats <= -1:
        for drum in HATS:
            rows.pop(drum, None)
    return {drum: row for drum, row in rows.items() if set(row) != {"."}}


# --- patterns -------------------------------------------------------------------------------------


def _read_pattern(arrangement: Arrangement, section: Section, bar: int) -> Rows:
    """A section's pattern, with what this bar varies."""
    meter = arrangement.sketch.meter
    material = _choose_material(arrangement, section)
    places = [find_place(meter, bar - section.bar, step) for step in range(meter.steps)]
    halved = [_halve(at, material.length) for at in places] if material.is_halved else places
    turns = {
        at.cycle: _choose_turns(arrangement.sketch.mood.density, material.turns, at.cycle)
        for at in (*places, *halved)
        if at
    }
    overlays = [pattern for pair in turns.values() for pattern in pair]
    overlays += [material.lift] if material.lift else []
    drums = dict.fromkeys(drum for layer in (material.pattern, *overlays) for drum in layer.rows)
    rows = {
        drum: [
            _read_step(material, turns[at.cycle], drum, at) if at else "."
            for at in (halved if drum in HALVED else places)
        ]
        for drum in drums
    }
    if material.is_halved:
        _center_backbeat(rows, places, material.length // 2)
    return rows


def _center_backbeat(rows: Rows, places: Sequence[PatternPlace], middle: int) -> None:
    """The one loud backbeat of half-time, in the middle, whatever else a pattern has around it."""
    drums = [drum for drum in (*BACKBEAT, "rim") if drum in rows]
    for step, at in enumerate(places):
        if at.step == middle and all(rows[drum][step] not in LOUD for drum in drums):
            rows[drums[0]][step] = "X"
        for drum in drums:
            if at.step != middle and rows[drum][step] in LOUD:
                rows[drum][step] = "."


def _halve(at: PatternPlace, length: int) -> PatternPlace | None:
    """The place of a pattern that is played at half the speed; none between two of its steps."""
    position = at.cycle * length + at.step
    return None if position % 2 else PatternPlace(*divmod(position // 2, length))


def _choose_material(arrangement: Arrangement, section: Section) -> _Material:
    sketch = arrangement.sketch
    patterns = PATTERNS[sketch.style]
    meter = name_meter(sketch.meter)
    length = METERS[meter]
    index = arrangement.hand["drums"] + section.backing
    rng = sketch.make_rng("drums", "material", section.backing)
    order = rng.permutation(len(patterns.turns))
    lift = pick(rng, patterns.lifts)
    if _is_break(arrangement, section):
        breaks = (*patterns.breaks, *patterns.family.breaks)
        return _Material(breaks[index % len(breaks)], None, (), length, False)
    table = patterns.drums if meter == FOUR_FOUR else patterns.family.drums[meter]
    pattern = table[index % len(table)]
    return _Material(
        pattern,
        lift if _opens_up(arrangement, section) else None,
        tuple(patterns.turns[turn] for turn in order if _turns(patterns.turns[turn], pattern)),
        length,
        sketch.mood.half_time and _has_early_backbeat(pattern, length),
    )


def _choose_turns(
    density: float, turns: tuple[DrumPattern, ...], cycle: int
) -> tuple[DrumPattern, ...]:
    """Every second bar has a turn, every fourth two. Busy players turn more often, sparse ones
    less.
    """
    if not turns or cycle % 4 == 0:
        return ()
    index = cycle // 2 + cycle // 8
    if cycle % 4 == 3:
        return tuple(turns[(index + shift) % len(turns)] for shift in (0, 3))
    if cycle % 4 == 1:
        return () if density <= -STRONG else (turns[index % len(turns)],)
    return (turns[(index + 5) % len(turns)],) if density >= STRONG else ()


def _turns(turn: DrumPattern, pattern: DrumPattern) -> bool:
    """Whether a turn changes anything in a pattern."""
    return any(drum in pattern.rows or {*row} - {*"._"} for drum, row in turn.rows.items())


def _read_step(
    material: _Material, turns: tuple[DrumPattern, ...], drum: str, at: PatternPlace
) -> str:
    """What a drum plays at a place."""
    row = material.pattern.rows.get(drum)
    symbol = read_row(row, at, material.length) if row else "."
    if material.lift and drum in material.lift.rows:
        symbol = lay_over(symbol, read_row(material.lift.rows[drum], at, material.length))
    for turn in turns:
        if drum in turn.rows:
            symbol = lay_over(symbol, _read_turn(turn.rows[drum], at, material.length))
    return symbol


def _read_turn(row: str, at: PatternPlace, length: int) -> str:
    """Turns are written for 4/4; in other meters only their last beat is played, as the last."""
    step = at.step - length + len(row)
    if length != len(row) and step < len(row) - 4:
        return "."
    return row[step]


def _has_early_backbeat(pattern: DrumPattern, length: int) -> bool:
    """Whether a pattern has its backbeat before the middle of the bar, and so is not in half-time
    already.
    """
    return any(
        {*pattern.rows.get(drum, ".")[: length // 2]} & {*LOUD} for drum in (*BACKBEAT, "rim")
    )


# --- how full it is -------------------------------------------------------------------------------


def _opens_up(arrangement: Arrangement, section: Section) -> bool:
    """Whether a section is so much fuller than a verse that drums are added. In styles that are
    loud already there is not as much room.
    """
    verse = STYLES[arrangement.sketch.style].energy
    level = read_level(arrangement, section.bar)
    return level - verse >= min(FULLER, 0.9 * (1 - verse))


def _is_break(arrangement: Arrangement, section: Section) -> bool:
    energy = section.energy - STYLES[arrangement.sketch.style].energy
    return section.kind == "break" and energy < 0


def _thin(arrangement: Arrangement, section: Section, rows: Rows) -> None:
    """What a section leaves out that holds back: at first what colours, then the backbeat."""
    emptier = section.energy - STYLES[arrangement.sketch.style].energy
    if _is_break(arrangement, section) or emptier > EMPTIER / 2:
        return
    left_out = ["tambourine", "cowbell", "crash"]
    if emptier <= EMPTIER and any(drum in rows for drum in TIMEKEEPERS):
        left_out += BACKBEAT
    for drum in left_out:
        rows.pop(drum, None)


def _follow_mood(
    arrangement: Arrangement, section: Section, rows: Rows, rng: np.random.Generator
) -> None:
    mood = arrangement.sketch.mood
    busy = section.busy or mood.density >= STRONG
    for row in rows.values():
        for step, symbol in enumerate(row):
            if symbol == "?" and rng.random() < SOMETIMES and not busy:
                row[step] = "."
    if busy:
        _fill_up(rows)
    if mood.density <= -STRONG and not section.busy:
        _empty(rows)
    if mood.brightness <= -STRONG and "open hat" in rows:
        _merge(rows, "closed hat", rows.pop("open hat"))
    if mood.brightness >= STRONG and "closed hat" in rows:
        _open_offbeats(rows)
    if mood.hats <= -STRONG:
        _thin_out(row for drum, row in rows.items() if drum in HATS)
    if mood.hats >= STRONG:
        _roll_hats(rows, rng, arrangement.sketch.meter.steps)


def _empty(rows: Rows) -> None:
    """Few notes: no soft ones, no colours, and of those that keep the time every second one."""
    has_backbeat = any(drum in rows for drum in BACKBEAT)
    if has_backbeat or "kick" in rows:
        for drum in COLOURS:
            if drum != "rim" or has_backbeat:  # a rim may be the backbeat itself
                rows.pop(drum, None)
    for row in rows.values():
        row[:] = ["." if symbol in SOFT else symbol for symbol in row]
        row[:] = ["x" if symbol in MULTIPLE else symbol for symbol in row]
    _thin_out(row for drum, row in rows.items() if drum in (*TIMEKEEPERS, "crash"))


def _thin_out(rows: Iterable[list[str]]) -> None:
    """Of each row what is on the beats, or every second stroke."""
    for row in rows:
        played = [step for step, symbol in enumerate(row) if symbol != "."]
        beats = [step for step in played if step % 4 == 0]
        kept = beats if 0 < len(beats) < len(played) else played[::2]
        row[:] = [symbol if step in kept else "." for step, symbol in enumerate(row)]


def _fill_up(rows: Rows) -> None:
    """Many notes: soft sixteenths between those that keep the time, of which one is added where
    there are sixteenths already; and ghosts on the snare.
    """
    if not rows:
        return
    steps = len(next(iter(rows.values())))
    keeper = next(
        (drum for drum in FILLED if rows.get(drum, ["."]).count(".") > steps / 4),
        next((drum for drum in FILLED if drum not in rows), FILLED[-1]),
    )
    open_hat = rows.get("open hat", ["."] * steps)
    row = rows.setdefault(keeper, ["."] * steps)
    for step in range(steps):
        if row[step] == "." and open_hat[step] == "." and "t" not in row[max(step - 1, 0) : step]:
            row[step] = "o" if step % 2 == 0 else "g"
    if "snare" in rows:
        snare = rows["snare"]
        for step in (7, 9, 15):
            if step < steps and snare[step] == ".":
                snare[step] = "g"


def _merge(rows: Rows, drum: str, added: Sequence[str]) -> None:
    row = rows.setdefault(drum, ["."] * len(added))
    rows[drum] = [new if old == "." else old for old, new in zip(row, added)]


def _open_offbeats(rows: Rows) -> None:
    """The hats open on the eighths between the beats."""
    closed = rows["closed hat"]
    offbeats = [
        symbol if step % 4 == 2 and symbol in "Xx" else "." for step, symbol in enumerate(closed)
    ]
    _merge(rows, "open hat", offbeats)
    rows["closed hat"] = [
        "." if opened != "." else symbol for symbol, opened in zip(closed, offbeats)
    ]


def _roll_hats(rows: Rows, rng: np.random.Generator, steps: int) -> None:
    """Thirty-seconds and triplets at one or two places of the bar."""
    row = rows.setdefault("closed hat", ["x" if step % 2 == 0 else "." for step in range(steps)])
    places = [step for step in ROLL_STEPS if step + 2 <= steps]
    for step in rng.permutation(places)[: 1 + int(rng.integers(2))]:
        row[step : step + 2] = pick(rng, ROLLS)


# --- strokes --------------------------------------------------------------------------------------


def _read_strokes(row: Iterable[str]) -> Iterator[_Stroke]:
    """Of a row all strokes, with those of its rolls and grace notes."""
    for step, symbol in enumerate(row):
        if symbol in LOUDNESS:
            yield _Stroke(step, LOUDNESS[symbol])
        elif symbol == "f":
            yield _Stroke(step - 0.2, LOUDNESS["g"])
            yield _Stroke(step, LOUDNESS["x"])
        elif symbol == "r":
            yield _Stroke(step, 0.7)
            yield _Stroke(step + 0.5, 0.56)
        elif symbol in "tT":
            third = {"t": 2, "T": 4}[symbol] / 3
            yield _Stroke(step, 0.75)
            yield _Stroke(step + third, 0.6)
            yield _Stroke(step + 2 * third, 0.68)


def _weigh(arrangement: Arrangement, drum: str) -> float:
    """How a heavy piece strikes its low drums, and a light one."""
    weight = arrangement.sketch.mood.weight
    return 1 + 0.12 * weight if drum in ("kick", "snare", "low tom") else 1.0
