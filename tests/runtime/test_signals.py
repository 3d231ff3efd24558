"""A signal is received whenever it comes: between any two lines of who waits for it, and before."""

from __future__ import annotations

import subprocess
import sys

TIMEOUT = 60  # seconds, for what takes a moment

# A signal waits for who comes for it, and another one comes when that has run its first line, then
# when it has run its second, and so on to its last.
PROGRAM = """
import os, signal, sys
from daemon.runtime.signals import SignalReceiver

receiver = SignalReceiver(signal.SIGTERM, signal.SIGHUP)

def receive(at):
    lines = 0
    def interrupt(frame, event, argument):
        nonlocal lines
        lines += event == "line"
        if event == "line" and lines == at:
            os.kill(os.getpid(), signal.SIGTERM)
        return interrupt
    os.kill(os.getpid(), signal.SIGHUP)
    sys.settrace(interrupt)
    received = receiver.receive()
    sys.settrace(None)
    print(received.name, flush=True)
    return lines

for at in range(1, receive(at=0) + 1):
    receive(at)
    print(receiver.receive().name, flush=True)
"""


def test_a_signal_at_any_line_of_who_waits_is_received_in_its_turn() -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT)
    first, *received = done.stdout.split()
    assert first == "SIGHUP"
    assert len(received) > 4
    assert received == ["SIGHUP", "SIGTERM"] * (len(received) // 2)
