"""How what something costs grows with its input. Seconds of this thread alone are compared with
seconds of the same run, so that a slow or busy machine changes nothing.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import TypeVar

Input = TypeVar("Input")

SLACK = 3  # a linear cost grows by the factor, a quadratic one by its square
NOISE = 0.0005  # seconds below which nothing is said of growth
TRIES = 3  # as a machine may stumble
BIGGEST = 32_000


def assert_linear(
    act: Callable[[Input], object], make: Callable[[int], Input], size: int = 500, factor: int = 16
) -> None:
    """`act(make(n))` takes `factor` times as long for `factor` times the size, or nearly nothing:
    from `size` on, which is doubled until it takes long enough to be measured.
    """
    while (small := measure(act, make(size))) < NOISE and size < BIGGEST:
        size *= 2
    for _ in range(TRIES):
        large = measure(act, make(factor * size))
        if large <= SLACK * factor * max(small, NOISE):
            return
        small = max(small, measure(act, make(size)))
    raise AssertionError(f"{size}: {small:.4f} s, {factor} times as much: {large:.4f} s")


def measure(act: Callable[[Input], object], given: Input) -> float:
    """How many seconds of this thread it takes."""
    gc.disable()  # it looks at all objects of the tests' process
    try:
        began = time.thread_time()
        act(given)
        return time.thread_time() - began
    finally:
        gc.enable()
