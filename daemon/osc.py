"""The OSC surface: UDP messages become calls of the panel and the engine, events become UDP messages.

The wire rules and why they are so: README, "What travels on the wire". python-osc reads and writes the arguments; the
server loop is ours because its own server reorders, truncates and swallows errors.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.parsing import osc_types

from pipeline.request import BadRequest, OutOfRange, UnknownField, WrongType, clean_text, coerce, field_name, is_field

from . import API, VERSION
from .engine import Engine, Event, Refused
from .panel import Panel
from .settings import Settings

log = logging.getLogger("acestepd.osc")

Address = tuple[str, int]
Argument = str | int | float | bool | None

MAX_DATAGRAM = 65_507
MAX_ARGUMENTS = 256
MAX_AHEAD = 60.0  # seconds a bundle may wait; a clock further off than that is wrong, and means now
MAX_TIMED = 1000
MAX_DEPTH = 8  # of bundles in bundles
LEASE = 24 * 3600  # seconds a subscriber is kept without asking again
MAX_SUBSCRIBERS = 64
WHOLE_TEXTS = "send a text with spaces in it as one string, or use /ace/go"
MAX_TEXT = 400  # characters of a message or hint we send: a datagram stays below 1,200 bytes


class Malformed(ValueError):
    """A packet that is not OSC as we read it."""

    address = ""


# --- the tables: what is understood, what is sent --------------------------------------------------------------------


class Command(NamedTuple):
    arguments: str
    answer: str
    help: str


class Signal(NamedTuple):
    types: str
    arguments: str
    help: str


COMMANDS = {
    "/ace/ping": Command("[s token]", "/ace/pong", "is anybody there?"),
    "/ace/status": Command("", "/ace/state", "what the engine is doing"),
    "/ace/notify": Command("i on, [i port], [s topics]", "/ace/done", "send me every event (or some kinds), there"),
    "/ace/generate": Command("[s id], then key value pairs", "/ace/queued", "make a clip"),
    "/ace/go": Command(
        "[s id], s prompt, [f bars], [i seed]", "/ace/queued", "the same by position, for Pd and TouchOSC"
    ),
    "/ace/cancel": Command("s id or *", "/ace/cancelled", "stop a job, or all"),
    "/ace/sync": Command("i n", "/ace/synced", "answers once everything before it has been handled"),
}

EVENTS = {
    "queued": Signal("sif", "id, position, eta seconds", "the job is accepted (eta 0: not known yet)"),
    "progress": Signal("sfsf", "id, fraction 0..1, stage, eta seconds", "at most ten a second"),
    "clip": Signal(
        "sssfis", "id, stem, absolute path, bpm, bars, seed", "one file is final; bpm 0 when none was given"
    ),
    "finished": Signal("sis", "id, number of files, manifest path", "the job is done"),
    "fail": Signal("ssiss", "id, command, code, message, hint", "it did not work, and what to do"),
    "cancelled": Signal("s", "id", "the job was cancelled"),
    "state": Signal("ssi", "cold / loading / warm / busy / error, model, queue length", "whenever one of them changes"),
}

REPLIES = {
    "pong": Signal("ssi", "token, version, api", "answers /ace/ping"),
    "done": Signal("sii", "command, client number, lease seconds", "answers /ace/notify; a snapshot follows"),
    "synced": Signal("i", "n", "answers /ace/sync"),
}

_SENT = EVENTS | REPLIES
_OURS = {f"/ace/{name}" for name in _SENT}
_CODES = {UnknownField: 404, OutOfRange: 422}


# --- reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Message:
    address: str
    arguments: tuple[Argument, ...]


def read_packet(data: bytes, now: float, depth: int = 0) -> Iterator[tuple[float, Message | Malformed]]:
    """Every message in a datagram with the time it is meant for; a bad one does not hide those after it."""
    if not data.startswith(b"#bundle\0"):
        try:
            yield now, read_message(data)
        except Malformed as error:
            yield now, error
        return
    if depth >= MAX_DEPTH:
        yield now, Malformed(f"bundles must not be nested more than {MAX_DEPTH} deep")
        return
    try:
        due, index = osc_types.get_date(data, 8)
        at = due if now < due <= now + MAX_AHEAD else now
        while index < len(data):
            size, index = osc_types.get_int(data, index)
            if size <= 0 or index + size > len(data):
                raise osc_types.ParseError("an element's size is wrong")
            yield from ((max(at, inner), m) for inner, m in read_packet(data[index : index + size], now, depth + 1))
            index += size
    except osc_types.ParseError as error:
        yield now, Malformed(f"not an OSC bundle: {error}")


def read_message(data: bytes) -> Message:
    """Raises `Malformed`, with the address when that much could be read."""
    address = ""
    try:
        address, index = _string(data, 0)
        if not address.startswith("/"):
            address = ""
            raise Malformed("not an OSC message: an address starts with /")
        if index == len(data):
            return Message(address, ())  # very old senders leave the type tags out
        tags, index = _string(data, index)
        if not tags.startswith(","):
            raise Malformed("not an OSC message: type tags start with a comma")
        if len(tags) > MAX_ARGUMENTS + 1:
            raise Malformed(f"a message has at most {MAX_ARGUMENTS} arguments, got {len(tags) - 1}")
        return Message(address, tuple(_arguments(data, index, tags[1:])))
    except (Malformed, osc_types.ParseError) as error:
        malformed = error if isinstance(error, Malformed) else Malformed(f"not an OSC message: {error}")
        malformed.address = address
        raise malformed from error


def _arguments(data: bytes, index: int, tags: str) -> Iterator[Argument]:
    for tag in tags:
        if tag in _CONSTANTS:
            yield _CONSTANTS[tag]
        elif tag in _READERS:
            value, index = _READERS[tag](data, index)
            yield value
        else:
            known = " ".join([*_READERS, *_CONSTANTS])
            raise Malformed(f"type tag {tag!r} is not understood; send {known}")


def _string(data: bytes, index: int) -> tuple[str, int]:
    """UTF-8, or latin-1 where it is not; without byte order mark. Padded to four bytes."""
    end = data.find(b"\0", index)
    if end < 0:
        raise osc_types.ParseError("a string does not end")
    raw = data[index:end]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return clean_text(text), min(len(data), end + 4 - (end - index) % 4)


_CONSTANTS: dict[str, Argument] = {"T": True, "F": False, "N": None}
_READERS: dict[str, Callable[[bytes, int], tuple[Any, int]]] = {
    "i": osc_types.get_int,
    "f": osc_types.get_float,
    "s": _string,
    "h": osc_types.get_int64,
    "d": osc_types.get_double,
}


# --- writing ---------------------------------------------------------------------------------------------------------


def encode(address: str, types: str, *values: Any) -> bytes:
    """One datagram, every argument with the type we say (python-osc would choose by value)."""
    builder = OscMessageBuilder(address)
    for kind, value in zip(types, values, strict=True):
        builder.add_arg(_as(kind, value), kind)
    return bytes(builder.build().dgram)


def _as(kind: str, value: Any) -> Any:
    if kind == "s":
        return str(value).encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    return float(value) if kind == "f" else int(value)


def encode_event(event: Event) -> bytes:
    id = () if event.kind == "state" else (event.job.id if event.job else "",)
    return encode(f"/ace/{event.kind}", EVENTS[event.kind].types, *id, *event.values)


def _short(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


# --- the server ------------------------------------------------------------------------------------------------------


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
            elif at > now and len(self._timed) < MAX_TIMED:
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
        id = _id(message.arguments[0]) if message.arguments and message.address in _WITH_ID else ""
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
        self._send(sender, "pong", _id(arguments[0]) if arguments else "", VERSION, API)

    def _status(self, arguments: tuple[Argument, ...], sender: Address) -> None:
        self._sendto(encode_event(self._engine.state_event()), sender)

    def _sync(self, arguments: tuple[Argument, ...], sender: Address) -> None:
        self._send(sender, "synced", _whole("n", arguments[0]) if arguments else 0)

    def _notify(self, arguments: tuple[Argument, ...], sender: Address) -> None:
        on = _whole("on", arguments[0]) if arguments else 1
        port = _whole("port", arguments[1]) if len(arguments) > 1 else sender[1]
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
        self._send(address, "done", "/ace/notify", subscriber.number, LEASE)
        snapshot = [self._engine.state_event(), *(job.last for job in self._engine.active() if job.last)]
        for event in snapshot:
            if event.kind in topics:
                self._sendto(encode_event(event), address)

    def _subscribe(self, address: Address, topics: frozenset[str], until: float) -> Subscriber:
        known = self._subscribers.get(address)
        if known is None and len(self._subscribers) >= MAX_SUBSCRIBERS:
            raise Refused(
                429, f"{MAX_SUBSCRIBERS} subscribers are already listening", "send /ace/notify 0 where one ends"
            )
        subscriber = Subscriber(known.number if known else next(self._numbers), topics, until)
        self._subscribers = self._subscribers | {address: subscriber}  # replaced, as other threads read it
        return subscriber

    def _cancel(self, arguments: tuple[Argument, ...], sender: Address) -> None:
        if not arguments or not _id(arguments[0]):
            raise Refused(400, "which job? the first argument must be its id, or *")
        self._engine.cancel(sender, _id(arguments[0]))

    def _generate(self, arguments: tuple[Argument, ...], sender: Address) -> None:
        if _released(arguments):
            return
        id, rest = _job_id(arguments)
        try:
            self._submit(sender, id, _unique(_pairs(rest)))
        except WrongType as error:
            error.hint = error.hint or WHOLE_TEXTS
            raise

    def _go(self, arguments: tuple[Argument, ...], sender: Address) -> None:
        if _released(arguments):
            return
        id, rest = _job_id(arguments)
        words, numbers = _positional(rest)
        values = {"prompt": " ".join(words)} if words else {}
        self._submit(sender, id, values | dict(zip(("bars", "seed"), numbers)))

    def _submit(self, sender: Address, id: str, values: dict[str, Any]) -> None:
        job, new = self._engine.submit(sender, id, self._panel.wish(values))
        if not new:  # a duplicated datagram, or a client that asks again
            for event in job.outcome:
                self._sendto(encode_event(event), sender)

    # --- sending -------------------------------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        """To the client whose job it is, and to whoever asked for every event of this kind."""
        data, now = encode_event(event), time.monotonic()
        targets = {a for a, s in self._subscribers.items() if event.kind in s.topics and s.until > now}
        if event.job is not None and isinstance(event.job.client, tuple):
            targets.add(event.job.client)
        for address in targets:
            self._sendto(data, address)

    def _fail(self, sender: Address, id: str, command: str, code: int, message: str, hint: str) -> None:
        self._send(sender, "fail", _short(id), _short(command), code, _short(message), _short(hint))

    def _send(self, address: Address, name: str, *values: Any) -> None:
        self._sendto(encode(f"/ace/{name}", _SENT[name].types, *values), address)

    def _sendto(self, data: bytes, address: Address) -> None:
        try:
            self._socket.sendto(data, address)
        except OSError as error:  # the client has gone, or its port is one nobody may send to
            log.info("could not send to %s: %s", address, error)


# --- what clients send -----------------------------------------------------------------------------------------------


def _id(argument: Argument) -> str:
    """A job's id or a token: a text, or a number as Pd sends them (7.0 is "7")."""
    if argument is None or isinstance(argument, bool):
        return ""
    return argument.strip() if isinstance(argument, str) else f"{argument:.10g}"


