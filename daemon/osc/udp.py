"""OSC over UDP: one packet in each datagram.

The socket module lets other threads run during each of its calls, and then has to wait for one of
them to let it go on: where they compute, that is ten times as long as the call. Ours never wait, as
the socket does not block, and so they keep the interpreter's lock.
"""

from __future__ import annotations

import ctypes
import logging
import os
import socket
from functools import lru_cache

from ..runtime.logs import LimitedLog
from .wire import MAX_DATAGRAM, Address, Peer

log = LimitedLog(logging.getLogger("acestepd.osc"))

RECEIVE_BUFFER = 1 << 20  # bytes; the system may give less
ADDRESS_SIZE = 16  # bytes of a sockaddr_in: two that systems have differently, port, address, zeros

_system = ctypes.PyDLL(None, use_errno=True)  # PyDLL's calls keep the interpreter's lock
_receive = _system.recvfrom
_receive.restype = ctypes.c_ssize_t
_receive.argtypes = (
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
)
_send = _system.sendto
_send.restype = ctypes.c_ssize_t
_send.argtypes = (
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_uint32,
)


class UdpTransport:
    """The datagram socket. Sending never waits: what cannot be sent at once is lost, as datagrams
    are. Raises `OSError` where the address cannot be bound.
    """

    def __init__(self, host: str, port: int) -> None:
        buffer = bytearray(MAX_DATAGRAM)
        self._buffer = memoryview(buffer)
        self._buffer_address = (ctypes.c_char * MAX_DATAGRAM).from_buffer(buffer)
        self._sender = ctypes.create_string_buffer(ADDRESS_SIZE)
        self._sender_size = ctypes.byref(ctypes.c_uint32(ADDRESS_SIZE))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self.socket.setblocking(False)
        try:
            self.socket.bind((host, port))
        except OSError:
            self.socket.close()
            raise
        _system.getsockname(self.socket.fileno(), self._sender, self._sender_size)
        self._family = self._sender.raw[:2]  # how this system begins an address

    @property
    def address(self) -> Address:
        host, port = self.socket.getsockname()
        return host, port

    def close(self) -> None:
        self.socket.close()

    def receive(self) -> tuple[bytes, Peer]:
        """The next datagram and who sent it. Raises `BlockingIOError` where there is none."""
        size = _receive(
            self.socket.fileno(),
            self._buffer_address,
            MAX_DATAGRAM,
            0,
            self._sender,
            self._sender_size,
        )
        if size < 0:
            raise _last_error()
        return bytes(self._buffer[:size]), _name_peer(self._sender.raw[2:8])

    def send(self, packet: bytes, client: str) -> None:
        try:
            address = self._family + _parse_client(client)
            if _send(self.socket.fileno(), packet, len(packet), 0, address, ADDRESS_SIZE) < 0:
                raise _last_error()
        except OSError as error:  # the client has gone, or its port is one nobody may send to
            log.info(client, "could not send to %s: %s", client, error)


def _last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


@lru_cache(1024)
def _name_peer(address: bytes) -> Peer:
    """Of the port and address in a sockaddr_in."""
    host = socket.inet_ntoa(address[2:])
    return Peer(f"udp:{host}:{int.from_bytes(address[:2], 'big')}", host)


@lru_cache(1024)
def _parse_client(client: str) -> bytes:
    """A sockaddr_in, without its first two bytes."""
    _, host, port = client.split(":")
    return int(port).to_bytes(2, "big") + socket.inet_aton(host) + bytes(8)
