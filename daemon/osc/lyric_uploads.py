"""Lyrics that arrive in parts, as a datagram is too small for some: what is lost on the way is
noticed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.request import OutOfRange

from ..jobs import Refused
from .wire import Sender

PATIENCE = 60.0  # seconds after its last part that a draft is kept
MAX_DRAFTS = 32
MAX_PARTS = 1000
MAX_BYTES = 65_536  # of all parts
MAX_NAME = 128  # bytes

AGAIN = "send /ace/lyrics/begin, every part and /ace/lyrics/end again"


@dataclass
class LyricUpload:
    name: str
    sender: Sender
    until: float
    parts: dict[int, str] = field(default_factory=dict)
    ended: bool = False


class LyricUploads:
    """One draft for each name and machine: some programs send every message from a port of its
    own.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._drafts: dict[tuple[str, str], LyricUpload] = {}

    def begin(self, sender: Sender, name: str) -> None:
        """A new draft; one that was begun under the name is thrown away."""
        if not name or len(name.encode()) > MAX_NAME:
            raise OutOfRange(f"the name must have 1 to {MAX_NAME} bytes, got {len(name.encode())}")
        if (sender.host, name) not in self._drafts:
            self._make_room()
        if len(self._drafts) >= MAX_DRAFTS and (sender.host, name) not in self._drafts:
            raise Refused(
                429, f"{MAX_DRAFTS} lyrics are being sent already", "end one with /ace/lyrics/end"
            )
        self._drafts[sender.host, name] = LyricUpload(name, sender, self._clock() + PATIENCE)

    def append(self, sender: Sender, name: str, number: int, text: str) -> int:
        """One part, in any order. Returns how many there are. The same part twice is one."""
        draft = self._open(sender, name)
        if not 1 <= number <= MAX_PARTS:
            raise OutOfRange(f"parts are numbered 1..{MAX_PARTS}, got {number}")
        if draft.parts.get(number, text) != text or (draft.ended and number not in draft.parts):
            came = "has ended" if draft.ended else f"has another part {number} already"
            raise Refused(409, f"the lyrics {name!r} {came}", AGAIN)
        if sum(len(part.encode()) + 1 for part in (*draft.parts.values(), text)) > MAX_BYTES:
            raise Refused(
                413, f"lyrics may have {MAX_BYTES} bytes; part {number} is too much", "shorten them"
            )
        draft.parts[number] = text
        draft.until = self._clock() + PATIENCE
        return len(draft.parts)

    def end(self, sender: Sender, name: str, count: int) -> str | None:
        """All parts, joined line by line; None when that was said before (a datagram can come
        twice).
        """
        draft = self._open(sender, name)
        missing = [
            number for number in range(1, min(count, MAX_PARTS) + 1) if number not in draft.parts
        ]
        if missing:
            shown = ", ".join(map(str, missing[:20])) + (", ..." if len(missing) > 20 else "")
            hint = "send what is missing with /ace/lyrics/append, then /ace/lyrics/end again"
            raise Refused(409, f"parts of the lyrics {name!r} did not arrive: {shown}", hint)
        if not 1 <= count == len(draft.parts):
            raise OutOfRange(
                f"the lyrics {name!r} have {len(draft.parts)} parts, got {count} as their number"
            )
        if draft.ended:
            return None
        draft.ended = True
        return "\n".join(draft.parts[number] for number in sorted(draft.parts))

    def expired(self) -> list[LyricUpload]:
        """Forget what nobody has gone on with; returns those that had not ended."""
        now = self._clock()
        gone = {key: draft for key, draft in self._drafts.items() if draft.until <= now}
        self._drafts = {key: draft for key, draft in self._drafts.items() if key not in gone}
        return [draft for draft in gone.values() if not draft.ended]

    @property
    def deadline(self) -> float:
        """When `expired` should be asked next, on the clock."""
        return min((draft.until for draft in self._drafts.values()), default=float("inf"))

    def _make_room(self) -> None:
        """Forget the oldest that has ended, where there are too many."""
        ended = next((key for key, draft in self._drafts.items() if draft.ended), None)
        if ended and len(self._drafts) >= MAX_DRAFTS:
            del self._drafts[ended]

    def _open(self, sender: Sender, name: str) -> LyricUpload:
        draft = self._drafts.get((sender.host, name))
        if draft is None:
            hint = f"begin with /ace/lyrics/begin; {PATIENCE:g} seconds after their last part they are forgotten"
            raise Refused(404, f"no lyrics called {name[:40]!r} were begun", hint)
        return draft
