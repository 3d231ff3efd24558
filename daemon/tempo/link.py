"""The tempo of an Ableton Link session that others have begun."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
import struct
import time
from contextlib import suppress
from typing import Any

from pipeline.request import DEFAULT_BPM

from ..settings import SettingsError
from .source import MAX_BPM, MIN_BPM, BeatPosition

log = logging.getLogger("acestepd.tempo")

GROUP = (
    "224.76.78.75"  # the multicast group where Link's peers announce themselves, 4 times a second
)
PORT = 20808
# how such a datagram begins; that of a peer that leaves has 3 instead of the last 1
ALIVE = b"_asdp_v\x01\x01"
# seconds that others must have announced themselves before we join, so that their session is older
JOIN_AFTER = 1.0
QUANTUM = 4.0  # beats that peers count together: where a bar begins
LEAVE_AFTER = 3.0  # seconds without a peer
PEER_TIMEOUT = 2.0  # seconds without a datagram after which the next one counts as the first
INTERFACE_SECONDS = 5.0  # between two looks for network interfaces


class Link:
    """The tempo of an Ableton Link session that others have begun.

    Two peers that meet take the older one's tempo. A daemon is always the older one, so it must
    never wait in a session of its own: Live, started at 140, would be set to our 120. It listens to
    Link's multicast group first, joins when somebody has been there for a second, leaves when it is
    alone again, and never sets a tempo.
    """

    name = "link"

    def __init__(self) -> None:
        try:
            import aalink
        except ImportError as error:
            raise SettingsError(
                "link needs a library that is not here: pip install 'acestepd[link]'"
            ) from error
        self._new_peer = aalink.Link
        self._loop: asyncio.AbstractEventLoop | None = None
        self._peer: Any = None
        self._discovery: PeerDiscovery | None = None
        self._joined = False
        self._last_company = 0.0  # when there was another peer last
        self._bpm = 0.0
        self._position: BeatPosition | None = None

    @property
    def bpm(self) -> float:
        return self._bpm

    @property
    def position(self) -> BeatPosition | None:
        return self._position

    def start(self) -> None:
        self._discovery = PeerDiscovery()
        self._loop = asyncio.new_event_loop()
        self._peer = self._loop.run_until_complete(self._create_peer())
        self._peer.quantum = QUANTUM

    async def _create_peer(self) -> Any:
        # aalink wants a running loop, although nothing here waits for beats
        return self._new_peer(DEFAULT_BPM)

    def poll(self, now: float) -> None:
        if self._peer is None or self._discovery is None:
            return
        self._discovery.poll(now)
        if not self._joined and self._discovery.measure_presence(now) >= JOIN_AFTER:
            self._enable(True, now)
        elif self._joined and self._peer.num_peers:
            self._last_company = now
            self._bpm = round_link_bpm(self._peer.tempo)
            self._position = (
                BeatPosition(time.monotonic(), self._peer.beat, self._bpm) if self._bpm else None
            )
        elif self._joined:
            self._bpm = 0.0
            self._position = None
            if now - self._last_company > LEAVE_AFTER:
                self._enable(False, now)
                self._discovery.reset()

    def _enable(self, on: bool, now: float) -> None:
        self._peer.enabled = on
        self._joined = on
        self._last_company = now
        log.info(
            "joined an Ableton Link session" if on else "left Ableton Link: nobody else is there"
        )

    def close(self) -> None:
        self._bpm = 0.0
        self._position = None
        if self._peer is not None:
            self._peer.enabled = False
            self._peer = None
        if self._loop:
            self._loop.close()
        if self._discovery:
            self._discovery.close()


def round_link_bpm(bpm: float) -> float:
    """The tempo that was set: Link carries whole microseconds a beat, and makes 140.00014 of 140.
    0 for one that no music has.
    """
    return round(bpm, 2) if MIN_BPM <= bpm <= MAX_BPM else 0.0


class PeerDiscovery:
    """Whether there are Link peers on the network. It listens, and sends nothing itself."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.setblocking(False)
        self._bound = False
        self._interfaces_at = -math.inf  # when the group was joined on all interfaces last
        self._first = -math.inf  # when the first and the newest datagram came
        self._newest = -math.inf

    def poll(self, now: float) -> None:
        """Read the datagrams that have come since the last time."""
        if now - self._interfaces_at > INTERFACE_SECONDS:
            self._interfaces_at = now
            self._join_group()
        with suppress(BlockingIOError):
            while self._bound:
                if self._socket.recv(2048).startswith(ALIVE):
                    self._first = now if now - self._newest > PEER_TIMEOUT else self._first
                    self._newest = now

    def measure_presence(self, now: float) -> float:
        """Seconds for which there has been a peer, and still is."""
        return self._newest - self._first if now - self._newest < JOIN_AFTER else 0.0

    def reset(self) -> None:
        """Start over: what has come so far was our own session."""
        self._first = -math.inf
        self._newest = -math.inf
        with suppress(OSError):
            while self._bound:
                self._socket.recv(2048)

    def _join_group(self) -> None:
        """On every interface: some come and go."""
        if not self._bound:
            try:
                self._socket.bind((GROUP, PORT))
                self._bound = True
            except OSError as error:
                log.warning("Ableton Link cannot be heard: %s", error)
        for index, _ in socket.if_nameindex():
            with suppress(OSError):  # joined already, or it knows no multicast
                membership = struct.pack("=4s4si", socket.inet_aton(GROUP), bytes(4), index)
                self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)

    def close(self) -> None:
        self._socket.close()
