"""How much memory MLX may use."""

from __future__ import annotations

import mlx.core as mx
import numpy as np

from pipeline import load
from pipeline.memory import set_limits


def test_limits_hold_until_others_are_given() -> None:
    ace_step = load("mini")
    before = mx.set_memory_limit(2**40)
    set_limits(cache_gb=0.5, memory_gb=3, wired_gb=1)
    load("mini")  # changes nothing about them
    assert mx.set_memory_limit(before) == 3 * 2**30
    assert mx.set_cache_limit(2**31) == 2**29
    set_limits(cache_gb=0)
    (take,) = ace_step.generate(text="x", duration=1.0, seed=1)
    assert np.asarray(take.audio).shape == (2, 48_000)
    assert mx.get_cache_memory() == 0
    set_limits()
    assert mx.set_cache_limit(2**31) == 2**31


def test_what_clips_were_made_with_is_given_back_when_all_are_there() -> None:
    model = load("mini")
    clips = model.generate(text="pad", duration=1.0, seed=1)
    assert next(clips).name == "mix"
    assert mx.get_cache_memory() > 0
    assert list(clips) == []
    assert mx.get_cache_memory() == 0
