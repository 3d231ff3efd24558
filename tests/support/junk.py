"""Datagrams that a client of the daemon, or the daemon itself, should survive."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from daemon.osc.outgoing import OUTGOING
from tests.support.osc_client import encode_bundle, encode_message

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


def make_bent_commands(seed: int = 5) -> Iterator[bytes]:
    """What programs send to the daemon, bent, cut and lengthened; noise; patterns. Nothing that
    cancels what others have ordered.
    """
    dice = random.Random(seed)
    good = [
        encode_message("/ace/generate", "x", "prompt", "warm lo-fi", "bars", 4, "seed", 7),
        encode_message("/ace/go", "y", "beat", 4.0, 7),
        encode_message("/ace/set/bars", 8),
        encode_message("/ace/get/*"),
        encode_message("/ace/query", "*"),
        encode_message("/ace/reroll", "q", "w0"),
        encode_message("/ace/lyrics/begin", "l"),
        encode_message("/ace/lyrics/append", "l", 1, "words"),
        encode_message("/ace/favourite", "w0"),
        encode_message("/ace/notify", 1, 9999, "clip"),
        encode_message("/ace/history", "lo", 5),
        encode_message("/ace/pad/hit", 3),
        encode_message("/ace/bank/fill", "x", 4, 16),
        encode_message("/ace/tempo", 98.0),
        encode_message("/ace/ping", "sync"),
        encode_bundle(0, encode_message("/ace/ping", "b")),
    ]
    while True:
        packet = bytearray(dice.choice(good))
        kind = dice.random()
        if kind < 0.5:
            for _ in range(dice.randint(1, 6)):
                packet[dice.randrange(len(packet))] = dice.randrange(256)
        elif kind < 0.65:
            del packet[dice.randrange(len(packet)) :]
        elif kind < 0.8:
            packet = bytearray(dice.randbytes(dice.choice([0, 1, 3, 8, 64, 1500, 9000])))
        elif kind < 0.9:
            letters = "".join(dice.choice("*?[]{},!-/abcgenerate") for _ in range(30))
            packet = bytearray(encode_message(f"/ace/{letters}", "x"))
        else:
            at = dice.randrange(len(packet))
            packet[at:at] = dice.randbytes(dice.randint(1, 40))
        if not packet.startswith((b"/ace/panic", b"/ace/cancel")):
            yield bytes(packet)
