"""Schedules, solver steps and guidance: functions of arrays, checked against the official code's trajectories."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import mlx.core as mx
import numpy as np

from .request import Request

MOMENTUM, NORM_THRESHOLD = -0.75, 2.5  # of APG, as in the official PyTorch code

# --- schedules -------------------------------------------------------------------------------------------------------
# A schedule is the timesteps the DiT is called with, falling from 1; the last step goes on to 0.

DISTILLED_STEPS = 8
DISTILLED_SHIFTS = (1.0, 2.0, 3.0)


def schedule(steps: int, shift: float) -> np.ndarray:
    """`steps` even steps from 1 to 0, pulled towards 1 by `shift` (float32, as the official base model computes)."""
    t = np.linspace(1.0, 0.0, steps + 1, dtype=np.float32)
    return (np.float32(shift) * t / (1 + np.float32(shift - 1) * t))[:-1]


def turbo_schedule(shift: float, timesteps: Sequence[float] = ()) -> np.ndarray:
    """The timesteps turbo was distilled on: eight, for the nearest of the shifts 1, 2 and 3.

    Custom `timesteps` are moved to the nearest of the values in those three schedules; zeros at their end are the
    end point and dropped; at most 20 are kept.
    """
    wanted = np.trim_zeros(np.asarray(timesteps[:20], np.float32), "b")
    if not wanted.size:
        return schedule(DISTILLED_STEPS, min(DISTILLED_SHIFTS, key=lambda s: abs(s - shift)))
    valid = np.unique(np.concatenate([schedule(DISTILLED_STEPS, s) for s in DISTILLED_SHIFTS]))[::-1]
    return np.array([min(valid, key=lambda v: abs(v - t)) for t in wanted], np.float32)


def timesteps(request: Request, turbo: bool) -> np.ndarray:
    """The schedule of a request whose steps and shift are filled in.

    Turbo with its own eight steps follows the official tables. With another count it takes any shift, which the
    official PyTorch classes do not offer.
    """
    if turbo and request.num_steps == DISTILLED_STEPS:
        return turbo_schedule(request.shift)
    return schedule(request.num_steps, request.shift)


# --- noise -----------------------------------------------------------------------------------------------------------


def slerp(a: mx.array, b: mx.array, part: float) -> mx.array:
    """From noise `a` (0) to `b` (1) along the sphere on which noise lies: a straight line would lose level."""
    cosine = mx.sum(a * b) / (mx.linalg.norm(a) * mx.linalg.norm(b))
    angle = math.acos(min(1.0, max(-1.0, float(cosine))))
    if math.sin(angle) < 1e-6:  # the same noise, or its opposite, which no sphere leads to
        return a
    return (math.sin((1 - part) * angle) * a + math.sin(part * angle) * b) / math.sin(angle)


# --- guidance --------------------------------------------------------------------------------------------------------


def cfg(cond: mx.array, uncond: mx.array, scale: float) -> mx.array:
    """Classifier-free guidance."""
    return uncond + scale * (cond - uncond)


def apg(cond: mx.array, uncond: mx.array, scale: float, running: mx.array | None) -> tuple[mx.array, mx.array]:
    """Adaptive projected guidance of velocities (B, T, C), over the time axis; and the momentum to pass on.

    The difference is averaged with momentum, limited in norm, and only its part orthogonal to `cond` is added.
    """
    difference = cond - uncond
    if running is not None:
        difference = difference + MOMENTUM * running
    norm = mx.linalg.norm(difference, axis=1, keepdims=True)
    update = difference * mx.minimum(1.0, NORM_THRESHOLD / mx.maximum(norm, 1e-12))
    direction = cond / mx.maximum(mx.linalg.norm(cond, axis=1, keepdims=True), 1e-12)
    orthogonal = update - mx.sum(update * direction, axis=1, keepdims=True) * direction
    return cond + (scale - 1) * orthogonal, difference


@dataclass
class Guidance:
    """How strongly, in which way and when the unconditional velocity is pushed away. One instance per generation:
    it carries APG's momentum, which only moves in guided steps."""

    scale: float = 1.0
    kind: str = "apg"
    interval: float = 1.0  # the middle part of the steps
    t_start: float = 0.0
    t_end: float = 1.0
    _running: mx.array | None = field(default=None, repr=False)

    @classmethod
    def of(cls, request: Request) -> Guidance:
        return cls(
            request.guidance_scale,
            request.cfg_type,
            request.guidance_interval,
            request.cfg_interval_start,
            request.cfg_interval_end,
        )

    def active(self, step: int, steps: int, t: float) -> bool:
        """0.5 of 8 steps are the steps 2 to 5; the interval on t is the official code's."""
        first, last = int(steps * (1 - self.interval) / 2), int(steps * (1 + self.interval) / 2)
        return self.scale != 1.0 and first <= step < last and self.t_start <= t <= self.t_end

    def __call__(self, cond: mx.array, uncond: mx.array) -> mx.array:
        if self.kind == "cfg":
            return cfg(cond, uncond, self.scale)
        guided, self._running = apg(cond, uncond, self.scale, self._running)
        return guided


# --- the loop --------------------------------------------------------------------------------------------------------

Velocity = Callable[[mx.array, int, bool], tuple[mx.array, mx.array | None]]
Keep = Callable[[mx.array, int, int, float], mx.array]


def denoise(
    velocity: Velocity, x: mx.array, schedule: np.ndarray, guidance: Guidance, keep: Keep | None = None
) -> Iterator[mx.array]:
    """Euler steps from noise x (B, T, 64) to latents; yields the state after every step, evaluated.

    `velocity(x, step, guided)` returns the conditional velocity, and the unconditional one when `guided`.
    `keep(x, step, steps, t)` may change the state that a step arrived at.
    """
    ends = np.append(schedule[1:], np.float32(0))
    for step, (t, t_next) in enumerate(zip(schedule.tolist(), ends.tolist(), strict=True)):
        guided = guidance.active(step, len(schedule), t)
        cond, uncond = velocity(x, step, guided)
        v = cond if uncond is None else guidance(cond, uncond)
        x = x - (t - t_next) * v
        x = x if keep is None else keep(x, step, len(schedule), t_next)
        mx.eval(x)
        yield x
