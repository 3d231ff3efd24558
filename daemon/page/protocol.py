"""HTTP and WebSockets on one connection: who may open one, how many a machine may have, how long it
may take to ask, and how little the others wait for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from ..osc.guard import is_loopback
from .admission import Admission

MAX_CONNECTIONS = 128
MAX_PER_MACHINE = 24  # of them, of another machine: a browser opens six at once, and a WebSocket
MAX_STRANGERS = 4  # of those, of a machine that has not said the token
TOKEN_SECONDS = 10.0  # until such a machine has to say it in a connection
ASKING_SECONDS = 10.0  # that the head of a question may take, and a connection that asks nothing
READ_BYTES = 2048  # of a WebSocket, at a time: the others have their turn in between
REST = 50  # times as long as that took, no more of it is read
MAX_FRAGMENTS = 1000  # of a WebSocket's message: browsers send some of 128 KB
TOO_BIG = 1009  # a WebSocket's code
NO_HANDSHAKE = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class GuardedProtocol(H11Protocol):
    """In front of an `Admission`, which knows who is let in at all: nobody else gets an answer.
    Where there are too many connections, the oldest makes room of those that ask nothing, or else
    of those that are still asking, or else of all.
    """

    opened = 0.0  # on the loop's clock
    _patience: asyncio.TimerHandle | None = None  # with one that asks nothing
    _deadline: asyncio.TimerHandle | None = None  # of a machine that has not said the token

    @property
    def host(self) -> str:
        return _find_host(self)

    @property
    def is_answered(self) -> bool:
        """Whether a question of it is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def claim(self) -> int:
        """How much there is to be said for keeping it."""
        if not self.is_answered:
            return 0
        return 1 if self.cycle.more_body else 2

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        assert isinstance(self.app, Admission)
        super().connection_made(transport)
        self.opened = self.loop.time()
        self._wait()
        guard = self.app.guard
        if not guard.is_allowed(self.host):
            transport.abort()
            return
        is_stranger = not guard.is_authenticated(self.host)
        if is_stranger:
            self._deadline = self.loop.call_later(TOKEN_SECONDS, self._end_stranger)
        if not is_loopback(self.host):
            own = [each for each in _list_open(self.connections) if _find_host(each) == self.host]
            self._make_room(own, MAX_STRANGERS if is_stranger else MAX_PER_MACHINE)
        self._make_room(_list_open(self.connections), MAX_CONNECTIONS)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.is_answered:
            self._stop_waiting()
        elif self in self.connections:  # it has not become a WebSocket
            self._wait()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._stop_waiting()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self._deadline:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _wait(self) -> None:
        """What comes in bits does not prolong it."""
        if self._patience is None:
            self._patience = self.loop.call_later(ASKING_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._patience:
            self._patience.cancel()
        self._patience = None

    def _end_stranger(self) -> None:
        assert isinstance(self.app, Admission)
        if not self.app.guard.is_authenticated(self.host):
            self.transport.abort()

    def _make_room(self, connections: list[Connection], most: int) -> None:
        """Where there are more than so many. This one is the newest, and goes only if no other
        may: a WebSocket is `connections`' to end, and makes room once that has closed it.
        """
        if len(connections) <= most:
            return
        guarded = [each for each in connections if isinstance(each, GuardedProtocol)]
        ending = [each for each in connections if _is_ending(each)]
        others = [each for each in guarded if each is not self]
        oldest = min(others, key=lambda each: (each.claim, each.opened), default=self)
        next(iter(ending), oldest).transport.abort()


class GuardedWebSocket(WebSocketsSansIOProtocol, asyncio.BufferedProtocol):
    """Reads little at a time, and rests: frames cost time before anybody knows what they say. What
    is not taken ends it, and does not keep it from ending.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._buffer = bytearray(READ_BYTES)
        self._is_resting = False

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        started = time.thread_time()
        self.data_received(bytes(self._buffer[:nbytes]))
        self._is_resting = True
        self.transport.pause_reading()
        self.loop.call_later(REST * (time.thread_time() - started), self._end_rest)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.handshake_initiated:  # the head comes first, and whole: it is none
            self.transport.write(NO_HANDSHAKE)
            self.transport.close()

    def handle_cont(self, event: Frame) -> None:
        super().handle_cont(event)
        if len(self.frames) > MAX_FRAGMENTS:
            self.frames = []
            self.conn.fail(TOO_BIG, f"at most {MAX_FRAGMENTS} fragments")
            self.handle_parser_exception()

    def handle_ping(self) -> None:
        if self.writable.is_set():
            super().handle_ping()
        else:  # who does not read the answers gets no more of them
            self.conn.data_to_send()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()

    async def receive(self) -> Any:
        message = await super().receive()
        if self._is_resting:
            self.transport.pause_reading()
        return message

    async def send(self, message: Any) -> None:
        is_last = message["type"] == "websocket.close"
        if is_last and not self.writable.is_set():  # it would not be read
            self.transport.abort()
            return
        await super().send(message)
        if is_last and self.close_timer:  # what is not taken then never is
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.abort)

    def _end_rest(self) -> None:
        self._is_resting = False
        if not self.read_paused:
            self.transport.resume_reading()


Connection = GuardedProtocol | GuardedWebSocket


def _list_open(connections: Iterable[asyncio.Protocol]) -> list[Connection]:
    """Those that are not gone, and will not be by themselves: one that is being closed waits until
    what was written is read.
    """
    return [
        each
        for each in connections
        if isinstance(each, Connection)
        and (not each.transport.is_closing() or each.transport.get_write_buffer_size())
    ]


def _is_ending(connection: Connection) -> bool:
    is_closed = isinstance(connection, GuardedWebSocket) and connection.close_sent
    return is_closed or connection.transport.is_closing()


def _find_host(connection: Connection) -> str:
    return connection.client[0] if connection.client else ""
