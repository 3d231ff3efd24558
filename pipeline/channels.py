"""More channels than are heard: mixed to two by where their speakers stand. No MLX."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_AWAY = 0.5**0.5  # -3 dB: of what is heard on both sides, and from behind

# the speakers of a WAV's channel mask, from its lowest bit; and how loud each is left and right
_SPEAKERS: dict[str, tuple[float, float]] = {
    "front left": (1, 0),
    "front right": (0, 1),
    "centre": (_AWAY, _AWAY),
    "LFE": (0, 0),
    "back left": (_AWAY, 0),
    "back right": (0, _AWAY),
    "left of centre": (1, 0),
    "right of centre": (0, 1),
    "back centre": (0.5, 0.5),
    "side left": (_AWAY, 0),
    "side right": (0, _AWAY),
    "top centre": (0.5, 0.5),
    "top front left": (_AWAY, 0),
    "top front centre": (0.5, 0.5),
    "top front right": (0, _AWAY),
    "top back left": (_AWAY, 0),
    "top back centre": (0.5, 0.5),
    "top back right": (0, _AWAY),
}
_FLAC = {  # RFC 9639, 9.1.3
    3: "front left,front right,centre",
    4: "front left,front right,back left,back right",
    5: "front left,front right,centre,back left,back right",
    6: "front left,front right,centre,LFE,back left,back right",
    7: "front left,front right,centre,LFE,back centre,side left,side right",
    8: "front left,front right,centre,LFE,back left,back right,side left,side right",
}
_OGG = {  # the Vorbis I specification, 4.3.9; Opus has the same
    3: "front left,centre,front right",
    4: "front left,front right,back left,back right",
    5: "front left,centre,front right,back left,back right",
    6: "front left,centre,front right,back left,back right,LFE",
    7: "front left,centre,front right,side left,side right,back centre,LFE",
    8: "front left,centre,front right,side left,side right,back left,back right,LFE",
}
_LAYOUTS = {"flac": _FLAC, "ogg": _OGG}


class Downmix(NamedTuple):
    """`matrix` (channels, 2): how loud each channel is left and right. `note`: what was done, empty
    for what is heard as it is.
    """

    matrix: npt.NDArray[np.float32]
    note: str = ""


def plan_downmix(channels: int, kind: str, mask: int) -> Downmix:
    """How so many channels of a kind of file become two. `mask`: a WAV's, 0 without one."""
    if channels == 1:
        return Downmix(np.ones((1, 2), np.float32))
    if channels == 2:
        return Downmix(np.eye(2, dtype=np.float32))
    speakers = _read_mask(mask) or _LAYOUTS.get(kind, {}).get(channels, "").split(",")
    if len(speakers) != channels:
        return _fold(channels)
    matrix = np.array([_SPEAKERS[speaker] for speaker in speakers], np.float32)
    done = ["the others to their sides"]
    if "centre" in speakers:
        done.insert(0, "the centre was mixed to both sides at -3 dB")
    if "LFE" in speakers:
        done.append("the LFE was left out")
    return Downmix(matrix, f"has {channels} channels: " + ", ".join(done))


def _read_mask(mask: int) -> list[str]:
    """The speakers of a mask, in the order of the channels; none where it has unknown ones."""
    if mask >> len(_SPEAKERS):
        return []
    return [speaker for bit, speaker in enumerate(_SPEAKERS) if mask >> bit & 1]


def _fold(channels: int) -> Downmix:
    """Nobody says where the speakers stand: recorders write pairs of left and right."""
    matrix = np.zeros((channels, 2), np.float32)
    matrix[::2, 0] = 1 / len(range(0, channels, 2))
    matrix[1::2, 1] = 1 / len(range(1, channels, 2))
    note = f"has {channels} channels: the odd ones were mixed to the left, the others right"
    return Downmix(matrix, note)
