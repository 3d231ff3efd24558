"""The OSC surface: packets become commands, events become packets.

UDP, and TCP where the settings say so, share one thread, one selector and one queue. The thread
takes in what has arrived and serves for a moment, and for no less time than it received: a flood
neither keeps it from serving, nor fills the system's buffer meanwhile. The senders are served in
turn, each message by itself and long answers piece by piece, so that nobody keeps the others
waiting for longer than one piece.

The wire rules and why they are so: daemon/README.md, "On the wire". The loop is ours because
python-osc's own reorders, truncates and swallows errors.
"""

from __future__ import annotations

import itertools
import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from functools import partial
from typing import NamedTuple, TypeVar

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
from .dispatch import dispatch, find_row, makes_job, reject
from .fair_queue import FairQueue
from .guard import HELLO, Guard
from .handlers.subscriptions import NOTIFY
from .lyric_uploads import RESTART_HINT, LyricUploads
from .outgoing import OUTGOING
from .publisher import Publisher, Transport
from .sender_lanes import SHARED, SenderLanes
from .subscribers import Subscribers
from .tcp import TcpTransport, Work
from .timed_queue import TOO_MANY_HINT, TimedQueue
from .udp import UdpTransport
from .wire import Address, Malformed, Message, Peer, read_packet

log = LimitedLog(logging.getLogger("acestepd.osc"))

T = TypeVar("T")

MAX_RECEIVED = 64  # messages of other threads' surfaces that wait to be queued
BATCH = 256  # datagrams, or other messages, that are taken in before somebody is served
SLICE = 0.002  # seconds of serving, or as many as receiving took, before it is received again
STOPPED = "and somebody stopped everything"
AGAIN_HINT = "send it again"
QUANTUM = 0.0005  # seconds that a sender has in its turn; a piece of work is not interrupted


