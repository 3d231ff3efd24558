"""Reference audio: what a clip is to sound like. Three parts of a file, ten seconds each, give the
model its timbre.
"""

from __future__ import annotations

import os
import random

import numpy as np

from . import audio
from .audio import Waveform
from .request import SAMPLE_RATE, BadRequest, Request
from .source_length import check_reference

PART = 10 * SAMPLE_RATE  # samples of one of the three parts


def pick_parts(request: Request, waveform: Waveform) -> Waveform:
    """A reference (samples, 2) as the 30 seconds that the model encodes of it: from its beginning,
    middle and end.

    Where in these thirds is drawn from the seed, or even: at the beginning, in the middle and at
    the end. What is shorter than 30 seconds is repeated. Raises `BadRequest` for what has no sound.
    """
    name = os.path.basename(request.reference)
    check_reference(request.reference, len(waveform) / SAMPLE_RATE)
    if audio.sample_peak(waveform) <= audio.SILENT:
        raise BadRequest(
            f"reference: {name} is silent", "choose a file that sounds as the clip should"
        )
    waveform = np.clip(waveform, -1, 1)
    if len(waveform) < 3 * PART:
        waveform = np.tile(waveform, (-(-3 * PART // len(waveform)), 1))
    starts = _pick_starts(request, len(waveform))
    return np.concatenate([waveform[start : start + PART] for start in starts])


def _pick_starts(request: Request, samples: int) -> list[int]:
    """Where the parts start: one in each third, so that it does not leave it."""
    third = samples // 3
    last_offsets = [third - PART, third - PART, samples - 2 * third - PART]
    if request.reference_parts == "even":
        offsets = [0, last_offsets[1] // 2, last_offsets[2]]
    else:
        rng = random.Random(request.seed)
        offsets = [rng.randint(0, last) for last in last_offsets]
    return [index * third + offset for index, offset in enumerate(offsets)]
