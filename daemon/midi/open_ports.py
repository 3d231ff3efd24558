"""A port that is open: what is heard on it, and what is sent."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import mido

from .parser import SYSEX_END, StreamParser
from .system_ports import LIFELINE, Names, keep, names

log = logging.getLogger("acestepd.midi")

Heard = Callable[[float, dict[str, Any]], None]

VIRTUAL = "acestepd"  # our own port, where other programs and cables can be connected to
UNSTICK = 0.1  # seconds between two ends of a system exclusive on JACK: see `SysexEnds`
SETTLED = 2.0  # seconds at most until the first has arrived
POLL = 0.002  # seconds between two looks at what has come on JACK: see `InputPort`
COMPLAIN = 10.0  # seconds between two lines in the log about the rubbish of one port


class InputPort:
    """An input that is open. `heard(at, message)` is called on MIDI's own thread.

    It takes the bytes as rtmidi gives them: mido drops whatever is not exactly one message, and
    says nothing.
    """

    def __init__(
        self, chosen: Any, name: str, heard: Heard, present: Names, virtual: bool = False
    ) -> None:
        self.name = name
        self._heard = heard
        self.last = time.monotonic()  # when it was opened, or heard last
        self._stream = StreamParser()
        self._complained = -COMPLAIN
        self._rubbish = 0
        self._ends: SysexEnds | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._port = _opened(chosen, "input", name, virtual)
        if rtmidi := getattr(self._port, "_rt", None):
            if "JACK" in getattr(self._port, "api", ""):
                rtmidi.cancel_callback()
                self._thread = threading.Thread(
                    target=self._poll, args=(rtmidi,), name=f"midi {name}", daemon=True
                )
                self._thread.start()
                self._ends = SysexEnds(chosen, present)
                self._ends.start()
            else:
                rtmidi.set_callback(lambda event, _: self._received(event[0]))
        else:
            self._port.callback = lambda message: self._received(message.bytes())

    def close(self, there: bool = True) -> None:
        self._closing.set()
        if self._thread:
            self._thread.join()
        if self._ends:
            self._ends.close(there)
        _close(self._port, there)

    def _poll(self, rtmidi: Any) -> None:
        """JACK calls back in the midst of its cycle: what waits for Python there is overwritten by
        the next one.
        """
        while not self._closing.wait(POLL):
            while event := rtmidi.get_message():
                self._received(event[0])

    def _received(self, data: Sequence[int]) -> None:
        at = time.monotonic()
        if list(data) != [SYSEX_END]:
            self.last = at
        elif self._ends:
            self._ends.arrived.set()
        for message in self._stream.feed(data):
            try:
                self._heard(at, mido.Message.from_bytes(message).dict())
            except ValueError:
                self._stream.waste(message)
            except Exception:  # it would end up on MIDI's thread, where nobody reads it
                log.exception("%s could not be handled", message.hex(" "))
        begins, count = self._stream.take_rubbish()
        if count:
            self._complain(at, begins, count)

    def _complain(self, at: float, begins: bytes, count: int) -> None:
        self._rubbish += count
        if at - self._complained >= COMPLAIN:
            log.warning(
                "MIDI from %s: %d bytes are no message: %s",
                self.name,
                self._rubbish,
                begins.hex(" "),
            )
            self._complained = at
            self._rubbish = 0


class SysexEnds:
    """On JACK, rtmidi keeps everything back that follows a system exclusive without an end: ends,
    ten a second.
    """

    _taken: ClassVar[set[str]] = set()  # the inputs that have them

    def __init__(self, chosen: Any, present: Names) -> None:
        """For the input that was opened just now: the only one of ours that was not there
        before.
        """
        self.arrived = threading.Event()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        now = names(chosen)
        fresh = (
            [name for name in now.outputs if name not in {*present.outputs} | self._taken]
            if now
            else []
        )
        ours = [name for name in fresh if name.startswith(("RtMidiIn Client", VIRTUAL))]
        self._port: Any = chosen.open_output(ours[0]) if len(ours) == 1 else None
        self._taken.update(ours if self._port else [])

    def start(self) -> None:
        """JACK drops what comes to an input in the moment in which a second output is connected to
        it: wait for it.
        """
        if self._port:
            threading.Thread(target=self._send, name="midi ends", daemon=True).start()
            self.arrived.wait(SETTLED)

    def _send(self) -> None:
        while not self._closing.wait(UNSTICK if self.arrived.is_set() else UNSTICK / 10):
            with self._lock:
                if not self._closing.is_set():
                    self._port._rt.send_message([SYSEX_END])

    def close(self, there: bool) -> None:
        self._closing.set()
        with self._lock:
            self._taken.discard(getattr(self._port, "name", ""))
            _close(self._port, there)


class OutputPort:
    """An output that is open."""

    def __init__(self, chosen: Any, name: str, virtual: bool = False) -> None:
        self.name = name
        self._port = _opened(chosen, "output", name, virtual)
        self._lock = threading.Lock()  # lights and questions come from threads of their own

    def send(self, message: bytes) -> None:
        """Raises ValueError when that is no message, and what the driver raises when it is not
        there any more.
        """
        with self._lock:
            self._port.send(mido.Message.from_bytes(message))

    def close(self, there: bool = True) -> None:
        _close(self._port, there)


def _opened(chosen: Any, kind: str, name: str, virtual: bool) -> Any:
    open_port = getattr(chosen, f"open_{kind}")
    port = open_port(name, virtual=True, client_name=VIRTUAL) if virtual else open_port(name)
    if "JACK" in getattr(port, "api", ""):
        LIFELINE.tie(chosen)
    return port


def _close(port: Any, there: bool) -> None:
    """`there`: whether the MIDI system still is."""
    if port and not there:
        keep(port)
    elif port:
        with suppress(Exception):  # what is unplugged cannot always be closed
            port.close()
