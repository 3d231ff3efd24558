"""What the processes do that render clips for the VAE. No torch, which takes seconds to import."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.request import SAMPLE_RATE

from . import songs

CLIP_SECONDS = 8.0
SEEDS = 999_000  # from here on songs are held out


@dataclass(frozen=True)
class Plan:
    """How many clips are kept, and who renders them."""

    clips: int
    at_first: int  # as many are there before training begins
    workers: int
    pause: float = 0.0  # seconds between two clips, once all places are taken
    singer: str = ""  # "module:function", which sings for `songs.render_excerpt`
    seconds: float = CLIP_SECONDS


def find_singer(name: str) -> songs.Singer | None:
    """The function that "module:function" names; none for an empty name."""
    if not name:
        return None
    module, _, function = name.partition(":")
    singer: songs.Singer = getattr(importlib.import_module(module), function)
    return singer


def render_clips(
    shared: Any, free: Any, ready: Any, seeds: tuple[int, int], plan: Plan
) -> None:  # pragma: no cover - in a process of its own
    """Render for ever, one seed after the other from the first by steps: the clip of a seed into
    the free slot that comes next.
    """
    singer = find_singer(plan.singer)
    slots = view_slots(shared, plan.seconds)
    seed, step = seeds
    while True:
        slot = free.get()
        slots[slot] = songs.render_excerpt(seed % SEEDS, plan.seconds, singer).T
        ready.put(slot)
        seed += step


def view_slots(shared: Any, seconds: float) -> npt.NDArray[np.float16]:
    """The memory of all processes as clips (slots, 2, samples)."""
    samples = round(seconds * SAMPLE_RATE)
    return np.frombuffer(shared, np.float16).reshape(-1, 2, samples)