def _whole(name: str, argument: Argument) -> int:
    try:
        number = float(argument)  # type: ignore[arg-type]
        if number != int(number):
            raise ValueError
        return int(number)
    except (TypeError, ValueError, OverflowError):
        raise BadRequest(f"{name} must be a whole number, got {argument!r:.40}") from None


def _released(arguments: tuple[Argument, ...]) -> bool:
    """A button sends 1.0 when it is pressed and 0.0 when it is let go: that is no wish."""
    return len(arguments) == 1 and not isinstance(arguments[0], str) and not arguments[0] and arguments[0] is not None


def _job_id(arguments: tuple[Argument, ...]) -> tuple[str, tuple[Argument, ...]]:
    """The id and what follows it. A lone number is a button pressed: the daemon chooses the id."""
    if len(arguments) == 1 and isinstance(arguments[0], float | bool):
        return "", ()
    return (_id(arguments[0]), arguments[1:]) if arguments else ("", ())


def _pairs(arguments: tuple[Argument, ...]) -> Iterator[tuple[str, Any]]:
    """Key value pairs. A text may have come as several words (Pd's atoms): it runs on until the next pair begins."""
    names = [field_name(str(name)) for name in arguments[::2] if is_field(name)]
    strict = len(set(names)) == len(arguments) / 2  # each a name and a value, none of them twice
    index = 0
    while index < len(arguments):
        name, start = arguments[index], index + 1
        if not isinstance(name, str):
            raise BadRequest(f"a parameter's name must be a text, got {name!r:.40}", "send: id, then name value pairs")
        if start == len(arguments):
            raise BadRequest(f"parameter {name[:40]!r} has no value", WHOLE_TEXTS)
        index = start + 1
        while not strict and _goes_on(arguments, index):
            index += 1
        values = arguments[start:index]
        yield name, values[0] if len(values) == 1 and not isinstance(values[0], str) else _text(values)


