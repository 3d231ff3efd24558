"""The interface between controllers (MIDI) and the player (banks, engine): what a pad shows, what a
controller may do.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class PadState(enum.Enum):
    """What a pad shows; the values are the words of `/ace/pad`."""

    EMPTY = "empty"
    QUEUED = "queued"
    RENDERING = "rendering"
    READY = "ready"
    FAVOURITE = "favourite"
    FAILED = "failed"


@dataclass(frozen=True)
class Light:
    """One pad as it should be lit; `progress` runs from 0 to 1 while it renders. It `flashes` once,
    when a program says that it has put the pad's clip in.
    """

    state: PadState
    progress: float = 0.0
    flashes: bool = False


DARK = Light(PadState.EMPTY)
ALL_PADS = -1  # an index: the lights of all of them have changed

LightListener = Callable[[int, Light], None]


class Player(Protocol):
    """What a controller may do. All of it may be called from any thread, is quick, and never raises
    for musical reasons. Pads of the current bank are meant by their index, from 0; `port` is the
    controller's, for what people are told.
    """

    def hit(self, index: int, velocity: int, port: str) -> None:
        """Make the pad's take, or announce the one it has again."""

    def reroll(self, index: int, port: str) -> None:
        """Choose a new seed for the pad, and make its take."""

    def toggle_favourite(self, index: int, port: str) -> None:
        """Mark, or unmark."""

    def turn(self, field: str, position: float) -> None:
        """Set a numeric field of the request to `position` (0..1) of its range."""

    def read_position(self, field: str) -> float | None:
        """Where the field is in its range, 0..1 (for soft takeover); None: no such numeric
        field.
        """

    def load_program(self, number: int, port: str) -> None:
        """Program change: play another bank."""

    def undo(self, port: str) -> None:
        """Take the last reroll or fill back."""

    def list_lights(self) -> Sequence[Light]:
        """Of every pad."""

    def listen(self, listener: LightListener) -> None:
        """Call `listener` when a pad's light has changed; index `ALL_PADS`: all of them have
        (another bank).
        """

    def announce_learned(self, field: str, control: str) -> None:
        """Publish that MIDI learn bound `control` to `field`; an empty text: it bound nothing."""
