"""How long pings take, one after the other at fixed times whether or not the last one was answered:
`python -m tests.support.pings PORT` pings a daemon and, at the same moments, an echo that does
nothing else. Its input has the daemon's process id, and that of each one that follows; what it
measured is printed as JSON when that ends. `python -m tests.support.pings` alone is such an echo.

How much of it is the machine is known in two ways: by the echo; and, on Linux, by how long the
daemon's threads were ready to run and had no processor, in each second.
"""

from __future__ import annotations

import gc
import glob
import json
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from math import inf
from typing import NamedTuple, Self

from pythonosc.osc_message import OscMessage

from tests.support.osc_client import encode_message

INTERVAL = 0.02  # seconds between two pings
PATIENCE = 2.0  # seconds that an answer may take at the end
STARVED = 0.2  # of a second that a daemon's threads may wait for a processor
LARGEST = 65_535

Address = tuple[str, int]
Time = tuple[float, float]  # from, to, in time.monotonic()


class Ping(NamedTuple):
    """`sent` in time.monotonic(), and the seconds until it was answered; infinity: never."""

    sent: float
    seconds: float = inf


class Pings(list[Ping]):
    def outside(self, times: Sequence[Time]) -> Pings:
        """Those that were under way in none of these times."""
        return Pings(
            ping
            for ping in self
            if not any(
                ping.sent <= end and begin <= ping.sent + min(ping.seconds, PATIENCE)
                for begin, end in times
            )
        )

    @property
    def lost(self) -> int:
        return sum(ping.seconds == inf for ping in self)

    def percentile(self, part: float) -> float:
        """The seconds that this part of them took at most."""
        ordered = sorted(ping.seconds for ping in self)
        return ordered[min(int(part * len(ordered)), len(ordered) - 1)]

    def __str__(self) -> str:
        if not self:
            return "no pings"
        median, late, latest = (1e3 * self.percentile(part) for part in (0.5, 0.99, 1.0))
        return (
            f"{len(self)} pings, {self.lost} lost; median {median:.1f} ms, p99 {late:.1f} ms, "
            f"longest {latest:.0f} ms"
        )


class Pinger:
    """Pings a daemon and an echo, in processes of their own, from the start of the `with` on."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.daemon = Pings()
        self.control = Pings()
        self.starved: list[Time] = []  # when the machine had no processor for the daemon

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.pings", str(self._port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def watch(self, pid: int) -> None:
        """The daemon is this process from now on."""
        assert self._process.stdin
        print(pid, file=self._process.stdin, flush=True)

    def __exit__(self, *_: object) -> None:
        """What was measured is there afterwards."""
        printed = self._process.communicate()[0]
        *measured, starved = json.loads(printed)
        self.daemon, self.control = (Pings(Ping(*ping) for ping in pings) for pings in measured)
        self.starved = [(begin, end) for begin, end in starved]


def echo() -> None:
    """What arrives is sent back, until the input ends."""
    with _bind() as bound:
        print(bound.getsockname()[1], flush=True)
        while True:
            ready, _, _ = select.select([bound, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            packet, sender = bound.recvfrom(LARGEST)
            OscMessage(packet)  # as the daemon has to
            bound.sendto(packet, sender)


class Measurement:
    """Pings of several servers, of which the first is the daemon."""

    def __init__(self, targets: Sequence[Address]) -> None:
        self.pings: list[list[Ping]] = [[] for _ in targets]
        self.starved: list[Time] = []
        self._targets = targets
        self._sockets = [_bind() for _ in targets]
        self._pid = self._known_pid = 0
        self._looked = self._waited = 0.0  # when, and how long the daemon had waited by then
        self._is_over = False

    def run(self) -> None:
        """Until the input ends."""
        threading.Thread(target=self._read_input, daemon=True).start()
        gc.disable()
        due = time.monotonic()
        while not self._is_over:
            self._send()
            if time.monotonic() > self._looked + 1.0:
                self._look()
            due = max(due + INTERVAL, time.monotonic())  # a stall is not made up for
            self._receive(due)
        self._receive(time.monotonic() + PATIENCE)
        for bound in self._sockets:
            bound.close()

    def _read_input(self) -> None:
        for line in sys.stdin:
            self._pid = int(line)
        self._is_over = True

    def _send(self) -> None:
        for pings, bound, target in zip(self.pings, self._sockets, self._targets):
            packet = encode_message("/ace/ping", str(len(pings)))
            pings.append(Ping(time.monotonic()))
            bound.sendto(packet, target)

    def _receive(self, until: float) -> None:
        """Note what is answered until then."""
        while (left := until - time.monotonic()) > 0:
            ready, _, _ = select.select(self._sockets, [], [], left)
            now = time.monotonic()
            for bound in ready:
                message = OscMessage(bound.recv(LARGEST))
                if message.address in ("/ace/pong", "/ace/ping"):
                    pings = self.pings[self._sockets.index(bound)]
                    number = int(message.params[0])
                    pings[number] = Ping(pings[number].sent, now - pings[number].sent)

    def _look(self) -> None:
        """Whether the daemon had what it needed of the machine since the last time."""
        pid = self._pid
        now = time.monotonic()
        waited = read_waits(pid)
        if pid == self._known_pid and waited - self._waited > STARVED * (now - self._looked):
            self.starved.append((self._looked, now))
        self._known_pid = pid
        self._looked = now
        self._waited = waited


def read_waits(pid: int) -> float:
    """The seconds in all that the threads of a process have waited for a processor; 0 where the
    system does not say.
    """
    nanoseconds = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with suppress(OSError), open(path) as file:  # a thread may have ended
            nanoseconds += int(file.read().split()[1])
    return nanoseconds / 1e9


def _bind() -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 0))
    return bound


def main(port: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.pings"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        control = int(process.stdout.readline())
        measurement = Measurement([("127.0.0.1", port), ("127.0.0.1", control)])
        measurement.run()
        print(json.dumps([*measurement.pings, measurement.starved]))
        process.communicate()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(int(sys.argv[1]))
    else:
        echo()
