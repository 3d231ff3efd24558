"""What the processes do that render: clips for the VAE, and songs for the DiT. No torch, which
takes seconds to import.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.guide import palette
from pipeline.request import SAMPLE_RATE

from . import songs

CLIP_SECONDS = 8.0
SEEDS = 999_000  # from here on songs are held out
# what lets a process compute with one thread: they are as many as there are cores
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
WITH_STEMS = 3  # every so many songs have all their stems


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


class RenderedSong(NamedTuple):
    """What the DiT learns from of one song, (samples, 2) each."""

    mix: songs.Audio
    guide: songs.Audio
    stems: dict[str, songs.Audio]  # by track


def render_lesson(number: int) -> RenderedSong:
    """The song of this number: of every third all stems, of any that is sung its vocals."""
    song = songs.make_lesson(number)
    is_taken_apart = number % songs.SHARD % WITH_STEMS == 0
    stems = song.render_tracks() if is_taken_apart else song.render_band()
    mix = palette.mix(stems)
    if len(stems) == 1:  # it is the mix
        stems = {}
    return RenderedSong(
        mix,
        song.render_guide(),
        {track: stem for track, stem in stems.items() if track != "band"},
    )
