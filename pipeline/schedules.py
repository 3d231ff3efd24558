"""Schedules: the timesteps that the DiT is called with, falling from 1; the last step goes on to 0.

Checked against the official code's tables. NumPy only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .request import BadRequest, Request

Schedule = npt.NDArray[np.float32]

DISTILLED_STEPS = 8  # turbo's own; as many as it takes
MAX_DISTILLED_STEPS = 20
DISTILLED_SHIFTS = (1.0, 2.0, 3.0)


def build_schedule(steps: int, shift: float) -> Schedule:
    """`steps` even steps from 1 to 0, pulled towards 1 by `shift` (float32, as the official base
    model computes).
    """
    t = np.linspace(1.0, 0.0, steps + 1, dtype=np.float32)
    return (np.float32(shift) * t / (1 + np.float32(shift - 1) * t))[:-1]


def build_turbo_schedule(shift: float, timesteps: Sequence[float] = ()) -> Schedule:
    """The timesteps turbo was distilled on: eight, for the nearest of the shifts 1, 2 and 3.

    Custom `timesteps` are moved to the nearest of the values in those three schedules; zeros at
    their end are the end point and dropped; at most 20 are kept.
    """
    custom = np.trim_zeros(np.asarray(timesteps[:MAX_DISTILLED_STEPS], np.float32), "b")
    if not custom.size:
        nearest = min(DISTILLED_SHIFTS, key=lambda distilled: abs(distilled - shift))
        return build_schedule(DISTILLED_STEPS, nearest)
    distilled = [build_schedule(DISTILLED_STEPS, shift) for shift in DISTILLED_SHIFTS]
    valid = np.unique(np.concatenate(distilled))[::-1]
    return np.array([min(valid, key=lambda value: abs(value - t)) for t in custom], np.float32)


def build_timesteps(request: Request, turbo: bool) -> Schedule:
    """The schedule of a request whose steps and shift are filled in, from where it starts.

    Turbo with its own eight steps follows the official tables. With another count it takes any
    shift, which the official PyTorch classes do not offer. Raises `BadRequest`.
    """
    schedule = _build_full_schedule(request, turbo)
    # The official tables of turbo are decimals: a tie of two timesteps falls otherwise than in
    # float32.
    table = schedule.astype(np.float64).round(6) if turbo else schedule
    return schedule[find_start(table, request.cover_noise_strength) :]


def _build_full_schedule(request: Request, turbo: bool) -> Schedule:
    custom = [float(t) for t in request.timesteps.split()]
    if turbo and len(custom) > MAX_DISTILLED_STEPS:
        message = f"turbo takes at most {MAX_DISTILLED_STEPS} timesteps, got {len(custom)}"
        raise BadRequest(message, "leave some out")
    if turbo and (custom or request.num_steps == DISTILLED_STEPS):
        return build_turbo_schedule(request.shift, custom)
    if custom:
        return np.array(custom, np.float32)
    return build_schedule(request.num_steps, request.shift)


def find_start(schedule: npt.NDArray[np.floating], strength: float) -> int:
    """The step to start with: the one next to time 1 - `strength`."""
    if not strength:
        return 0
    return int(np.argmin(np.abs(schedule.astype(np.float64) - (1.0 - strength))))
