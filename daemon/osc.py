"""The OSC surface: UDP messages become calls of the panel and the engine, events become UDP messages.

The wire rules and why they are so: README, "What travels on the wire". The server loop is ours because python-osc's
own reorders, truncates and swallows errors.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.request import BadRequest, OutOfRange, UnknownField, WrongType

from . import API, VERSION
from .engine import Engine
from .jobs import Event, Refused
from .panel import NothingToPlay, Panel
from .protocol import (
    COMMANDS,
    EVENTS,
    SENT,
    WHOLE_TEXTS,
    encode_event,
    encode_fail,
    id_of,
    is_release,
    job_id,
    named,
    positional,
    short,
    whole,
)
from .settings import MAX_SUBSCRIBERS, Settings
from .wire import MAX_DATAGRAM, Address, Argument, Malformed, Message, encode, read_packet

log = logging.getLogger("acestepd.osc")

MAX_TIMED = 1000  # messages of bundles whose time has not come
LEASE = 24 * 3600  # seconds a subscriber is kept without asking again

_OURS = {f"/ace/{name}" for name in SENT}
_CODES = {UnknownField: 404, OutOfRange: 422}


@dataclass
class Subscriber:
    number: int
    topics: frozenset[str]
    until: float


class OscServer:
    """Listens on UDP. One thread reads and handles in order; events are sent from whichever thread has them."""

    def __init__(self, settings: Settings, panel: Panel, engine: Engine) -> None:
        self._panel, self._engine = panel, engine
        self._allowed = {settings.host, *settings.allow}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((settings.host, settings.port))
        self._subscribers: dict[Address, Subscriber] = {}
        self._numbers = itertools.count(1)
        for address in settings.endpoints:
            self._subscribe(address, frozenset(EVENTS), float("inf"))
        self._timed: list[tuple[float, int, Message, Address]] = []
        self._arrivals = itertools.count()
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="osc", daemon=True)
        engine.listen(self._on_event)

    @property
    def address(self) -> Address:
        host, port = self._socket.getsockname()
        return host, port

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing = True
        if self._thread.is_alive():
            self._socket.sendto(b"", self.address)  # wakes the loop
            self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._closing:
            self._socket.settimeout(max(0.001, self._timed[0][0] - time.time()) if self._timed else None)
            try:
                data, sender = self._socket.recvfrom(MAX_DATAGRAM)
                if data:
                    self._receive(data, sender)
            except TimeoutError:
                pass
            except Exception:  # nothing that arrives may stop the server
                log.exception("a datagram could not be handled")
            while self._timed and self._timed[0][0] <= time.time():
                _, _, message, sender = heapq.heappop(self._timed)
                self._handle(message, sender)

    def _receive(self, data: bytes, sender: Address) -> None:
        if not self._trusted(sender):
            log.warning("ignored a datagram from %s, which is not in allow", sender[0])
            return
        now = time.time()
        for at, message in read_packet(data, now):
            if isinstance(message, Malformed):
                if message.address not in _OURS:
                    self._fail(
                        sender, "", message.address, 400, str(message), "see the table of messages in the README"
                    )
            elif at > now and len(self._timed) >= MAX_TIMED:
                self._fail(sender, "", message.address, 429, f"{MAX_TIMED} messages already wait for their time", "")
            elif at > now:
                heapq.heappush(self._timed, (at, next(self._arrivals), message, sender))
            else:
                self._handle(message, sender)

    def _trusted(self, sender: Address) -> bool:
        return sender[0].startswith("127.") or sender[0] in self._allowed

    def _handle(self, message: Message, sender: Address) -> None:
        """Answer one message. Whatever is wrong with it becomes /ace/fail."""
        if message.address in _OURS:
            return  # another daemon's words, or our own reflected: answering would never end
        command = _HANDLERS.get(message.address)
        id = id_of(message.arguments[0]) if message.arguments and message.address in _WITH_ID else ""
        try:
            if command is None:
                raise Refused(404, f"no such message: {message.address[:80]}", "messages: " + " ".join(COMMANDS))
            command(self, message.arguments, sender)
        except Refused as error:
            self._fail(sender, id, message.address, error.code, str(error), error.hint)
        except BadRequest as error:
            self._fail(sender, id, message.address, _CODES.get(type(error), 400), str(error), error.hint)
        except Exception as error:
            log.exception("%s could not be handled", message)
            self._fail(sender, id, message.address, 500, f"{type(error).__name__}: {error}", "this is a bug")

    # --- commands ------------------------------------------------------------------------------------------------

    def _ping(self, arguments: tuple[Argument, ...], sender: Address) -> None:
        self._send(sender, "pong", short(id_of(arguments[0])) if arguments else "", VERSION, API)

    def _status(self, arguments: tuple[Argument, ...], sender: Address) -> None:
        self._sendto(encode_event(self._engine.state_event()), sender)

    def _sync(self, arguments: tuple[Argument, ...], sender: Address) -> None:
        self._send(sender, "synced", whole("n", arguments[0]) if arguments else 0)

    def _notify(self, arguments: tuple[Argument, ...], sender: Address) -> None:
        on = whole("on", arguments[0]) if arguments else 1
        port = whole("port", arguments[1]) if len(arguments) > 1 else sender[1]
        if not 1 <= port <= 65535:
            raise OutOfRange(f"port must be in 1..65535, got {port}")
        address = (sender[0], port)
        if not on:
            gone = self._subscribers.get(address)
            self._subscribers = {a: s for a, s in self._subscribers.items() if a != address}
            self._send(sender, "done", "/ace/notify", gone.number if gone else 0, 0)
            return
        topics = frozenset(" ".join(map(str, arguments[2:])).replace(",", " ").split()) or frozenset(EVENTS)
        if unknown := topics - set(EVENTS):
            raise OutOfRange(f"topics must be of {' '.join(EVENTS)}, got {min(unknown)[:40]!r}")
        subscriber = self._subscribe(address, topics, time.monotonic() + LEASE)
        for listener in {sender, address}:
            self._send(listener, "done", "/ace/notify", subscriber.number, LEASE)
        snapshot = [self._engine.state_event(), *(job.last for job in self._engine.active() if job.last)]
        for event in snapshot:
            if event.kind in topics:
                self._sendto(encode_event(event), address)

    def _subscribe(self, address: Address, topics: frozenset[str], until: float) -> Subscriber:
        now = time.monotonic()
        current = {a: s for a, s in self._subscribers.items() if s.until > now}
        known = current.get(address)
        if known is None and len(current) >= MAX_SUBSCRIBERS:
            raise Refused(
                429, f"{MAX_SUBSCRIBERS} subscribers are already listening", "send /ace/notify 0 where one ends"
            )
        subscriber = Subscriber(known.number if known else next(self._numbers), topics, until)
        self._subscribers = current | {address: subscriber}  # replaced, as other threads read it
        return subscriber

    def _cancel(self, arguments: tuple[Argument, ...], sender: Address) -> None:
        if not arguments or not id_of(arguments[0]):
            raise Refused(400, "which job? the first argument must be its id, or *")
        if not self._engine.cancel(sender, id_of(arguments[0])):
            self._send(sender, "cancelled", "*")  # there was nothing, and now there is nothing

    def _generate(self, arguments: tuple[Argument, ...], sender: Address) -> None:
        if is_release(arguments):
            return
        id, rest = job_id(arguments)
        try:
            self._submit(sender, id, named(rest))
        except WrongType as error:
            error.hint = error.hint or WHOLE_TEXTS
            raise

    def _go(self, arguments: tuple[Argument, ...], sender: Address) -> None:
        if is_release(arguments):
            return
        id, rest = job_id(arguments)
        words, numbers = positional(rest)
        values = {"prompt": " ".join(words)} if words else {}
        self._submit(sender, id, values | dict(zip(("bars", "seed"), numbers)))

    def _submit(self, sender: Address, id: str, values: dict[str, Any]) -> None:
        try:
            wish = self._panel.wish(values)
        except NothingToPlay as error:
            error.hint = "the first argument is the id, then comes what it should sound like"
            raise
        self._engine.submit(sender, id, wish, again=lambda event: self._sendto(encode_event(event), sender))

    # --- sending -------------------------------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        """To the client whose job it is, and to whoever asked for every event of this kind."""
        data, targets = encode_event(event), self._listening(event.kind)
        if event.job is not None:
            others = event.job.also if event.job.ended else set()
            targets |= {client for client in {event.job.client, *others} if isinstance(client, tuple)}
        for address in targets:
            self._sendto(data, address)

    def _listening(self, kind: str) -> set[Address]:
        now = time.monotonic()
        return {a for a, s in self._subscribers.items() if kind in s.topics and s.until > now}

    def _fail(self, sender: Address, id: str, command: str, code: int, message: str, hint: str) -> None:
        """To the sender, and to subscribers on its machine: it may not listen where it sends from."""
        data = encode_fail(id, command, code, message, hint)
        for address in {sender, *(a for a in self._listening("fail") if a[0] == sender[0])}:
            self._sendto(data, address)

    def _send(self, address: Address, name: str, *values: Any) -> None:
        self._sendto(encode(f"/ace/{name}", SENT[name].types, *values), address)

    def _sendto(self, data: bytes, address: Address) -> None:
        try:
            self._socket.sendto(data, address)
        except OSError as error:  # the client has gone, or its port is one nobody may send to
            log.info("could not send to %s: %s", address, error)


_HANDLERS: dict[str, Callable[[OscServer, tuple[Argument, ...], Address], None]] = {
    "/ace/ping": OscServer._ping,
    "/ace/status": OscServer._status,
    "/ace/notify": OscServer._notify,
    "/ace/generate": OscServer._generate,
    "/ace/go": OscServer._go,
    "/ace/cancel": OscServer._cancel,
    "/ace/sync": OscServer._sync,
}
_WITH_ID = {"/ace/generate", "/ace/go", "/ace/cancel"}
