"""What the worker sends of a take, piece by piece, until the take is complete."""

from __future__ import annotations

from collections import defaultdict

from ..landing.finished_take import Stem
from ..messages import MixLatents, StemAudio


class Reassembly:
    """The pieces of every run, by its ticket."""

    def __init__(self) -> None:
        self._stems: dict[int, list[Stem]] = defaultdict(list)
        self._latents: dict[int, MixLatents] = {}

    def add_stem(self, message: StemAudio) -> None:
        self._stems[message.ticket].append(Stem(message.name, message.audio))

    def add_latents(self, message: MixLatents) -> None:
        self._latents[message.ticket] = message

    def pop(self, ticket: int) -> tuple[tuple[Stem, ...], MixLatents | None]:
        """All that came for a run; nothing of it is kept."""
        return tuple(self._stems.pop(ticket, ())), self._latents.pop(ticket, None)

    def clear(self) -> None:
        self._stems.clear()
        self._latents.clear()
