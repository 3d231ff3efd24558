"""What a composition is asked to be, and the random numbers that follow from its seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ..score import ROLES

T = TypeVar("T")
_PURPOSES = ("sketch", "form", *ROLES)


@dataclass(frozen=True)
class FirstSketch:
    """What a composition is asked to be."""

    style: str  # one of STYLES
    bpm: float
    key: str  # as parse_key writes it
    bars: int
    beats_per_bar: float  # in quarter notes: 3 for 3/4 and for 6/8
    parts: tuple[str, ...]  # of ROLES
    seed: int
    # one entry per bar, as parse_chord_line gives them; empty: a progression is composed
    chords: tuple[str, ...] = ()


def make_rng(seed: int, purpose: str) -> np.random.Generator:
    """A seed's random numbers for one purpose: "sketch", "form" or a role. Each role draws its own,
    so that leaving one out changes no other.
    """
    return np.random.default_rng([seed, _PURPOSES.index(purpose)])


def pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]
