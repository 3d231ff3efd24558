"""What the worker sends of a take, piece by piece, until the take is complete."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np

from pipeline.latent_store import StoredLatents

from ..landing import clips

LATENT = 64  # channels


class Latents(NamedTuple):
    """What a mix was decoded from, and what decodes it."""

    vae: str
    stored: StoredLatents


class Reassembly:
    """By the ticket of a job. The engine guards it with its lock."""

    def __init__(self) -> None:
        self._stems: dict[int, list[clips.Stem]] = defaultdict(list)
        self._latents: dict[int, Latents] = {}

    def sound(self, about: dict[str, Any], data: bytes) -> None:
        stem = clips.Stem(about["name"], samples(data, about["channels"]))
        self._stems[about["job"]].append(stem)

    def latents(self, about: dict[str, Any], data: bytes) -> None:
        frames = np.frombuffer(data, np.float32).reshape(-1, LATENT)
        self._latents[about["job"]] = Latents(about["vae"], StoredLatents(frames, about["gain"]))

    def take(self, ticket: int) -> tuple[tuple[clips.Stem, ...], Latents | None]:
        """All that came for a job; nothing of it is kept."""
        return tuple(self._stems.pop(ticket, ())), self._latents.pop(ticket, None)

    def clear(self) -> None:
        self._stems.clear()
        self._latents.clear()


def samples(data: bytes, channels: int = 2) -> np.ndarray:
    return np.frombuffer(data, np.float32).reshape(channels, -1)
