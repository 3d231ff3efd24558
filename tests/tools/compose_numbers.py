"""How much the composer varies: a Markdown table with a row for every style.

    python -m tests.tools.compose_numbers          writes it into tests/README.md
    python -m tests.tools.compose_numbers SEEDS    prints one of so many seeds

Pieces are 64 bars of 4/4, composed as a caption that names the style alone asks for them (ambient
with drums).
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.guide.composer.captions import read_caption
from pipeline.guide.composer.compose import compose
from pipeline.guide.composer.deal import deal_patterns
from pipeline.guide.composer.meter import read_meter
from pipeline.guide.composer.patterns import PATTERNS
from pipeline.guide.composer.sketch import Sketch
from pipeline.guide.composer.styles import STYLES
from pipeline.guide.score import DRUMS, ROLES, Note
from pipeline.request import DRAWN_SEED_COUNT

from .tables import ROOT, replace_table, table

PAGE = ROOT / "tests/README.md"
SEEDS = 20
BARS = 64
BEATS = 4
PADS = 16
BANKS = 50
HATS = ("closed hat", "open hat", "pedal hat", "shaker")
OFF_GRID = 0.12  # of a 16th: what is further from it is off the straight grid
BREATH = 0.5  # beats without a note in which one can breathe

Events = Mapping[str, Sequence[frozenset[tuple[int, int]]]]  # by role and bar: (16th, pitch)


def measure_piece(style: str, seed: int) -> dict[str, float]:
    """The numbers of one piece."""
    notes = compose_piece(style, seed)
    events = list_events(notes)
    whole = [
        {(role, *event) for role in ROLES for event in events[role][bar]} for bar in range(BARS)
    ]
    density = np.array([len(bar) for bar in whole])
    hats = [note for note in notes if note.role == "drums" and DRUMS[note.pitch] in HATS]
    off = [abs(note.start * 4 - round(note.start * 4)) > OFF_GRID for note in hats]
    return {
        "alike 4 bars ago": float(
            np.mean([_jaccard(one, other) for one, other in zip(whole[4:], whole)])
        ),
        "density CV": float(density.std() / density.mean()),
        **{f"{role} bars": float(len({*events[role]})) for role in ROLES},
        "hats off the grid": float(np.mean(off)) if off else 0.0,
        "beats without a breath": find_longest_phrase(notes),
    }


def compose_piece(style: str, seed: int, bars: int = BARS) -> list[Note]:
    prompt = f"{style} with drums"
    caption = read_caption(prompt, bpm=0, key="", bars=bars, meter=read_meter(BEATS), seed=seed)
    return [*compose(caption.sketch).score.notes]


def list_events(notes: Sequence[Note], bars: int = BARS) -> Events:
    """What begins in each bar, on the grid of the piece: a note that is pushed in front of a bar
    belongs to that bar.
    """
    steps = BEATS * 4
    found: dict[str, list[set[tuple[int, int]]]] = {
        role: [set() for _ in range(bars)] for role in ROLES
    }
    for note in notes:
        bar, step = divmod(round(note.start * 4), steps)
        found[note.role][min(bar, bars - 1)].add((step, note.pitch))
    return {role: [frozenset(bar) for bar in found[role]] for role in ROLES}


def find_longest_phrase(notes: Sequence[Note]) -> float:
    """The most beats for which the lead plays without a rest to breathe in."""
    longest = begin = end = 0.0
    for note in (note for note in notes if note.role == "lead"):
        if note.start - end >= BREATH:
            begin = note.start
        end = max(end, note.start + note.length)
        longest = max(longest, end - begin)
    return longest


def count_alike_pads(style: str, bank: int) -> int:
    """Of all pairs of 16 pads, with the seeds that a bank draws, those that share the patterns of
    drums and bass and the rhythm of the chords.
    """
    seeds = np.random.default_rng(bank).integers(DRAWN_SEED_COUNT, size=PADS)
    hands = [
        deal_patterns(Sketch(style, 120, "", 8, read_meter(BEATS), ROLES, int(seed)))
        for seed in seeds
    ]
    return sum(one == other for one, other in itertools.combinations(hands, 2))


def _jaccard(one: set[tuple[str, int, int]], other: set[tuple[str, int, int]]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0


def measure_style(style: str, seeds: int) -> dict[str, float]:
    """The means of all pieces of a style."""
    pieces = [measure_piece(style, seed) for seed in range(seeds)]
    means = {name: float(np.mean([piece[name] for piece in pieces])) for name in pieces[0]}
    pads = float(np.mean([count_alike_pads(style, bank) for bank in range(BANKS)]))
    return {"drum patterns": float(len(PATTERNS[style].drums)), **means, "pads alike": pads}


def write_row(style: str, numbers: Mapping[str, float]) -> tuple[str, ...]:
    return (
        style,
        f"{numbers['drum patterns']:.0f}",
        f"{numbers['alike 4 bars ago']:.2f}",
        f"{numbers['density CV']:.2f}",
        ", ".join(f"{numbers[f'{role} bars']:.0f}" for role in ROLES),
        f"{numbers['hats off the grid']:.2f}",
        f"{numbers['pads alike']:.1f}",
        f"{numbers['beats without a breath']:.0f}",
    )


HEAD = (
    "style",
    "drum patterns",
    "alike 4 bars ago",
    "density CV",
    "different bars of drums, bass, chords, lead",
    "hats off the grid",
    "pairs of 16 pads alike",
    "beats without a breath",
)


def write_table(seeds: int = SEEDS) -> str:
    return table(HEAD, (write_row(style, measure_style(style, seeds)) for style in STYLES))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(write_table(int(sys.argv[1])))
    else:
        written = replace_table(PAGE.read_text("utf-8"), "composer", write_table())
        PAGE.write_text(written, "utf-8")
