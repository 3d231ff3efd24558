"""Whether devices that were there still are.

A device that was without power for a moment may be back under its old name before anybody has
looked. Its lights are dark then, it has left its programmer mode, and what it says may not arrive
any more. So everybody is asked who they are, once a second: MIDI's identity request, which most
controllers answer. Who never answers is not asked again.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

QUESTION = bytes.fromhex("F0 7E 7F 06 01 F7")
NEW = 3  # rounds in which everybody is asked
LOST = 2  # short rounds in a row: on a busy machine one answer may be late
GIVEN_UP = (
    60  # short rounds in a row after which the others are enough: it plays on, and answers no more
)


class IdentityResult(enum.Enum):
    """Of one round."""

    FINE = "fine"
    BACK = "back"  # somebody was not there, and now everybody is
    MISSING = "missing"  # somebody is not heard any more


def is_answer(message: Mapping[str, Any]) -> bool:
    """`message` is what mido says of it."""
    data: list[int] = list(message["data"]) if message["type"] == "sysex" else []
    return data[:1] == [0x7E] and data[2:4] == [6, 2]


class IdentityPoll:
    """Of the ports that are open, until there are others. It counts the answers: which port's
    belongs to which question no system tells.
    """

    def __init__(self) -> None:
        self._answers = self._known = self._short = 0
        self._new = NEW

    @property
    def asks(self) -> bool:
        """Whether a question is worth it."""
        return bool(self._new or self._known)

    def answered(self) -> None:
        self._answers += 1

    def end_round(self) -> IdentityResult:
        answers = self._answers
        self._answers = 0
        self._new = max(0, self._new - 1)
        if answers >= self._known:
            was_short = self._short
            self._short = 0
            self._known = answers
            return IdentityResult.BACK if was_short else IdentityResult.FINE
        self._short += 1
        if self._short > GIVEN_UP:
            self._short = 0
            self._known = answers
        return IdentityResult.MISSING if self._short == LOST else IdentityResult.FINE
