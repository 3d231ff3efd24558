"""An OSC client as a stranger would write it: python-osc's own encoder and parser on a plain UDP socket."""

from __future__ import annotations

import socket
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

PATIENCE = 60.0
ENDS = ("/ace/finished", "/ace/fail", "/ace/cancelled")

Heard = tuple[str, list[Any]]


def message(address: str, *arguments: Any, types: str | None = None) -> bytes:
    builder = OscMessageBuilder(address)
    for index, argument in enumerate(arguments):
        builder.add_arg(argument, types[index] if types else None)
    return bytes(builder.build().dgram)


class OscClient:
    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(PATIENCE)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def send(self, address: str, *arguments: Any, types: str | None = None) -> None:
        self.send_raw(message(address, *arguments, types=types))

    def send_raw(self, data: bytes) -> None:
        self._socket.sendto(data, self._server)

    def hear(self) -> Heard:
        parsed = OscMessage(self._socket.recv(65_535))
        return parsed.address, list(parsed.params)

    def ask(self, address: str, *arguments: Any, types: str | None = None) -> Heard:
        """Send, and return the next message that is not about the engine's state."""
        self.send(address, *arguments, types=types)
        while (heard := self.hear())[0] == "/ace/progress":
            pass
        return heard

    def until(self, address: str, id: str | None = None) -> list[Heard]:
        """Everything up to the message with this address (and, in argument 0, this id)."""
        transcript = [self.hear()]
        while transcript[-1][0] != address or (id is not None and transcript[-1][1][0] != id):
            transcript.append(self.hear())
        return transcript

    def until_end(self, id: str) -> list[Heard]:
        """Everything up to the end of job `id`, however it ends."""
        transcript = [self.hear()]
        while not (transcript[-1][0] in ENDS and transcript[-1][1][0] == id):
            transcript.append(self.hear())
        return [heard for heard in transcript if heard[1][:1] == [id]]

    def quiet(self) -> bool:
        """Nothing else has been answered: the answer to a ping is the next thing heard."""
        return self.ask("/ace/ping", "quiet")[1][0] == "quiet"

    def close(self) -> None:
        self._socket.close()


def addresses(transcript: list[Heard]) -> list[str]:
    """The addresses without repeated progress."""
    seen: list[str] = []
    for address, _ in transcript:
        if not (seen and seen[-1] == address == "/ace/progress"):
            seen.append(address)
    return seen
