"""Signals, received one after the other where somebody waits for them."""

from __future__ import annotations

import signal
import socket
from types import FrameType


class SignalReceiver:
    """Receives these signals from now on, for as long as the process lives. For the main thread.

    A handler runs between any two lines of the main thread, also where that holds a lock:
    `threading.Event.set` in one waits for ever where `wait` was interrupted. So the handlers do
    nothing, and what is read are the bytes that Python itself writes for every signal.
    """

    def __init__(self, *numbers: signal.Signals) -> None:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, _do_nothing)

    def receive(self) -> signal.Signals:
        """The next signal, also one that came before anybody waited."""
        return signal.Signals(self._reader.recv(1)[0])


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """A signal without a handler of Python's is not written down."""
