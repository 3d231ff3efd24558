"""Decoded audio becomes the clips of a request: spliced into their source, levelled, with the
rest.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from . import audio
from .audio import Floats, LevelledAudio, PendingSound, Waveform
from .peaks import LazyAudio, survey
from .request import REST, SAMPLE_RATE, Request
from .source_window import find_window
from .steps import Steps, complete
from .tasks import RepaintBlend

NO_STEMS: Mapping[str, Waveform] = {}


class PostprocessedClips(NamedTuple):
    """The clips of a request by their names, (2, samples) or what is computed when it is asked for;
    what has to be said about their source, and the factor that all decoded audio got.
    """

    clips: Mapping[str, PendingSound]
    notes: tuple[str, ...]
    gain: float


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
    stems: Mapping[str, Waveform] = NO_STEMS,
    fades: bool = False,
) -> Steps[PostprocessedClips]:
    """The same, with pauses. `stems` are those of the source (samples, 2) that are known already:
    a repaint keeps them around its window. `fades`: all parts are faded out, as their mix.
    """
    parts: dict[str, LazyAudio] = {}
    for name, waveform in decoded.items():
        parts[name] = yield from audio.cut(waveform, request.samples, gain, fades)
    whole = None if source is None else LazyAudio.of(source[: request.samples].T)
    window = find_window(request, request.samples)
    fade = round(RepaintBlend.of_request(request).seconds * SAMPLE_RATE)
    if request.task == "lego" and whole is not None:
        for track in request.tracks:  # nothing around the window
            parts[track] = _fade_around(parts[track], window, fade)
        parts["mix"] = _add(whole, [parts[track] for track in request.tracks])
    elif request.task == "repaint" and whole is not None:
        parts["mix"] = _splice(parts["mix"], whole, window, fade)
    for name, stem in stems.items():
        parts[name] = LazyAudio.of(stem[: request.samples].T)
        if request.task == "repaint":
            parts[name] = _fade_around(parts[name], window, fade, outside=True)
    parts = {name: parts[name] for name in ("mix", *request.tracks) if name in parts}
    mix = parts.get("mix", whole)
    tracks = [part for name, part in parts.items() if name != "mix"]
    if tracks and mix is not None:
        parts[REST] = _add(mix, tracks, -1)
    highest = {}
    for name, part in parts.items():
        highest[name] = yield from survey(part)
    peaks = {name: float(levels.max(initial=0.0)) for name, levels in highest.items()}
    if "mix" in peaks:
        audio.check_not_silent(peaks["mix"])
    level = attenuation = 1.0
    if request.task in ("repaint", "extract", "lego"):
        level = attenuation = audio.find_full_scale_gain(peaks.values())
    else:
        surveyed = [(part, highest[name]) for name, part in parts.items()]
        level = yield from audio.find_common_gain(surveyed, request.peak_db, request.normalize)
    clips = {name: LevelledAudio(part, level) for name, part in parts.items()}
    loudest = max(peaks, key=lambda name: peaks[name], default="")
    notes = _describe_source(request, source, attenuation, loudest)
    return PostprocessedClips(clips, notes, gain * level)


# --- parts that are made of others ----------------------------------------------------------------


def _fade_around(part: LazyAudio, window: range, fade: int, outside: bool = False) -> LazyAudio:
    """It in the window, and silence around that; `outside`: the other way round."""
    ramp = audio.build_ramp(part.samples, window, fade)
    if outside:
        ramp = 1 - ramp
    return LazyAudio(part.samples, lambda start, stop: part.read(start, stop) * ramp[start:stop])


def _splice(new: LazyAudio, old: LazyAudio, window: range, fade: int) -> LazyAudio:
    """As `audio.splice` does."""
    length = min(new.samples, old.samples)
    inside = audio.build_ramp(length, window, fade)

    def read(start: int, stop: int) -> npt.NDArray[np.float64]:
        piece = new.read(start, stop)
        end = max(start, min(stop, length))
        share = inside[start:end]
        both = share * piece[:, : end - start] + (1 - share) * old.read(start, end)
        piece[:, : end - start] = both
        return piece

    return LazyAudio(new.samples, read)


def _add(whole: LazyAudio, parts: Sequence[LazyAudio], sign: int = 1) -> LazyAudio:
    """A part plus the sum of others, or minus it."""

    def read(start: int, stop: int) -> npt.NDArray[np.float64]:
        together = sum(part.read(start, stop) for part in parts)
        return whole.read(start, stop) + sign * together

    return LazyAudio(whole.samples, read)


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
