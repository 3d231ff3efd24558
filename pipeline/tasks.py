"""What the DiT is given beside the noise for each task, and what a repaint keeps of its source.

Latents are (1, frames, 64). Source of the procedure: the official `AceStepHandler`, checked by
tests/tools/parity.py.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import mlx.core as mx
import numpy as np
import numpy.typing as npt

from . import audio
from .request import SAMPLE_RATE, Request
from .source_length import fit_length, plan_repeat
from .source_window import count_samples_in_front


class TaskContext(NamedTuple):
    """What the context latents of a part of the steps are made of."""

    task: str  # the one that the prompt's instruction names
    source_latents: mx.array  # (1, frames, 64)
    chunk_mask: mx.array  # (1, frames): 1 where new music is made


@dataclass(frozen=True)
class InputLatents:
    """The latents (1, frames, 64) that tasks make their contexts of."""

    silence: mx.array
    source: mx.array | None = None  # the task's source, encoded, then silence
    guide: mx.array | None = None
    window: range = range(0)  # the frames of the window of a repaint or lego
    timbre: mx.array | None = None  # latents (1, R, 64) of what it is to sound like
    codes: tuple[int, ...] = ()  # the audio codes that the take follows
    code_latents: mx.array | None = None  # (1, frames, 64): `codes` detokenized; None without any
    knows_masks: bool = True  # whether the model was taught masks other than 1

    @property
    def source_latents(self) -> mx.array:
        """The source's, of a task that has one."""
        assert self.source is not None, "a task without a source has been refused before"
        return self.source

    @property
    def full_mask(self) -> mx.array:
        """(1, frames): 1 everywhere."""
        return mx.ones(self.silence.shape[:2])

    @property
    def window_mask(self) -> mx.array:
        """(1, frames): 1 in the window."""
        return mx.array(mark_window(self.silence.shape[1], self.window)[None], mx.float32)


def build_contexts(request: Request, inputs: InputLatents) -> list[TaskContext]:
    """The context of the first part of the steps, `guide_strength` of them, and then that of the
    rest, if any.
    """
    first = build_context(request.task, inputs)
    if request.guide_strength == 1 or request.task not in _WITHOUT_GUIDE:
        return [first]
    rest = _WITHOUT_GUIDE[request.task](dataclasses.replace(inputs, guide=None))
    return [first, rest]


def build_context(task: str, inputs: InputLatents) -> TaskContext:
    """The context of a task; "" is new music."""
    return _CONTEXTS[task](inputs)


# --- one function per task ------------------------------------------------------------------------


def _text2music(inputs: InputLatents) -> TaskContext:
    """New music from the prompt alone, or over a guide (or codes): then as a cover of that."""
    if inputs.guide is not None:
        return TaskContext("cover", inputs.guide, inputs.full_mask)
    return TaskContext("text2music", inputs.silence, inputs.full_mask)


def _cover(inputs: InputLatents) -> TaskContext:
    """Follows what the audio codes keep of the source: melody, chords and rhythm rather than its
    sound.
    """
    source = inputs.source_latents if inputs.code_latents is None else inputs.code_latents
    return TaskContext("cover", source, inputs.full_mask)


def _cover_nofsq(inputs: InputLatents) -> TaskContext:
    """Follows the source itself, so it stays closer to it."""
    return TaskContext("cover", inputs.source_latents, inputs.full_mask)


def _repaint(inputs: InputLatents) -> TaskContext:
    """Makes the window anew, over the guide or silence; the source is around it."""
    inside = inputs.silence if inputs.guide is None else inputs.guide
    mask = inputs.window_mask
    source = mx.where(mask[..., None] > 0, inside, inputs.source_latents)
    if not inputs.knows_masks:
        return TaskContext("cover", source, inputs.full_mask)
    return TaskContext("repaint", source, mask)


def _extract(inputs: InputLatents) -> TaskContext:
    """Takes a track out of the source."""
    return TaskContext("extract", inputs.source_latents, inputs.full_mask)


def _lego(inputs: InputLatents) -> TaskContext:
    """Makes a track that goes with the source, in the window; it is conditioned on all of it."""
    return TaskContext("lego", inputs.source_latents, inputs.window_mask)


def _complete(inputs: InputLatents) -> TaskContext:
    """Makes a mix of the source and more tracks."""
    return TaskContext("complete", inputs.source_latents, inputs.full_mask)


