"""In which lane of the queue a sender's work waits for its turn."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable

from .guard import find_account, is_loopback
from .wire import Peer

NEW_SECONDS = 1.0
MAX_NEW = 16  # senders within `NEW_SECONDS` that get a lane of their own
MAX_LANES = 1024  # of senders that were heard lately
SHARED = "new senders"


class SenderLanes:
    """A lane of its own for each program of this machine, and one for each other machine. Where
    many new programs are heard at once, those beyond `MAX_NEW` share a lane until it is quieter: a
    script that opens a port for every message gets the time of one sender, not that of a thousand.
    In that lane they take turns. For one thread.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._own: OrderedDict[str, None] = OrderedDict()  # clients; the last heard is last
        self._began: deque[float] = deque(
            maxlen=MAX_NEW
        )  # when the newest of them were first heard
        self._sharing: Counter[str] = Counter()  # how much waits in the shared lane, by client

    def find(self, sender: Peer) -> str:
        """The lane for what comes now. What waits of a sender is all in one."""
        if not is_loopback(sender.host):
            return find_account(sender)
        client = sender.client
        if client in self._own:
            self._own.move_to_end(client)
            return client
        if client in self._sharing or not self._is_quiet():
            return SHARED
        self._began.append(self._clock())
        self._own[client] = None
        if len(self._own) > MAX_LANES:
            self._own.popitem(last=False)
        return client

    def enter(self, lane: str, sender: Peer) -> None:
        """Something of the sender waits in that lane from now on."""
        if lane == SHARED:
            self._sharing[sender.client] += 1

    def leave(self, lane: str, sender: Peer) -> None:
        """Something of the sender is done."""
        if lane == SHARED:
            self._sharing[sender.client] -= 1
            if not self._sharing[sender.client]:
                del self._sharing[sender.client]

    def _is_quiet(self) -> bool:
        """Whether fewer than `MAX_NEW` senders are new."""
        return len(self._began) < MAX_NEW or self._began[0] + NEW_SECONDS <= self._clock()
