"""OSC clients as a stranger would write them: python-osc's own encoder and parser on a plain UDP or
TCP socket; and what tests of several rooms ask through them.
"""

from __future__ import annotations

import socket
import struct
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

PATIENCE = 60.0
RECEIVE_BUFFER = 1 << 20  # bytes, or as many as the system allows
SLIP_END = b"\xc0"
ENDS = ("/ace/finished", "/ace/fail", "/ace/cancelled")

# arguments of /ace/generate: a take that costs little
SHORT = ("prompt", "short", "seconds", 0.5, "num_steps", 1)

Received = tuple[str, list[Any]]  # a message's address and arguments


def encode_message(address: str, *arguments: Any, types: str | None = None) -> bytes:
    builder = OscMessageBuilder(address)
    for index, argument in enumerate(arguments):
        builder.add_arg(argument, types[index] if types else None)
    return bytes(builder.build().dgram)


def encode_bundle(when: float, *messages: bytes) -> bytes:
    """A bundle whose timetag is `when`, in seconds since the epoch."""
    body = b"".join(struct.pack(">i", len(message)) + message for message in messages)
    return b"#bundle\0" + struct.pack(">Q", int((when + 2208988800) * 2**32)) + body


class OscClient:
    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        # hundreds may come before a busy machine lets the test read
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._socket.settimeout(PATIENCE)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def send(self, address: str, *arguments: Any, types: str | None = None) -> None:
        self.send_raw(encode_message(address, *arguments, types=types))

    def send_raw(self, data: bytes) -> None:
        self._socket.sendto(data, self._server)

    def receive_raw(self) -> bytes:
        return self._socket.recv(65_535)

    def receive(self) -> Received:
        parsed = OscMessage(self.receive_raw())
        return parsed.address, list(parsed.params)

    def ask(self, address: str, *arguments: Any, types: str | None = None) -> Received:
        """Send, and return the next message that is not about the engine's state."""
        self.send(address, *arguments, types=types)
        while (received := self.receive())[0] == "/ace/progress":
            pass
        return received

    def until(self, address: str, id: str | None = None) -> list[Received]:
        """Everything up to the message with this address (and, in argument 0, this id)."""
        transcript = [self.receive()]
        while transcript[-1][0] != address or (id is not None and transcript[-1][1][0] != id):
            transcript.append(self.receive())
        return transcript

    def until_end(self, id: str) -> list[Received]:
        """Everything up to the end of job `id`, however it ends."""
        transcript = [self.receive()]
        while not (transcript[-1][0] in ENDS and transcript[-1][1][0] == id):
            transcript.append(self.receive())
        return [received for received in transcript if received[1][:1] == [id]]

    def is_quiet(self) -> bool:
        """Nothing else is answered: what comes next is that everything has been handled."""
        return self.ask("/ace/sync", 4711) == ("/ace/synced", [4711])

    def close(self) -> None:
        self._socket.close()


class TcpClient(OscClient):
    """The same on a connection, with lengths before the packets or, with `slip`, between END
    bytes.
    """

    def __init__(self, server: tuple[str, int], slip: bool = False) -> None:
        self._slip = slip
        self._socket = socket.create_connection(server, PATIENCE)
        self._stream = self._socket.makefile("rb")

    def send_raw(self, data: bytes) -> None:
        self.send_bytes(slip_frame(data) if self._slip else struct.pack(">i", len(data)) + data)

    def send_bytes(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive_raw(self) -> bytes:
        if not self._slip:
            return self._read(struct.unpack(">i", self._read(4))[0])
        frame = b""
        while not (frame and frame[-1:] == SLIP_END):
            frame += self._read(1)
            frame = b"" if frame == SLIP_END else frame
        return frame[:-1].replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")

    def ended(self) -> bool:
        """Whether the server has closed the connection (waits for it)."""
        try:
            return self._stream.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise EOFError("the server has closed the connection")
        return data


def slip_frame(data: bytes) -> bytes:
    return SLIP_END + data.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + SLIP_END


def addresses(transcript: list[Received]) -> list[str]:
    """The addresses without repeated progress."""
    seen: list[str] = []
    for address, _ in transcript:
        if not (seen and seen[-1] == address == "/ace/progress"):
            seen.append(address)
    return seen


def expect_fail(
    client: OscClient, address: str, *arguments: object, types: str | None = None
) -> tuple[str, int, str, str]:
    """Send a message; the id, code, message and hint of the /ace/fail that answers it."""
    received, (id, command, code, text, hint) = client.ask(address, *arguments, types=types)
    assert received == "/ace/fail"
    assert command == address
    return id, code, text, hint


def make_clip(client: OscClient, id: str, *arguments: Any) -> list[Any]:
    """Make a clip, a short one without arguments; the arguments of its /ace/clip."""
    client.send("/ace/generate", id, *(arguments or SHORT))
    return next(values for address, values in client.until_end(id) if address == "/ace/clip")


def expect_survival(client: OscClient, packet: bytes) -> None:
    """Send a packet; the server answers what comes after it."""
    client.send_raw(packet)
    client.send("/ace/sync", 4711)
    while client.receive() != ("/ace/synced", [4711]):
        pass
