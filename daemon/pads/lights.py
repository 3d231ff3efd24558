"""What the pads of one controller show, and what has to be sent so that they do."""

from __future__ import annotations

from collections.abc import Sequence

from .interface import DARK, Light
from .mapping import Mapping

BEAT = 0.25  # seconds between the two looks of a rendering pad
FRAME = 0.04  # seconds between two frames
AT_MOST = 32  # messages a frame: 800 a second are what a cable of five pins carries


class Board:
    """The last state of a pad is always sent; what it was in between is left out where there was no
    time for it.
    """

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._wanted = [DARK] * mapping.count
        self._shown: dict[int, bytes] = {}  # by slot: what was sent last
        self._turn = 0  # the slot that a full frame ended at, so that the others have their turn
        # which pad was sent again last, and when the next one is to be
        self._repaired = 0
        self._repairs = 0.0

    def want(self, slot: int, light: Light) -> None:
        if 0 <= slot < len(self._wanted):
            self._wanted[slot] = light

    def want_all(self, lights: Sequence[Light]) -> None:
        missing = [DARK] * self._mapping.count
        self._wanted = [*lights, *missing][: self._mapping.count]

    def forget(self) -> None:
        """Nobody knows what is shown: send it all."""
        self._shown.clear()

    def frame(self, now: float) -> list[bytes]:
        """The messages to be sent now. One pad after the other is sent again: a light that got lost
        comes back.
        """
        messages: list[bytes] = []
        if now >= self._repairs:
            self._repairs = now + BEAT
            self._repaired = (self._repaired + 1) % self._mapping.count
            self._shown.pop(self._repaired, None)
        pulse = bool(int(now / BEAT) % 2)
        for step in range(self._mapping.count):
            slot = (self._turn + step) % self._mapping.count
            message = self._lit(slot, self._wanted[slot], pulse)
            if not message or message == self._shown.get(slot):
                continue
            if len(messages) == AT_MOST:
                self._turn = slot
                break
            self._shown[slot] = message
            messages.append(message)
        return messages

    def dark(self) -> list[bytes]:
        """Every pad out, for the end."""
        return [
            message
            for slot in range(self._mapping.count)
            if (message := self._lit(slot, DARK, False))
        ]

    def _lit(self, slot: int, light: Light, pulse: bool) -> bytes:
        place = self._mapping.places.get(slot)
        return (
            self._mapping.profile.lit(place[0], max(0, place[1] - 1), light, pulse)
            if place
            else b""
        )
