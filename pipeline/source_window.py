"""Whether the window of a repaint or lego lies in its source. No MLX."""

from __future__ import annotations

import math

from .request import IN_WINDOW, SAMPLE_RATE, OutOfRange, Request

MIN_WINDOW = 0.04  # seconds that a window must last: one latent frame, or nothing is made
_INEXACT = 0.05  # seconds that a window may begin or end behind its source
_WHOLE = 0.01  # part of a bar by which a number of bars may miss a whole one


def find_window(request: Request, length: int) -> range:
    """The samples of the window of a repaint or lego, in a clip of `length` samples. One that
    reaches the end has everything up to it.
    """
    begin, end = (seconds * SAMPLE_RATE for seconds in request.window_seconds)
    stop = count_samples_in_front(request) + end
    return range(max(0, round(begin)), length if stop >= request.samples else round(stop))


def count_samples_in_front(request: Request) -> int:
    """Samples that a repaint adds in front of its source."""
    if request.task != "repaint":
        return 0
    return round(max(0.0, -request.window_seconds[0]) * SAMPLE_RATE)


def check_in_clip(request: Request) -> None:
    """Raises `OutOfRange` for a window that is not in the clip, whose length is known, or too
    short.
    """
    begin = request.window_seconds[0]
    if begin >= request.length:
        name = "repaint_bar" if request.repaint_bar else "repaint_start"
        message = f"{name} must be inside of the clip's {request.length:.10g} s, got {begin:g} s"
        raise OutOfRange(message, "say with seconds or bars how long the clip is to be")
    duration = len(find_window(request, request.samples)) / SAMPLE_RATE
    if duration < MIN_WINDOW:
        message = f"the window must last at least {MIN_WINDOW:g} s, got {duration:.3g} s"
        raise OutOfRange(message, "let repaint_end come later, or repaint_start earlier")
    if request.task == "lego" and begin < 0:
        raise OutOfRange(
            f"lego adds tracks within its source, got {begin:g} s", "begin at 0 or later"
        )


def check_in_source(request: Request, length: float) -> None:
    """Raises `OutOfRange` where the window of a resolved request begins behind its source of
    `length` seconds, or a lego's ends there: nothing would be made, or silence. What is painted
    right behind it goes on from it.
    """
    if request.task not in IN_WINDOW:
        return
    begin, end = request.window_seconds
    is_behind = begin > length + _INEXACT
    is_at_end = begin >= length - (_INEXACT if request.repaint_bar else 0.0)
    if is_behind or (is_at_end and not _goes_on(request, end, length)):
        raise _refuse_begin(request, length)
    has_other_length = request.task == "repaint" or not request.has_length_of_source
    if math.isfinite(end) and end > length + _INEXACT and not has_other_length:
        raise _refuse_end(request, length)


def _goes_on(request: Request, end: float, length: float) -> bool:
    """Whether there is anything of the clip behind its source."""
    is_extended = request.has_length_of_source and math.isfinite(end)
    is_longer = not request.has_length_of_source and request.length > length + _INEXACT
    return request.task == "repaint" and (is_extended or is_longer)


def _refuse_begin(request: Request, length: float) -> OutOfRange:
    if not request.repaint_bar:
        return OutOfRange(
            f"repaint_start must be inside of the clip's {length:.6g} s, "
            f"got {request.repaint_start:g} s",
            "with repaint_end, or more seconds, the clip's end goes on behind it"
            if request.task == "repaint"
            else "it is counted in seconds from the clip's beginning",
        )
    last = max(1, math.ceil(length / _bar_seconds(request) - _WHOLE))
    hint = "bars are counted from 1"
    if request.task == "repaint":
        hint = f"repaint_bar {last + 1} with repaint_bars goes on behind it"
    has = _format_length(request, length)
    message = f"this clip has {has}: repaint_bar must be in 1..{last}, got {request.repaint_bar}"
    return OutOfRange(message, hint)


def _refuse_end(request: Request, length: float) -> OutOfRange:
    name, has = "repaint_end", f"{length:.2f} s"
    got = f"{request.repaint_end:g} s"
    if request.repaint_bar and request.repaint_bars:
        name, has = "repaint_bars", _format_length(request, length)
        got = f"{request.repaint_bars} from bar {request.repaint_bar} on"
    message = f"this clip has {has}, and lego adds tracks within it: {name} must end there, "
    return OutOfRange(f"{message}got {got}", f"without {name} the window reaches the clip's end")


def _bar_seconds(request: Request) -> float:
    return request.beats * 60 / request.bpm


def _format_length(request: Request, seconds: float) -> str:
    """In bars; where those are not whole ones, in seconds too."""
    bars = seconds / _bar_seconds(request)
    if abs(bars - round(bars)) > _WHOLE:
        return f"{bars:.2f} bars ({seconds:.2f} s)"
    return f"{round(bars)} bar{'s' if round(bars) != 1 else ''}"
