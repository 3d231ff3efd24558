"""OSC over UDP: one packet in each datagram."""

from __future__ import annotations

import logging
import socket
from functools import lru_cache

from ..runtime.logs import LimitedLog
from .wire import MAX_DATAGRAM, Address, Peer

log = LimitedLog(logging.getLogger("acestepd.osc"))

RECEIVE_BUFFER = 1 << 20  # bytes; the system may give less


class UdpTransport:
    """The datagram socket. Sending never waits: what cannot be sent at once is lost, as datagrams
    are. Raises `OSError` where the address cannot be bound.
    """

    def __init__(self, host: str, port: int) -> None:
        self._buffer = memoryview(bytearray(MAX_DATAGRAM))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.socket.setblocking(False)
        try:
            self.socket.bind((host, port))
        except OSError:
            self.socket.close()
            raise

    @property
    def address(self) -> Address:
        host, port = self.socket.getsockname()
        return host, port

    def close(self) -> None:
        self.socket.close()

    def receive(self) -> tuple[bytes, Peer]:
        """The next datagram and who sent it. Raises `BlockingIOError` where there is none."""
        size, address = self.socket.recvfrom_into(self._buffer)
        return bytes(self._buffer[:size]), _name_peer(address)

    def send(self, packet: bytes, client: str) -> None:
        try:
            self.socket.sendto(packet, _parse_client(client))
        except OSError as error:  # the client has gone, or its port is one nobody may send to
            log.info(client, "could not send to %s: %s", client, error)


@lru_cache(1024)
def _name_peer(address: Address) -> Peer:
    host, port = address
    return Peer(f"udp:{host}:{port}", host)


@lru_cache(1024)
def _parse_client(client: str) -> Address:
    _, host, port = client.split(":")
    return host, int(port)
