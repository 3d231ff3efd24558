"""The seam between hands (MIDI controllers) and player (banks, engine): what a pad shows, what a
hand may do.
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class PadState(enum.Enum):
    """What a pad shows; the values are the words of ``/ace/pad``."""

    EMPTY = "empty"
    QUEUED = "queued"
    RENDERING = "rendering"
    READY = "ready"
    FAVOURITE = "favourite"
    FAILED = "failed"


@dataclass(frozen=True)
class Light:
    """One pad as it should be lit; ``progress`` runs from 0 to 1 while it renders."""

    state: PadState
    progress: float = 0.0


DARK = Light(PadState.EMPTY)


class Player(Protocol):
    """What a hand may do. All may be called from any thread, are quick, and never raise for musical
    reasons.
    """

    def hit(self, slot: int, velocity: int) -> None:
        """Slot (from 0) of the current bank: generate its take, or announce the one it has
        again.
        """

    def reroll(self, slot: int) -> None:
        """A new seed for this slot, and generate."""

    def favourite(self, slot: int) -> None:
        """Mark, or unmark."""

    def turn(self, field: str, share: float) -> None:
        """A numeric request field to ``share`` (0..1) of its range."""

    def position(self, field: str) -> float | None:
        """Where the field stands now, 0..1 (for soft takeover); None: no such numeric field."""

    def program(self, number: int) -> None:
        """Program change: another bank."""

    def lights(self) -> Sequence[Light]:
        """Every slot of the current bank."""

    def listen(self, listener: Callable[[int, Light], None]) -> None:
        """Call ``listener`` when a slot's light changed; slot -1: all of them did (another
        bank).
        """

    def learnt(self, field: str, control: str) -> None:
        """MIDI learn bound ``control`` to ``field``: tell the OSC clients."""
