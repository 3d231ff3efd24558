"""Datagrams that a client of the daemon should survive."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from daemon.osc.outgoing import OUTGOING
from tests.support.osc_client import encode_message

NAMES = (*OUTGOING, "__proto__", "constructor", "put")
VALUES = (0, -1, 2.5, 2**31 - 1, float("nan"), float("inf"))
TEXTS = ("", "x" * 900, "\u00e4/\u0007", "/no/such\u0301")

Maker = Callable[[random.Random], bytes]


def make_junk(count: int, *kinds: Maker) -> Iterator[bytes]:
    """So many datagrams, the same each time: of these kinds in turn, or of every kind."""
    dice = random.Random(15)
    for number in range(count):
        yield (kinds or KINDS)[number % len(kinds or KINDS)](dice)


def make_noise(dice: random.Random) -> bytes:
    """Random bytes, or none at all."""
    return dice.randbytes(dice.randrange(200))


def make_wrong_message(dice: random.Random) -> bytes:
    """A message of the daemon's, with arguments that are not."""
    arguments = dice.choices((*VALUES, *TEXTS), k=dice.randrange(8))
    return encode_message(f"/ace/{dice.choice(NAMES)}", *arguments)


def make_bent_message(dice: random.Random) -> bytes:
    packet = bytearray(make_wrong_message(dice))
    packet[dice.randrange(len(packet))] = dice.randrange(256)
    return bytes(packet)


def make_cut_message(dice: random.Random) -> bytes:
    packet = make_wrong_message(dice)
    return packet[: dice.randrange(len(packet))]


def make_headed_noise(dice: random.Random) -> bytes:
    """An address of the daemon's, then anything: types that there are or not, too few arguments."""
    types = "," + "".join(dice.choices("sif[]Tb", k=dice.randrange(7)))
    head = [f"/ace/{dice.choice(NAMES)}", types][: dice.randrange(1, 3)]
    return b"".join(map(_encode_text, head)) + make_noise(dice)


def _encode_text(text: str) -> bytes:
    data = text.encode()
    return data + bytes(4 - len(data) % 4)


KINDS = (
    make_noise,
    make_wrong_message,
    make_bent_message,
    make_cut_message,
    make_headed_noise,
)
