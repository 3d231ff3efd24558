"""The default grids as a picture: `python -m daemon.pads.picture examples/pads/grid.svg`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

from ..settings import Midi
from . import profiles
from .interface import PadState
from .mapping import Mapping

CELL = 64  # pixels
GAP = 6
MARGIN = 24
LINE = 22
SMALL = 38  # a cell of the larger grid
COLOURS = profiles.named("launchpad-x")  # what is not dark is shown as it lights up there
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


def picture() -> str:
    left = [
        *_grid(
            "4x4 (MPD and others): pad, note",
            Mapping(Midi(), profiles.named("generic")),
            MARGIN,
            CELL,
        )
    ]
    middle = MARGIN * 2 + 4 * (CELL + GAP)
    launchpad = Mapping(Midi(grid="8x8"), profiles.named("launchpad-x"))
    right = [*_grid("8x8 (Launchpad): pad, note", launchpad, middle, SMALL)]
    foot = MARGIN * 2 + 8 * (SMALL + GAP) + LINE
    width = middle + 8 * (SMALL + GAP) + MARGIN
    legend = [*_gestures(foot), *_states(foot, middle)]
    height = foot + LINE * (len(PadState) + 1) - LINE // 2
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">'
    paper = f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    return "\n".join([head, paper, *left, *right, *legend, "</svg>", ""])


def _grid(title: str, mapping: Mapping, x: int, cell: int) -> Iterator[str]:
    """The pads' numbers, as people count them, and the notes they play."""
    yield _text(x, MARGIN, title, 13)
    for slot, place in mapping.places.items():
        row, column = divmod(slot, mapping.columns)
        left = x + column * (cell + GAP)
        top = MARGIN + LINE // 2 + (mapping.columns - 1 - row) * (cell + GAP)
        yield _box(left, top, cell, cell, "#edf2f7")
        yield _text(left + 5, top + cell * 0.42, str(slot + 1), cell * 0.3)
        named = "note " if cell == CELL else ""
        yield _text(left + 5, top + cell * 0.82, f"{named}{place[0]}", cell * 0.22, "#718096")


def _states(top: int, left: int) -> Iterator[str]:
    for index, (state, meaning) in enumerate(MEANINGS.items()):
        line = top + index * LINE
        yield _box(left, line - 13, 16, 16, _colour(state))
        yield _text(left + 22, line, state.value, 13)
        yield _text(left + 100, line, meaning, 13, "#718096")


def _gestures(top: int) -> Iterator[str]:
    for index, (gesture, meaning) in enumerate(GESTURES):
        yield _text(MARGIN, top + index * LINE, gesture, 13)
        yield _text(MARGIN + 120, top + index * LINE, meaning, 13, "#718096")


def _colour(state: PadState) -> str:
    look = COLOURS.looks[state.value][-1]
    # a dim light is far brighter than a dim colour on a screen
    shades = (round(255 * (look[colour] / 127) ** 0.45) for colour in ("red", "green", "blue"))
    return "#" + "".join(f"{shade:02x}" for shade in shades)


def _box(x: float, y: float, width: float, height: float, fill: str) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width}" height="{height}" rx="4" fill="{fill}" stroke="#cbd5e0"/>'


def _text(x: float, y: float, text: str, size: float, fill: str = "#1a202c") -> str:
    return f'<text x="{x:g}" y="{y:.1f}" font-size="{size:.1f}" fill="{fill}">{escape(text)}</text>'


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(picture(), "utf-8")
