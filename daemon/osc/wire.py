"""OSC packets: bytes to messages and back. python-osc writes the arguments, and reads times.

The rest of it is not used. Its message class mis-reads what follows a type tag it does not know,
and lets text that is not UTF-8 escape as an exception; its readers copy the rest of a packet for
every number, and its builder reads again what it has written.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pythonosc.parsing import osc_types

from pipeline.request import clean_controls

Address = tuple[str, int]
Argument = str | int | float | bool | None
Value = str | int | float  # an argument of a message that we send

MAX_DATAGRAM = 65_507  # bytes that one packet may have, whatever carries it
MAX_ARGUMENTS = 256
MAX_AHEAD = 60.0  # seconds a bundle may wait; a clock further off than that is wrong, and means now
MAX_DEPTH = 8  # of bundles in bundles


class Peer(NamedTuple):
    """Who we exchange packets with: the client as text, and the machine it is on."""

    client: str  # "udp:127.0.0.1:9001", "tcp:7" or "page:1a2b3c"
    host: str


class Malformed(ValueError):
    """A packet that is not OSC as we read it. `address` is the message's, where that much could be
    read.
    """

    address = ""


@dataclass(frozen=True)
class Message:
    address: str
    arguments: tuple[Argument, ...]


def read_packet(
    data: bytes, now: float, depth: int = 0
) -> Iterator[tuple[float, Message | Malformed]]:
    """Every message of a packet, with the time it is meant for (seconds since the epoch).

    A malformed one does not hide those after it. A timetag that is past, or more than `MAX_AHEAD`
    seconds away, means `now`.
    """
    if data.startswith(b"#bundle\0"):
        yield from _read_bundle(data, now, depth)
        return
    try:
        yield now, read_message(data)
    except Malformed as error:
        yield now, error


def _read_bundle(
    data: bytes, now: float, depth: int
) -> Iterator[tuple[float, Message | Malformed]]:
    if depth >= MAX_DEPTH:
        yield now, Malformed(f"bundles must not be nested more than {MAX_DEPTH} deep")
        return
    try:
        timetag, index = osc_types.get_date(data, 8)
        due = timetag if now < timetag <= now + MAX_AHEAD else now
        while index < len(data):
            size, index = _read_int(data, index)
            if size <= 0 or index + size > len(data):
                raise osc_types.ParseError("an element's size is wrong")
            for inner_due, message in read_packet(data[index : index + size], now, depth + 1):
                yield max(due, inner_due), message
            index += size
    except (osc_types.ParseError, struct.error) as error:
        yield now, Malformed(f"not an OSC bundle: {error}")


def read_message(data: bytes) -> Message:
    """Raises `Malformed`, with the address when that much could be read."""
    address = ""
    try:
        address, index = _read_string(data, 0)
        if not address.startswith("/"):
            address = ""
            raise Malformed("not an OSC message: an address starts with /")
        if index == len(data):
            return Message(address, ())  # very old senders leave the type tags out
        tags, index = _read_string(data, index)
        if not tags.startswith(","):
            raise Malformed("not an OSC message: type tags start with a comma")
        if len(tags) > MAX_ARGUMENTS + 1:
            raise Malformed(f"a message has at most {MAX_ARGUMENTS} arguments, got {len(tags) - 1}")
        return Message(address, tuple(_read_arguments(data, index, tags[1:])))
    except (Malformed, osc_types.ParseError, struct.error) as error:
        malformed = (
            error if isinstance(error, Malformed) else Malformed(f"not an OSC message: {error}")
        )
        malformed.address = address
        raise malformed from error


def _read_arguments(data: bytes, index: int, tags: str) -> Iterator[Argument]:
    for tag in tags:
        if tag in _CONSTANTS:
            yield _CONSTANTS[tag]
        elif tag in _READERS:
            value, index = _READERS[tag](data, index)
            yield value
        else:
            tags_read = " ".join([*_READERS, *_CONSTANTS])
            raise Malformed(f"type tag {tag!r} is not understood; send {tags_read}")


def _read_string(data: bytes, index: int) -> tuple[str, int]:
    """UTF-8, or latin-1 where it is not; without byte order mark. Padded to four bytes."""
    end = data.find(b"\0", index)
    if end < 0:
        raise osc_types.ParseError("a string does not end")
    raw = data[index:end]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return clean_controls(text), min(len(data), end + 4 - (end - index) % 4)


def _read_float(data: bytes, index: int) -> tuple[float, int]:
    """The shortest decimal that is this float32: 60.2, as it was typed, and not
    60.20000076293945.
    """
    raw = data[index : index + 4].ljust(4, b"\0")  # Reaktor leaves zeros at the end out
    value: float = _FLOAT.unpack(raw)[0]
    for digits in range(6, 9):  # six are always kept, and nine are enough
        shortest = float(f"{value:.{digits}g}")
        if _FLOAT.pack(shortest) == raw:
            return shortest, index + 4
    return float(f"{value:.9g}"), index + 4


def _read_int(data: bytes, index: int) -> tuple[int, int]:
    return _INT.unpack_from(data, index)[0], index + 4


def _read_long(data: bytes, index: int) -> tuple[int, int]:
    return _LONG.unpack_from(data, index)[0], index + 8


def _read_double(data: bytes, index: int) -> tuple[float, int]:
    return _DOUBLE.unpack_from(data, index)[0], index + 8


_INT, _FLOAT, _LONG, _DOUBLE = map(struct.Struct, (">i", ">f", ">q", ">d"))
_CONSTANTS: dict[str, Argument] = {"T": True, "F": False, "N": None}
_READERS: dict[str, Callable[[bytes, int], tuple[Argument, int]]] = {
    "i": _read_int,
    "f": _read_float,
    "s": _read_string,
    "h": _read_long,
    "d": _read_double,
}


def encode(address: str, types: str, *values: Value) -> bytes:
    """One packet, every argument with the type tag we say (python-osc would choose by value)."""
    arguments = [_WRITERS[tag](value) for tag, value in zip(types, values, strict=True)]
    return b"".join([_encode_head(address, types), *arguments])


@lru_cache(256)
def _encode_head(address: str, types: str) -> bytes:
    return _write_string(address) + _write_string(f",{types}")


def _write_string(value: Value) -> bytes:
    text = str(value).encode("utf-8", "replace").replace(b"\0", b" ")
    return text + b"\0" * (4 - len(text) % 4)


def _write_int(value: Value) -> bytes:
    return bytes(osc_types.write_int(int(value)))


def _write_float(value: Value) -> bytes:
    return bytes(osc_types.write_float(float(value)))


_WRITERS: dict[str, Callable[[Value], bytes]] = {
    "s": _write_string,
    "i": _write_int,
    "f": _write_float,
}
