"""`acestepd demo`: a real daemon on a free port, a real OSC client, and what they say to each
other.
"""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.voices import VOICES

from ..osc.wire import MAX_DATAGRAM, Address, Message, encode, read_message
from ..service import VOICE, Daemon
from ..settings import Settings
from .waveform import draw_waveform

TIMEOUT = 300.0  # seconds without a word from the daemon
LOOP = (
    "prompt",
    "warm lo-fi beat with mellow keys",
    "key",
    "A minor",
    "bars",
    2,
    "bpm",
    84,
    "seed",
    7,
)
PAD = "prompt", "wide ambient pad", "seconds", 4, "seed", 8
REQUESTS: dict[str, tuple[str | int, ...]] = {"loop": LOOP, "pad": PAD}


class DemoClient:
    """A plain OSC client on a UDP socket of its own."""

    def __init__(self, server: Address) -> None:
        self._server = server
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))

    def send(self, address: str, *values: str | int) -> None:
        print(f"  -> {address} {' '.join(map(str, values))}", flush=True)
        types = "".join("s" if isinstance(value, str) else "i" for value in values)
        self._socket.sendto(encode(address, types, *values), self._server)

    def receive_all(self, timeout: float = TIMEOUT) -> Iterator[Message]:
        """What the daemon says, until it has been silent for so many seconds (TimeoutError)."""
        self._socket.settimeout(timeout)
        while True:
            message = read_message(self._socket.recv(MAX_DATAGRAM))
            arguments = " ".join(map(_format_argument, message.arguments))
            print(f"  <- {message.address} {arguments}", flush=True)
            yield message

    def close(self) -> None:
        self._socket.close()


def _format_argument(argument: object) -> str:
    return f"{argument:.2f}" if isinstance(argument, float) else str(argument)


def demo(out: Path) -> int:
    """Run it into the folder `out`. Returns the exit status."""
    print(f"The embedded voice '{VOICE}' plays. {VOICES[VOICE]}")
    print("Loading; the first time on a machine this takes half a minute.\n")
    with (
        tempfile.TemporaryDirectory() as state,
        Daemon(Settings(port=0, out=out, model=VOICE, state=Path(state))) as daemon,
    ):
        client = DemoClient(daemon.osc.address)
        try:
            wavs = _play(client)
        except TimeoutError:
            print(f"The daemon said nothing for {TIMEOUT:g} seconds. Please run: acestepd doctor")
            return 1
        finally:
            client.close()
    if len(wavs) < len(REQUESTS):
        print("\nNot every clip was made; the /ace/fail line above says why.", end=" ")
        print("Please run: acestepd doctor")
        return 1
    picture = wavs[0].with_suffix(".png")
    draw_waveform(wavs[0], picture)
    print("\nFinished clips, and the first one's waveform:", *wavs, picture, sep="\n  ")
    return 0


def _play(client: DemoClient) -> list[Path]:
    """Send every request and wait for each to end. The paths of the clips."""
    client.send("/ace/ping", "hello")
    for id, parameters in REQUESTS.items():
        client.send("/ace/generate", id, *parameters)
    waiting = set(REQUESTS)
    wavs = []
    for message in client.receive_all():
        if message.address == "/ace/clip":
            wavs.append(Path(str(message.arguments[2])))
        if message.address in ("/ace/finished", "/ace/fail", "/ace/cancelled"):
            waiting.discard(str(message.arguments[0]))
        if not waiting:
            break
    return wavs
