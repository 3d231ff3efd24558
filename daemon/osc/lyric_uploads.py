"""Lyrics that arrive in parts, as a datagram is too small for some: what is lost on the way is
noticed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.request import OutOfRange

from ..jobs import Refused
from .guard import find_account
from .wire import Peer

TIMEOUT = 60.0  # seconds after its last part that an upload is kept
MAX_UPLOADS = 32  # of one account
MAX_IN_ALL = 4 * MAX_UPLOADS
MAX_PARTS = 1000
MAX_BYTES = 65_536  # of all parts
MAX_NAME = 128  # bytes
MAX_LISTED = 20  # missing parts that an answer names

RESTART_HINT = "send /ace/lyrics/begin, every part and /ace/lyrics/end again"


@dataclass
class LyricUpload:
    name: str
    sender: Peer
    expires: float  # on the clock
    parts: dict[int, str] = field(default_factory=dict)
    size: int = 0  # bytes of them, with a newline each
    ended: bool = False
    is_private: bool = False  # who began it has sent the first part, too: nobody else goes on


class LyricUploads:
    """One upload for each sender and name. Some programs send every message from a port of its own:
    what another port of the machine has only begun, they go on with, where they have begun none of
    that name.

    Where there are too many, the account that has most makes room for the others.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # by client and name, the newest last
        self._uploads: dict[tuple[str, str], LyricUpload] = {}
        self._forgotten: list[LyricUpload] = []  # they have made room, and their senders wait

    def begin(self, sender: Peer, name: str) -> None:
        """A new upload; one that the sender began under the name is thrown away. Raises
        `OutOfRange` and `Refused` 429.
        """
        if not name or len(name.encode()) > MAX_NAME:
            raise OutOfRange(f"the name must have 1 to {MAX_NAME} bytes, got {len(name.encode())}")
        key = (sender.client, name)
        if key not in self._uploads:
            self._make_room(find_account(sender))
        self._uploads.pop(key, None)
        self._uploads[key] = LyricUpload(name, sender, self._clock() + TIMEOUT)

    def append(self, sender: Peer, name: str, number: int, text: str) -> int:
        """Take one part, in any order. Returns how many there are. The same part twice is one.

        Raises `OutOfRange`, and `Refused`: 404 where none was begun, 409 for another part of that
        number or one after the end, 413 where all parts are too much.
        """
        upload = self._find(sender, name)
        if not 1 <= number <= MAX_PARTS:
            raise OutOfRange(f"parts are numbered 1..{MAX_PARTS}, got {number}")
        if upload.ended and upload.parts.get(number) != text:
            raise Refused(409, f"the lyrics {name!r} has ended", RESTART_HINT)
        if upload.parts.get(number, text) != text:
            taken = f"the lyrics {name!r} has another part {number} already"
            raise Refused(409, taken, RESTART_HINT)
        if number not in upload.parts:
            size = upload.size + len(text.encode()) + 1
            if size > MAX_BYTES:
                raise Refused(
                    413,
                    f"lyrics may have {MAX_BYTES} bytes; part {number} is too much",
                    "shorten them",
                )
            if not upload.parts:
                upload.is_private = sender == upload.sender
            upload.parts[number] = text
            upload.size = size
        upload.expires = self._clock() + TIMEOUT
        return len(upload.parts)

    def end(self, sender: Peer, name: str, count: int) -> str | None:
        """All parts, joined line by line; None where it has ended before (a datagram can come
        twice).

        Raises `OutOfRange`, and `Refused`: 404 where none was begun, 409 with the parts that did
        not arrive.
        """
        upload = self._find(sender, name)
        numbers = range(1, min(count, MAX_PARTS) + 1)
        missing = [number for number in numbers if number not in upload.parts]
        if missing:
            listed = ", ".join(map(str, missing[:MAX_LISTED]))
            if len(missing) > MAX_LISTED:
                listed += ", ..."
            hint = "send what is missing with /ace/lyrics/append, then /ace/lyrics/end again"
            raise Refused(409, f"parts of the lyrics {name!r} did not arrive: {listed}", hint)
        if not 1 <= count == len(upload.parts):
            raise OutOfRange(
                f"the lyrics {name!r} have {len(upload.parts)} parts, got {count} as their number"
            )
        if upload.ended:
            return None
        upload.ended = True
        return "\n".join(upload.parts[number] for number in sorted(upload.parts))

    def remove_expired(self) -> list[LyricUpload]:
        """Forget what nobody has gone on with; returns those that had not ended, also those that
        have made room.
        """
        now = self._clock()
        expired = {key: upload for key, upload in self._uploads.items() if upload.expires <= now}
        self._uploads = {key: up for key, up in self._uploads.items() if key not in expired}
        forgotten = [*self._forgotten, *expired.values()]
        self._forgotten = []
        return [upload for upload in forgotten if not upload.ended]

    @property
    def deadline(self) -> float:
        """When `remove_expired` should be called next, on the clock; infinity: not at all."""
        uploads = (*self._forgotten, *self._uploads.values())
        return min((upload.expires for upload in uploads), default=float("inf"))

    def _make_room(self, account: str) -> None:
        """Forget one where that account, or all, have too many: of this account only what has
        ended. Raises `Refused` 429.
        """
        counts = Counter(find_account(upload.sender) for upload in self._uploads.values())
        is_full = len(self._uploads) >= MAX_IN_ALL
        if counts[account] < MAX_UPLOADS and not is_full:
            return
        largest = max(counts, key=lambda each: counts[each])
        is_other = counts[account] < min(MAX_UPLOADS, counts[largest])
        self._forget_one(largest if is_other else account, or_open=is_other)

    def _forget_one(self, account: str, or_open: bool) -> None:
        own = [
            key for key, upload in self._uploads.items() if find_account(upload.sender) == account
        ]
        ended = [key for key in own if self._uploads[key].ended]
        if not ended and not or_open:
            raise Refused(
                429, f"{len(own)} lyrics are being sent already", "end one with /ace/lyrics/end"
            )
        upload = self._uploads.pop((ended or own)[0])
        upload.expires = float("-inf")
        self._forgotten.append(upload)

    def _find(self, sender: Peer, name: str) -> LyricUpload:
        upload = self._uploads.get((sender.client, name))
        if upload is None:
            upload = next(
                (
                    other
                    for other in reversed(self._uploads.values())
                    if other.name == name
                    and other.sender.host == sender.host
                    and not other.is_private
                ),
                None,
            )
        if upload is None:
            hint = (
                f"begin with /ace/lyrics/begin; {TIMEOUT:g} seconds after their last part "
                "they are forgotten"
            )
            raise Refused(404, f"no lyrics called {name[:40]!r} were begun", hint)
        return upload
