"""What the DiT sees beside the noise, and what a repaint keeps of its source: one function per
task, dispatched by a table.

Latents are (1, frames, 64). Source of the procedure: the official `AceStepHandler`, checked by
tests/tools/parity.py.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import mlx.core as mx
import numpy as np

from . import audio
from .request import MAX_SECONDS, SAMPLE_RATE, BadRequest, Request


class Scene(NamedTuple):
    """What a part of the steps is shown."""

    task: str  # the one that the prompt's instruction names
    source: mx.array
    mask: mx.array  # (1, frames): 1 where it paints


@dataclass(frozen=True)
class Material:
    """What scenes are made of."""

    silence: mx.array
    source: mx.array | None = None  # the task's source, encoded, then silence
    guide: mx.array | None = None
    window: range = range(0)  # the frames of a repaint
    reference: mx.array | None = None  # latents (1, R, 64) of what it is to sound like
    codes: tuple[int, ...] = ()  # that it is painted over
    hints: mx.array | None = (
        None  # what the source's audio codes keep of it; None: there are no codes
    )
    masked: bool = True  # whether the model was taught masks other than 1

    @property
    def given(self) -> mx.array:
        assert self.source is not None, "a task without a source has been refused before"
        return self.source

    @property
    def ones(self) -> mx.array:
        return mx.ones(self.silence.shape[:2])

    @property
    def inside(self) -> mx.array:
        """(1, frames): 1 in the window."""
        return mx.array(framed(self.silence.shape[1], self.window)[None], mx.float32)


def text2music(material: Material) -> Scene:
    """Paints from the prompt alone, or over a guide."""
    if material.guide is not None:
        return Scene("cover", material.guide, material.ones)
    return Scene("text2music", material.silence, material.ones)


def cover(material: Material) -> Scene:
    """Paints over what the audio codes keep of the source: melody, chords and rhythm rather than
    its sound.
    """
    hints = material.given if material.hints is None else material.hints
    return Scene("cover", hints, material.ones)


def cover_nofsq(material: Material) -> Scene:
    """Paints over the source itself, so it stays closer to it."""
    return Scene("cover", material.given, material.ones)


def repaint(material: Material) -> Scene:
    """Paints the window anew, over the guide or silence; the source is around it."""
    under = material.silence if material.guide is None else material.guide
    inside = material.inside
    source = mx.where(inside[..., None] > 0, under, material.given)
    return (
        Scene("repaint", source, inside)
        if material.masked
        else Scene("cover", source, material.ones)
    )


def extract(material: Material) -> Scene:
    """Takes a track out of the source."""
    return Scene("extract", material.given, material.ones)


def lego(material: Material) -> Scene:
    """Plays a track that goes with the source, in the window; the source is heard there too."""
    return Scene("lego", material.given, material.inside)


def complete(material: Material) -> Scene:
    """Plays the source with more tracks."""
    return Scene("complete", material.given, material.ones)


TASKS: dict[str, Callable[[Material], Scene]] = {
    "": text2music,
    "cover": cover,
    "cover-nofsq": cover_nofsq,
    "repaint": repaint,
    "extract": extract,
    "lego": lego,
    "complete": complete,
}
# without the guide
AFTERWARDS = {
    "": text2music,
    "cover": text2music,
    "cover-nofsq": text2music,
    "repaint": repaint,
}
UNGUIDED = ("cover", "cover-nofsq", "extract", "lego", "complete")  # follow their source


REGIONAL = ("repaint", "lego")  # work on a window of their source
SHORTEST = 0.04  # seconds that a window must last: one latent frame, or there is nothing to paint


def scenes(request: Request, material: Material) -> list[Scene]:
    """What is shown in the first part of the steps, `guide_strength` of them, and then what in the
    rest, if any.
    """
    first = TASKS[request.task](material)
    if request.guide_strength == 1 or request.task not in AFTERWARDS:
        return [first]
    return [first, AFTERWARDS[request.task](dataclasses.replace(material, guide=None))]


# --- what a source is cut to, and what stays of it ------------------------------------------------


def staged(request: Request, sound: np.ndarray, hop: int) -> tuple[Request, np.ndarray]:
    """The request with the length that its clip gets, and the source in it: (samples in whole
    frames, 2).

    What the request leaves open is as long as the source and what a repaint adds to it. Raises
    `BadRequest`.
    """
    if not len(sound):
        raise BadRequest(
            f"source: {os.path.basename(request.source)} is empty: it has no samples",
            "export it again",
        )
    front = _front(request)
    if request.as_source:
        end = request.region[1] if request.task == "repaint" else math.inf
        end = round(end * SAMPLE_RATE) if math.isfinite(end) else 0
        seconds = (front + max(len(sound), end)) / SAMPLE_RATE
        if not 0.1 <= seconds <= MAX_SECONDS:
            at_least = f"more than {MAX_SECONDS:g}" if seconds > MAX_SECONDS else f"{seconds:.3g}"
            message = f"source must make a clip of 0.1..{MAX_SECONDS:g} seconds, got {at_least}"
            raise BadRequest(message, "say with seconds or bars how much of it")
        request = dataclasses.replace(request, seconds=seconds)
    begin = request.region[0]
    if request.task in REGIONAL and begin >= request.length:
        name = "repaint_bar" if request.repaint_bar else "repaint_start"
        message = f"{name} must be inside of the clip's {request.length:.10g} s, got {begin:g} s"
        raise BadRequest(message, "say with seconds or bars how long the clip is to be")
    if (
        request.task in REGIONAL
        and (painted := len(window(request, request.samples)) / SAMPLE_RATE) < SHORTEST
    ):
        message = f"the window must last at least {SHORTEST:g} s, got {painted:.3g} s"
        raise BadRequest(message, "let repaint_end come later, or repaint_start earlier")
    if request.task == "lego" and begin < 0:
        raise BadRequest(
            f"lego adds tracks within its source, got {begin:g} s", "begin at 0 or later"
        )
    return request, audio.placed(sound, front, -(-request.samples // hop) * hop)


def window(request: Request, length: int) -> range:
    """The samples that a repaint paints, of a clip of so many. A window that reaches the end has
    all that is there.
    """
    begin, end = (seconds * SAMPLE_RATE for seconds in request.region)
    stop = _front(request) + end
    return range(max(0, round(begin)), length if stop >= request.samples else round(stop))


def _front(request: Request) -> int:
    """Samples that a repaint adds in front of its source."""
    return round(max(0.0, -request.region[0]) * SAMPLE_RATE) if request.task == "repaint" else 0


def framed(frames: int, window: range) -> np.ndarray:
    """(frames,) True in the window."""
    place = np.arange(frames)
    return (place >= window.start) & (place < window.stop)


class RepaintBlend(NamedTuple):
    """How firmly a repaint holds on to what is around its window."""

    steps: float  # first part of the steps, after each of which the source is put back
    frames: int  # in which the latents turn into the source's, outside of the window
    seconds: float  # the same for the audio

    @classmethod
    def of(cls, strength: float) -> RepaintBlend:
        """The official code's `balanced` mode; its `conservative` is strength 0, its `aggressive`
        1.
        """
        return cls(1 - strength, round(25 * (1 - strength)), 0.05 * (1 - strength))

    @classmethod
    def asked(cls, request: Request) -> RepaintBlend:
        """By the strength, unless the request says more."""
        hold = cls.of(request.repaint_strength)
        fade = request.repaint_crossfade
        if request.repaint_hold >= 0:
            hold = hold._replace(steps=request.repaint_hold)
        return hold if fade < 0 else hold._replace(frames=round(25 * fade), seconds=fade)


@dataclass(frozen=True)
class KeptSource:
    """What a repaint puts back around its window."""

    source: mx.array
    noise: mx.array
    window: range
    hold: RepaintBlend

    def __call__(self, x: mx.array, step: int, steps: int, t: float) -> mx.array:
        """The state after a step, which is at time `t`."""
        length = x.shape[1]
        if step < round(self.hold.steps * steps):
            inside = mx.array(framed(length, self.window)[None, :, None])
            x = mx.where(inside, x, t * self.noise + (1 - t) * self.source)
        if step == steps - 1:
            share = mx.array(
                audio.ramped(length, self.window, self.hold.frames)[None, :, None], mx.float32
            )
            x = share * x + (1 - share) * self.source
        return x
