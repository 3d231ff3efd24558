"""What a prompt says of tempo, key, metre and singer: pure, and linear in its length. No MLX."""

from __future__ import annotations

import functools
from typing import NamedTuple

from .reading.key import find_key
from .reading.meter import find_meter
from .reading.said import Said, normalize
from .reading.singer import find_singer
from .reading.tempo import find_tempo

MOST = 2000  # characters: the model reads no more either


class PromptReading(NamedTuple):
    """What a prompt says, as a request keeps it: `bpm` 0, and `key` and `time_signature` "", where
    it says nothing of them. `problems` are sentences about what was not understood.
    """

    tempo: Said
    musical_key: Said
    meter: Said
    singer: Said  # "man" or "woman"

    @property
    def bpm(self) -> float:
        return float(self.tempo.value or 0)

    @property
    def key(self) -> str:
        return self.musical_key.value

    @property
    def time_signature(self) -> str:
        return self.meter.value

    @property
    def problems(self) -> tuple[str, ...]:
        return (*self.tempo.problems, *self.musical_key.problems, *self.meter.problems)

    @property
    def words(self) -> tuple[str, ...]:
        """The places that were read of tempo, key and metre, in the prompt's words."""
        return (*self.tempo.words, *self.musical_key.words, *self.meter.words)


@functools.lru_cache(256)
def read_prompt(prompt: str) -> PromptReading:
    """What a prompt says of tempo, key, metre and singer."""
    text = normalize(prompt[:MOST])
    key = find_key(text)
    return PromptReading(
        find_tempo(text, key.words), key, find_meter(text), find_singer(prompt[:MOST])
    )
