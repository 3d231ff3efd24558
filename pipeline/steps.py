"""Long work that pauses between its steps: something else may be done there, or it be given up."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import TypeVar

_Result = TypeVar("_Result")
Steps = Generator[None, None, _Result]  # yields between its steps on the way to its result

Tell = Callable[[float], object]  # is told how much of the work is done, 0..1


class Share:
    """How much of some work is done, 0..1, as it tells."""

    def __init__(self) -> None:
        self.done = 0.0

    def tell(self, done: float) -> None:
        self.done = done


def ignore(done: float) -> None:
    """Nobody wants to know."""


def complete(steps: Steps[_Result]) -> _Result:
    """The result of all steps, one after the other."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: _Result = end.value
            return result


def advance(steps: Steps[_Result], seconds: float) -> None:
    """One step, and more of them until so many seconds have passed: what is done in a pause may
    take longer than a step. Raises StopIteration, with the result, at the end.
    """
    until = time.monotonic() + seconds
    next(steps)
    while time.monotonic() < until:
        next(steps)
