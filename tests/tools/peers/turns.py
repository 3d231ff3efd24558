"""What was measured in turns, and what it comes to. No libraries."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

WHOLE = "whole"
CODES = "codes"


@dataclass(frozen=True)
class Turn:
    """One run of one of the two: seconds of its stages, and those that all its threads computed in
    them, which other programs change less; the most bytes that its process had in memory, and how
    many cores others kept busy meanwhile, where that is known.
    """

    stages: Mapping[str, float]
    processor: Mapping[str, float]
    memory: int = 0
    others: float | None = None

    def by_processor(self) -> Turn:
        """The same, with what was computed in place of what passed."""
        return replace(self, stages=self.processor)


@dataclass(frozen=True)
class Pair:
    """A turn of each, one after the other."""

    ours: Turn
    peer: Turn

    @property
    def ratios(self) -> dict[str, float]:
        """How many times as fast as the peer we are, for each stage that both have."""
        shared = [name for name in self.peer.stages if name in self.ours.stages]
        return {name: divide(self.peer.stages[name], self.ours.stages[name]) for name in shared}

    def by_processor(self) -> Pair:
        return Pair(self.ours.by_processor(), self.peer.by_processor())


@dataclass(frozen=True)
class Row:
    """The pairs of one job. `size` is what it is drawn over; `tokens` how many one of its stages,
    `CODES`, has written.
    """

    title: str
    size: float
    pairs: tuple[Pair, ...]
    tokens: int = 0

    @property
    def ours(self) -> dict[str, float]:
        """Median seconds."""
        return find_medians([pair.ours.stages for pair in self.pairs])

    @property
    def peer(self) -> dict[str, float]:
        return find_medians([pair.peer.stages for pair in self.pairs])

    @property
    def ratio(self) -> dict[str, float]:
        """The median of the pairs' ratios, which is not the ratio of the medians."""
        return find_medians([pair.ratios for pair in self.pairs])

    def by_processor(self) -> Row:
        return replace(self, pairs=tuple(pair.by_processor() for pair in self.pairs))

    @property
    def others(self) -> float | None:
        """The most cores that other programs had in a turn."""
        known = [turn.others for pair in self.pairs for turn in _list_turns(pair)]
        return max((each for each in known if each is not None), default=None)

    def to_json(self) -> dict[str, Any]:
        medians = {
            "ours": self.ours,
            "peer": self.peer,
            "ratio": self.ratio,
            "processor_ratio": self.by_processor().ratio,
        }
        pairs = [
            {
                **asdict(pair),
                "ratios": pair.ratios,
                "processor_ratios": pair.by_processor().ratios,
            }
            for pair in self.pairs
        ]
        return {"title": self.title, "size": self.size, "median": medians, "pairs": pairs}


def divide(a: float, b: float) -> float:
    return a / b if b else math.inf


def find_medians(turns: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of what all of them have."""
    names = [name for name in turns[0] if all(name in turn for turn in turns)]
    return {name: statistics.median(turn[name] for turn in turns) for name in names}


def compare(ours: Sequence[float], peer: Sequence[float]) -> float:
    """How alike two outputs are: the cosine of the angle between them. Raises ValueError where one
    is longer.
    """
    if len(ours) != len(peer):
        raise ValueError(f"one output has {len(ours)} numbers, the other {len(peer)}")
    product = math.fsum(a * b for a, b in zip(ours, peer))
    return divide(product, math.hypot(*ours) * math.hypot(*peer))


def count_alike(ours: Sequence[int], peer: Sequence[int]) -> int:
    """How many of the first ones are the same."""
    for number, (a, b) in enumerate(zip(ours, peer)):
        if a != b:
            return number
    return min(len(ours), len(peer))


def format_row(row: Row, peer: str) -> str:
    """A table: a line for each stage, with the ratio of processor time and that of each pair."""
    others = "" if row.others is None else f"; other programs had up to {row.others:.1f} cores"
    lines = [
        f"{row.title}, {len(row.pairs)} pairs{others}",
        f"{'':12} {'acestepd':>10} {peer:>13} {'ratio':>8} {'processor':>10}   each pair",
    ]
    processor = row.by_processor().ratio
    for name in row.ratio:
        each = " ".join(f"{pair.ratios[name]:.2f}" for pair in row.pairs)
        lines.append(
            f"{name:12} {row.ours[name]:8.3f} s {row.peer[name]:11.3f} s "
            f"{row.ratio[name]:8.2f} {processor.get(name, math.nan):10.2f}   {each}"
        )
    for side, stages in (("acestepd", row.ours), (peer, row.peer)):
        lines += [
            f"{name:12} {seconds:8.3f} s: {side} only"
            for name, seconds in stages.items()
            if name not in row.ratio
        ]
    if row.tokens:
        speeds = (divide(row.tokens, side[CODES]) for side in (row.ours, row.peer))
        lines.append("{:12} {:8.1f}   {:11.1f}".format("a second", *speeds))
    memory = (
        max(turn.memory for turn in turns) / 1e9 for turns in zip(*map(_list_turns, row.pairs))
    )
    lines.append("{:12} {:8.1f} GB {:10.1f} GB".format("memory", *memory))
    return "\n".join(lines)


def _list_turns(pair: Pair) -> tuple[Turn, Turn]:
    return pair.ours, pair.peer
