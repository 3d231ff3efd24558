"""MIDI's identity request: whether devices that were there still are.

A device that was without power for a moment may be back under its old name before anybody has
looked. Its lights are dark then, it has left its programmer mode, and what it sends may not arrive
any more. So once a second every device gets an identity request, which most controllers answer. One
that never answers is not asked again.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

IDENTITY_REQUEST = bytes.fromhex("F0 7E 7F 06 01 F7")
FIRST_ROUNDS = 3  # rounds in which every device is asked
MISSING_AFTER = 2  # short rounds in a row: on a busy machine one reply may be late
# short rounds in a row after which the other devices are enough: this one plays on, and does not
# reply any more
GIVE_UP_AFTER = 60


class IdentityResult(enum.Enum):
    """Of one round."""

    FINE = "fine"
    BACK = "back"  # a reply was missing before, and now all of them came
    MISSING = "missing"  # a device does not reply any more


def is_identity_reply(message: Mapping[str, Any]) -> bool:
    """`message` is mido's dictionary."""
    data: list[int] = list(message["data"]) if message["type"] == "sysex" else []
    return data[:1] == [0x7E] and data[2:4] == [6, 2]


class IdentityPoll:
    """Of the ports that are open, until there are others. It counts the replies: no
    system says which port's request a reply belongs to.
    """

    def __init__(self) -> None:
        self._replies = 0  # in this round
        self._expected = 0
        self._short_rounds = 0  # in a row: with fewer replies than expected
        self._first_rounds = FIRST_ROUNDS  # still to come

    @property
    def needs_request(self) -> bool:
        """Whether a request is worth it."""
        return bool(self._first_rounds or self._expected)

    def add_reply(self) -> None:
        self._replies += 1

    def end_round(self) -> IdentityResult:
        replies = self._replies
        self._replies = 0
        self._first_rounds = max(0, self._first_rounds - 1)
        if replies >= self._expected:
            was_short = self._short_rounds > 0
            self._short_rounds = 0
            self._expected = replies
            return IdentityResult.BACK if was_short else IdentityResult.FINE
        self._short_rounds += 1
        if self._short_rounds > GIVE_UP_AFTER:
            self._short_rounds = 0
            self._expected = replies
        if self._short_rounds == MISSING_AFTER:
            return IdentityResult.MISSING
        return IdentityResult.FINE
