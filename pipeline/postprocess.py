"""Decoded clips as they are asked for: spliced into their source, levelled, with the rest."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from . import audio, tasks
from .request import REST, SAMPLE_RATE, Request
from .tasks import RepaintBlend
from .work import Work


class Finished(NamedTuple):
    """Clips as they are asked for, and what has to be said about their source."""

    clips: dict[str, np.ndarray]
    notes: tuple[str, ...]


def finished(
    request: Request, clips: Mapping[str, np.ndarray], source: np.ndarray | None, gain: float = 1.0
) -> Finished:
    """The decoded clips as they are asked for, and the rest. What keeps a source, or is a part of
    it, keeps its level too.
    """
    parts = {name: audio.cut(clip, request.samples) * gain for name, clip in clips.items()}
    whole = None if source is None else source[: request.samples].T.astype(np.float64)
    window = tasks.window(request, request.samples)
    fade = round(RepaintBlend.asked(request).seconds * SAMPLE_RATE)
    if request.task == "lego" and whole is not None:
        for track in request.tracks:  # nothing around the window
            parts[track] *= audio.ramped(request.samples, window, fade)
        parts["mix"] = whole + sum(parts[track] for track in request.tracks)
    elif request.task == "repaint" and whole is not None:
        parts["mix"] = audio.spliced(parts["mix"], whole, window, fade)
    if "mix" in parts:
        audio.not_silent(parts["mix"])
    whole = parts.get("mix", whole)
    stems = [part for name, part in parts.items() if name != "mix"]
    if stems and whole is not None:
        parts[REST] = whole - sum(stems)
    ready = list(parts.values())
    down = 1.0
    if request.task in ("repaint", "extract", "lego"):
        down = audio.full_scale_gain(ready)
        levelled = [(part * down).astype(np.float32) for part in ready]
    else:
        levelled = audio.levelled(ready, request.peak_db, request.normalize)
    loudest = max(parts, key=lambda name: audio.sample_peak(parts[name]), default="")
    return Finished(dict(zip(parts, levelled, strict=True)), _notes(request, source, down, loudest))


def _notes(
    request: Request, source: np.ndarray | None, down: float, loudest: str
) -> tuple[str, ...]:
    """What was done to the source's level, and what could not be heard of it."""
    name = os.path.basename(request.source)
    told = []
    if source is not None and audio.sample_peak(source) <= audio.SILENT:
        told.append(f"{name} is silent: there was nothing to follow")
    if down < 1:
        decibels = -20 * math.log10(down)
        told.append(
            f"{name} was turned down by {decibels:.2g} dB with all else: {loudest} would exceed full scale"
        )
    return tuple(told)


def gain(work: Work, decoded: np.ndarray, clip: np.ndarray) -> float:
    """What the decoded sound was multiplied with, told from its loudest sample that is in the
    clip.
    """
    request = work.request
    window = (
        tasks.window(request, request.samples)
        if request.task == "repaint"
        else range(request.samples)
    )
    before, after = (
        one[0, window.start : window.stop] for one in (audio.cut(decoded, request.samples), clip)
    )
    loudest = np.argmax(np.abs(before))
    return float(after[loudest] / before[loudest]) if before[loudest] else 1.0
