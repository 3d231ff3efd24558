"""Long work in steps, and how many of them are one."""

from __future__ import annotations

import math

import pytest

from pipeline.steps import Steps, advance, complete


def count(steps: int, taken: list[int]) -> Steps[str]:
    for number in range(steps):
        taken.append(number)
        yield
    return "done"


def test_without_time_a_step_is_taken_by_itself() -> None:
    taken: list[int] = []
    steps = count(3, taken)
    for number in range(3):
        advance(steps, 0.0)
        assert taken == list(range(number + 1))
    with pytest.raises(StopIteration, match="done"):
        advance(steps, 0.0)


def test_steps_that_take_no_time_are_taken_together() -> None:
    taken: list[int] = []
    with pytest.raises(StopIteration) as end:
        advance(count(100, taken), math.inf)
    assert end.value.value == complete(count(100, [])) == "done"
    assert taken == list(range(100))
