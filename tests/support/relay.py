"""A UDP relay between a client and a daemon: the daemon may go and come back on another port, and
the client may get what no daemon sends.
"""

from __future__ import annotations

import secrets
import select
import socket
from contextlib import suppress
from threading import Thread

Address = tuple[str, int]
LARGEST = 65_535
UNASSIGNED = range(20_000, 32_768)  # below what Linux and macOS give to who wants any port


class Relay:
    """The client sends to `port`. What the daemon answers comes from there, too. Without a `target`
    nobody answers.
    """

    def __init__(self) -> None:
        self.target: Address | None = None
        self.packets: list[bytes] = []  # what the client sent
        self._client: Address | None = None
        self._front = _bind()
        self._back = _bind()  # one for all daemons: to them it is one client
        self._ends, self._end = socket.socketpair()
        self._thread = Thread(target=self._run, name="relay")
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._front.getsockname()[1])

    @property
    def client(self) -> Address:
        assert self._client, "the client has sent nothing yet"
        return self._client

    def send(self, packet: bytes) -> None:
        """To the client, as if the daemon had sent it."""
        self._front.sendto(packet, self.client)

    def close(self) -> None:
        self._end.close()
        self._thread.join()
        for each in (self._front, self._back, self._ends):
            each.close()

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._front, self._back, self._ends], [], [])
            if self._ends in ready:
                return
            for each in ready:
                self._pass_on(each)

    def _pass_on(self, ready: socket.socket) -> None:
        try:
            packet, sender = ready.recvfrom(LARGEST)
            if ready is self._front:
                self._client = sender
                self.packets.append(packet)
                if self.target:
                    self._back.sendto(packet, self.target)
            elif self._client:
                self._front.sendto(packet, self._client)
        except ConnectionError:  # nobody is there
            pass


def _bind() -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 0))
    return bound


def find_free_port() -> int:
    """A UDP port for a program that does not choose one by itself. Nobody else gets it before that
    begins, or while it is away: it is none of those that systems give to who wants any.
    """
    while True:
        port = secrets.choice(UNASSIGNED)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
