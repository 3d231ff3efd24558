"""OSC's messages as JSON, over WebSockets.

A text has a list of messages, each a list of its address and its arguments:
[["/ace/set/bpm", 92], ["/ace/go", "a", "warm keys", 4]]. They are queued, paid for and answered as
those are that come by UDP.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from pipeline import untrusted
from pipeline.request import clean_controls

from ..osc.server import OscServer
from ..osc.wire import MAX_ARGUMENTS, Argument, Malformed, Message, Peer, read_message
from ..runtime.logs import LimitedLog

log = LimitedLog(logging.getLogger("acestepd.page"))

KIND = "page"  # how its clients' texts begin
MAX_CONNECTIONS = 32
MAX_PER_HOST = 16  # of them, of one machine
MAX_MESSAGES = 64  # of a text
MAX_UNSENT = 4 * 2**20  # bytes kept for a page that does not take them; beyond, it has to come anew
PAUSE = 0.02  # seconds until it is looked again whether the OSC server has taken what came
TRY_AGAIN_LATER = 1013  # a WebSocket's code
POLICY_VIOLATION = 1008


class Connections:
    """The transport of `Publisher` for pages. It is sent to from any thread; all else happens on
    the server's loop.
    """

    def __init__(self, osc: OscServer) -> None:
        self._osc = osc
        self._open: dict[str, _Connection] = {}  # by client; replaced, not changed

    def send(self, packet: bytes, client: str) -> None:
        if connection := self._open.get(client):
            connection.push(packet)

    async def serve(self, socket: WebSocket) -> None:
        """Until it is closed."""
        host = socket.client.host if socket.client else ""
        self._make_room(host)
        await socket.accept()
        # no number: a connection to the next daemon would be taken for one to this
        peer = Peer(f"{KIND}:{secrets.token_hex(8)}", host)
        connection = _Connection(socket, peer, self._osc)
        self._open = self._open | {peer.client: connection}
        try:
            await connection.run()
        finally:
            self._open = {name: one for name, one in self._open.items() if one is not connection}
            self._osc.receive_end(peer)

    def recheck_trust(self) -> None:
        """After other settings: who may not send any more is hung up on. From any thread."""
        for connection in self._open.values():
            if not self._osc.guard.is_trusted(connection.peer.host):
                connection.end(POLICY_VIOLATION, "the daemon's settings have changed")

    def _make_room(self, host: str) -> None:
        """For one more of that machine: of its own, where these are too many, or else of those of
        the machine that has most, that which has said nothing for longest goes.
        """
        hosts = Counter(connection.peer.host for connection in self._open.values())
        if hosts[host] < MAX_PER_HOST:
            if hosts.total() < MAX_CONNECTIONS:
                return
            [(host, _)] = hosts.most_common(1)
        crowd = [each for each in self._open.values() if each.peer.host == host]
        idlest = min(crowd, key=lambda each: each.heard)
        self._open = {name: one for name, one in self._open.items() if one is not idlest}
        idlest.end(TRY_AGAIN_LATER, "too many pages are open")

    async def close(self) -> None:
        for connection in self._open.values():
            await connection.close()


class _Connection:
    """One page. What is to be sent to it is kept until its loop comes to it."""

    def __init__(self, socket: WebSocket, peer: Peer, osc: OscServer) -> None:
        self.peer = peer
        self._socket = socket
        self._osc = osc
        self._loop = asyncio.get_running_loop()
        self.heard = self._loop.time()  # when it last said something
        self._lock = threading.Lock()
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._is_behind = False  # with taking what is sent
        self._has_unsent = asyncio.Event()

    def push(self, packet: bytes) -> None:
        """From any thread."""
        with self._lock:
            if self._is_behind:
                return
            self._unsent.append(packet)
            self._unsent_bytes += len(packet)
            self._is_behind = self._unsent_bytes > MAX_UNSENT
            if self._is_behind:
                self._unsent = []
            is_first = len(self._unsent) == 1
        with suppress(RuntimeError):  # the server has just ended
            if self._is_behind:
                log.warning(self.peer.client, "%s reads too slowly", self.peer.client)
                self.end(POLICY_VIOLATION, "it reads too slowly")
            elif is_first:
                self._loop.call_soon_threadsafe(self._has_unsent.set)

    def end(self, code: int, reason: str) -> None:
        """From any thread."""
        asyncio.run_coroutine_threadsafe(self._socket.close(code, reason), self._loop)

    async def run(self) -> None:
        sending = asyncio.create_task(self._send_all())
        try:
            await self._receive_all()
        except WebSocketDisconnect:
            return
        finally:
            sending.cancel()

    async def close(self) -> None:
        await self._socket.close(1001)

    async def _send_all(self) -> None:
        with suppress(WebSocketDisconnect):  # which the other side of it tells
            while True:
                await self._has_unsent.wait()
                self._has_unsent.clear()
                with self._lock:
                    packets, self._unsent, self._unsent_bytes = self._unsent, [], 0
                if packets:
                    await self._socket.send_text(write_messages(map(read_message, packets)))

    async def _receive_all(self) -> None:
        while True:
            text = await self._receive_text()
            self.heard = self._loop.time()
            for message in read_messages(text):
                self._osc.receive(message, self.peer)
            while self._osc.is_behind:
                await asyncio.sleep(PAUSE)

    async def _receive_text(self) -> str:
        """What comes next: of bytes that is nothing, which is answered as such."""
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received["code"])
        return received.get("text") or ""


def write_messages(messages: Iterator[Message]) -> str:
    """The text of these messages."""
    return json.dumps([[each.address, *each.arguments] for each in messages])


def read_messages(text: str) -> list[Message | Malformed]:
    """The messages of a text, each by itself; what is none says why."""
    try:
        found = untrusted.parse_json(text)
    except ValueError as error:
        return [Malformed(f'not JSON ({error}): send [["/ace/ping"]]')]
    if not isinstance(found, list) or not 1 <= len(found) <= MAX_MESSAGES:
        return [Malformed(f"a text is a list of 1 to {MAX_MESSAGES} messages")]
    return [_read_message(each) for each in found]


def _read_message(found: Any) -> Message | Malformed:
    match found:
        case [str(address), *arguments] if address.startswith("/"):
            return _read_arguments(address, arguments)
    return Malformed("a message is a list of an address and its arguments")


def _read_arguments(address: str, arguments: list[Any]) -> Message | Malformed:
    is_plain = all(isinstance(each, Argument) for each in arguments)
    if is_plain and len(arguments) <= MAX_ARGUMENTS:
        cleaned = (clean_controls(each) if isinstance(each, str) else each for each in arguments)
        return Message(clean_controls(address), tuple(cleaned))
    malformed = Malformed(
        f"arguments are at most {MAX_ARGUMENTS} texts, numbers, true, false and null"
    )
    malformed.address = address
    return malformed
