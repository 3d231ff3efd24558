"""OSC over TCP: packets behind an int32 with their length, as liblo and OSC 1.0 have them, or in
SLIP's frames (1.1).

Which of the two a client speaks shows in its first byte, and it is answered in kind. All reading
happens on the OSC server's thread. Sending happens on any, and never waits: what a client does not
take is kept for it, up to a limit.
"""

from __future__ import annotations

import errno
import itertools
import logging
import re
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Protocol

from ..runtime.logs import LimitedLog
from .guard import is_loopback
from .wire import MAX_DATAGRAM, Address, Malformed, Peer

log = LimitedLog(logging.getLogger("acestepd.tcp"))

MAX_CONNECTIONS = 64
MAX_NEWEST = 16  # of one machine: those of its connections that may have to make room
MAX_PER_HOST = 32  # of them, of another machine
MAX_STRANGERS = 4  # of those, of a machine that has not said the token
TOKEN_SECONDS = 10.0  # until such a machine has to say it
PACKET_SECONDS = 30.0  # from a packet's first byte to its last
MAX_UNSENT = 1 << 20  # bytes kept for a client that does not read; beyond, it is disconnected
CHUNK = 1 << 16
# the system has no file handle or memory for another connection
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
ACCEPT_PAUSE = 0.5  # seconds until it is tried again

END = b"\xc0"  # RFC 1055
ESC = b"\xdb"
ESC_END = b"\xdb\xdc"
ESC_ESC = b"\xdb\xdd"


Work = Iterator[None]  # something to do, piece by piece


class Framing(Protocol):
    """How packets lie in a stream of bytes. One object for each stream: it keeps what is
    incomplete.
    """

    def decode(self, data: bytes) -> Iterator[bytes]:
        """The packets that are complete with these bytes. Raises `Malformed`: nothing behind it can
        be read.
        """
        ...

    def encode(self, packet: bytes) -> bytes: ...

    @property
    def is_amid(self) -> bool:
        """Whether a packet has begun and not ended."""
        ...


_ZERO_RUN = re.compile(rb"\0*")
_END_RUN = re.compile(END + b"+")


def _count_zeros(data: bytearray) -> int:
    """How many zero bytes it begins with."""
    run = _ZERO_RUN.match(data)
    return run.end() if run else 0


class LengthFraming:
    """Each packet behind its length."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def decode(self, data: bytes) -> Iterator[bytes]:
        self._buffer += data
        while len(self._buffer) >= 4:
            if zeros := _count_zeros(self._buffer) // 4 * 4:  # lengths of nothing
                del self._buffer[:zeros]
                continue
            size = int.from_bytes(self._buffer[:4], "big")
            if size > MAX_DATAGRAM:
                raise Malformed(f"a packet may have {MAX_DATAGRAM} bytes, got {size} as its length")
            if len(self._buffer) < 4 + size:
                return
            packet = bytes(self._buffer[4 : 4 + size])
            del self._buffer[: 4 + size]
            yield packet

    def encode(self, packet: bytes) -> bytes:
        return len(packet).to_bytes(4, "big") + packet

    @property
    def is_amid(self) -> bool:
        return bool(self._buffer)


class SlipFraming:
    """Each packet between two END bytes."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def decode(self, data: bytes) -> Iterator[bytes]:
        *complete, rest = _END_RUN.sub(END, data).split(END)  # however many come in a row
        for part in complete:
            frame = bytes(self._buffer + part)
            self._buffer.clear()
            if frame:
                yield _unescape(frame)
        self._buffer += rest
        if len(self._buffer) > 2 * MAX_DATAGRAM:
            raise Malformed(f"a packet may have {MAX_DATAGRAM} bytes, and this one has no end")

    def encode(self, packet: bytes) -> bytes:
        return END + packet.replace(ESC, ESC_ESC).replace(END, ESC_END) + END

    @property
    def is_amid(self) -> bool:
        return bool(self._buffer)


def _unescape(frame: bytes) -> bytes:
    packet = frame.replace(ESC_END, END).replace(ESC_ESC, ESC)
    if frame.count(ESC) != frame.count(ESC_END) + frame.count(ESC_ESC):
        raise Malformed("not SLIP: an ESC byte is not followed by an escaped one")
    if len(packet) > MAX_DATAGRAM:
        raise Malformed(f"a packet may have {MAX_DATAGRAM} bytes, got {len(packet)}")
    return packet


def detect_framing(first: int) -> Framing:
    """By a stream's first byte: a length that is allowed begins with a zero byte, a SLIP frame with
    END or, at once, with the packet. Raises `Malformed` for any other.
    """
    if first == 0:
        return LengthFraming()
    if first in END + b"/#":
        return SlipFraming()
    raise Malformed(
        "not OSC over TCP: packets come behind an int32 with their length, or in SLIP's frames"
    )


