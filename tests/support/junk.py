"""Datagrams that a client of the daemon should survive."""

from __future__ import annotations

import random
from collections.abc import Iterator

from daemon.osc.outgoing import OUTGOING
from tests.support.osc_client import encode_message


def make_junk(count: int) -> Iterator[bytes]:
    """Noise; messages of ours cut, bent, and with arguments that are not theirs."""
    dice = random.Random(15)
    values = (0, -1, 2**31 - 1, float("nan"), float("inf"), "", "x" * 900, "\u00e4/\u0007")
    for number in range(count):
        if number % 4 == 0:
            yield dice.randbytes(dice.randrange(200))
            continue
        name = dice.choice([*OUTGOING, "__proto__", "constructor", "put"])
        arguments = [dice.choice(values) for _ in range(dice.randrange(8))]
        packet = bytearray(encode_message(f"/ace/{name}", *arguments))
        if number % 4 == 1:
            packet[dice.randrange(len(packet))] = dice.randrange(256)
        if number % 4 == 2:
            del packet[dice.randrange(len(packet)) :]
        yield bytes(packet)
