"""How what something costs grows with its input. Seconds of this thread alone are compared with
seconds of the same run, so that a slow or busy machine changes nothing.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import TypeVar

Input = TypeVar("Input")

FACTOR = 16
# a linear cost grows by FACTOR, a quadratic one by its square: 256
MOST = 48
NOISE = 0.0005  # seconds below which nothing is said of growth


def assert_linear(
    act: Callable[[Input], object], make: Callable[[int], Input], size: int = 500
) -> None:
    """`act(make(n))` takes at most `MOST` times as long for `FACTOR` times the size, or nearly
    nothing: from `size` on, which is doubled until it takes long enough to be measured.
    """
    while (small := _measure(act, make(size))) < NOISE and size < 32_000:
        size *= 2
    large = _measure(act, make(FACTOR * size))
    if large > MOST * max(small, NOISE):  # twice, as a machine may stumble
        small = max(small, _measure(act, make(size)))
        large = min(large, _measure(act, make(FACTOR * size)))
    assert large <= MOST * max(small, NOISE), (
        f"{size}: {small:.4f} s, {FACTOR} times: {large:.4f} s"
    )


def _measure(act: Callable[[Input], object], given: Input) -> float:
    """The least seconds of three."""
    return min(_time(act, given) for _ in range(3))


def _time(act: Callable[[Input], object], given: Input) -> float:
    gc.disable()  # it looks at all objects of the tests' process
    try:
        began = time.thread_time()
        act(given)
        return time.thread_time() - began
    finally:
        gc.enable()