def _unique(pairs: Iterator[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise BadRequest(f"parameter {name[:40]!r} was given twice")
        values[name] = value
    return values


def _goes_on(arguments: tuple[Argument, ...], index: int) -> bool:
    """Whether the text before `index` continues there: it was a single word, and no pair begins."""
    before = arguments[index - 1]
    if index == len(arguments) or (isinstance(before, str) and " " in before):
        return False
    return not (is_field(arguments[index]) and _fits(str(arguments[index]), arguments[index + 1 : index + 2]))


def _fits(name: str, value: tuple[Argument, ...]) -> bool:
    """Whether `name` followed by `value` is meant as a parameter: "bars 4" is, "bars of gold" is not."""
    try:
        return bool(value) and coerce(field_name(name), value[0]) is not None
    except OutOfRange:
        return not isinstance(value[0], str)
    except BadRequest:
        return False


def _text(words: tuple[Argument, ...]) -> str:
    r"""Words joined with spaces; a literal \n is a newline, as Pd users cannot type one."""
    return " ".join(_id(word) if not isinstance(word, str) else word for word in words).replace("\\n", "\n")


def _positional(arguments: tuple[Argument, ...]) -> tuple[list[str], list[Argument]]:
    """The words of the prompt, and up to two numbers behind them: bars and seed."""
    split = len(arguments)
    while split > max(0, len(arguments) - 2) and _is_number(arguments[split - 1], first=split == 1):
        split -= 1
    return [_text((word,)) for word in arguments[:split]], list(arguments[split:])


def _is_number(argument: Argument, first: bool) -> bool:
    """Numbers, and texts of digits behind the prompt (what oscsend users type with ss)."""
    if isinstance(argument, str):
        return not first and argument.strip().removeprefix("-").isdecimal()
    return argument is not None and not isinstance(argument, bool)


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
