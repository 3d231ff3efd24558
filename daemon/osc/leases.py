"""Who subscribed is kept in the state folder, and the names of programs among them: whoever
listened hears a daemon that was started again, however the one before it ended, and is known by its
name. A daemon may be back before a program can notice that it was away.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import untrusted
from pipeline.limits import LIMITS
from pipeline.private import replace_private

from ..integrations.clients import Clients, parse_name
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

# host, port, topics, and until when, in seconds since the epoch; of a program its name as well, and
# the port that it sends from
Row = dict[str, Any]


@dataclass(frozen=True)
class Lease:
    """A row of the file that can be used."""

    peer: Peer
    topics: frozenset[str]
    seconds: float  # that are left of it
    name: str  # empty: it has given none
    sender: str  # where its own messages come from, as the text of a client


class Leases:
    """A task of `Upkeep`: writes the subscribers of UDP down that subscribed themselves."""

    def __init__(
        self,
        folder: Path,
        subscribers: Subscribers,
        clients: Clients,
        is_trusted: Callable[[str], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._file = folder / FILE
        self._subscribers = subscribers
        self._clients = clients
        self._is_trusted = is_trusted
        self._clock = clock
        self._saved: list[Row] = []

    def restore(self) -> list[Peer]:
        """Have those subscribe again whose lease has not ended and whose machine may hear events.
        Returns them. What is no lease is passed over: others may have written the file.
        """
        restored = []
        for lease in self._read():
            if removed := self._subscribers.make_room(lease.peer):
                self._clients.remove(removed.client)
            self._subscribers.add(lease.peer, lease.topics, lease.seconds)
            if lease.name:
                self._clients.restore(
                    lease.name, lease.peer.client, lease.sender, inserts="insert" in lease.topics
                )
            restored.append(lease.peer)
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
        until = round((self._clock() + seconds) / ACCURACY) * ACCURACY
        row = {
            "host": peer.host,
            "port": _read_port(peer.client),
            "topics": sorted(topics),
            "until": until,
        }
        program = self._clients.find_by_client(peer.client)
        if program and program.client == peer.client:
            row["name"] = program.name
            if program.sender.startswith("udp:"):  # a connection of TCP ends with the daemon
                row["sender"] = _read_port(program.sender)
        return row

    def _read(self) -> Iterator[Lease]:
        try:
            rows = untrusted.read_json(self._file, LIMITS.record_bytes)
        except (OSError, ValueError):
            return
        for row in rows[-MAX_SUBSCRIBERS:] if isinstance(rows, list) else ():
            try:
                lease = _parse_row(row, self._clock())
            except (ValueError, TypeError, KeyError, OverflowError, AttributeError):
                continue
            if lease.topics and lease.seconds > 0 and self._is_trusted(lease.peer.host):
                yield lease


def _parse_row(row: Row, now: float) -> Lease:
    """Raises ValueError, TypeError, KeyError, OverflowError and AttributeError."""
    host = str(ipaddress.IPv4Address(str(row["host"])))
    client, sender = (
        f"udp:{host}:{_parse_port(port)}" for port in (row["port"], row.get("sender", row["port"]))
    )
    return Lease(
        Peer(client, host),
        frozenset(row["topics"]) & frozenset(TOPICS),
        min(float(row["until"]) - now, LEASE),
        parse_name(row["name"]) if "name" in row else "",
        sender,
    )


def _parse_port(value: Any) -> int:
    port = int(value)
    if not 1 <= port <= 65535:
        raise ValueError
    return port


def _read_port(client: str) -> int:
    """Of the text of a client of UDP."""
    return int(client.rpartition(":")[2])
