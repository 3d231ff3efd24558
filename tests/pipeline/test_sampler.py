"""The parts of the sampler that the official trajectories (tests/tools/parity.py) do not reach."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pipeline  # noqa: F401
from pipeline import sampler
from pipeline.sampler import Guidance
from pipeline.schedules import build_schedule


def test_the_guided_part_is_the_middle_of_the_steps() -> None:
    guidance = Guidance(scale=5.0, interval=0.5)
    assert [step for step in range(8) if guidance.is_active(step, 8, 0.5)] == [2, 3, 4, 5]
    assert not any(Guidance(scale=5.0, interval=0.0).is_active(step, 8, 0.5) for step in range(8))
    assert all(Guidance(scale=5.0, interval=1.0).is_active(step, 8, 0.5) for step in range(8))


def test_both_intervals_have_to_allow_guidance() -> None:
    guidance = Guidance(scale=5.0, interval=1.0, t_start=0.3, t_end=0.9)
    assert [t for t in (0.95, 0.9, 0.5, 0.3, 0.2) if guidance.is_active(0, 8, t)] == [0.9, 0.5, 0.3]


def test_scale_one_is_no_guidance() -> None:
    assert not Guidance(scale=1.0).is_active(4, 8, 0.5)


@pytest.mark.parametrize("solver", ["euler", "ab2", "dpm", "heun", "sde"])
def test_every_solver_finds_what_straight_paths_lead_to(solver: str) -> None:
    import mlx.core as mx

    clean, noise = (mx.random.normal((1, 16, 64), key=mx.random.key(seed)) for seed in (1, 2))
    solvers: dict[str, sampler.Solver] = {"euler": sampler.euler, "ab2": sampler.AdamsBashforth()}
    solvers |= {
        "dpm": sampler.DpmSolver(),
        "heun": sampler.Heun(),
        "sde": sampler.Sde(lambda step: noise),
    }
    *_, last = sampler.denoise(
        lambda x, t, step, guided: (noise - clean, None),
        noise,
        build_schedule(4, 3.0),
        Guidance(),
        solver=solvers[solver],
    )
    np.testing.assert_allclose(last.x, clean, atol=1e-5)
    np.testing.assert_allclose(last.clean, clean, atol=1e-5)


@pytest.mark.parametrize("solver", [sampler.AdamsBashforth, sampler.DpmSolver])
def test_the_second_order_ones_are_nearer_to_a_curved_path(
    solver: type[sampler.AdamsBashforth],
) -> None:
    """dx/dt = -x with x(1) = 1 leads to e at time 0."""
    import mlx.core as mx

    def end(solver: sampler.Solver) -> float:
        steps = build_schedule(10, 1.0)
        *_, last = sampler.denoise(
            lambda x, *_: (-x, None), mx.ones((1, 1, 1)), steps, Guidance(), solver=solver
        )
        return abs(last.x.item() - math.e)

    assert end(solver()) < end(sampler.euler) / 3


def test_guidance_by_angle_leaves_what_both_agree_on() -> None:
    import mlx.core as mx

    x, v = (mx.random.normal((1, 16, 64), key=mx.random.key(seed)) for seed in (1, 2))
    np.testing.assert_allclose(sampler.adg(x, 0.5, v, v, 7.0), v, atol=1e-4)


def test_a_slerp_keeps_the_level_of_its_noise_and_meets_both_ends() -> None:
    import mlx.core as mx

    a, b = (mx.random.normal((1, 128, 64), key=mx.random.key(seed)) for seed in (1, 2))
    np.testing.assert_allclose(sampler.slerp(a, a, 0.3), a, atol=1e-6)
    for part in (0.25, 0.5, 0.75):
        assert abs(float(mx.std(sampler.slerp(a, b, part))) - 1) < 0.02
    np.testing.assert_allclose(sampler.slerp(a, b, 0.0), a, atol=1e-6)
    np.testing.assert_allclose(sampler.slerp(a, b, 1.0), b, atol=1e-6)
