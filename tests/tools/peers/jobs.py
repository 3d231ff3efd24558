"""What both are asked for, and inputs that both draw alike. No libraries but NumPy."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

PROMPT = "upbeat electronic dance music with female vocals"
LYRICS = """[verse]
Dance with me tonight
Under the neon lights
[chorus]
Move your body, feel the groove
"""
CHECKED_FRAMES = 50  # of latents
CHECKED_TOKENS = 40  # of the condition


def write_plan_prompt(number: int) -> str:
    """What a planner reads, about as long as a song's. `number`: one digit, so that all of them
    have as many tokens.
    """
    return f"Write audio codes, number {number}.\n" + f"{PROMPT}, 120 bpm, A minor\n{LYRICS}" * 4


class Instant(NamedTuple):
    """When it is, and what all threads of this process have computed until then."""

    seconds: float
    processor: float

    @classmethod
    def now(cls) -> Instant:
        return cls(time.perf_counter(), time.process_time())


def cut(starts: Mapping[str, Instant], end: Instant) -> dict[str, dict[str, float]]:
    """The seconds of stages that begin at these instants, each up to the next, and of all of it."""

    def find_lengths(times: Sequence[float]) -> dict[str, float]:
        stages = {name: after - at for name, at, after in zip(starts, times, times[1:])}
        return {**stages, "whole": times[-1] - times[0]}

    seconds, processor = map(find_lengths, zip(*starts.values(), end))
    return {"stages": seconds, "processor": processor}


def draw(seed: int, *shape: int) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def pick_some(output: npt.NDArray[np.floating], count: int = 2000) -> list[float]:
    """Some of its numbers, at even distances."""
    flat = output.astype(np.float32).ravel()
    return [float(each) for each in flat[:: max(1, flat.size // count)]]


def list_versions(distributions: Iterable[str]) -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in distributions}
