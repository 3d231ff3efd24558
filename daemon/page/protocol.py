"""HTTP on one connection: who may open one, how many a machine may have, and how long it may take
to ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from ..osc.guard import is_loopback
from .admission import Admission

MAX_CONNECTIONS = 128
MAX_PER_MACHINE = 24  # of them, of another machine: a browser opens six at once, and a WebSocket
MAX_STRANGERS = 4  # of those, of a machine that has not said the token
TOKEN_SECONDS = 10.0  # until such a machine has to say it in a connection
ASKING_SECONDS = 10.0  # that the head of a question may take, and a connection that asks nothing


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
        sockets = [each for each in connections if isinstance(each, WebSocketsSansIOProtocol)]
        closed = [each for each in sockets if each.close_sent]
        others = [each for each in guarded if each is not self]
        oldest = min(others, key=lambda each: (each.claim, each.opened), default=self)
        next(iter(closed), oldest).transport.abort()


Connection = GuardedProtocol | WebSocketsSansIOProtocol


def _list_open(connections: Iterable[asyncio.Protocol]) -> list[Connection]:
    return [
        each
        for each in connections
        if isinstance(each, Connection) and not each.transport.is_closing()
    ]


def _find_host(connection: Connection) -> str:
    return connection.client[0] if connection.client else ""