_CONTEXTS: dict[str, Callable[[InputLatents], TaskContext]] = {
    "": _text2music,
    "cover": _cover,
    "cover-nofsq": _cover_nofsq,
    "repaint": _repaint,
    "extract": _extract,
    "lego": _lego,
    "complete": _complete,
}
# the context of the steps after `guide_strength` of them, when no guide is followed any more
_WITHOUT_GUIDE = {
    "": _text2music,
    "cover": _text2music,
    "cover-nofsq": _text2music,
    "repaint": _repaint,
}


# --- what a source is cut to ----------------------------------------------------------------------


class RepeatedSource(NamedTuple):
    """A source's waveform (samples, 2), repeated or not, and what there is to say of it."""

    waveform: npt.NDArray[np.float32]
    notes: tuple[str, ...] = ()


def repeat_source(request: Request, waveform: npt.NDArray[np.float32]) -> RepeatedSource:
    """A source (samples, 2) that a cover has bars for: repeated by whole bars where it ends before
    the clip. Other tasks, and covers whose tempo nobody knows, follow nothing behind its end.
    """
    length = len(waveform)
    plan = plan_repeat(request, length)
    if not plan.bars:
        return RepeatedSource(waveform, plan.notes)
    bar = request.beats * 60 / request.bpm * SAMPLE_RATE
    repeated = np.zeros((request.samples, 2), np.float32)
    for number in range(math.ceil(request.samples / (plan.bars * bar))):
        start, stop = (round(each * plan.bars * bar) for each in (number, number + 1))
        piece = waveform[: min(stop, request.samples) - start]
        repeated[start : start + len(piece)] = piece
    return RepeatedSource(repeated, plan.notes)


def fit_source(
    request: Request, waveform: npt.NDArray[np.float32], hop: int
) -> tuple[Request, npt.NDArray[np.float32]]:
    """The request with the length that its clip gets, and the source's waveform (samples in whole
    frames, 2) at its place in the clip. Raises `BadRequest`.
    """
    request = fit_length(request, len(waveform))
    front = count_samples_in_front(request)
    return request, audio.place_in_silence(waveform, front, -(-request.samples // hop) * hop)


def mark_window(frames: int, window: range) -> npt.NDArray[np.bool_]:
    """(frames,) True in the window."""
    place = np.arange(frames)
    return (place >= window.start) & (place < window.stop)


# --- what a repaint keeps of its source -----------------------------------------------------------


class RepaintBlend(NamedTuple):
    """How much a repaint keeps of what is around its window."""

    injection: float  # first part of the steps, after each of which the source is put back
    frames: int  # in which the latents turn into the source's, outside of the window
    seconds: float  # the same for the audio

    @classmethod
    def of_strength(cls, strength: float) -> RepaintBlend:
        """The official code's `balanced` mode; its `conservative` is strength 0, its `aggressive`
        1.
        """
        return cls(1 - strength, round(25 * (1 - strength)), 0.05 * (1 - strength))

    @classmethod
    def of_request(cls, request: Request) -> RepaintBlend:
        """By `repaint_strength`, where the request does not say it in detail."""
        blend = cls.of_strength(request.repaint_strength)
        if request.repaint_hold >= 0:
            blend = blend._replace(injection=request.repaint_hold)
        if (crossfade := request.repaint_crossfade) >= 0:
            blend = blend._replace(frames=round(25 * crossfade), seconds=crossfade)
        return blend


@dataclass(frozen=True)
class SourceInjection:
    """Puts the source back around a repaint's window, after a step."""

    source: mx.array  # (1, frames, 64)
    noise: mx.array  # (1, frames, 64): what the diffusion began with
    window: range  # of frames
    blend: RepaintBlend

    def __call__(self, x: mx.array, step: int, steps: int, t: float) -> mx.array:
        """The state after a step, with the source put back. `x` is the state at time `t`, at which
        the step has arrived.
        """
        length = x.shape[1]
        if step < round(self.blend.injection * steps):
            inside = mx.array(mark_window(length, self.window)[None, :, None])
            x = mx.where(inside, x, t * self.noise + (1 - t) * self.source)
        if step == steps - 1:
            ramp = audio.build_ramp(length, self.window, self.blend.frames)
            share = mx.array(ramp[None, :, None], mx.float32)
            x = share * x + (1 - share) * self.source
        return x
