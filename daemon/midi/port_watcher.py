"""Which ports come and go, and which devices were replugged between two looks."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from .jack_sentinel import JACK_SENTINEL
from .system_ports import NoMidiSystem, PortNames, hide_own, load_backend, read_ports

log = logging.getLogger("acestepd.midi")

# The pause between two looks is doubled so often, in the end, where the system has no MIDI: drivers
# complain to the terminal each time.
MAX_DOUBLINGS = 5
SOUND_DEVICES = Path("/dev/snd")

PortCallback = Callable[[PortNames | None], None]


class DeviceNodes:
    """Tells whether a device may have been away and back between two looks: on Linux it has another
    node then, although its port has the name it had, and whoever was connected to it gets nothing
    any more.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, int] = {}  # inodes by name, also of devices that are not there now

    def check_replaced(self) -> bool:
        """Whether one was replaced since the last check."""
        before = self._nodes
        now = _read_nodes()
        self._nodes = before | now
        return any(before.get(name, node) != node for name, node in now.items())


def _read_nodes() -> dict[str, int]:
    try:
        return {entry.name: entry.inode() for entry in os.scandir(SOUND_DEVICES)}
    except OSError:  # another system, or no device
        return {}


class PortWatcher:
    """Calls everybody who wants to know, every now and then, with the ports that are there; with
    None where there is no MIDI at all.

    One thread for the whole process, and it never ends: CoreMIDI tells of what is plugged in only
    on the thread that asked first.
    """

    def __init__(self) -> None:
        self._callbacks: dict[PortCallback, float] = {}  # and seconds between two calls
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._failures = 0  # looks in a row at a system without MIDI
        self._present: PortNames | None = None  # at the newest look
        self._looked = threading.Event()

    def add(self, callback: PortCallback, every: float) -> None:
        """Call it every so many seconds."""
        with self._lock:
            self._callbacks[callback] = every
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="midi", daemon=True)
                self._thread.start()
        self._wake.set()

    def remove(self, callback: PortCallback) -> None:
        """It is not called any more when this returns."""
        with self._lock:
            self._callbacks.pop(callback, None)

    def wait_for_ports(self, timeout: float) -> PortNames | None:
        """The ports that were there at the newest look, or at the first one, if that ends within so
        many seconds. None where there is no MIDI at all.
        """
        self._looked.wait(timeout)
        return self._present

    def _run(self) -> None:
        pause: float | None = 0.0
        while True:
            self._wake.wait(pause)
            self._wake.clear()
            with self._lock:
                pause = self._look()

    def _look(self) -> float | None:
        """The seconds until the next time; None: nobody wants to know."""
        if not self._callbacks:
            return None
        present = self._read_ports()
        if not JACK_SENTINEL.is_present(present):
            JACK_SENTINEL.reset()
            self._call_all(None)
        if present:
            present = hide_own(present)
            self._call_all(present)
        self._failures = 0 if present else self._failures + 1
        self._present = present
        self._looked.set()
        return min(self._callbacks.values()) * 2.0 ** min(MAX_DOUBLINGS, self._failures)

    def _read_ports(self) -> PortNames | None:
        """None where no MIDI system answers, which is said once until one does."""
        try:
            return read_ports(load_backend())
        except NoMidiSystem as error:
            if not self._failures:
                log.warning("no MIDI system answers; ports are opened once one does: %s", error)
            return None

    def _call_all(self, present: PortNames | None) -> None:
        for callback in list(self._callbacks):
            try:
                callback(present)
            except Exception:  # a driver's troubles must not end this: it may be back in a minute
                log.exception("MIDI ports")


PORT_WATCHER = PortWatcher()
