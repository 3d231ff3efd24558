"""Whether the window of a repaint or lego lies in its source. No MLX."""

from __future__ import annotations

import math
import os

from .request import OutOfRange, Request
from .source_facts import read_facts

_INEXACT = 0.05  # seconds that a window may begin or end behind its source
_WHOLE = 0.01  # part of a bar by which a number of bars may miss a whole one


def check_window(request: Request) -> None:
    """Raises `OutOfRange` where the window of a resolved request begins behind its source, or a
    lego's ends there: nothing would be made, or silence. What is painted right behind it goes on
    from it. Reads the source's header; of one that does not say its length, nothing is known.
    """
    if request.task not in ("repaint", "lego"):
        return
    length = read_facts(os.path.expanduser(request.source)).seconds
    if not length:
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
