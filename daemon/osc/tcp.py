"""OSC over TCP: packets behind an int32 with their length, as liblo and OSC 1.0 have them, or in
SLIP's frames (1.1).

Which of the two a client speaks shows in its first byte, and it is answered in kind. All reading
happens on the surface's thread. Sending happens on any, and never waits: what a client does not
take is kept for it, up to a limit.
"""

from __future__ import annotations

import itertools
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from .wire import MAX_DATAGRAM, Address, Malformed, Sender

log = logging.getLogger("acestepd.tcp")

MAX_CONNECTIONS = 64
MAX_UNSENT = 1 << 20  # bytes that wait for a client that does not read, before it is let go
CHUNK = 1 << 16

END = b"\xc0"  # RFC 1055
ESC = b"\xdb"
ESC_END = b"\xdb\xdc"
ESC_ESC = b"\xdb\xdd"


class Framing(Protocol):
    def packets(self, data: bytes) -> Iterator[bytes]:
        """What is complete with these bytes. Raises `Malformed`: nothing behind it can be read."""
        ...

    def framed(self, packet: bytes) -> bytes: ...


class Lengths:
    """Each packet behind its length."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def packets(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        while len(self._buffer) >= 4:
            size = int.from_bytes(self._buffer[:4], "big")
            if size > MAX_DATAGRAM:
                raise Malformed(f"a packet may have {MAX_DATAGRAM} bytes, got {size} as its length")
            if len(self._buffer) < 4 + size:
                return
            packet = bytes(self._buffer[4 : 4 + size])
            del self._buffer[: 4 + size]
            if packet:
                yield packet

    def framed(self, packet: bytes) -> bytes:
        return len(packet).to_bytes(4, "big") + packet


class Slip:
    """Each packet between two END bytes."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def packets(self, data: bytes) -> Iterator[bytes]:
        *complete, rest = data.split(END)
        for part in complete:
            frame = bytes(self._buffer + part)
            self._buffer.clear()
            if frame:
                yield _unescaped(frame)
        self._buffer += rest
        if len(self._buffer) > 2 * MAX_DATAGRAM:
            raise Malformed(f"a packet may have {MAX_DATAGRAM} bytes, and this one has no end")

    def framed(self, packet: bytes) -> bytes:
        return END + packet.replace(ESC, ESC_ESC).replace(END, ESC_END) + END


def _unescaped(frame: bytes) -> bytes:
    packet = frame.replace(ESC_END, END).replace(ESC_ESC, ESC)
    if frame.count(ESC) != frame.count(ESC_END) + frame.count(ESC_ESC):
        raise Malformed("not SLIP: an ESC byte is not followed by an escaped one")
    if len(packet) > MAX_DATAGRAM:
        raise Malformed(f"a packet may have {MAX_DATAGRAM} bytes, got {len(packet)}")
    return packet


def framing_for(first: int) -> Framing:
    """A length that is allowed begins with a zero byte; a SLIP frame with END, or at once with the
    packet.
    """
    if first == 0:
        return Lengths()
    if first in END + b"/#":
        return Slip()
    raise Malformed(
        "not OSC over TCP: packets come behind an int32 with their length, or in SLIP's frames"
    )


