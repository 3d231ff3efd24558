"""The OSC surface: packets become commands, events become packets.

UDP, and TCP where the settings say so, share one thread, one selector and one way in:
`handle_packet`. The wire rules and why they are so: daemon/README.md, "On the wire". The loop is
ours because python-osc's own reorders, truncates and swallows errors.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from functools import partial
from typing import TypeVar

from ..engine import Engine
from ..integrations.clients import Clients
from ..integrations.inserter import Inserter
from ..jobs import Refused
from ..pads.controllers import Controllers
from ..pads.player import PadPlayer
from ..panel import Panel
from ..paths import AllowedFolders
from ..runtime.logs import LimitedLog
from ..settings import Settings, SettingsError
from .command import Context
from .dispatch import dispatch, reject
from .guard import Guard
from .handlers.daemon import HELLO
from .handlers.subscriptions import NOTIFY
from .lyric_uploads import RESTART_HINT, LyricUploads
from .outgoing import OUTGOING
from .publisher import Publisher, Transport
from .subscribers import Subscribers
from .tcp import TcpTransport
from .timed_queue import TimedQueue
from .udp import UdpTransport
from .wire import Address, Malformed, Message, Peer, read_packet

log = LimitedLog(logging.getLogger("acestepd.osc"))

T = TypeVar("T")


class OscServer:
    """One thread reads and handles packets, in order; events are sent on the thread that publishes
    them.
    """

    def __init__(
        self,
        settings: Settings,
        panel: Panel,
        engine: Engine,
        allowed_folders: AllowedFolders,
        clients: Clients,
        inserter: Inserter,
    ) -> None:
        self.settings = settings
        self.panel = panel
        self.engine = engine
        self.allowed_folders = allowed_folders
        self.clients = clients
        self.inserter = inserter
        self.pads: PadPlayer | None = None
        self.controllers: Controllers | None = None  # where there are MIDI ports
        self.guard = Guard(settings)
        self.subscribers = Subscribers(settings.endpoints)
        self.lyric_uploads = LyricUploads()
        self.timed_queue = TimedQueue()
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name="osc", daemon=True)
        self._open(settings)
        self.publisher = Publisher(self._transports(), self.guard, self.subscribers)
        engine.subscribe(self.publisher.publish_event)
        panel.listen(self.publisher.publish_parameter)

    def _open(self, settings: Settings) -> None:
        """The sockets and the selector. Raises `SettingsError` where a port is taken."""
        with ExitStack() as opened:  # closed again when something below fails
            self.selector: selectors.BaseSelector = opened.enter_context(
                selectors.DefaultSelector()
            )
            # written to by other threads in order to end the loop's select
            self._wake_receiver, self._wake_sender = (
                opened.enter_context(end) for end in socket.socketpair()
            )
            udp = _bind("UDP", settings.host, settings.port, UdpTransport)
            self._udp = opened.enter_context(closing(udp))
            self._tcp: TcpTransport | None = None
            if settings.tcp >= 0:
                tcp = _bind("TCP", settings.host, settings.tcp, partial(TcpTransport, self))
                self._tcp = opened.enter_context(closing(tcp))
            self._opened = opened.pop_all()
        for end in (self._wake_receiver, self._wake_sender):
            end.setblocking(False)
        self.selector.register(self._udp.socket, selectors.EVENT_READ, lambda _: self._read_udp())
        self.selector.register(
            self._wake_receiver, selectors.EVENT_READ, lambda _: self._wake_receiver.recv(1024)
        )

    def _transports(self) -> dict[str, Transport]:
        transports: dict[str, Transport] = {"udp": self._udp}
        if self._tcp:
            transports["tcp"] = self._tcp
        return transports

    @property
    def address(self) -> Address:
        """The host and port of UDP."""
        return self._udp.address

    @property
    def tcp_address(self) -> Address | None:
        return self._tcp.address if self._tcp else None

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing = True
        if self._thread.is_alive():
            self.wake()
            self._thread.join()
        self._opened.close()

    def change_settings(self, settings: Settings, allowed_folders: AllowedFolders) -> None:
        """Other settings from now on: everything but the host and the ports, which need a
        restart.
        """
        self.settings = settings
        self.allowed_folders = allowed_folders
        self.guard.change_settings(settings)
        self.subscribers.change_static(settings.endpoints)
        for peer in self.subscribers.remove_untrusted(self.guard.is_trusted):
            self.clients.remove(peer.client)
        if self._tcp:
            self._tcp.recheck_trust()
        self.wake()

    # --- the loop ---------------------------------------------------------------------------------

    def _serve(self) -> None:
        while not self._closing:
            try:
                self._run_once()
            except Exception:  # nothing that arrives may stop the server
                log.exception("", "a packet could not be handled")

    def _run_once(self) -> None:
        """Wait for what comes next, and handle it."""
        for key, events in self.selector.select(self._select_timeout()):
            with suppress(BlockingIOError):
                key.data(events)
        self._dispatch_due()
        self._expire_lyric_uploads()
        if self._tcp:
            self._tcp.update_connections()

    def _select_timeout(self) -> float | None:
        """Seconds until there is something to do although nothing arrives; None: for ever."""
        deadline = min(self.timed_queue.deadline, self.lyric_uploads.deadline)
        if self._tcp:
            deadline = min(deadline, self._tcp.deadline)
        if deadline == float("inf"):
            return None
        return max(0.0, deadline - time.monotonic())

    def _read_udp(self) -> None:
        packet, sender = self._udp.receive()
        if self.is_allowed(sender.host):
            self.handle_packet(packet, sender)
        else:
            host = sender.host
            log.warning(host, "ignored a datagram from %s, which is not in allow", host)

    def _dispatch_due(self) -> None:
        while timed := self.timed_queue.pop_due():
            # not if its sender was shut out in the meantime
            if self.guard.is_trusted(timed.sender.host):
                dispatch(timed.message, self._context(timed.sender))

    def _expire_lyric_uploads(self) -> None:
        for upload in self.lyric_uploads.remove_expired():
            text = f"the lyrics {upload.name!r} were never ended, and are forgotten"
            context = self._context(upload.sender)
            context.fail("", "/ace/lyrics/end", 408, text, RESTART_HINT)

    # --- a packet's messages ----------------------------------------------------------------------

    def handle_packet(self, packet: bytes | Malformed, sender: Peer) -> None:
        """A packet of a machine that is allowed, whatever it came with. It costs a token of the
        sender's bucket, and each further message in it another; where the bucket is empty, the rest
        of the packet is dropped.
        """
        now = time.time()
        messages = read_packet(packet, now) if isinstance(packet, bytes) else iter([(now, packet)])
        is_admitted = self.guard.admit(sender)  # also a bundle without messages
        for number, (due, message) in enumerate(messages):
            if number:
                is_admitted = self.guard.admit(sender)
            if not is_admitted:
                self._reject_flood(message, sender)
                return
            self._handle_message(message, sender, due - now)

    def _handle_message(self, message: Message | Malformed, sender: Peer, delay: float) -> None:
        """Dispatch a message, now or in `delay` seconds, where its sender may send it."""
        if not self.guard.is_authenticated(sender.host) and message.address != HELLO:
            self._reject_stranger(message, sender)
            return
        returned = self.clients.note_heard(sender.client)
        if returned and message.address != NOTIFY:  # which does that itself
            peer = Peer(returned.client, sender.host)
            self.inserter.redeliver(returned.name, partial(self.publisher.send_event, peer))
        if isinstance(message, Malformed):
            self._reject_malformed(message, sender)
        elif delay <= 0:
            dispatch(message, self._context(sender))
        else:
            self._postpone(message, sender, delay)

    def _postpone(self, message: Message, sender: Peer, delay: float) -> None:
        try:
            self.timed_queue.push(message, sender, delay)
        except Refused as error:
            reject(message, self._context(sender), error.code, str(error), error.hint)

    def _drop_timed(self) -> int:
        """Drop the messages that wait for their time, and tell their senders. Returns how many."""
        dropped = self.timed_queue.drop_waiting()
        for timed in dropped:
            reject(
                timed.message,
                self._context(timed.sender),
                499,
                "it waited for its time, and somebody stopped everything",
                "send it again",
            )
        return len(dropped)

    def _reject_flood(self, message: Message | Malformed, sender: Peer) -> None:
        if self.guard.take_rejection(sender):
            text = f"more than {self.settings.rate} messages a second came"
            hint = "send slower, or raise rate in the settings"
            self._context(sender).fail("", message.address, 429, text, hint)

    def _reject_stranger(self, message: Message | Malformed, sender: Peer) -> None:
        if self.guard.take_rejection(sender):
            text = "this daemon wants a token"
            self._context(sender).fail("", message.address, 401, text, f"send {HELLO} TOKEN")

    def _reject_malformed(self, message: Malformed, sender: Peer) -> None:
        if message.address.removeprefix("/ace/") not in OUTGOING:
            hint = "see the table of messages in the README"
            self._context(sender).fail("", message.address, 400, str(message), hint)

    def _context(self, sender: Peer) -> Context:
        return Context(
            sender=sender,
            publisher=self.publisher,
            settings=self.settings,
            engine=self.engine,
            panel=self.panel,
            allowed_folders=self.allowed_folders,
            guard=self.guard,
            subscribers=self.subscribers,
            clients=self.clients,
            inserter=self.inserter,
            lyric_uploads=self.lyric_uploads,
            drop_timed=self._drop_timed,
            pads=self.pads,
            controllers=self.controllers,
        )

    # --- what a transport needs -------------------------------------------------------------------

    def is_allowed(self, host: str) -> bool:
        return self.guard.is_allowed(host)

    def is_authenticated(self, host: str) -> bool:
        return self.guard.is_authenticated(host)

    def handle_disconnect(self, peer: Peer) -> None:
        self.subscribers.remove(peer.client)
        self.clients.remove(peer.client)

    def wake(self) -> None:
        """End the loop's wait. From any thread."""
        with suppress(BlockingIOError):  # it has been woken often enough
            self._wake_sender.send(b"!")


def _bind(kind: str, host: str, port: int, transport: Callable[[str, int], T]) -> T:
    try:
        return transport(host, port)
    except OSError as error:
        another = {"UDP": "another port with --port", "TCP": "another tcp in the settings"}[kind]
        hint = f"is acestepd running already? Choose {another}"
        raise SettingsError(
            f"cannot listen on {kind} {host}:{port}: {error.strerror}; {hint}"
        ) from error
