"""Noise, guidance, solvers, the denoising loop: functions of arrays, checked against the official
code's trajectories.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import mlx.core as mx
import numpy as np

from .request import Request
from .schedules import Schedule

MOMENTUM = -0.75  # of APG, as in the official PyTorch code
NORM_THRESHOLD = 2.5
ANGLE_CLIP = 3.14 / 6  # of ADG

# --- noise ----------------------------------------------------------------------------------------


def add_noise(clean: mx.array, noise: mx.array, t: float) -> mx.array:
    """The state at time t (0: clean, 1: noise); both arrays have one shape."""
    return t * noise + (1 - t) * clean


def slerp(a: mx.array, b: mx.array, part: float) -> mx.array:
    """Spherical interpolation from noise `a` (`part` 0) to `b` (1), of one shape: a straight line
    would lose level.
    """
    cosine = mx.sum(a * b) / (mx.linalg.norm(a) * mx.linalg.norm(b))
    angle = math.acos(min(1.0, max(-1.0, float(cosine))))
    if math.sin(angle) < 1e-6:  # the same noise, or its opposite: no direction to go
        return a
    return (math.sin((1 - part) * angle) * a + math.sin(part * angle) * b) / math.sin(angle)


# --- guidance -------------------------------------------------------------------------------------


def cfg(cond: mx.array, uncond: mx.array, scale: float) -> mx.array:
    """Classifier-free guidance of velocities (B, T, C)."""
    return uncond + scale * (cond - uncond)


def apg(
    cond: mx.array, uncond: mx.array, scale: float, momentum: mx.array | None
) -> tuple[mx.array, mx.array]:
    """Adaptive projected guidance of velocities (B, T, C), over the time axis; and the momentum to
    pass on.

    The difference is averaged with momentum, limited in norm, and only its part orthogonal to
    `cond` is added.
    """
    difference = cond - uncond
    if momentum is not None:
        difference = difference + MOMENTUM * momentum
    norm = mx.linalg.norm(difference, axis=1, keepdims=True)
    update = difference * mx.minimum(1.0, NORM_THRESHOLD / mx.maximum(norm, 1e-12))
    direction = cond / mx.maximum(mx.linalg.norm(cond, axis=1, keepdims=True), 1e-12)
    orthogonal = update - mx.sum(update * direction, axis=1, keepdims=True) * direction
    return cond + (scale - 1) * orthogonal, difference


def adg(x: mx.array, t: float, cond: mx.array, uncond: mx.array, scale: float) -> mx.array:
    """Angle-based guidance: every frame's clean estimate (B, T, C) is turned away from the
    unconditional one, by `scale` - 1 times the angle between them and at most `ANGLE_CLIP`.
    """
    weight = max(scale - 1, 0.0) + 1e-3
    clean_cond = x - t * cond
    clean_uncond = x - t * uncond
    norms = mx.linalg.norm(clean_cond, axis=-1, keepdims=True) * mx.linalg.norm(
        clean_uncond, axis=-1, keepdims=True
    )
    cosine = mx.sum(clean_cond * clean_uncond, axis=-1, keepdims=True) / mx.maximum(norms, 1e-12)
    angle = mx.arccos(mx.clip(cosine, -1.0, 1.0))
    rotation = mx.clip(weight * angle, -ANGLE_CLIP, ANGLE_CLIP)
    difference = clean_cond - clean_uncond
    along = mx.sum(difference * clean_uncond, axis=-1, keepdims=True) / (
        mx.sum(clean_uncond * clean_uncond, axis=-1, keepdims=True) + 1e-8
    )
    sine = mx.sin(angle)
    factor = mx.where(sine > 1e-3, mx.sin(rotation) / mx.maximum(sine, 1e-3), weight)
    turned = mx.cos(rotation) * clean_cond + factor * (difference - along * clean_uncond)
    return (x - turned) / t


@dataclass
class Guidance:
    """How strongly, in which way and when steps are guided. One instance per generation: it carries
    APG's momentum, which is updated in guided steps only.
    """

    scale: float = 1.0
    kind: str = "apg"
    interval: float = 1.0  # how much of the steps is guided, in their middle
    t_start: float = 0.0
    t_end: float = 1.0
    _momentum: mx.array | None = field(default=None, repr=False)

    @classmethod
    def of_request(cls, request: Request) -> Guidance:
        return cls(
            request.guidance_scale,
            request.cfg_type,
            request.guidance_interval,
            request.cfg_interval_start,
            request.cfg_interval_end,
        )

    def is_active(self, step: int, steps: int, t: float) -> bool:
        """Whether a step, counted from 0, is guided at time `t`. An interval of 0.5 of 8 steps is
        the steps 2 to 5; that on t is the official code's.
        """
        first = int(steps * (1 - self.interval) / 2)
        last = int(steps * (1 + self.interval) / 2)
        return self.scale != 1.0 and first <= step < last and self.t_start <= t <= self.t_end

    def __call__(self, x: mx.array, t: float, cond: mx.array, uncond: mx.array) -> mx.array:
        if self.kind == "cfg":
            return cfg(cond, uncond, self.scale)
        if self.kind == "adg":
            return adg(x, t, cond, uncond, self.scale)
        guided, self._momentum = apg(cond, uncond, self.scale, self._momentum)
        return guided


# --- solvers --------------------------------------------------------------------------------------


class Point(NamedTuple):
    """Where a step begins: the state (B, T, C), its time and the velocity there."""

    x: mx.array
    t: float
    v: mx.array

    @property
    def clean(self) -> mx.array:
        """The clean estimate: where the velocity leads at time 0."""
        return self.x - self.t * self.v

    def at(self, t: float) -> mx.array:
        """The state at time t, when the velocity stays as it is."""
        return self.x - (self.t - t) * self.v


Evaluate = Callable[[mx.array, float], mx.array]  # the velocity elsewhere within the step
# from a point to a time, in the step of that number
Solver = Callable[[Point, float, int, Evaluate], mx.array]


def euler(here: Point, t: float, step: int, evaluate: Evaluate) -> mx.array:
    """One evaluation a step. What turbo was distilled for."""
    return here.at(t)


@dataclass
class Heun:
    """Two evaluations a step: there, and back to the mean of both velocities."""

    # at time 0 too, as the official base class; its turbo class goes there straight
    to_the_end: bool = True

    def __call__(self, here: Point, t: float, step: int, evaluate: Evaluate) -> mx.array:
        if t == 0 and not self.to_the_end:
            return here.at(t)
        return here._replace(v=(here.v + evaluate(here.at(t), t)) / 2).at(t)


@dataclass
class Sde:
    """Every step goes on to the clean estimate, and back to the next noise level with new noise."""

    draw_noise: Callable[[int], mx.array]  # by the step's number, from 0
    noise_levels: Schedule | None = None  # the times the steps go back to; None: the next timesteps

    def __call__(self, here: Point, t: float, step: int, evaluate: Evaluate) -> mx.array:
        level = t if self.noise_levels is None else self.noise_levels[step].item()
        return add_noise(here.clean, self.draw_noise(step), level) if level else here.clean


@dataclass
class AdamsBashforth:
    """One evaluation a step; the velocity's change since the last step is extrapolated (second
    order).
    """

    _last: Point | None = None

    def __call__(self, here: Point, t: float, step: int, evaluate: Evaluate) -> mx.array:
        last = self._last
        self._last = here
        # the last step is the longest in signal to noise: nothing is extrapolated there
        if last is None or last.t == here.t or t == 0:
            return here.at(t)
        weight = (here.t - t) / (2 * (last.t - here.t))
        return here._replace(v=here.v + weight * (here.v - last.v)).at(t)


@dataclass
class DpmSolver:
    """DPM-Solver++(2M) in the form of flow matching: the same idea for the clean estimate, over log
    signal to noise.
    """

    _last: Point | None = None

    def __call__(self, here: Point, t: float, step: int, evaluate: Evaluate) -> mx.array:
        last = self._last
        self._last = here
        clean = here.clean
        if last is not None and here.t < last.t < 1 and 0 < t < here.t:
            weight = (log_snr(t) - log_snr(here.t)) / (2 * (log_snr(here.t) - log_snr(last.t)))
            clean = clean + weight * (clean - last.clean)
        ratio = t / here.t
        return ratio * here.x + (1 - ratio) * clean


def log_snr(t: float) -> float:
    """The log signal to noise ratio at time t, 0 < t < 1."""
    return math.log((1 - t) / t)


# --- the loop -------------------------------------------------------------------------------------

# see `denoise`
Velocity = Callable[[mx.array, float, int, bool], tuple[mx.array, mx.array | None]]
AfterStep = Callable[[mx.array, int, int, float], mx.array]


class SamplerState(NamedTuple):
    """After a step: the state (B, T, 64), and the clean estimate that the step began with, which is
    lazy: computed only when it is used.
    """

    x: mx.array
    clean: mx.array


def denoise(
    velocity: Velocity,
    x: mx.array,
    schedule: Schedule,
    guidance: Guidance,
    after_step: AfterStep | None = None,
    solver: Solver = euler,
) -> Iterator[SamplerState]:
    """Steps from noise x (B, T, 64) to latents; yields the state after every step, evaluated.

    `velocity(x, t, step, guided)` returns the conditional velocity, and the unconditional one when
    `guided`. `after_step(x, step, steps, t)` may change the state that a step arrived at.
    """
    ends = np.append(schedule[1:], np.float32(0))
    for step, (t, t_next) in enumerate(zip(schedule.tolist(), ends.tolist(), strict=True)):

        def evaluate(x: mx.array, t: float, step: int = step) -> mx.array:
            # Without momentum, which moves once in a step: plain guidance, as the official code has
            # it.
            cond, uncond = velocity(x, t, step, guidance.is_active(step, len(schedule), t))
            return cond if uncond is None else cfg(cond, uncond, guidance.scale)

        cond, uncond = velocity(x, t, step, guidance.is_active(step, len(schedule), t))
        here = Point(x, t, cond if uncond is None else guidance(x, t, cond, uncond))
        x = solver(here, t_next, step, evaluate)
        x = x if after_step is None else after_step(x, step, len(schedule), t_next)
        mx.eval(x)
        yield SamplerState(x, here.clean)
