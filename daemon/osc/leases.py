"""Who subscribed is kept in the state folder: whoever listened hears a daemon that was started
again, however the one before it ended.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline import untrusted
from pipeline.limits import LIMITS
from pipeline.private import replace_private

from ..jobs import Event
from ..settings import MAX_SUBSCRIBERS
from .guard import LEASE
from .outgoing import TOPICS
from .subscribers import Subscribers
from .wire import Peer

log = logging.getLogger("acestepd.osc")

FILE = "listeners.json"  # in the state folder
ACCURACY = 60.0  # seconds: a lease that is renewed more often is not written each time
RETRY_SECONDS = 60.0

Row = dict[str, Any]  # host, port, topics, and until when, in seconds since the epoch


class Leases:
    """A task of `Upkeep`: writes the subscribers of UDP down that subscribed themselves."""

    def __init__(
        self,
        folder: Path,
        subscribers: Subscribers,
        is_trusted: Callable[[str], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._file = folder / FILE
        self._subscribers = subscribers
        self._is_trusted = is_trusted
        self._clock = clock
        self._saved: list[Row] = []

    def restore(self) -> list[Peer]:
        """Have those subscribe again whose lease has not ended and whose machine may hear events.
        Returns them. What is no lease is passed over: others may have written the file.
        """
        restored = []
        for peer, topics, seconds in self._read():
            self._subscribers.make_room(peer)
            self._subscribers.add(peer, topics, seconds)
            restored.append(peer)
        return restored

    def on_event(self, event: Event) -> bool:
        return False

    def tick(self) -> float:
        """Write them down, where one has come, gone or renewed its lease."""
        rows = [self._describe(*lease) for lease in self._subscribers.list_leases()]
        if rows == self._saved:
            return math.inf
        try:
            replace_private(self._file, json.dumps(rows).encode())
        except OSError as error:
            log.info("%s could not be written: %s", self._file, error)
            return RETRY_SECONDS
        self._saved = rows
        return math.inf

    def _describe(self, peer: Peer, topics: frozenset[str], seconds: float) -> Row:
        _, host, port = peer.client.split(":")
        until = round((self._clock() + seconds) / ACCURACY) * ACCURACY
        return {"host": host, "port": int(port), "topics": sorted(topics), "until": until}

    def _read(self) -> Iterator[tuple[Peer, frozenset[str], float]]:
        try:
            rows = untrusted.read_json(self._file, LIMITS.record_bytes)
        except (OSError, ValueError):
            return
        for row in rows[-MAX_SUBSCRIBERS:] if isinstance(rows, list) else ():
            try:
                peer, topics, until = _parse_row(row)
            except (ValueError, TypeError, KeyError, OverflowError):
                continue
            seconds = min(until - self._clock(), LEASE)
            if topics and seconds > 0 and self._is_trusted(peer.host):
                yield peer, topics, seconds


def _parse_row(row: Row) -> tuple[Peer, frozenset[str], float]:
    """Raises ValueError, TypeError, KeyError and OverflowError."""
    host = str(ipaddress.IPv4Address(str(row["host"])))
    port = int(row["port"])
    if not 1 <= port <= 65535:
        raise ValueError
    topics = frozenset(row["topics"]) & frozenset(TOPICS)
    return Peer(f"udp:{host}:{port}", host), topics, float(row["until"])
