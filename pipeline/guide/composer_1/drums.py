"""The drums of a composition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..score import DRUMS, Note
from .arrangement import FirstArrangement
from .sketch import pick

PITCH_OF = {name: pitch for pitch, name in DRUMS.items()}
LOUDNESS = {"X": 1.0, "x": 0.8, "o": 0.5, "?": 0.45}
LIGHT = ("closed hat", "open hat", "shaker")  # louder on the beat than between
FILLS: tuple[dict[str, str], ...] = (  # the last four steps of a bar
    {"snare": "x.xx"},
    {"snare": "x.x.", "tom": ".x.x"},
    {"tom": "xxxx"},
    {"snare": "oxxX"},
    {"kick": "x...", "snare": "..xx"},
)


def play_drums(arrangement: FirstArrangement, rng: np.random.Generator) -> Iterator[Note]:
    """The arrangement's drum pattern; half of all fourth bars end with a fill."""
    for bar in range(arrangement.bars):
        fill: Mapping[str, str] = {}
        if bar % 4 == 3 and arrangement.steps >= 8 and rng.random() < 0.5:
            fill = pick(rng, FILLS)
        for step in range(arrangement.steps):
            for drum, symbol in _read_step(arrangement, bar, step, fill):
                if symbol == "?" and rng.random() < 0.6:
                    continue
                velocity = LOUDNESS[symbol] * _accent(drum, step) + rng.uniform(-0.05, 0.05)
                yield from arrangement.place_note("drums", bar, step, 1, PITCH_OF[drum], velocity)


def _read_step(
    arrangement: FirstArrangement, bar: int, step: int, fill: Mapping[str, str]
) -> list[tuple[str, str]]:
    """The drums that are struck at a step, each with its symbol. In the last four steps of a bar a
    fill replaces all drums but the kick and the open hat.
    """
    index = arrangement.pattern_index(bar, step)
    place = step - arrangement.steps + 4  # in the fill
    struck = {drum: pattern[index] for drum, pattern in arrangement.drums.items()}
    if fill and place >= 0:
        kept = {drum: symbol for drum, symbol in struck.items() if drum in ("kick", "open hat")}
        struck = kept | {drum: pattern[place] for drum, pattern in fill.items()}
    return [(drum, symbol) for drum, symbol in struck.items() if symbol != "."]


def _accent(drum: str, step: int) -> float:
    if drum not in LIGHT or step % 4 == 0:
        return 1.0
    return 0.85 if step % 2 == 0 else 0.75
