"""Ask a running acestepd for a clip and print every answer until the WAV is there.

    python examples/generate.py "warm lo-fi beat with mellow keys" bars=4 bpm=90 seed=7

Needs nothing but python-osc: copy it into your own project. The exit status is 0 when the clip was
made.
"""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Iterator
from contextlib import closing

from pythonosc.osc_message import OscMessage
from pythonosc.udp_client import SimpleUDPClient

FIRST_WAIT = 5.0  # seconds within which a daemon answers
LATER_WAIT = 600.0  # seconds that it may be silent after that, loading a large model


def main() -> int:
    parser = argparse.ArgumentParser(description="Ask a running acestepd for a clip.")
    parser.add_argument("prompt", nargs="?", default="warm lo-fi beat with mellow keys")
    parser.add_argument(
        "more", nargs="*", metavar="name=value", help="bars=4 bpm=90 key=Am seconds=12 seed=7 ..."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9100)
    arguments = parser.parse_args()

    parameters = ["prompt", arguments.prompt]
    for pair in arguments.more:
        name, _, value = pair.partition("=")
        parameters += [name, value]
    # The daemon listens on IPv4, and answers the socket that asked.
    with closing(SimpleUDPClient(arguments.host, arguments.port, family=socket.AF_INET)) as client:
        # the empty id lets the daemon choose one
        client.send_message("/ace/generate", ["", *parameters])
        return follow(receive(client))


def receive(client: SimpleUDPClient) -> Iterator[OscMessage]:
    """The daemon's answers, until it is silent for too long."""
    seconds = FIRST_WAIT
    while data := client.receive(seconds):
        yield OscMessage(data)
        seconds = LATER_WAIT


def follow(messages: Iterator[OscMessage]) -> int:
    """Print answers until the clip is made. Returns the exit status."""
    path = ""
    for message in messages:
        print(message.address, *message.params, flush=True)
        if message.address == "/ace/clip":
            _id, _stem, path, _bpm, _bars, _seed = message.params
        elif message.address == "/ace/finished":
            print(path)
            return 0
        elif message.address in ("/ace/fail", "/ace/cancelled"):
            return 1
    print("no answer: is acestepd running there?", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
