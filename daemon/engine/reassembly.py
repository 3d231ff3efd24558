"""What the worker sends of a take, piece by piece, until the take is complete."""

from __future__ import annotations

from collections import defaultdict

from ..landing.finished_take import ClipAudio
from ..messages import MixLatents, RenderClip


class Reassembly:
    """The pieces of every run, by its ticket."""

    def __init__(self) -> None:
        self._clips: dict[int, list[ClipAudio]] = defaultdict(list)
        self._latents: dict[int, MixLatents] = {}

    def add_clip(self, message: RenderClip) -> None:
        self._clips[message.ticket].append(ClipAudio(message.name, message.audio))

    def add_latents(self, message: MixLatents) -> None:
        self._latents[message.ticket] = message

    def pop(self, ticket: int) -> tuple[tuple[ClipAudio, ...], MixLatents | None]:
        """All that came for a run; nothing of it is kept."""
        return tuple(self._clips.pop(ticket, ())), self._latents.pop(ticket, None)

    def clear(self) -> None:
        self._clips.clear()
        self._latents.clear()
