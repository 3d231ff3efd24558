"""The OSC surface: packets become commands, events become packets.

UDP, and TCP where the settings say so, share one thread, one selector and one way in: `receive`.
The wire rules and why they are so: README, "What travels on the wire". The loop is ours because
python-osc's own reorders, truncates and swallows errors.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from functools import partial
from typing import Any, TypeVar

from pipeline.request import BadRequest, OutOfRange, UnknownField

from ..engine import Engine
from ..jobs import Event, Refused
from ..pads.controllers import Controllers
from ..pads.player import PadPlayer
from ..panel import Panel
from ..paths import AllowedFolders
from ..settings import Settings, SettingsError
from . import commands, lyric_uploads
from .guard import Guard
from .protocol import PARAM, SENT, encode_event, encode_fail, encode_param, is_ours, topic
from .subscribers import Subscribers
from .tcp import Tcp
from .wire import MAX_DATAGRAM, Address, Malformed, Message, Sender, encode, read_packet

log = logging.getLogger("acestepd.osc")

MAX_TIMED = 1000  # messages of bundles whose time has not come, of one machine's program
MAX_TIMED_IN_ALL = 4 * MAX_TIMED
RECEIVE_BUFFER = 1 << 20  # bytes; the system may give less

T = TypeVar("T")

_CODES = {UnknownField: 404, OutOfRange: 422}


class Udp:
    """The datagram socket. Nothing waits: what cannot be sent at once is lost, as datagrams are."""

    def __init__(self, host: str, port: int) -> None:
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

    def receive(self) -> tuple[bytes, Sender]:
        data, (host, port) = self.socket.recvfrom(MAX_DATAGRAM)
        return data, Sender(f"udp:{host}:{port}", host)

    def send(self, packet: bytes, client: str) -> None:
        _, host, port = client.split(":")
        try:
            self.socket.sendto(packet, (host, int(port)))
        except OSError as error:  # the client has gone, or its port is one nobody may send to
            log.info("could not send to %s: %s", client, error)


class OscServer:
    """Listens. One thread reads and handles, in order; events are sent from whichever thread has
    them.
    """

    def __init__(
        self, settings: Settings, panel: Panel, engine: Engine, allowed_folders: AllowedFolders
    ) -> None:
        self.settings = settings
        self.panel = panel
        self.engine = engine
        self.allowed_folders = allowed_folders
        self.pads: PadPlayer | None = None
        self.hands: Controllers | None = None  # where there are MIDI ports
        self.guard = Guard(settings)
        self.subscribers = Subscribers(settings.endpoints)
        self.drafts = lyric_uploads.LyricUploads()
        # a heap; times are time.monotonic's
        self._timed: list[tuple[float, int, Message, Sender]] = []
        self._arrivals = itertools.count()
        self._closing = False
        # by the command, the client whose wish may fail after it was answered
        self.asked: dict[str, str] = {}
        self._thread = threading.Thread(target=self._serve, name="osc", daemon=True)
        with ExitStack() as opened:  # closed again when something below fails
            self.selector: selectors.BaseSelector = opened.enter_context(
                selectors.DefaultSelector()
            )
            self._bell, self._ringer = (opened.enter_context(end) for end in socket.socketpair())
            self._udp = opened.enter_context(
                closing(_listening("UDP", settings.host, settings.port, Udp))
            )
            self._tcp: Tcp | None = None
            if settings.tcp >= 0:
                tcp = _listening("TCP", settings.host, settings.tcp, partial(Tcp, self))
                self._tcp = opened.enter_context(closing(tcp))
            self._opened = opened.pop_all()
        self._bell.setblocking(False)
        self._ringer.setblocking(False)
        self.selector.register(self._udp.socket, selectors.EVENT_READ, lambda _: self._read_udp())
        self.selector.register(self._bell, selectors.EVENT_READ, lambda _: self._bell.recv(1024))
        engine.subscribe(self._on_event)
        panel.listen(self._on_turn)

    @property
    def address(self) -> Address:
        """Of UDP."""
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

    def change(self, settings: Settings, allowed_folders: AllowedFolders) -> None:
        """Other settings from now on: everything but the host and the ports, which need a
        restart.
        """
        self.settings = settings
        self.allowed_folders = allowed_folders
        self.guard.change(settings)
        self.subscribers.change(settings.endpoints)
        self.subscribers.sift(self._may_hear)
        if self._tcp:
            self._tcp.sift(self.welcomes)
        self.wake()

    def _may_hear(self, host: str) -> bool:
        return self.welcomes(host) and self.guard.greeted(host)

    # --- receiving --------------------------------------------------------------------------------

    def _serve(self) -> None:
        while not self._closing:
            try:
                self._round()
            except Exception:  # nothing that arrives may stop the server
                log.exception("a packet could not be handled")

    def _round(self) -> None:
        """Wait for what comes next, and handle it."""
        for key, events in self.selector.select(self._patience()):
            with suppress(BlockingIOError):
                key.data(events)
        self._run_due()
        self._give_up_drafts()
        if self._tcp:
            self._tcp.tidy()

    def _patience(self) -> float | None:
        """Seconds until there is something to do although nothing arrives."""
        due = min(self._timed[0][0] if self._timed else float("inf"), self.drafts.deadline)
        wait = max(0.0, due - time.monotonic())
        return None if wait == float("inf") else wait

    def _read_udp(self) -> None:
        data, sender = self._udp.receive()
        if self.welcomes(sender.host):
            self.receive(data, sender)
        else:
            log.warning("ignored a datagram from %s, which is not in allow", sender.host)

    def receive(self, packet: bytes | Malformed, sender: Sender) -> None:
        """A packet, whatever it came with. Each of its messages is one from the sender's bucket."""
        now = time.time()
        messages = read_packet(packet, now) if isinstance(packet, bytes) else iter([(now, packet)])
        admitted = self.guard.admits(sender)
        for number, (at, message) in enumerate(messages):
            if number:
                admitted = self.guard.admits(sender)
            if not admitted:
                if self.guard.may_complain(sender):
                    rate = f"more than {self.settings.rate} messages a second came"
                    self.fail(
                        sender,
                        "",
                        message.address,
                        429,
                        rate,
                        "send slower, or raise rate in the settings",
                    )
                return
            self._take(at, message, sender, now)

    def _take(self, at: float, message: Message | Malformed, sender: Sender, now: float) -> None:
        if not self.guard.greeted(sender.host) and message.address != commands.HELLO:
            if self.guard.may_complain(sender):
                self.fail(
                    sender,
                    "",
                    message.address,
                    401,
                    "this daemon wants a token",
                    f"send {commands.HELLO} TOKEN",
                )
        elif isinstance(message, Malformed):
            if message.address.removeprefix("/ace/") not in SENT:
                self.fail(
                    sender,
                    "",
                    message.address,
                    400,
                    str(message),
                    "see the table of messages in the README",
                )
        elif at <= now:
            self._handle(message, sender)
        elif len(self._timed) >= MAX_TIMED_IN_ALL or self._waiting(sender) >= MAX_TIMED:
            text = f"{MAX_TIMED} messages already wait for their time"
            self._refuse(sender, message, 429, text, "send them when they are due, or /ace/panic")
        else:
            due = time.monotonic() + at - now  # from here on nobody can turn the clock
            heapq.heappush(self._timed, (due, next(self._arrivals), message, sender))

    def _waiting(self, sender: Sender) -> int:
        return sum(other.client == sender.client for *_, other in self._timed)

    def _run_due(self) -> None:
        while self._timed and self._timed[0][0] <= time.monotonic():
            _, _, message, sender = heapq.heappop(self._timed)
            if self._may_hear(sender.host):  # not if it was shut out in the meantime
                self._handle(message, sender)

    def _give_up_drafts(self) -> None:
        for draft in self.drafts.expired():
            text = f"the lyrics {draft.name!r} were never ended, and are forgotten"
            self.fail(draft.sender, "", "/ace/lyrics/end", 408, text, lyric_uploads.AGAIN)

    def _handle(self, message: Message, sender: Sender) -> None:
        """Answer one message. Whatever is wrong with it becomes /ace/fail."""
        if is_ours(message):
            return
        try:
            commands.handle(self, message, sender)
        except Refused as error:
            self._refuse(sender, message, error.code, str(error), error.hint)
        except BadRequest as error:
            self._refuse(sender, message, _CODES.get(type(error), 400), str(error), error.hint)
        except Exception as error:
            log.exception("%s could not be handled", message)
            self._refuse(sender, message, 500, f"{type(error).__name__}: {error}", "this is a bug")

    def _refuse(self, sender: Sender, message: Message, code: int, text: str, hint: str) -> None:
        self.fail(sender, commands.about(message), message.address, code, text, hint)

    def forget_timed(self) -> int:
        """Drop the messages that wait for their time, and tell their senders. How many.

        What is due already stays: it may stand behind this very command, in its bundle.
        """
        now = time.monotonic()
        dropped = [entry for entry in self._timed if entry[0] > now]
        self._timed = [entry for entry in self._timed if entry[0] <= now]
        heapq.heapify(self._timed)
        for *_, message, sender in sorted(dropped, key=lambda entry: entry[:2]):
            self._refuse(
                sender,
                message,
                499,
                "it waited for its time, and somebody stopped everything",
                "send it again",
            )
        return len(dropped)

    # --- sending ----------------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        """To the client whose job or wish it is, and to whoever asked for every event of this
        kind.
        """
        clients = {sender.client for sender in self.subscribers.of(topic(event.kind))}
        if event.job is not None:
            clients |= {client for client in _concerned(event) if self._answers(client)}
        elif (
            event.kind == "fail"
            and (client := self.asked.get(str(event.values[0])))
            and self._answers(client)
        ):
            clients |= {client}
        packet = encode_event(event)
        for client in clients:
            self.send(packet, client)

    def _on_turn(self, name: str, value: Any) -> None:
        for sender in self.subscribers.of(PARAM):
            self.send(encode_param(name, value), sender.client)

    def _answers(self, client: str) -> bool:
        """Whether a job's client is ours to tell, and allowed: an earlier daemon may have had other
        settings.
        """
        kind, _, rest = client.partition(":")
        return kind == "tcp" or (kind == "udp" and self.welcomes(rest.partition(":")[0]))

    def fail(
        self, sender: Sender, id: str, command: str, code: int, message: str, hint: str
    ) -> None:
        """To the sender, and to subscribers on its machine: it may not listen where it sends
        from.
        """
        packet = encode_fail(id, command, code, message, hint)
        neighbours = {
            other.client for other in self.subscribers.of("fail") if other.host == sender.host
        }
        for client in {sender.client, *neighbours}:
            self.send(packet, client)

    def answer(self, sender: Sender, name: str, *values: Any) -> None:
        self.send(encode(f"/ace/{name}", SENT[name].types, *values), sender.client)

    def tell(self, sender: Sender, event: Event) -> None:
        self.send(encode_event(event), sender.client)

    def send(self, packet: bytes, client: str) -> None:
        """From any thread, and never waiting."""
        if client.startswith("udp:"):
            self._udp.send(packet, client)
        elif self._tcp:
            self._tcp.send(packet, client)

    # --- what a transport needs -------------------------------------------------------------------

    def welcomes(self, host: str) -> bool:
        return self.guard.knows(host)

    def left(self, sender: Sender) -> None:
        self.subscribers.remove(sender.client)

    def wake(self) -> None:
        with suppress(BlockingIOError):  # it has been rung often enough
            self._ringer.send(b"!")


def _concerned(event: Event) -> set[str]:
    if event.job is None:
        return set()
    return {event.job.client, *(event.job.observers if event.job.ended else ())}


def _listening(kind: str, host: str, port: int, made: Callable[[str, int], T]) -> T:
    try:
        return made(host, port)
    except OSError as error:
        another = {"UDP": "another port with --port", "TCP": "another tcp in the settings"}[kind]
        hint = f"is acestepd running already? Choose {another}"
        raise SettingsError(
            f"cannot listen on {kind} {host}:{port}: {error.strerror}; {hint}"
        ) from error
