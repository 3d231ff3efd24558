"""A port that is open: messages that arrive, and messages that are sent."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import mido

from . import rtmidi_backend
from .jack_sentinel import JACK_SENTINEL, leak_port
from .parser import SYSEX_END, StreamParser
from .system_ports import Backend, PortNames, list_ports

log = logging.getLogger("acestepd.midi")

# called with the time.monotonic() of the arrival and mido's dictionary of the message
MessageHandler = Callable[[float, dict[str, Any]], None]

VIRTUAL = "acestepd"  # our own port, where other programs and cables can be connected to
SYSEX_END_SECONDS = 0.1  # between two ends of a system exclusive on JACK: see `SysexTerminator`
FIRST_END_TIMEOUT = 2.0  # seconds at most until the first of them has arrived
JACK_POLL_SECONDS = 0.002  # between two looks at what has come on JACK: see `InputPort`
LOG_SECONDS = 10.0  # between two lines in the log about the invalid bytes of one port


class InputPort:
    """An input that is open. `handle(at, message)` is called on rtmidi's thread; on JACK, on one of
    the port's own.

    It takes the bytes as rtmidi gives them: mido drops whatever is not exactly one message, and
    does not say so.
    """

    def __init__(
        self,
        backend: Backend,
        name: str,
        handle: MessageHandler,
        present: PortNames,
        virtual: bool = False,
    ) -> None:
        """`present` are the ports that were there before."""
        self.name = name
        self.last_arrival = time.monotonic()  # at first, when it was opened
        self._handle = handle
        self._parser = StreamParser()
        self._logged_at = -LOG_SECONDS
        self._invalid_count = 0  # invalid bytes that are not logged yet
        self._terminator: SysexTerminator | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._port = _open_port(backend, "input", name, virtual)
        if not isinstance(self._port, rtmidi_backend.RtMidiInput):
            self._port.callback = lambda message: self._receive(message.bytes())
        elif "JACK" in self._port.api:
            self._start_jack(self._port, backend, present)
        else:
            self._port.listen(self._receive)

    def close(self, server_present: bool = True) -> None:
        """`server_present`: whether the MIDI system still is there."""
        self._closing.set()
        if self._thread:
            self._thread.join()
        if self._terminator:
            self._terminator.close(server_present)
        _close_port(self._port, server_present)

    def _start_jack(
        self, port: rtmidi_backend.RtMidiInput, backend: Backend, present: PortNames
    ) -> None:
        self._thread = threading.Thread(
            target=self._poll, args=(port,), name=f"midi {self.name}", daemon=True
        )
        self._thread.start()
        self._terminator = SysexTerminator(backend, present)
        self._terminator.start()

    def _poll(self, port: rtmidi_backend.RtMidiInput) -> None:
        """JACK calls back in the midst of its cycle: what waits for Python there is overwritten by
        the next cycle.
        """
        while not self._closing.wait(JACK_POLL_SECONDS):
            while data := port.read():
                self._receive(data)

    def _receive(self, data: Sequence[int]) -> None:
        at = time.monotonic()
        if list(data) != [SYSEX_END]:
            self.last_arrival = at
        elif self._terminator:
            self._terminator.arrived.set()
        for message in self._parser.feed(data):
            try:
                self._handle(at, mido.Message.from_bytes(message).dict())
            except ValueError:
                self._parser.discard(message)
            except Exception:  # on rtmidi's thread nobody would see it
                log.exception("%s could not be handled", message.hex(" "))
        first_bytes, count = self._parser.take_invalid()
        if count:
            self._log_invalid(at, first_bytes, count)

    def _log_invalid(self, at: float, first_bytes: bytes, count: int) -> None:
        self._invalid_count += count
        if at - self._logged_at >= LOG_SECONDS:
            log.warning(
                "MIDI from %s: %d bytes are no message: %s",
                self.name,
                self._invalid_count,
                first_bytes.hex(" "),
            )
            self._logged_at = at
            self._invalid_count = 0


class SysexTerminator:
    """Ends of a system exclusive, sent to our own input ten times a second: on JACK, rtmidi keeps
    everything back that follows a system exclusive without an end.
    """

    _inputs: ClassVar[set[str]] = set()  # the inputs that have one

    def __init__(self, backend: Backend, present: PortNames) -> None:
        """For the input that was opened just now: the only one of ours that is not among `present`,
        the ports that were there before.
        """
        self.arrived = threading.Event()  # the first end has
        self._closing = threading.Event()
        self._lock = threading.Lock()
        now = list_ports(backend)
        before = {*present.outputs} | self._inputs
        new = [name for name in now.outputs if name not in before] if now else []
        ours = [name for name in new if name.startswith(("RtMidiIn Client", VIRTUAL))]
        self._port: Any = backend.open_output(ours[0]) if len(ours) == 1 else None
        self._inputs.update(ours if self._port else [])

    def start(self) -> None:
        """JACK drops what comes to an input in the moment in which a second output is connected to
        it: wait for the first end.
        """
        if self._port:
            threading.Thread(target=self._run, name="midi ends", daemon=True).start()
            self.arrived.wait(FIRST_END_TIMEOUT)

    def _run(self) -> None:
        while not self._closing.wait(
            SYSEX_END_SECONDS if self.arrived.is_set() else SYSEX_END_SECONDS / 10
        ):
            with self._lock:
                if not self._closing.is_set():
                    self._port.send_bytes([SYSEX_END])

    def close(self, server_present: bool) -> None:
        self._closing.set()
        with self._lock:
            self._inputs.discard(getattr(self._port, "name", ""))
            _close_port(self._port, server_present)


class OutputPort:
    """An output that is open."""

    def __init__(self, backend: Backend, name: str, virtual: bool = False) -> None:
        self.name = name
        self._port = _open_port(backend, "output", name, virtual)
        # lights and identity requests come from threads of their own
        self._lock = threading.Lock()

    def send(self, message: bytes) -> None:
        """Raises ValueError when that is no message, and what the driver raises when the device is
        not there any more.
        """
        with self._lock:
            self._port.send(mido.Message.from_bytes(message))

    def close(self, server_present: bool = True) -> None:
        _close_port(self._port, server_present)


def _open_port(backend: Backend, kind: str, name: str, virtual: bool) -> Any:
    open_port = getattr(backend, f"open_{kind}")
    port = open_port(name, virtual=True, client_name=VIRTUAL) if virtual else open_port(name)
    if "JACK" in getattr(port, "api", ""):
        JACK_SENTINEL.open(backend)
    return port


def _close_port(port: Any, server_present: bool) -> None:
    if port and not server_present:
        leak_port(port)
    elif port:
        with suppress(Exception):  # what is unplugged cannot always be closed
            port.close()