class Connection:
    """One client's connection. `send` may be called from any thread, all else from the server's."""

    def __init__(self, connected: socket.socket, peer: Peer, opened: float) -> None:
        self.socket = connected
        self.peer = peer
        self.opened = opened  # when, or when its machine has to say the token anew, on the clock
        self.packet_began = float("inf")  # when one began that has not ended, on the clock
        self._framing: Framing | None = None
        self._unsent = bytearray()
        self._lock = threading.Lock()
        self.is_finished = False  # it is to be closed, by the server's thread
        self.has_spoken = False  # a whole packet came from it
        self.heard = opened  # when the last one came, on the clock
        self.is_stranger = False  # its machine has yet to say the token
        # what was read of it last waits to be handled: until then, it is read no further
        self.is_busy = False
        self.awaits_room = False  # the selector waits until it can be sent more

    def decode(self, data: bytes, now: float) -> Iterator[bytes]:
        """The packets that are complete with these bytes. Raises `Malformed`."""
        if self._framing is None:
            self._framing = detect_framing(data[0])
        for packet in self._framing.decode(data):
            self.has_spoken = True
            self.heard = now
            self.packet_began = float("inf")
            yield packet
        is_amid = self._framing.is_amid
        self.packet_began = min(self.packet_began, now) if is_amid else float("inf")

    @property
    def deadline(self) -> float:
        """When it is closed if nothing happens, on the clock."""
        token = self.opened + TOKEN_SECONDS if self.is_stranger else float("inf")
        return min(token, self.packet_began + PACKET_SECONDS)

    def send(self, packet: bytes) -> None:
        frame = (self._framing or LengthFraming()).encode(packet)
        with self._lock:
            if len(self._unsent) + len(frame) > MAX_UNSENT:
                text = "%s does not read what it is sent, and is let go"
                log.warning(self.peer.host, text, self.peer.client)
                self.is_finished = True
            if not self.is_finished:
                self._unsent += frame
                self._write()

    def flush(self) -> None:
        with self._lock:
            self._write()

    def close(self) -> None:
        with self._lock:
            self.is_finished = True
            self.socket.close()

    @property
    def has_unsent(self) -> bool:
        """Whether there is more to send than the client has taken."""
        return bool(self._unsent)

    def _write(self) -> None:
        try:
            while self._unsent and not self.is_finished:
                del self._unsent[: self.socket.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError as error:
            log.info(self.peer.host, "could not send to %s: %s", self.peer.client, error)
            self.is_finished = True


class PacketHandler(Protocol):
    """What the transport needs of the OSC server: the selector that its sockets are registered
    with, and who takes what they receive.
    """

    selector: selectors.BaseSelector

    def is_allowed(self, host: str) -> bool: ...
    def is_authenticated(self, host: str) -> bool: ...
    def handle_packet(self, packet: bytes | Malformed, sender: Peer) -> Work: ...
    def queue_work(self, sender: Peer, work: Work) -> None: ...
    def handle_disconnect(self, peer: Peer) -> None: ...
    def wake(self) -> None: ...


class TcpTransport:
    """The listening socket and its connections. In the selector, a socket's data is the function to
    call with the events that it is ready for. Raises `OSError` where the address cannot be bound.
    """

    def __init__(
        self,
        handler: PacketHandler,
        host: str,
        port: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._handler = handler
        self._clock = clock
        # when it listens again, on the clock; infinity: it does, or is closed
        self._listens_again = float("inf")
        self._connections: dict[str, Connection] = {}  # by client
        # no number that an earlier daemon used: jobs outlive it, and connections
        self._numbers = itertools.count(time.time_ns() // 10**6)
        self._socket = socket.create_server((host, port))
        self._socket.setblocking(False)
        self._listen()

    @property
    def address(self) -> Address:
        host, port = self._socket.getsockname()
        return host, port

    @property
    def deadline(self) -> float:
        """When `update_connections` has something to do although nothing happens, on the clock."""
        closing = [connection.deadline for connection in self._connections.values()]
        return min([self._listens_again, *closing])

    def send(self, packet: bytes, client: str) -> None:
        """From any thread. Nothing happens where the client has gone."""
        if connection := self._connections.get(client):
            connection.send(packet)
            if connection.is_finished or connection.has_unsent:
                self._handler.wake()

    def update_connections(self) -> None:
        """Close those that are finished or late, let the selector wait for the clients that have
        not taken everything, and listen again after a pause.
        """
        now = self._clock()
        if self._listens_again <= now:
            self._listen()
        for connection in list(self._connections.values()):
            if connection.is_stranger:
                connection.is_stranger = not self._handler.is_authenticated(connection.peer.host)
            if connection.deadline <= now:
                text = "%s has not said the token, or not ended a packet, and is let go"
                log.warning(connection.peer.host, text, connection.peer.client)
                connection.is_finished = True
            if connection.is_finished and not connection.is_busy:
                self._close(connection)
                continue
            if connection.has_unsent != connection.awaits_room:
                connection.awaits_room = not connection.awaits_room
                self._select(connection)

    def _select(self, connection: Connection) -> None:
        """Have the selector wait for what the connection waits for."""
        key = self._handler.selector.get_key(connection.socket)
        events = selectors.EVENT_READ
        if connection.awaits_room:
            events |= selectors.EVENT_WRITE
        self._handler.selector.modify(connection.socket, events, key.data)

    def recheck_trust(self) -> None:
        """Finish the connections of machines that are not allowed any more; others may have to say
        the token anew. From any thread.
        """
        for connection in self._connections.values():
            host = connection.peer.host
            if not self._handler.is_allowed(host):
                connection.is_finished = True
            elif not self._handler.is_authenticated(host):
                connection.opened = self._clock()
                connection.is_stranger = True

    def close(self) -> None:
        for connection in list(self._connections.values()):
            self._close(connection)
        if self._listens_again == float("inf"):
            self._handler.selector.unregister(self._socket)
        self._socket.close()

    def _listen(self) -> None:
        self._listens_again = float("inf")
        self._handler.selector.register(
            self._socket, selectors.EVENT_READ, lambda _: self._accept()
        )

    def _accept(self) -> None:
        try:
            connected, (host, _) = self._socket.accept()
        except OSError as error:
            log.info("", "a connection could not be taken: %s", error)
            if error.errno in EXHAUSTED:  # it stays pending, so that select would not wait at all
                self._handler.selector.unregister(self._socket)
                self._listens_again = self._clock() + ACCEPT_PAUSE
            return
        if not self._handler.is_allowed(host) or not self._has_room(host):
            text = "refused a connection from %s: not in allow, or too many are open"
            log.warning(host, text, host)
            connected.close()
            return
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        peer = Peer(f"tcp:{next(self._numbers)}", host)
        connection = Connection(connected, peer, self._clock())
        connection.is_stranger = not self._handler.is_authenticated(host)
        # replaced, not changed: other threads read it
        self._connections = self._connections | {connection.peer.client: connection}
        self._handler.selector.register(
            connected, selectors.EVENT_READ, lambda events: self._on_ready(connection, events)
        )

    def _has_room(self, host: str) -> bool:
        """Whether one more connection of that machine may be held. Where there are too many, one
        makes room for it, if any may.
        """
        everyone = list(self._connections.values())
        own = [one for one in everyone if one.peer.host == host]
        strangers = [one for one in own if one.is_stranger]
        if not self._handler.is_authenticated(host) and len(strangers) >= MAX_STRANGERS:
            return self._make_room(strangers)
        if not is_loopback(host) and len(own) >= MAX_PER_HOST:
            return self._make_room(own)
        if len(everyone) >= MAX_CONNECTIONS and not self._make_room(everyone):
            self._take_share()
        return True

    def _make_room(self, connections: list[Connection]) -> bool:
        """Close the oldest of these whose machine has not said the token, or else the oldest that
        has never sent a packet. False where there is none.
        """
        strangers = [one for one in connections if one.is_stranger]
        silent = [one for one in connections if not one.has_spoken]
        for oldest in (strangers or silent)[:1]:
            text = "%s has not said the token, or nothing at all, and makes room for another"
            log.warning(oldest.peer.host, text, oldest.peer.client)
            self._close(oldest)
            return True
        return False

    def _take_share(self) -> None:
        """Of the machine that has most, close that of the newest connections that was silent for
        longest: the last places are for whoever comes, and who was there before stays.
        """
        everyone = self._connections.values()
        count = Counter(_find_machine(one) for one in everyone)
        most = count.most_common(1)[0][0]
        newest = [one for one in everyone if _find_machine(one) == most][-MAX_NEWEST:]
        quietest = min(newest, key=lambda one: one.heard)
        text = "%s makes room for another: its machine has most of the connections"
        log.warning(quietest.peer.host, text, quietest.peer.client)
        self._close(quietest)

    def _on_ready(self, connection: Connection, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            connection.flush()
        if events & selectors.EVENT_READ and not (connection.is_finished or connection.is_busy):
            self._read(connection)

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            log.info(connection.peer.host, "%s: %s", connection.peer.client, error)
            data = b""
        if not data:
            connection.is_finished = True
            return
        connection.is_busy = True
        self._handler.queue_work(connection.peer, self._handle(connection, data))

    def _handle(self, connection: Connection, data: bytes) -> Work:
        try:
            for packet in connection.decode(data, self._clock()):
                yield from self._handler.handle_packet(packet, connection.peer)
                yield
        except Malformed as error:
            yield from self._handler.handle_packet(error, connection.peer)
            connection.is_finished = True
        finally:
            connection.is_busy = False

    def _close(self, connection: Connection) -> None:
        client = connection.peer.client
        self._connections = {
            name: other for name, other in self._connections.items() if name != client
        }
        self._handler.selector.unregister(connection.socket)
        connection.close()
        self._handler.handle_disconnect(connection.peer)


def _find_machine(connection: Connection) -> str:
    """This one has many addresses."""
    host = connection.peer.host
    return "" if is_loopback(host) else host
