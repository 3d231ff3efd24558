"""Who is sent events without having a job: for as long as it subscribed for, or as long as the
settings list it.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..settings import MAX_SUBSCRIBERS
from .guard import LEASE, is_loopback
from .outgoing import TOPICS
from .wire import Address, Peer

FOR_EVER = float("inf")
MAX_PER_MACHINE = 32


@dataclass(frozen=True)
class Subscriber:
    peer: Peer
    number: int
    topics: frozenset[str]
    expires: float  # on the clock


class Subscribers:
    """Read from every thread. Whoever changes it holds the lock and replaces the dictionary.

    So many may subscribe, and so many of one machine; those of the settings do not count. Who
    comes anew is let in all the same, as programs like oscsend subscribe from a new port each time
    and never say that they are gone: who subscribed longest ago makes room.
    """

    def __init__(
        self, static: Iterable[Address], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        # by client, in the order in which they subscribed last
        self._subscribers: dict[str, Subscriber] = {}
        self._static: list[Peer] = []  # those of the settings; topics they chose since then hold
        self.on_change: Callable[[], None] = _do_nothing  # called when somebody comes or goes
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

    def make_room(self, peer: Peer) -> Peer | None:
        """Remove who has to go where this one is added, if anybody has; returns whom."""
        now = self._clock()
        current = [s for s in self._subscribers.values() if now < s.expires < FOR_EVER]
        if peer.client in self._subscribers:
            return None
        machine = _find_machine(peer)
        own = [s for s in current if _find_machine(s.peer) == machine]
        if len(own) < MAX_PER_MACHINE:
            if len(current) < MAX_SUBSCRIBERS:
                return None
            count = Counter(_find_machine(s.peer) for s in current)
            own = [s for s in current if _find_machine(s.peer) == count.most_common(1)[0][0]]
        oldest = own[0].peer
        self.remove(oldest.client)
        return oldest

    def add(self, peer: Peer, topics: frozenset[str], lease: float = LEASE) -> Subscriber:
        """A subscriber of the settings stays one, with other topics."""
        with self._lock:
            now = self._clock()
            current = {client: s for client, s in self._subscribers.items() if s.expires > now}
            known = current.pop(peer.client, None)
            number = known.number if known else next(self._numbers)
            expires = max(known.expires if known else 0.0, now + lease)
            subscriber = Subscriber(peer, number, topics, expires)
            self._subscribers = current | {peer.client: subscriber}
        self.on_change()
        return subscriber

    def remove(self, client: str) -> int:
        """Returns the number it had; 0 where it was none."""
        with self._lock:
            removed = self._subscribers.get(client)
            self._subscribers = {
                other: s for other, s in self._subscribers.items() if other != client
            }
        if removed:
            self.on_change()
        return removed.number if removed else 0

    def list_leases(self) -> list[tuple[Peer, frozenset[str], float]]:
        """Who subscribed itself by UDP, in that order: its topics, and the seconds that are left.
        A connection of TCP ends with the daemon.
        """
        now = self._clock()
        return [
            (subscriber.peer, subscriber.topics, subscriber.expires - now)
            for subscriber in self._subscribers.values()
            if now < subscriber.expires < FOR_EVER and subscriber.peer.client.startswith("udp:")
        ]

    def list_peers(self, topic: str) -> list[Peer]:
        """Those who subscribed to a topic."""
        now = self._clock()
        return [
            subscriber.peer
            for subscriber in self._subscribers.values()
            if topic in subscriber.topics and subscriber.expires > now
        ]


def _do_nothing() -> None:
    """Nobody keeps who subscribed."""


def _find_machine(peer: Peer) -> str:
    """This one has many addresses."""
    return "" if is_loopback(peer.host) else peer.host
