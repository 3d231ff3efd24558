"""What the length of its source makes of a request: how long the clip is, and what there is to
follow behind the source's end. No MLX.
"""

from __future__ import annotations

import math
import os
from typing import NamedTuple

from .limits import LIMITS
from .request import COVERS, IN_WINDOW, MAX_SECONDS, SAMPLE_RATE, OutOfRange, Request
from .source_facts import SourceFacts, read_facts
from .source_window import MIN_WINDOW, check_in_clip, check_in_source, count_samples_in_front

MIN_REFERENCE = 0.1  # seconds
_INEXACT = 0.05  # part of a bar that a source of whole bars may be short of
_PADDING = 0.1  # seconds that a header may say more than a decoder finds
_EXPORT = "export it again, or wait until it is here as a whole"


class Repeat(NamedTuple):
    """After how many bars a source is repeated, 0 where it is not, and what there is to say."""

    bars: int = 0
    notes: tuple[str, ...] = ()


def check_lengths(request: Request) -> None:
    """Raises `OutOfRange` for a source or reference with less sound than there must be, and where
    the length of its source does not go with a resolved request. Reads their headers; of one that
    does not say its length, nothing is known.
    """
    if request.task:
        _check_source(request, _read_facts("source", request.source).seconds)
    if request.reference:
        seconds = _read_facts("reference", request.reference).seconds
        check_reference(request.reference, seconds or MIN_REFERENCE)


def check_format(what: str, channels: int, rate: float) -> None:
    """Raises `OutOfRange` for more channels than a recording has, and for a rate that is none."""
    if channels > LIMITS.audio_channels:
        raise OutOfRange(
            f"{what} has {channels} channels, at most {LIMITS.audio_channels} are read",
            "mix it to stereo",
        )
    if not LIMITS.least_audio_rate <= rate <= LIMITS.audio_rate:
        allowed = f"{LIMITS.least_audio_rate}..{LIMITS.audio_rate} Hz"
        raise OutOfRange(
            f"{what} must have a sample rate of {allowed}, got {rate:.10g}", "export it at 48000"
        )


def check_reference(path: str, seconds: float) -> None:
    """Raises `OutOfRange` for a reference of so many seconds, where those are too few."""
    if seconds < MIN_REFERENCE:
        name = os.path.basename(path)
        message = f"reference: {name} has {seconds:.3g} s, at least {MIN_REFERENCE:g} s are needed"
        raise OutOfRange(message)


def _check_source(request: Request, seconds: float) -> None:
    """Of a source of so many seconds, 0 where that is not known."""
    if not seconds:
        return
    check_in_source(request, seconds)
    is_padded = MAX_SECONDS < seconds <= MAX_SECONDS + _PADDING
    fit_length(request, round((MAX_SECONDS if is_padded else seconds) * SAMPLE_RATE))


def _read_facts(field: str, path: str) -> SourceFacts:
    facts = read_facts(os.path.expanduser(path))
    if facts.is_empty:
        raise explain_empty(field, path)
    if facts.channels:
        check_format(f"{field}: {os.path.basename(path)}", facts.channels, facts.rate)
    return facts


def explain_empty(field: str, path: str) -> OutOfRange:
    """Why a file without a sample is refused."""
    name = os.path.basename(path)
    return OutOfRange(f"{field}: {name} has no sound: it ends behind its header", _EXPORT)


def fit_length(request: Request, samples: int) -> Request:
    """The request with the length that its clip gets from a source of so many samples: where it
    leaves that open, the source's and what a repaint adds to it. Raises `OutOfRange`.
    """
    if not samples:
        raise explain_empty("source", request.source)
    if request.has_length_of_source:
        front = count_samples_in_front(request)
        end = request.window_seconds[1] if request.task == "repaint" else math.inf
        end = round(end * SAMPLE_RATE) if math.isfinite(end) else 0
        seconds = (front + max(samples, end)) / SAMPLE_RATE
        if not 0.1 <= seconds <= MAX_SECONDS:
            length = f"more than {MAX_SECONDS:g}" if seconds > MAX_SECONDS else f"{seconds:.3g}"
            message = f"source must make a clip of 0.1..{MAX_SECONDS:g} seconds, got {length}"
            raise OutOfRange(message, "say with seconds or bars how much of it")
        request = request.changed({"seconds": seconds})
    if request.task in IN_WINDOW:
        check_in_clip(request)
    return request


def plan_repeat(request: Request, samples: int) -> Repeat:
    """How a source of so many samples, that a cover has more bars than, is repeated: by whole bars.
    Other tasks, and covers whose tempo nobody knows, follow nothing behind its end.
    """
    missing = request.samples - samples
    if request.task in ("", "repaint") or request.has_length_of_source or not samples:
        return Repeat()
    if missing <= SAMPLE_RATE * MIN_WINDOW:
        return Repeat()
    name = os.path.basename(request.source)
    ends = f"{name} ends at {samples / SAMPLE_RATE:.2f} s of {request.length:.2f} s"
    if request.task not in COVERS or not request.repeat_source:
        return Repeat(notes=(f"{ends}: behind that there is nothing to follow",))
    if not request.bpm:
        hint = "set bpm, and it is repeated by whole bars"
        return Repeat(notes=(f"{ends}: behind that there is nothing to follow ({hint})",))
    bar = request.beats * 60 / request.bpm * SAMPLE_RATE
    bars = max(1, math.floor(samples / bar + _INEXACT))
    every = "every bar" if bars == 1 else f"every {bars} bars"
    return Repeat(bars, (f"{ends}: it was repeated {every}, at {request.bpm:.10g} bpm",))
