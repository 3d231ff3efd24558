"""Who is sent events without having a job: for as long as it subscribed for, or as long as the
settings list it.
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
from .outgoing import TOPICS
from .wire import Address, Peer

FOR_EVER = float("inf")


@dataclass(frozen=True)
class Subscriber:
    peer: Peer
    number: int
    topics: frozenset[str]
    expires: float  # on the clock


class Subscribers:
    """Read from every thread. Whoever changes it holds the lock and replaces the dictionary."""

    def __init__(
        self, static: Iterable[Address], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._subscribers: dict[str, Subscriber] = {}  # by client
        self._static: list[Peer] = []  # those of the settings; topics they chose since then hold
        self.change_static(static)

    def change_static(self, static: Iterable[Address]) -> None:
        """Other ones in the settings. Those who subscribed themselves stay."""
        peers = [Peer(f"udp:{host}:{port}", host) for host, port in static]
        for subscriber in list(self._subscribers.values()):
            if subscriber.expires == FOR_EVER and subscriber.peer not in peers:
                self.remove(subscriber.peer.client)
        for peer in peers:
            if peer not in self._static:
                self.add(peer, frozenset(TOPICS), FOR_EVER)
        self._static = peers

    def remove_untrusted(self, is_trusted: Callable[[str], bool]) -> list[Peer]:
        """Keep only those whose machine may be sent events, and those of the settings. Returns the
        others.
        """
        removed = [
            subscriber.peer
            for subscriber in self._subscribers.values()
            if subscriber.expires < FOR_EVER and not is_trusted(subscriber.peer.host)
        ]
        for peer in removed:
            self.remove(peer.client)
        return removed

    def add(self, peer: Peer, topics: frozenset[str], lease: float = LEASE) -> Subscriber:
        """Raises `Refused` 429. A subscriber of the settings stays one, with other topics."""
        with self._lock:
            now = self._clock()
            current = {client: s for client, s in self._subscribers.items() if s.expires > now}
            known = current.get(peer.client)
            if known is None and lease < FOR_EVER and len(current) >= MAX_SUBSCRIBERS:
                hint = "send /ace/notify 0 where one ends"
                raise Refused(429, f"{MAX_SUBSCRIBERS} subscribers are already listening", hint)
            number = known.number if known else next(self._numbers)
            expires = max(known.expires if known else 0.0, now + lease)
            subscriber = Subscriber(peer, number, topics, expires)
            self._subscribers = current | {peer.client: subscriber}
            return subscriber

    def remove(self, client: str) -> int:
        """Returns the number it had; 0 where it was none."""
        with self._lock:
            removed = self._subscribers.get(client)
            self._subscribers = {
                other: s for other, s in self._subscribers.items() if other != client
            }
            return removed.number if removed else 0

    def list_peers(self, topic: str) -> list[Peer]:
        """Those who subscribed to a topic."""
        now = self._clock()
        return [
            subscriber.peer
            for subscriber in self._subscribers.values()
            if topic in subscriber.topics and subscriber.expires > now
        ]
