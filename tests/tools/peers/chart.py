"""A picture of what was measured: seconds of each stage over the length of the take, acestepd's
lines whole and the peer's broken. Both axes are logarithmic.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from .turns import WHOLE, Row

Point = tuple[float, float]

_SIZE = (1000, 620)
_BOX = (80, 60, 760, 550)  # left, top, right, bottom
_COLOURS = {
    WHOLE: "#111111",
    "diffusion": "#d55e00",
    "decode": "#0072b2",
    "condition": "#009e73",
    "text": "#cc79a7",
    "finish": "#8c6d00",
    "prefill": "#0072b2",
    "codes": "#d55e00",
}
_DASH = 9.0
_FONT = 15.0


def draw_chart(rows: Sequence[Row], peer: str, title: str, unit: str, path: Path) -> None:
    """Raises OSError where it cannot be written."""
    image = Image.new("RGB", _SIZE, "white")
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(_FONT)
    stages = [name for name in _COLOURS if name in rows[0].ratio]
    seconds = [side[name] for row in rows for side in (row.ours, row.peer) for name in stages]
    scale_x = _make_scale([row.size for row in rows], _BOX[0], _BOX[2])
    scale_y = _make_scale(seconds, _BOX[3], _BOX[1])
    pen.text((_BOX[0], 16), title, "black", font)
    pen.rectangle(_BOX, outline="#888888")
    for tick in _list_decades(seconds):
        y = scale_y(tick)
        pen.line((_BOX[0], y, _BOX[2], y), "#dddddd")
        pen.text((_BOX[0] - 8, y), f"{tick:g} s", "black", font, anchor="rm")
    for row in rows:
        x = scale_x(row.size)
        pen.line((x, _BOX[1], x, _BOX[3]), "#dddddd")
        pen.text((x, _BOX[3] + 8), f"{row.size:g}", "black", font, anchor="mt")
    pen.text(((_BOX[0] + _BOX[2]) / 2, _BOX[3] + 34), unit, "black", font, anchor="mt")
    for number, name in enumerate(stages):
        colour = _COLOURS[name]
        ours = [(scale_x(row.size), scale_y(row.ours[name])) for row in rows]
        theirs = [(scale_x(row.size), scale_y(row.peer[name])) for row in rows]
        _draw_line(pen, ours, colour, broken=False)
        _draw_line(pen, theirs, colour, broken=True)
        y = _BOX[1] + 30 * number + 12
        pen.line((_BOX[2] + 16, y, _BOX[2] + 46, y), colour, 3)
        ratio = ", ".join(f"{row.ratio[name]:.2f}" for row in rows)
        pen.text((_BOX[2] + 54, y), f"{name}: {ratio}", "black", font, anchor="lm")
    y = _BOX[1] + 30 * len(stages) + 24
    for number, line in enumerate(
        ("whole lines: acestepd", f"broken lines: {peer}", "numbers: how many times", "as fast")
    ):
        pen.text((_BOX[2] + 16, y + 22 * number), line, "black", font)
    image.save(path, optimize=True)


def _make_scale(values: Sequence[float], start: float, end: float) -> Callable[[float], float]:
    """Where a value is between the two, by its logarithm."""
    low, high = (math.log(limit) for limit in _find_limits(values))

    def place(value: float) -> float:
        return start + (math.log(max(value, 1e-6)) - low) / (high - low) * (end - start)

    return place


def _find_limits(values: Sequence[float]) -> tuple[float, float]:
    """A little beyond the least and the most."""
    return max(min(values), 1e-6) / 1.3, max(max(values), 1e-6) * 1.3


def _list_decades(values: Sequence[float]) -> Iterator[float]:
    low, high = _find_limits(values)
    for exponent in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1):
        yield 10.0**exponent


def _draw_line(
    pen: ImageDraw.ImageDraw, points: Sequence[Point], colour: str, broken: bool
) -> None:
    for x, y in points:
        pen.ellipse((x - 4, y - 4, x + 4, y + 4), None if broken else colour, colour, 2)
    for start, end in itertools.pairwise(points):
        pieces = _cut(start, end) if broken else [(start, end)]
        for piece in pieces:
            pen.line(piece, colour, 3)


def _cut(start: Point, end: Point) -> Iterator[tuple[Point, Point]]:
    """The dashes of a line."""
    length = math.dist(start, end)
    for number in range(0, math.ceil(length / _DASH), 2):
        a, b = (min(1.0, (number + more) * _DASH / length) for more in (0, 1))
        yield (
            (start[0] + a * (end[0] - start[0]), start[1] + a * (end[1] - start[1])),
            (start[0] + b * (end[0] - start[0]), start[1] + b * (end[1] - start[1])),
        )
