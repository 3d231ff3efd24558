"""The default grids as a picture: `python -m tests.tools.pad_grid examples/pads/grid.svg`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

from daemon.pads import profiles
from daemon.pads.interface import PadState
from daemon.pads.mapping import PadMapping
from daemon.settings import Midi

CELL = 64  # pixels
SMALL_CELL = 38  # of the larger grid
GAP = 6
MARGIN = 24
LINE = 22
GREY = "#718096"
COLOURS = profiles.load_profile("launchpad-x")  # what is not dark is shown as it lights up there
GESTURES = (
    ("hit", "play this pad's take"),
    ("hold", "another take for this pad"),
    ("shift + hit", "favourite, or no more"),
    ("knob", "what you bind it to"),
    ("program change", "another bank"),
)
MEANINGS = {
    PadState.EMPTY: "a hit makes its first take",
    PadState.QUEUED: "waits for its turn",
    PadState.RENDERING: "pulses, brighter and brighter",
    PadState.READY: "sounds at once",
    PadState.FAVOURITE: "ready, and kept by /ace/bank/reroll",
    PadState.FAILED: "a hit tries again",
}


def draw_pad_grid() -> str:
    """An SVG file's text."""
    generic = PadMapping(Midi(), profiles.load_profile("generic"))
    launchpad = PadMapping(Midi(grid="8x8"), profiles.load_profile("launchpad-x"))
    middle = MARGIN * 2 + 4 * (CELL + GAP)
    foot = MARGIN * 2 + 8 * (SMALL_CELL + GAP) + LINE
    width = middle + 8 * (SMALL_CELL + GAP) + MARGIN
    height = foot + LINE * (len(PadState) + 1) - LINE // 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *_draw_grid("4x4 (MPD and others): pad, note", generic, MARGIN, CELL),
        *_draw_grid("8x8 (Launchpad): pad, note", launchpad, middle, SMALL_CELL),
        *_draw_gestures(foot),
        *_draw_states(foot, middle),
        "</svg>",
    ]
    return "\n".join([*lines, ""])


def _draw_grid(title: str, mapping: PadMapping, x: int, cell: int) -> Iterator[str]:
    """The pads' numbers, as people count them, and the notes they play."""
    yield _draw_text(x, MARGIN, title, 13)
    for index, note in mapping.notes.items():
        row, column = divmod(index, mapping.columns)
        left = x + column * (cell + GAP)
        top = MARGIN + LINE // 2 + (mapping.columns - 1 - row) * (cell + GAP)
        label = f"note {note.note}" if cell == CELL else f"{note.note}"
        yield _draw_box(left, top, cell, "#edf2f7")
        yield _draw_text(left + 5, top + cell * 0.42, str(index + 1), cell * 0.3)
        yield _draw_text(left + 5, top + cell * 0.82, label, cell * 0.22, GREY)


def _draw_states(top: int, left: int) -> Iterator[str]:
    for number, (state, meaning) in enumerate(MEANINGS.items()):
        line = top + number * LINE
        yield _draw_box(left, line - 13, 16, find_colour(state))
        yield _draw_text(left + 22, line, state.value, 13)
        yield _draw_text(left + 100, line, meaning, 13, GREY)


def _draw_gestures(top: int) -> Iterator[str]:
    for number, (gesture, meaning) in enumerate(GESTURES):
        yield _draw_text(MARGIN, top + number * LINE, gesture, 13)
        yield _draw_text(MARGIN + 120, top + number * LINE, meaning, 13, GREY)


def find_colour(state: PadState) -> str:
    """As `#rrggbb`."""
    look = COLOURS.looks[state.value][-1]
    # a dim light is far brighter than a dim colour on a screen
    shades = (round(255 * (look[colour] / 127) ** 0.45) for colour in ("red", "green", "blue"))
    return "#" + "".join(f"{shade:02x}" for shade in shades)


def _draw_box(x: float, y: float, size: float, fill: str) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{size}" height="{size}" rx="4" '
        f'fill="{fill}" stroke="#cbd5e0"/>'
    )


def _draw_text(x: float, y: float, text: str, size: float, fill: str = "#1a202c") -> str:
    return f'<text x="{x:g}" y="{y:.1f}" font-size="{size:.1f}" fill="{fill}">{escape(text)}</text>'


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(draw_pad_grid(), "utf-8")
