"""Which of the standard tracks a part of the band is, by what plays it."""

from __future__ import annotations

from collections.abc import Container, Mapping

import numpy as np
import numpy.typing as npt

from ..request import VOCALS
from . import palette

Audio = npt.NDArray[np.float32]  # (samples, 2)

DRUMS = "drums"
PERCUSSION = "percussion"
HAND_PERCUSSION = "hand percussion"  # the kit that is no drum kit
TRACKS = {
    DRUMS: tuple(kit for kit in palette.KITS if kit != HAND_PERCUSSION),
    PERCUSSION: (HAND_PERCUSSION,),
    "bass": tuple(name for name in palette.INSTRUMENTS if name.endswith("bass")),
    "keyboard": (
        "piano",
        "electric piano",
        "rhodes",
        "organ",
        "rotary organ",
        "clavinet",
    ),
    "strings": ("strings", "string section", "fiddle"),
    "guitar": ("guitar", "nylon guitar", "steel guitar", "distorted guitar"),
    "woodwinds": ("flute", "saxophone"),
    "brass": ("brass", "trumpet"),
    VOCALS: ("vocal",),
    "backing_vocals": ("choir pad",),
    "synth": ("pluck", "supersaw", "pad", "square lead", "saw lead", "bell", "vibraphone"),
}
TRACK_OF = {sound: track for track, sounds in TRACKS.items() for sound in sounds}


def find_track(sound: str, asked: Container[str]) -> str:
    """The track of an instrument or a kit. Hand percussion are the drums where those are asked for
    and percussion is not.
    """
    track = TRACK_OF[sound]
    if track == PERCUSSION and DRUMS in asked and PERCUSSION not in asked:
        return DRUMS
    return track


def add_up(stems: Mapping[str, Audio], tracks: Mapping[str, str]) -> dict[str, Audio]:
    """The stems of roles as those of their tracks; two roles on one track are one stem."""
    together: dict[str, Audio] = {}
    for role, stem in stems.items():
        track = tracks[role]
        together[track] = together[track] + stem if track in together else stem
    return together
