"""A musician who orders all the time, whatever happens around."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from tests.support.osc_client import ENDS, OscClient

MOMENT = 0.05  # seconds of listening, before something else is done
PAUSE = 0.3  # seconds between two orders
ASK_AGAIN = 1.0  # seconds without an answer, after which an order is sent again as it was
QUERY = 3.0  # seconds without news, after which it is asked how a job stands
MOST_OPEN = 16  # orders that have not ended, before it waits
ACCEPTED = ("/ace/queued", "/ace/progress", "/ace/clip", "/ace/finished")
LENGTH = {"seconds": 0.5, "bars": 0, "num_steps": 2, "stems": "", "priority": "live"}


@dataclass
class Asked:
    """One order, and what was answered: addresses, and values after the id."""

    message: tuple[Any, ...]
    sent: float  # in time.monotonic(), as the next
    heard: float = 0.0
    is_known: bool = False  # to the daemon, which said so
    copies: int = 1  # how often it was sent
    answers: list[tuple[str, list[Any]]] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether anything is still to come. A job that is held goes on by itself."""
        if not self.answers:
            return True
        address, values = self.answers[-1]
        is_held = address == "/ace/fail" and "kept" in values[-1]
        return self.is_known and (address in ACCEPTED[:3] or is_held)


class Player:
    """On a thread of its own, until the end of the `with`. `asked` has every order by its id."""

    def __init__(self, server: tuple[str, int], dice: random.Random) -> None:
        self.asked: dict[str, Asked] = {}
        self.client = OscClient(server)
        self.client._socket.settimeout(MOMENT)
        self._dice = dice
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="player")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._thread.join()

    def close(self) -> None:
        self.client.close()

    @property
    def name(self) -> str:
        """The client that it is to the daemon."""
        return f"udp:127.0.0.1:{self.client.port}"

    @property
    def accepted(self) -> set[str]:
        return {id for id, asked in self.asked.items() if asked.is_known}

    @property
    def refused(self) -> set[str]:
        """Of an order that was sent again, one copy may be refused and another one taken, by a
        daemon that was killed before it could say so.
        """
        return {id for id, one in self.asked.items() if not one.is_known and one.copies == 1}

    @property
    def open(self) -> list[str]:
        """The orders of which something is still to come."""
        return [id for id, asked in self.asked.items() if asked.is_open]

    def follow(self) -> None:
        """Hear what comes, and ask for what does not."""
        self._listen()
        self._ask_again(time.monotonic())

    def ask_end(self, id: str) -> str:
        """How the job ended, as the daemon says now: finished, fail or cancelled."""
        due = 0.0
        while True:
            if (now := time.monotonic()) >= due:  # what was answered may have been lost
                due = now + ASK_AGAIN
                self.client.send("/ace/query", id)
            for address, values in self._receive():
                if address in ENDS and values[0] == id:
                    return address.removeprefix("/ace/")

    def _run(self) -> None:
        due = time.monotonic()
        while not self._is_over:
            self.follow()
            if (now := time.monotonic()) >= due and len(self.open) < MOST_OPEN:
                due = now + PAUSE
                self._play(now)

    def _listen(self) -> None:
        """Note what has been answered, and wait for a moment where nothing has."""
        for address, values in self._receive():
            if not (values and values[0] in self.asked):
                continue
            asked = self.asked[values[0]]
            asked.heard = time.monotonic()
            asked.is_known = asked.is_known or address in ACCEPTED
            if address != "/ace/progress":
                asked.answers.append((address, values[1:]))

    def _receive(self) -> Iterator[tuple[str, list[Any]]]:
        """What is there, for a moment: what nobody takes is lost when the buffer is full."""
        until = time.monotonic() + MOMENT
        with suppress(TimeoutError, ConnectionError):
            while time.monotonic() < until:
                yield self.client.receive()

    def _ask_again(self, now: float) -> None:
        """A datagram may be lost with the daemon that had it, or that was to send it."""
        for id, asked in self.asked.items():
            if not asked.answers and now > asked.sent + ASK_AGAIN:
                asked.sent = now
                asked.copies += 1
                self.client.send(*asked.message)
            elif asked.is_known and asked.is_open and now > asked.heard + QUERY:
                asked.heard = now
                self.client.send("/ace/query", id)

    def _play(self, now: float) -> None:
        id = f"p{len(self.asked)}"
        ended = [id for id, one in self.asked.items() if one.is_known and not one.is_open]
        running = [id for id in self.open if self.asked[id].is_known]
        move = self._dice.choices(("order", "reroll", "cancel"), weights=(6, 4, 1))[0]
        if move == "cancel" and running:
            self.client.send("/ace/cancel", self._dice.choice(running))
            return
        values = {"prompt": f"drums {id}", "name": id} | LENGTH
        message: tuple[Any, ...] = ("/ace/generate", id)
        message += tuple(part for pair in values.items() for part in pair)
        if move == "reroll" and ended:
            message = ("/ace/reroll", id, self._dice.choice(ended))
        self.asked[id] = Asked(message, now)
        self.client.send(*message)
