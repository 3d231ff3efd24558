"""Long work that pauses between its steps: something else may be done there, or it be given up."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

_Result = TypeVar("_Result")
Steps = Generator[None, None, _Result]  # yields between its steps on the way to its result


def complete(steps: Steps[_Result]) -> _Result:
    """The result of all steps, one after the other."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: _Result = end.value
            return result
