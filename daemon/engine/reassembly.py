"""What the workers send of takes, piece by piece, until each is complete."""

from __future__ import annotations

from contextlib import suppress

from ..landing.arriving_take import ArrivingTake
from ..messages import MixLatents, RenderClip, RenderDescribed


class Reassembly:
    """The takes that are on their way, by their tickets."""

    def __init__(self) -> None:
        self._takes: dict[int, ArrivingTake] = {}

    def begin(self, message: RenderDescribed) -> ArrivingTake:
        """A take begins to come: whoever reads it has what comes from now on."""
        self.abandon(message.ticket)
        take = self._takes[message.ticket] = ArrivingTake(message.info, message.samples)
        return take

    def add_clip(self, message: RenderClip) -> None:
        self._takes[message.ticket].add(message.name, message.audio)

    def add_latents(self, message: MixLatents) -> None:
        self._takes[message.ticket].latents = message

    def pop(self, ticket: int) -> ArrivingTake:
        """All of it came: it is to be told so."""
        return self._takes.pop(ticket)

    def abandon(self, *tickets: int) -> None:
        """Of these, what is missing does not come."""
        for ticket in tickets:
            with suppress(KeyError):
                self._takes.pop(ticket).abandon()

    def close(self) -> None:
        """Nothing comes any more."""
        self.abandon(*self._takes)
