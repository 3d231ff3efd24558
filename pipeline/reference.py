"""Reference audio: what a clip is to sound like. Three parts of ten seconds of a file tell the
model its timbre.
"""

from __future__ import annotations

import os
import random

import numpy as np

from . import audio
from .request import SAMPLE_RATE, BadRequest, Request

PART = 10 * SAMPLE_RATE  # samples of one of the three parts
SHORTEST = SAMPLE_RATE // 10


def parts(request: Request, sound: np.ndarray) -> np.ndarray:
    """A reference (samples, 2) as the 30 seconds that the model hears of it: from its beginning,
    middle and end.

    Where in these thirds, the seed says, or it is their usual places. What is shorter than 30
    seconds is repeated. Raises `BadRequest` for what has no sound.
    """
    name = os.path.basename(request.reference)
    if len(sound) < SHORTEST:
        raise BadRequest(
            f"reference: {name} has {len(sound) / SAMPLE_RATE:.3g} s, at least 0.1 s are needed"
        )
    if audio.sample_peak(sound) <= audio.SILENT:
        raise BadRequest(
            f"reference: {name} is silent", "choose a file that sounds as the clip should"
        )
    sound = np.clip(sound, -1, 1)
    if len(sound) < 3 * PART:
        sound = np.tile(sound, (-(-3 * PART // len(sound)), 1))
    return np.concatenate([sound[start : start + PART] for start in _starts(request, len(sound))])


def _starts(request: Request, samples: int) -> list[int]:
    """One in each third, so that its part does not leave it."""
    third = samples // 3
    rooms = [third - PART, third - PART, samples - 2 * third - PART]
    if request.reference_parts == "even":
        places = [0, rooms[1] // 2, rooms[2]]
    else:
        draw = random.Random(request.seed)
        places = [draw.randint(0, room) for room in rooms]
    return [number * third + place for number, place in enumerate(places)]
