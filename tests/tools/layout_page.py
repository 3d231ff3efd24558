"""What is on the page of our layouts, for TouchOSC and Open Stage Control alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from daemon.pads.interface import PadState
from pipeline.request import FIELDS
from tests.tools.pad_grid import find_colour

WIDTH = 1024
HEIGHT = 768
PADS = 16
BARS = (1, 2, 4, 8, 16)

GREY = "#4a5568"
ORANGE = "#dd8833"
GREEN = "#38a169"
RED = "#c53030"
BLUE = "#3182ce"
COLOURS = {state.value: find_colour(state) for state in PadState}

PROMPTS = {
    "lo-fi": "dusty lo-fi beat, warm piano, vinyl",
    "house": "deep house groove, round bass, soft chords",
    "techno": "driving techno, dark synth bass, hats",
    "funk": "tight funk, slap bass, guitar, brass stabs",
    "break": "drum and bass break, fast, sub bass",
    "trap": "trap beat, 808 bass, bells",
    "ambient": "wide ambient pad, slow, warm",
    "piano": "felt piano, quiet, close",
}
# what a fader turns: parameters with a lowest and a highest value
FADERS = (
    "variation",
    "guide_strength",
    "guidance_scale",
    "shift",
    "repaint_strength",
    "cover_noise_strength",
    "lm_temperature",
    "lm_guidance",
)


@dataclass(frozen=True)
class Item:
    """One thing on the page; `kind` is button, toggle, pad, chip, bars, fader, ring, label, text or
    entry. The frame is x, y, width, height of a canvas of WIDTH by HEIGHT.
    """

    kind: str
    name: str
    frame: tuple[int, int, int, int]
    label: str = ""
    colour: str = GREY
    text: str = ""  # the prompt that a chip chooses

    @property
    def range(self) -> tuple[float, float]:
        """What a fader goes from and to."""
        return FIELDS[self.name].low, FIELDS[self.name].high


def list_items() -> Iterator[Item]:
    """The page on which one plays."""
    yield Item("entry", "prompt", (8, 8, 760, 52), next(iter(PROMPTS.values())))
    yield Item("toggle", "keep", (774, 8, 242, 52), "same seed again")
    for index, (name, prompt) in enumerate(PROMPTS.items()):
        frame = (8 + index * 127, 66, 121, 44)
        yield Item("chip", f"prompt{index + 1}", frame, name, text=prompt)
    for index, number in enumerate(BARS):
        label = "1 bar" if number == 1 else f"{number} bars"
        yield Item("bars", f"bars{number}", (8 + index * 81, 120, 76, 48), label)
    yield Item("button", "go", (8, 174, 197, 110), "GO", GREEN)
    yield Item("button", "reroll", (211, 174, 197, 110), "REROLL", BLUE)
    yield Item("button", "heart", (8, 290, 197, 60), "favourite", RED)
    yield Item("button", "stop", (211, 290, 197, 60), "stop")
    yield Item("ring", "progress", (8, 356, 124, 124), colour=ORANGE)
    for index, name in enumerate(("stage", "clip", "where", "preparing")):
        yield Item("label", name, (138, 356 + index * 32, 270, 30))
    yield Item("text", "hint", (8, 486, 400, 90), colour=RED)
    yield from list_pads()
    for kind, name, label, left, width in (
        ("toggle", "mark", "mark", 422, 70),
        ("toggle", "another", "another seed", 498, 124),
        ("button", "fill", "fill with this", 628, 124),
        ("button", "shuffle", "new seeds", 758, 106),
        ("button", "undo", "undo", 870, 70),
        ("button", "redo", "redo", 946, 70),
    ):
        yield Item(kind, name, (left, 514, width, 62), label)
    for index, name in enumerate(FADERS):
        left = 8 if index < 4 else 515
        frame = (left, 586 + index % 4 * 45, 501, 40)
        yield Item("fader", name, frame, name.replace("_", " "), BLUE)


def list_pads() -> Iterator[Item]:
    """As on a controller: the first pad is at the lower left."""
    for index in range(PADS):
        row, column = divmod(index, 4)
        frame = (422 + column * 150, 120 + (3 - row) * 98, 144, 92)
        colour = COLOURS[PadState.EMPTY.value]
        yield Item("pad", f"pad{index + 1}", frame, str(index + 1), colour)
