"""Schedules beyond the official tables (tests/tools/parity.py)."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.request import Request
from pipeline.schedules import Schedule, build_schedule, build_timesteps


def test_turbo_takes_the_official_tables_at_eight_steps_and_any_shift_otherwise() -> None:
    def at(steps: int, shift: float) -> Schedule:
        return build_timesteps(Request(num_steps=steps, shift=shift), turbo=True)

    np.testing.assert_array_equal(at(8, 2.2), at(8, 2.0))
    assert len(at(5, 2.2)) == 5
    assert not np.array_equal(at(5, 2.2), at(5, 2.0))


@pytest.mark.parametrize("shift", [0.5, 1.0, 3.0])
def test_a_schedule_falls_from_one_and_ends_above_zero(shift: float) -> None:
    steps = build_schedule(20, shift)
    assert steps[0] == 1
    assert (np.diff(steps) < 0).all()
    assert steps[-1] > 0


def test_custom_times_replace_steps_and_shift() -> None:
    request = Request(num_steps=50, shift=3.0).changed({"timesteps": "1, 0.75, 0.3, 0"})
    np.testing.assert_allclose(build_timesteps(request, turbo=False), [1, 0.75, 0.3])
