"""The command line as an OSC client like any other: finding the daemon, asking it, and following
what it says while it may be restarted.
"""

from __future__ import annotations

import json
import math
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum, auto
from typing import Self

from ..osc.outgoing import OUTGOING, PARAM
from ..osc.wire import MAX_DATAGRAM, Address, Malformed, Message, Value, encode, read_message
from ..runtime import lock
from ..runtime.lines import escape_line
from ..runtime.lock import RunningDaemon
from ..settings import Settings, SettingsError

PING_SECONDS = 5.0  # of silence, after which it is asked whether it is there
SILENCE_SECONDS = 10.0  # of silence, after which it is not
RETRY_SECONDS = 0.5  # between two tries where nobody listens
PATIENCE = 60.0  # seconds that a daemon may be away while a job is waited for

Locate = Callable[[], RunningDaemon]  # finds the daemon, which may listen elsewhere by now
Question = tuple[str, *tuple[Value, ...]]  # an address and its arguments


def find_daemon(settings: Settings, anywhere: bool = True) -> RunningDaemon:
    """The daemon of the settings' state folder, `anywhere` it listens, or else whichever listens
    on the settings' port (then without a pid).
    """
    holder = lock.read_holder(settings.state)
    if holder and holder.port and (anywhere or holder.port == settings.port):
        return holder
    return RunningDaemon(0, settings.host, settings.port, out=str(settings.out))


def make_reachable(host: str) -> str:
    """Where to send to. A daemon listens on IPv4, which localhost need not mean."""
    return "127.0.0.1" if host in ("0.0.0.0", "localhost") else host


def locate_page(daemon: RunningDaemon) -> str:
    """The URL of its page; empty where it has none."""
    return f"http://{make_reachable(daemon.host)}:{daemon.page}" if daemon.page else ""


def is_here(host: str) -> bool:
    """Whether a daemon that listens there runs on this machine for certain."""
    return make_reachable(host).startswith("127.")


class OscClient:
    """A UDP socket that speaks with one daemon. Off this machine it says the token first. It is
    that of `port` where nobody else has it: a daemon knows a client by it.
    """

    def __init__(self, server: Address, token: str = "", port: int = 0) -> None:
        self._token = token
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if port:
            with suppress(OSError):
                self._socket.bind(("", port))
        # a Mac sends no more than 9,216 bytes otherwise
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MAX_DATAGRAM)
        self.connect(server)

    @property
    def port(self) -> int:
        """Its own."""
        return int(self._socket.getsockname()[1])

    def connect(self, server: Address) -> None:
        """To another daemon, from the same port: the new one knows jobs of the old by it."""
        host = make_reachable(server[0])
        with suppress(OSError):  # no way there: what is sent is lost
            # connected, a port where nobody listens says so
            self._socket.connect((host, server[1]))
        if self._token and not is_here(host):
            self.send("/ace/hello", self._token)

    def send(self, address: str, *values: Value) -> None:
        """It may be lost, as any datagram. Raises `SettingsError` for one that is too long."""
        packet = encode(address, "".join(map(_choose_tag, values)), *values)
        if len(packet) > MAX_DATAGRAM:
            raise SettingsError(
                f"a message has at most {MAX_DATAGRAM} bytes, got {len(packet)}: give shorter texts"
            )
        try:
            self._socket.send(packet)
        except OSError:  # it may be about an earlier one, to a port where nobody listened
            with suppress(OSError):
                self._socket.send(packet)

    def receive(self, timeout: float) -> Message | None:
        """The next message that is whole, or None where none comes for so many seconds. Raises
        OSError where nobody listens.
        """
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            with suppress(TimeoutError, Malformed):
                message = read_message(self._socket.recv(MAX_DATAGRAM))
                if _is_complete(message):
                    return message
        return None

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _is_complete(message: Message) -> bool:
    """Whether a message of ours has its arguments. Others need none."""
    kind = message.address.removeprefix("/ace/")
    if kind.startswith(f"{PARAM}/"):
        return bool(message.arguments)
    tags = OUTGOING[kind].types if kind in OUTGOING else ""
    fitting = map(isinstance, message.arguments, (_KINDS[tag] for tag in tags))
    return len(message.arguments) >= len(tags) and all(fitting)


