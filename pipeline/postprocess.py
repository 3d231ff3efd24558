"""Decoded audio becomes the clips of a request: spliced into their source, levelled, with the
rest.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from . import audio
from .audio import Floats, Waveform
from .request import REST, SAMPLE_RATE, Request
from .source_window import find_window
from .steps import Steps, complete
from .tasks import RepaintBlend

ClipSamples = npt.NDArray[np.float32]  # (2, samples)


class PostprocessedClips(NamedTuple):
    """The clips of a request by their names, and what has to be said about their source."""

    clips: dict[str, ClipSamples]
    notes: tuple[str, ...]


def postprocess_clips(
    request: Request,
    decoded: Mapping[str, Floats],
    source: Waveform | None,
    gain: float = 1.0,
) -> PostprocessedClips:
    """The decoded audio (2, N), times `gain`, as the request has it, and the rest. What keeps its
    source (samples, 2), or is a part of it, keeps its level too. Raises `BadAudio`.
    """
    return complete(postprocess_clips_in_steps(request, decoded, source, gain))


def postprocess_clips_in_steps(
    request: Request,
    decoded: Mapping[str, Floats],
    source: Waveform | None,
    gain: float,
) -> Steps[PostprocessedClips]:
    """The same, with pauses."""
    parts: dict[str, Floats] = {}
    for name, waveform in decoded.items():
        parts[name] = audio.cut(waveform, request.samples) * gain
        yield
    whole: Floats | None = None
    if source is not None:
        whole = source[: request.samples].T.astype(np.float64)
    window = find_window(request, request.samples)
    fade = round(RepaintBlend.of_request(request).seconds * SAMPLE_RATE)
    if request.task == "lego" and whole is not None:
        for track in request.tracks:  # nothing around the window
            parts[track] *= audio.build_ramp(request.samples, window, fade)
        parts["mix"] = whole + sum(parts[track] for track in request.tracks)
    elif request.task == "repaint" and whole is not None:
        parts["mix"] = audio.splice(parts["mix"], whole, window, fade)
    if "mix" in parts:
        audio.check_not_silent(parts["mix"])
    whole = parts.get("mix", whole)
    stems = [part for name, part in parts.items() if name != "mix"]
    if stems and whole is not None:
        parts[REST] = whole - sum(stems)
    yield
    attenuation = 1.0
    if request.task in ("repaint", "extract", "lego"):
        attenuation = audio.find_full_scale_gain(list(parts.values()))
        clips = [(part * attenuation).astype(np.float32) for part in parts.values()]
    else:
        levelling = audio.level_in_steps(list(parts.values()), request.peak_db, request.normalize)
        clips = yield from levelling
    loudest = max(parts, key=lambda name: audio.sample_peak(parts[name]), default="")
    notes = _describe_source(request, source, attenuation, loudest)
    return PostprocessedClips(dict(zip(parts, clips, strict=True)), notes)


def _describe_source(
    request: Request,
    source: Waveform | None,
    attenuation: float,
    loudest: str,
) -> tuple[str, ...]:
    """What was done to the source's level, and what could not be heard of it."""
    name = os.path.basename(request.source)
    notes = []
    if source is not None and audio.sample_peak(source) <= audio.SILENT:
        notes.append(f"{name} is silent: there was nothing to follow")
    if attenuation < 1:
        decibels = -20 * math.log10(attenuation)
        notes.append(
            f"{name} was turned down by {decibels:.2g} dB with all else: {loudest} would exceed "
            "full scale"
        )
    return tuple(notes)


def measure_gain(request: Request, decoded: Floats, clip: ClipSamples) -> float:
    """What decoded audio was multiplied with on its way to the clip, told from its loudest sample
    that is in the clip.
    """
    window = range(request.samples)
    if request.task == "repaint":
        window = find_window(request, request.samples)
    before = audio.cut(decoded, request.samples)[0, window.start : window.stop]
    after = clip[0, window.start : window.stop]
    loudest = np.argmax(np.abs(before))
    return float(after[loudest] / before[loudest]) if before[loudest] else 1.0