class Connection:
    def __init__(self, connected: socket.socket, sender: Sender) -> None:
        self.socket = connected
        self.sender = sender
        self._framing: Framing | None = None
        self._unsent = bytearray()
        self._lock = threading.Lock()
        self.over = False  # it is to be closed, by the surface's thread
        self.spoke = False  # a whole packet came from it

    def packets(self, data: bytes) -> Iterator[bytes]:
        if self._framing is None:
            self._framing = framing_for(data[0])
        for packet in self._framing.packets(data):
            self.spoke = True
            yield packet

    def send(self, packet: bytes) -> None:
        framed = (self._framing or Lengths()).framed(packet)
        with self._lock:
            if len(self._unsent) + len(framed) > MAX_UNSENT:
                log.warning("%s does not read what it is sent, and is let go", self.sender.client)
                self.over = True
            if not self.over:
                self._unsent += framed
                self._write()

    def flush(self) -> None:
        with self._lock:
            self._write()

    def close(self) -> None:
        with self._lock:
            self.over = True
            self.socket.close()

    @property
    def waits(self) -> bool:
        """Whether there is more to send than the client has taken."""
        return bool(self._unsent)

    def _write(self) -> None:
        try:
            while self._unsent and not self.over:
                del self._unsent[: self.socket.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError as error:
            log.info("could not send to %s: %s", self.sender.client, error)
            self.over = True


class PacketHandler(Protocol):
    """What a transport needs of the OSC server."""

    selector: selectors.BaseSelector

    def welcomes(self, host: str) -> bool: ...
    def receive(self, packet: bytes | Malformed, sender: Sender) -> None: ...
    def left(self, sender: Sender) -> None: ...
    def wake(self) -> None: ...


class Tcp:
    """The listening socket and its connections, on the surface's selector: a ready socket's data is
    what to call.
    """

    def __init__(self, surface: PacketHandler, host: str, port: int) -> None:
        self._surface = surface
        self._connections: dict[str, Connection] = {}
        # no other daemon's: jobs outlive it, and connections
        self._numbers = itertools.count(time.time_ns() // 10**6)
        self._socket = socket.create_server((host, port))
        self._socket.setblocking(False)
        surface.selector.register(self._socket, selectors.EVENT_READ, lambda _: self._accept())

    @property
    def address(self) -> Address:
        host, port = self._socket.getsockname()
        return host, port

    def send(self, packet: bytes, client: str) -> None:
        """From any thread. A client that has gone hears nothing."""
        if connection := self._connections.get(client):
            connection.send(packet)
            if connection.over or connection.waits:
                self._surface.wake()

    def tidy(self) -> None:
        """Close what is over, and wait for the clients that have not taken everything."""
        for connection in list(self._connections.values()):
            if connection.over:
                self._close(connection)
                continue
            key = self._surface.selector.get_key(connection.socket)
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.waits else 0)
            if key.events != events:
                self._surface.selector.modify(connection.socket, events, key.data)

    def sift(self, welcomes: Callable[[str], bool]) -> None:
        """Let go of those that are not welcome any more. From any thread."""
        for connection in self._connections.values():
            if not welcomes(connection.sender.host):
                connection.over = True

    def close(self) -> None:
        for connection in list(self._connections.values()):
            self._close(connection)
        self._surface.selector.unregister(self._socket)
        self._socket.close()

    def _accept(self) -> None:
        try:
            connected, (host, _) = self._socket.accept()
        except OSError as error:  # gone again, or no file handle is free
            log.info("a connection could not be taken: %s", error)
            time.sleep(0.01)
            return
        if len(self._connections) >= MAX_CONNECTIONS:
            self._make_room()
        if not self._surface.welcomes(host) or len(self._connections) >= MAX_CONNECTIONS:
            log.warning(
                "refused a connection from %s: not in allow, or %d are open", host, MAX_CONNECTIONS
            )
            connected.close()
            return
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection = Connection(connected, Sender(f"tcp:{next(self._numbers)}", host))
        # other threads read it
        self._connections = self._connections | {connection.sender.client: connection}
        self._surface.selector.register(
            connected, selectors.EVENT_READ, lambda events: self._ready(connection, events)
        )

    def _make_room(self) -> None:
        """Close the oldest connection that has never said anything."""
        if silent := next((one for one in self._connections.values() if not one.spoke), None):
            log.warning("%s has not said anything and makes room for another", silent.sender.client)
            self._close(silent)

    def _ready(self, connection: Connection, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            connection.flush()
        if events & selectors.EVENT_READ and not connection.over:
            self._read(connection)

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            log.info("%s: %s", connection.sender.client, error)
            data = b""
        if not data:
            connection.over = True
            return
        try:
            for packet in connection.packets(data):
                self._surface.receive(packet, connection.sender)
        except Malformed as error:
            self._surface.receive(error, connection.sender)
            connection.over = True

    def _close(self, connection: Connection) -> None:
        client = connection.sender.client
        self._connections = {
            other: kept for other, kept in self._connections.items() if other != client
        }
        self._surface.selector.unregister(connection.socket)
        connection.close()
        self._surface.left(connection.sender)