_KINDS: dict[str, type | tuple[type, ...]] = {"s": str, "i": int, "f": (float, int)}


def _choose_tag(value: Value) -> str:
    if isinstance(value, str):
        return "s"
    return "f" if isinstance(value, float) else "i"


def ask(
    server: Address, *questions: Question, token: str = "", timeout: float = 2.0
) -> Iterator[Message]:
    """What a daemon answers, up to the answer to a last question that marks the end. Nothing where
    nobody listens.
    """
    end = time.monotonic() + timeout
    with suppress(OSError), OscClient(server, token) as client:
        for question in (*questions, ("/ace/sync", 1)):
            client.send(*question)
        while message := client.receive(end - time.monotonic()):
            if message.address == "/ace/synced":
                return
            yield message


class Turn(Enum):
    """What becomes of a daemon that is followed."""

    GONE = auto()  # it does not answer
    BACK = auto()  # it does, or another in its place: it has forgotten who subscribed
    AWAY = auto()  # it has not come back for so long that nobody waits for a job any more


def follow(
    client: OscClient, locate: Locate, pause: float = PING_SECONDS
) -> Iterator[Message | Turn | None]:
    """Everything that the daemon says, for ever; None whenever it was silent for `pause` seconds
    and is being pinged.
    """
    known = locate()
    heard = time.monotonic()
    is_gone = False
    given_up = math.inf  # when it is away
    while True:
        try:
            message = client.receive(pause)
        except OSError:  # nobody listens there
            message = None
            heard = -SILENCE_SECONDS
        if message:
            heard = time.monotonic()
            if is_gone:
                is_gone = False
                found = locate()
                if (found.host, found.port) == (known.host, known.port):
                    known = found  # who answers there is another by now
                yield Turn.BACK
            yield message
            continue
        found = locate()
        has_moved = found.pid != 0 and found != known
        if not is_gone and (has_moved or time.monotonic() - heard >= SILENCE_SECONDS):
            is_gone = True
            given_up = time.monotonic() + PATIENCE
            yield Turn.GONE
        if is_gone and time.monotonic() > given_up:
            given_up = math.inf
            yield Turn.AWAY
        if heard < 0:
            time.sleep(min(pause, RETRY_SECONDS))
        if has_moved:
            known = found
            client.connect((found.host, found.port))
        client.send("/ace/ping", "acestepd")
        yield None


# --- messages as text -----------------------------------------------------------------------------


def to_json(message: Message) -> dict[str, object]:
    """A message with its arguments by name: {"event": "clip", "id": "take1", ...}."""
    kind = message.address.removeprefix("/ace/")
    if kind.startswith(f"{PARAM}/"):
        return {"event": PARAM, "name": kind.partition("/")[2], "value": message.arguments[0]}
    row = OUTGOING.get(kind)
    names = row.fields.split() if row else []
    return {"event": kind} | dict(zip(names, message.arguments))


def format_message(message: Message) -> str:
    """For people: its name without /ace/, and its arguments."""
    kind = message.address.removeprefix("/ace/")
    return "  ".join([f"{kind:9}", *map(_format_argument, message.arguments)])


def _format_argument(argument: object) -> str:
    return f"{argument:.4g}" if isinstance(argument, float) else escape_line(str(argument))


def print_json(row: dict[str, object]) -> None:
    """One object a line, at once: a script may wait for it."""
    print(json.dumps(row, ensure_ascii=False), flush=True)


def say(line: str) -> None:
    """For people, beside what a script reads."""
    print(escape_line(line), file=sys.stderr, flush=True)
