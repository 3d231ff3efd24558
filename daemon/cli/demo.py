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
from .waveform import draw

PATIENCE = 300.0  # seconds without a word from the daemon
WISHES: tuple[tuple[str | int, ...], ...] = (
    (
        "loop",
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
    ),
    ("pad", "prompt", "wide ambient pad", "seconds", 4, "seed", 8),
)


class Client:
    """A plain OSC client on a UDP socket of its own."""

    def __init__(self, server: Address) -> None:
        self._server = server
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))

    def send(self, address: str, *values: str | int) -> None:
        print(f"  -> {address} {' '.join(map(str, values))}", flush=True)
        types = "".join("s" if isinstance(value, str) else "i" for value in values)
        self._socket.sendto(encode(address, types, *values), self._server)

    def answers(self, patience: float = PATIENCE) -> Iterator[Message]:
        """What the daemon says, until it has been silent for `patience` seconds (TimeoutError)."""
        self._socket.settimeout(patience)
        while True:
            message = read_message(self._socket.recv(MAX_DATAGRAM))
            print(
                f"  <- {message.address} {' '.join(_shown(a) for a in message.arguments)}",
                flush=True,
            )
            yield message

    def close(self) -> None:
        self._socket.close()


def _shown(argument: object) -> str:
    return f"{argument:.2f}" if isinstance(argument, float) else str(argument)


def demo(out: Path) -> int:
    """Run it into the folder `out`. Returns the exit status."""
    print(f"The embedded voice '{VOICE}' plays. {VOICES[VOICE]}")
    print("Loading; the first time on a machine this takes half a minute.\n")
    with (
        tempfile.TemporaryDirectory() as state,
        Daemon(Settings(port=0, out=out, model=VOICE, state=Path(state))) as daemon,
    ):
        client = Client(daemon.osc.address)
        try:
            wavs = _play(client)
        except TimeoutError:
            print(f"The daemon said nothing for {PATIENCE:g} seconds. Please run: acestepd doctor")
            return 1
        finally:
            client.close()
    if len(wavs) < len(WISHES):
        print(
            "\nNot every clip was made; the /ace/fail line above says why. Please run: acestepd doctor"
        )
        return 1
    picture = wavs[0].with_suffix(".png")
    draw(wavs[0], picture)
    print("\nFinished clips, and the first one's waveform:", *wavs, picture, sep="\n  ")
    return 0


def _play(client: Client) -> list[Path]:
    """Send every wish and wait for each to end. The paths of the clips."""
    client.send("/ace/ping", "hello")
    for wish in WISHES:
        client.send("/ace/generate", *wish)
    open_jobs = {str(wish[0]) for wish in WISHES}
    wavs = []
    for message in client.answers():
        if message.address == "/ace/clip":
            wavs.append(Path(str(message.arguments[2])))
        if message.address in ("/ace/finished", "/ace/fail", "/ace/cancelled"):
            open_jobs.discard(str(message.arguments[0]))
        if not open_jobs:
            break
    return wavs
