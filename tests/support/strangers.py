"""Those who only disturb a daemon: `python -m tests.support.strangers KIND PORT TCP_PORT SEED`.
Each is a process of its own that goes on until its input ends, and prints how much it has sent
then. What the daemon answers is read by nobody.

They are elsewhere, as far as the machine goes: `nice`, so that the daemon need not share its cores
with them.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Self

from tests.support.junk import make_bent_commands
from tests.support.osc_client import encode_bundle, encode_message

LAG = 0.05  # seconds of a stall that are made up for
NICE = 19

Messages = Iterator[bytes]


def make_bundles(seed: int) -> Messages:
    """Two thousand questions in a datagram, and what is as dear."""
    dear = [
        encode_bundle(0, *[encode_message("/ace/get/*")] * 2000),
        encode_message("/ace/query", "*"),
        encode_message("/ace/history", "w " * 30, 200),
        encode_message("/ace/favourite", 1.0),
        encode_message("/ace/generate", "[" * 90, "lyrics", "la " * 9000, "bars", "1e400"),
    ]
    while True:
        yield from dear


def make_tokens(seed: int) -> Messages:
    """Wrong ones."""
    number = 0
    while True:
        number += 1
        yield encode_message("/ace/hello", f"wrong {number}")


# how each makes its datagrams, and how many it sends a second
SENDERS: dict[str, tuple[Callable[[int], Messages], float]] = {
    "fuzz": (make_bent_commands, 1500),
    "bundles": (make_bundles, 5),
    "tokens": (make_tokens, 100),
}


def send(kind: str, server: tuple[str, int], seed: int) -> int:
    make, rate = SENDERS[kind]
    messages = make(seed)
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        due = time.monotonic()
        while not is_over(max(0.0, due - time.monotonic())):
            with suppress(ConnectionError):
                sender.sendto(next(messages), server)
            sent += 1
            due = max(due + 1 / rate, time.monotonic() - LAG)
    return sent


def subscribe(server: tuple[str, int]) -> int:
    """To everything, for ports of ours where nobody reads; from a new port each time."""
    number = 0
    with ExitStack() as opened:
        ports = []
        for _ in range(100):
            bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            opened.enter_context(bound).bind(("127.0.0.1", 0))
            ports.append(bound.getsockname()[1])
        while not is_over(0.02):
            number += 1
            packet = encode_message("/ace/notify", 1, ports[number % len(ports)])
            with (
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
                suppress(ConnectionError),
            ):
                sender.sendto(packet, server)
    return number


def connect(server: tuple[str, int]) -> int:
    """By TCP, and say nothing, or half of a length."""
    number = 0
    connections: list[socket.socket] = []
    while not is_over(0.05):
        with suppress(OSError):
            connections.append(socket.create_connection(server, 1.0))
            number += 1
            if number % 2:
                connections[-1].sendall(b"\0\0")
        while len(connections) > 200:
            connections.pop(0).close()
    for each in connections:
        each.close()
    return number


def is_over(pause: float) -> bool:
    """Whether the input has ended; waits for a moment."""
    return bool(select.select([sys.stdin], [], [], pause)[0])


class Stranger:
    """One of them, for as long as the `with` takes; `sent` is how much it has sent afterwards."""

    def __init__(self, kind: str, port: int, tcp_port: int, seed: int = 0) -> None:
        self.kind = kind
        self.sent = 0
        self._arguments = [kind, str(port), str(tcp_port), str(seed)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.strangers", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.sent = int(self._process.communicate()[0])


def main(kind: str, port: int, tcp_port: int, seed: int) -> None:
    os.nice(NICE)
    if kind == "listeners":
        print(subscribe(("127.0.0.1", port)))
    elif kind == "silent":
        print(connect(("127.0.0.1", tcp_port)))
    else:
        print(send(kind, ("127.0.0.1", port), seed))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
