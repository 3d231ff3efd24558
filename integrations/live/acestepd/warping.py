"""A clip's warp markers, name and loop, so that it goes around with the set.

Live guesses the tempo of a file when it imports it. A take's is known, and constant: its warp
markers belong on one straight line from beat 0 at its first sample to its last beat at its end.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from Live.Clip import Clip, WarpMarker

TOLERANCE = 0.002  # beats; at 120 bpm a millisecond


def loop(clip: Clip, beats: float, is_loop: bool, make_marker: Callable[..., Any]) -> bool:
    """Warp a clip so that all of its file is `beats` long, and loop it there. Whether it is so."""
    clip.warping = True  # from here on its positions are beats
    fits = straighten(clip, beats, make_marker)
    clip.looping = is_loop
    if is_loop:
        if clip.loop_start > 0:
            clip.loop_start = 0.0
        clip.loop_end = beats
        clip.loop_start = 0.0
    clip.end_marker = beats
    clip.start_marker = 0.0
    return fits


def is_straight(clip: Clip, beats: float) -> bool:
    """Whether the first sample is beat 0, the last one the last beat, and nothing between them is
    early or late.
    """
    return all(
        abs(clip.sample_to_beat_time(clip.sample_length * part) - beats * part) <= TOLERANCE
        for part in (0.0, 0.25, 0.5, 0.75, 1.0)
    )


def straighten(clip: Clip, beats: float, make_marker: Callable[..., Any]) -> bool:
    """Move the warp markers where they belong. Whether they are there now."""
    for repair in (_drop_between, _move_ends, _pin_end, _move_ends):
        if is_straight(clip, beats):
            return True
        repair(clip, beats, make_marker)
    return is_straight(clip, beats)


# Live does not let go of every marker, and which ones is not written anywhere: what one repair
# cannot do, the next one may.


def _drop_between(clip: Clip, beats: float, make_marker: Callable[..., Any]) -> None:
    for marker in list(clip.warp_markers)[1:-1]:
        with suppress(Exception):
            clip.remove_warp_marker(marker.beat_time)


def _move_ends(clip: Clip, beats: float, make_marker: Callable[..., Any]) -> None:
    """The first and the last marker. The last one is where Live hides the tempo behind the one
    before it.
    """
    markers = list(clip.warp_markers)
    ends = markers[:1] + markers[1:][-1:]
    moves = [(marker, _count_beats(clip, marker, beats)) for marker in ends]
    if moves[0][1] > markers[0].beat_time:
        moves.reverse()  # no marker may overtake another
    for marker, beat in moves:
        distance = beat - marker.beat_time
        if abs(distance) > 1e-9:
            with suppress(Exception):
                clip.move_warp_marker(marker.beat_time, distance)


def _pin_end(clip: Clip, beats: float, make_marker: Callable[..., Any]) -> None:
    """A marker of our own at the file's end."""
    unit = _find_unit(clip, list(clip.warp_markers)[-1])
    with suppress(Exception):
        clip.add_warp_marker(make_marker(clip.sample_length / unit, beats))


def _count_beats(clip: Clip, marker: WarpMarker, beats: float) -> float:
    """The beat that belongs to the sample at which a marker is."""
    return marker.sample_time * _find_unit(clip, marker) / clip.sample_length * beats


def _find_unit(clip: Clip, marker: WarpMarker) -> float:
    """How many samples one unit of a marker's `sample_time` is. It was seen in seconds (12.4),
    while the clip's own functions count samples.
    """
    rate = float(clip.sample_rate)
    in_seconds = clip.sample_to_beat_time(marker.sample_time * rate)
    in_samples = clip.sample_to_beat_time(marker.sample_time)
    is_seconds = abs(in_seconds - marker.beat_time) <= abs(in_samples - marker.beat_time)
    return rate if is_seconds else 1.0
