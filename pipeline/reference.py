"""Reference audio: what a clip is to sound like. Three parts of ten seconds of a file tell the model its timbre."""

from __future__ import annotations

import hashlib
import os
import random
from collections import OrderedDict

import mlx.core as mx
import numpy as np

from .request import SAMPLE_RATE, BadRequest, Request

PART = 10 * SAMPLE_RATE  # samples of one of the three parts
SHORTEST = SAMPLE_RATE // 10
SILENT = 1e-6  # of full scale
_KEPT = 8  # references whose latents are remembered, 200 kB each


def parts(request: Request, sound: np.ndarray) -> np.ndarray:
    """A reference (samples, 2) as the 30 seconds that the model hears of it: from its beginning, middle and end.

    Where in these thirds, the seed says, or it is their usual places. What is shorter than 30 seconds is repeated.
    Raises `BadRequest` for what has no sound.
    """
    name = os.path.basename(request.reference)
    if len(sound) < SHORTEST:
        raise BadRequest(f"reference: {name} has {len(sound) / SAMPLE_RATE:.3g} s, at least 0.1 s are needed")
    if np.abs(sound).max() <= SILENT:
        raise BadRequest(f"reference: {name} is silent", "choose a file that sounds as the clip should")
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


class Heard:
    """The latents of references that were heard lately, by their content: a file may change under its name."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._latents: OrderedDict[str, mx.array] = OrderedDict()
        self._kept = kept

    def get(self, sound: np.ndarray) -> mx.array | None:
        key = _digest(sound)
        if key in self._latents:
            self._latents.move_to_end(key)
        return self._latents.get(key)

    def put(self, sound: np.ndarray, latents: mx.array) -> None:
        self._latents[_digest(sound)] = latents
        while len(self._latents) > self._kept:
            self._latents.popitem(last=False)


def _digest(sound: np.ndarray) -> str:
    return hashlib.blake2b(np.ascontiguousarray(sound).tobytes(), digest_size=16).hexdigest()