class Waiting(NamedTuple):
    """What is to be done for a sender, and its place in the order in which all of that arrived."""

    sender: Peer
    work: Work
    arrival: int


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
        self._waiting: FairQueue[Waiting] = FairQueue()
        self._lanes = SenderLanes()
        # what came on a surface of another thread, and is not queued yet; None: it has ended
        self._received: deque[tuple[Message | Malformed | None, Peer]] = deque()
        self._arrivals = itertools.count(1)
        self._serving = 0  # the arrival of what is being served
        self._stopped = 0  # what arrived before that makes no job any more: a panic came
        self._closing = False
        self._clock = time.perf_counter  # of receiving and serving
        self._thread = threading.Thread(target=self._run, name="osc", daemon=True)
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

    def _run(self) -> None:
        while not self._closing:
            try:
                self._run_once()
            except Exception:  # nothing that arrives may stop the server
                log.exception("", "the OSC server's loop")

    def _run_once(self) -> None:
        """Wait for what comes next, receive what is there, and serve for a moment."""
        timeout = 0.0 if self._waiting or self._received else self._select_timeout()
        ready = self.selector.select(timeout)
        began = self._clock()
        for key, events in ready:
            with suppress(BlockingIOError):
                key.data(events)
        self._queue_received()
        self._queue_due()
        self._expire_lyric_uploads()
        now = self._clock()
        self._serve(until=now + max(SLICE, now - began))
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

    def _serve(self, until: float) -> None:
        """Serve senders in turn until then; at least one."""
        started = time.thread_time()
        while self._waiting:
            lane, (sender, work, self._serving) = self._waiting.start_turn()
            is_done = _advance(work, time.perf_counter() + QUANTUM)
            ended = time.thread_time()
            self._waiting.end_turn(lane, ended - started, is_done)
            if is_done:
                self._lanes.leave(lane, sender)
            self.guard.charge(sender, seconds=ended - started)
            started = ended
            if self._clock() >= until:
                return

    # --- what arrives waits for its turn ----------------------------------------------------------

    def _read_udp(self) -> None:
        """Take what has arrived out of the system's buffer, which all senders share."""
        for _ in range(BATCH):
            packet, sender = self._udp.receive()
            if self.is_allowed(sender.host):
                self._queue_packet(packet, sender)
            else:
                host = sender.host
                log.warning(host, "ignored a datagram from %s, which is not in allow", host)

    def _queue_received(self) -> None:
        for _ in range(min(BATCH, len(self._received))):
            message, sender = self._received.popleft()
            if message is None:
                self.queue_work(sender, self._end(sender))
            else:
                self._queue_packet(message, sender)

    def _end(self, sender: Peer) -> Work:
        self.handle_disconnect(sender)
        yield

    def _queue_packet(self, packet: bytes | Message | Malformed, sender: Peer) -> None:
        is_admitted = self.guard.admit(sender)
        size = _measure(packet)
        if is_admitted and self._waiting.has_room(self._lanes.find(sender), size):
            self.queue_work(sender, self._handle_messages(packet, sender), size)
        elif self._says_right_token(packet, sender):
            deque(self._handle_messages(packet, sender), maxlen=0)
        elif is_admitted:
            self._reject_backlog(packet, sender)
        else:
            self._reject_flood(packet, sender)

    def _says_right_token(self, packet: bytes | Message | Malformed, sender: Peer) -> bool:
        """Whether a machine that has yet to say the token says it. It need not wait or pay: another
        program of that machine, or one that claims to be on it, may have used up all that it has.
        """
        if self.guard.is_authenticated(sender.host) or not isinstance(packet, bytes):
            return False
        return self.guard.is_right_hello(packet)

    def _queue_due(self) -> None:
        for timed in itertools.islice(iter(self.timed_queue.pop_due, None), BATCH):
            # not if its sender was shut out in the meantime
            if self.guard.is_trusted(timed.sender.host):
                context = self._context(timed.sender, timed.message)
                work = self._dispatch(timed.message, context)
                self.queue_work(timed.sender, work)

    def queue_work(self, sender: Peer, work: Work, size: int = 0) -> None:
        """Do this when it is the sender's turn. It keeps `size` bytes."""
        waiting = Waiting(sender, work, next(self._arrivals))
        lane = self._lanes.find(sender)
        self._lanes.enter(lane, sender)
        member = sender.client if lane == SHARED else ""
        self._waiting.push(lane, waiting, size, member)

    def _expire_lyric_uploads(self) -> None:
        for upload in self.lyric_uploads.remove_expired():
            text = f"the lyrics {upload.name!r} were never ended, and are forgotten"
            ending = Message("/ace/lyrics/end", (upload.name,))
            context = self._context(upload.sender, ending)
            context.fail("", ending.address, 408, text, RESTART_HINT)

    # --- a packet's messages ----------------------------------------------------------------------

    def handle_packet(self, packet: bytes | Malformed, sender: Peer) -> Work:
        """A packet of a machine that is allowed, whatever it came with. Each message in it costs a
        token of the sender's bucket; where that is empty, the rest of the packet is dropped.
        """
        # also a bundle without messages
        if self.guard.admit(sender) or self._says_right_token(packet, sender):
            yield from self._handle_messages(packet, sender)
        else:
            self._reject_flood(packet, sender)

    def _handle_messages(self, packet: bytes | Message | Malformed, sender: Peer) -> Work:
        """A packet whose first message has been paid for."""
        now = time.time()
        for number, (due, message) in enumerate(_read_messages(packet, now)):
            if number and not self.guard.admit(sender):
                self._reject_flood(message, sender)
                return
            yield from self._handle_message(message, sender, due - now)
            yield

    def _handle_message(self, message: Message | Malformed, sender: Peer, delay: float) -> Work:
        """Dispatch a message, now or in `delay` seconds, where its sender may send it."""
        if not self.guard.is_authenticated(sender.host) and message.address != HELLO:
            self._reject_stranger(message, sender)
            return
        context = self._context(sender, message)
        returned = self.clients.note_heard(sender.client)
        if returned and message.address != NOTIFY:  # which does that itself
            with suppress(Refused):  # it has sent too much at once: it gets that when it is quieter
                context.redeliver(returned.name, Peer(returned.client, sender.host))
        if isinstance(message, Malformed):
            self._reject_malformed(message, context)
        else:
            yield from self._dispatch(message, context, delay)

    def _dispatch(self, message: Message, context: Context, delay: float = 0.0) -> Work:
        if self._serving < self._stopped and makes_job(message):
            reject(message, context, 499, f"it waited for its turn, {STOPPED}", AGAIN_HINT)
        elif delay <= 0:
            yield from dispatch(message, context)
        else:
            self._postpone(message, context, delay)

    def _postpone(self, message: Message, context: Context, delay: float) -> None:
        try:
            dropped = self.timed_queue.push(message, context.sender, delay)
        except Refused as error:
            reject(message, context, error.code, str(error), error.hint)
            return
        if dropped:
            text = "it waited for its time, and made room: most of what waits is yours"
            sender, late = dropped.sender, dropped.message
            reject(late, self._context(sender, late), 429, text, TOO_MANY_HINT)

    def _drop_timed(self) -> list[Callable[[], None]]:
        """Drop the messages that wait for their time, for the command that is served. Returns what
        tells each sender of that. What arrived before it, and waits for its turn, makes no job.
        """
        self._stopped = self._serving
        text = f"it waited for its time, {STOPPED}"
        return [
            partial(reject, message, self._context(sender, message), 499, text, AGAIN_HINT)
            for _, _, message, sender in self.timed_queue.drop_waiting()
        ]

    def _reject_flood(self, packet: bytes | Message | Malformed, sender: Peer) -> None:
        text = f"more than {self.settings.rate} messages a second came, or what costs as much"
        self._reject_excess(packet, sender, text, "send slower, or raise rate in the settings")

    def _reject_backlog(self, packet: bytes | Message | Malformed, sender: Peer) -> None:
        text = "more messages wait than can be kept"
        self._reject_excess(packet, sender, text, "send slower, or fewer at once")

    def _reject_excess(
        self, packet: bytes | Message | Malformed, sender: Peer, text: str, hint: str
    ) -> None:
        """Say that something was dropped, once a second."""
        if self.guard.take_rejection(sender):
            _, first = next(
                _read_messages(packet, time.time()), (0.0, Malformed("an empty bundle"))
            )
            self._context(sender, first).fail("", first.address, 429, text, hint)

    def _reject_stranger(self, message: Message | Malformed, sender: Peer) -> None:
        if self.guard.take_rejection(sender):
            text = "this daemon wants a token"
            context = self._context(sender, message)
            context.fail("", message.address, 401, text, f"send {HELLO} TOKEN")

    def _reject_malformed(self, message: Malformed, context: Context) -> None:
        if message.address.removeprefix("/ace/") not in OUTGOING:
            hint = "see the table of messages in the README"
            context.fail("", message.address, 400, str(message), hint)

    def _context(self, sender: Peer, message: Message | Malformed) -> Context:
        return Context(
            sender=sender,
            message=message,
            command=find_row(message.address),
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

    def receive(self, message: Message | Malformed, sender: Peer) -> None:
        """What came on a surface of another thread: it waits for its turn like all else."""
        self._received.append((message, sender))
        self.wake()

    def receive_end(self, sender: Peer) -> None:
        """One of those is gone: it is sent nothing more, once what came of it has had its turn."""
        self._received.append((None, sender))
        self.wake()

    @property
    def is_behind(self) -> bool:
        """Whether much of that is not even queued: its surface should read no more."""
        return len(self._received) > MAX_RECEIVED

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


def _measure(packet: bytes | Message | Malformed) -> int:
    """About how many bytes are kept of it."""
    if isinstance(packet, bytes):
        return len(packet)
    arguments = packet.arguments if isinstance(packet, Message) else ()
    return len(packet.address) + sum(len(str(each)) for each in arguments)


def _read_messages(
    packet: bytes | Message | Malformed, now: float
) -> Iterator[tuple[float, Message | Malformed]]:
    return read_packet(packet, now) if isinstance(packet, bytes) else iter([(now, packet)])


def _advance(work: Work, until: float) -> bool:
    """Do the pieces of it until then, at least one. Returns whether that was all."""
    try:
        for _ in work:
            if time.perf_counter() >= until:
                return False
    except Exception:  # nothing that arrives may stop the server
        log.exception("", "a packet could not be handled")
    return True
