"""What drums play on the way from one section into the next: fills, builds, endings."""

from __future__ import annotations

from .arrangement import Arrangement
from .groove import LIGHT
from .patterns import PATTERNS
from .sections import is_drum_solo
from .sketch import Sketch, pick

Rows = dict[str, list[str]]  # of each drum a symbol a step of one bar

LONG_SECTION = 8  # bars after which a small fill comes also within a section
BUILD_BARS = 4
# How dense a roll is, in steps from stroke to stroke, in the last bar, in the one before it...
BUILD_GRIDS = (1, 2, 2, 4)
BUILD_SYMBOLS = ("x", "o", "o", "g")


def play_transitions(arrangement: Arrangement, bar: int, rows: Rows) -> None:
    """Lay over a bar what leads into the next section, or begins this one."""
    section = arrangement.section_at(bar)
    steps = arrangement.sketch.meter.steps
    left = section.end - bar
    if section.build and left <= min(BUILD_BARS, section.bars):
        _build(arrangement, rows, left)
    beats = _count_fill_beats(arrangement, bar)
    if beats:
        _fill(arrangement, bar, rows, beats)
    if section.crash and bar == section.bar:
        for drum in ("kick", PATTERNS[arrangement.sketch.style].family.crash):
            _get_row(rows, drum, steps)[0] = "X"


def is_last_hit(arrangement: Arrangement, bar: int) -> bool:
    """Whether a bar has only the hit with which the piece ends."""
    section = arrangement.section_at(bar)
    return section.ending and section.bars > 1 and bar == section.end - 1


def play_last_hit(arrangement: Arrangement) -> Rows:
    """The bar of the last hit."""
    rows: Rows = {}
    for drum in ("kick", PATTERNS[arrangement.sketch.style].family.crash):
        rows[drum] = ["."] * arrangement.sketch.meter.steps
        rows[drum][0] = "X"
    return rows


def count_last_steps(sketch: Sketch) -> int:
    """For how many steps of the last bar its notes are held: half of them, as they ring on."""
    return sketch.meter.steps if sketch.composer == 2 else max(1, sketch.meter.steps // 2)


def _count_fill_beats(arrangement: Arrangement, bar: int) -> int:
    """How many beats of a bar's end are a fill."""
    section = arrangement.section_at(bar)
    left = section.end - bar
    if is_drum_solo(arrangement.sketch, section.kind, section.parts):
        return max(2, section.fill_beats)
    if left == 1:
        return section.fill_beats
    if section.ending and left == 2:
        return 1
    is_halfway = (bar - section.bar) % LONG_SECTION == LONG_SECTION - 1
    return 1 if is_halfway and section.kind != "break" and not section.build else 0


def _fill(arrangement: Arrangement, bar: int, rows: Rows, beats: int) -> None:
    """One of the style's fills in place of all drums but the kick, over the last beats of a bar: as
    many of its own last steps as they have.
    """
    sketch = arrangement.sketch
    patterns = PATTERNS[sketch.style]
    fill = pick(sketch.make_rng("fill", bar), (*patterns.fills, *patterns.family.fills))
    longest = max(map(len, fill.rows.values()))
    steps = min(sum(sketch.meter.groups[-beats:]), longest, sketch.meter.steps)
    first = sketch.meter.steps - steps
    for drum, row in rows.items():
        if drum != "kick":
            row[first:] = ["."] * steps
    for drum, symbols in fill.rows.items():
        row = _get_row(rows, drum, sketch.meter.steps)
        for step, symbol in enumerate(symbols[longest - steps :], first):
            row[step] = lay_over(row[step], symbol)


def _build(arrangement: Arrangement, rows: Rows, left: int) -> None:
    """A roll that becomes denser and louder from bar to bar. Where it is a snare's, it takes the
    place of the backbeat, and the kick is gone before the next section brings it back.
    """
    drum = PATTERNS[arrangement.sketch.style].family.build
    steps = arrangement.sketch.meter.steps
    is_roll = drum not in LIGHT
    if is_roll:
        for backbeat in ("snare", "clap"):
            rows.pop(backbeat, None)
    row = _get_row(rows, drum, steps)
    row[:: BUILD_GRIDS[left - 1]] = BUILD_SYMBOLS[left - 1] * len(row[:: BUILD_GRIDS[left - 1]])
    if left > 1 or not is_roll:
        return
    half = steps // 2
    row[half:] = "X" * (steps - half)
    row[-4:] = "r" * len(row[-4:])
    if "kick" in rows:
        rows["kick"][half:] = "." * (steps - half)


def lay_over(symbol: str, over: str) -> str:
    """What is played where one symbol lies over another."""
    return {".": symbol, "_": "."}.get(over, over)


def _get_row(rows: Rows, drum: str, steps: int) -> list[str]:
    return rows.setdefault(drum, ["."] * steps)
