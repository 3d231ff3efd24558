"""What a composition is asked to be, and the random numbers that follow from its seed."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ...request import NEWEST_COMPOSER
from .form import LyricSection
from .meter import BarMeter
from .mood import Mood

T = TypeVar("T")


@dataclass(frozen=True)
class Sketch:
    """What a composition is asked to be."""

    style: str  # one of STYLES
    bpm: float
    key: str  # as parse_key writes it
    bars: int
    meter: BarMeter
    parts: tuple[str, ...]  # of ROLES
    seed: int
    # one entry per bar, as parse_chord_line gives them; empty: progressions are composed
    chords: tuple[str, ...] = ()
    mood: Mood = Mood()
    loop: bool = False  # one section that leads back into its own beginning
    lyrics: tuple[LyricSection, ...] = ()  # in the order in which they are sung
    # 2 plays sections nearly alike in force, some of them nearly empty, and is cut at the end
    composer: int = NEWEST_COMPOSER

    def make_rng(self, *purpose: str | int) -> np.random.Generator:
        """The random numbers of one purpose, like ("drums", 2) for the second material. Each
        purpose draws its own, so that leaving one out changes no other; each style too, so that one
        seed is not the same tune in all of them.
        """
        names = (self.style, *map(str, purpose))
        return np.random.default_rng([self.seed, *(zlib.crc32(name.encode()) for name in names)])


def pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    return choices[int(rng.integers(len(choices)))]


def pick_weighted(rng: np.random.Generator, weights: Mapping[T, float]) -> T:
    """One of the keys, each as often as its weight says."""
    choices = [*weights]
    shares = np.cumsum([weights[choice] for choice in choices])
    return choices[int(np.searchsorted(shares, rng.random() * shares[-1], side="right"))]
