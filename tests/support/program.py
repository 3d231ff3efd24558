"""A program in a DAW, as daemon/README.md says under "Who puts clips in"."""

from __future__ import annotations

import threading
import time
from typing import Self

from tests.support.osc_client import OscClient

PING_SECONDS = 0.3  # not 5: the daemon is gone for a moment only
SILENT_SECONDS = 1.0  # after which it is taken for gone


class Program:
    """On a thread of its own. `clips` has the paths of those that it has put in, in order, and
    `stems` the stems that it knew of each of their jobs then.
    """

    def __init__(self, name: str, server: tuple[str, int]) -> None:
        self.name = name
        self.clips: list[str] = []
        self.stems: list[set[str]] = []
        self._client = OscClient(server)
        self._client._socket.settimeout(PING_SECONDS / 4)
        self._known: dict[str, set[str]] = {}  # stems by the job's id
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing = True
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        heard = pinged = float("-inf")
        is_lost = True
        while not self._closing:
            now = time.monotonic()
            is_lost = is_lost or now > heard + SILENT_SECONDS
            if now > pinged + PING_SECONDS:
                pinged = now
                self._client.send("/ace/ping", self.name)
            try:
                address, values = self._client.receive()
            except OSError:  # nothing came
                continue
            heard = time.monotonic()
            if address == "/ace/pong" and is_lost:
                is_lost = False
                self._client.send("/ace/notify", 1, 0, "clip finished insert", self.name)
            elif address == "/ace/clip":
                self._known.setdefault(values[0], set()).add(values[1])
            elif address == "/ace/insert":
                self._insert(*values)

    def _insert(self, id: str, track: int, slot: int, path: str) -> None:
        if path not in self.clips:
            self.clips.append(path)
            self.stems.append(self._known.get(id, set()))
        where = f"track 1, slot {self.clips.index(path)}"
        self._client.send("/ace/inserted", id, self.name, where)
