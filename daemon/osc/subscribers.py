"""Who hears events without having a job: for as long as they asked for, or as long as the settings
say so.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..jobs import Refused
from ..settings import MAX_SUBSCRIBERS
from .guard import LEASE
from .protocol import TOPICS
from .wire import Address, Sender

FOR_EVER = float("inf")


@dataclass(frozen=True)
class Subscriber:
    sender: Sender
    number: int
    topics: frozenset[str]
    until: float


class Subscribers:
    """Asked from every thread; changed by whoever holds the lock, and then replaced."""

    def __init__(
        self, static: Iterable[Address], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._kept: dict[str, Subscriber] = {}
        self._static: list[Sender] = []  # those of the settings; what they asked for since holds
        self.change(static)

    def change(self, static: Iterable[Address]) -> None:
        """Other ones in the settings; who asked for itself stays."""
        wanted = [Sender(f"udp:{host}:{port}", host) for host, port in static]
        for subscriber in list(self._kept.values()):
            if subscriber.until == FOR_EVER and subscriber.sender not in wanted:
                self.remove(subscriber.sender.client)
        for sender in wanted:
            if sender not in self._static:
                self.add(sender, frozenset(TOPICS), FOR_EVER)
        self._static = wanted

    def sift(self, may_hear: Callable[[str], bool]) -> None:
        """Keep only those whose machine may hear anything."""
        for subscriber in list(self._kept.values()):
            if subscriber.until < FOR_EVER and not may_hear(subscriber.sender.host):
                self.remove(subscriber.sender.client)

    def add(self, sender: Sender, topics: frozenset[str], lease: float = LEASE) -> Subscriber:
        """Raises `Refused` 429. A subscriber of the settings stays one, with other topics."""
        with self._lock:
            now = self._clock()
            current = {client: kept for client, kept in self._kept.items() if kept.until > now}
            known = current.get(sender.client)
            if known is None and lease < FOR_EVER and len(current) >= MAX_SUBSCRIBERS:
                hint = "send /ace/notify 0 where one ends"
                raise Refused(429, f"{MAX_SUBSCRIBERS} subscribers are already listening", hint)
            number, until = (known.number, known.until) if known else (next(self._numbers), 0.0)
            subscriber = Subscriber(sender, number, topics, max(until, now + lease))
            self._kept = current | {sender.client: subscriber}
            return subscriber

    def remove(self, client: str) -> int:
        """Returns the number it had; 0 where it was none."""
        with self._lock:
            gone = self._kept.get(client)
            self._kept = {other: kept for other, kept in self._kept.items() if other != client}
            return gone.number if gone else 0

    def of(self, topic: str) -> list[Sender]:
        now = self._clock()
        return [
            kept.sender for kept in self._kept.values() if topic in kept.topics and kept.until > now
        ]
