"""The machine's MIDI: mido's backend, which ports there are, and what becomes of those of a JACK
that has ended.
"""

from __future__ import annotations

import ctypes
import itertools
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import mido

from ..settings import SettingsError

log = logging.getLogger("acestepd.midi")

# times as long, in the end, where the system has no MIDI: drivers complain to the terminal each
# time
SELDOM = 32
CARDS = Path("/dev/snd")


class Names(NamedTuple):
    inputs: list[str]
    outputs: list[str]


def backend() -> Any:
    """mido's backend: rtmidi, or what MIDO_BACKEND names. Raises `SettingsError` where it is not
    installed.
    """
    chosen = mido.Backend()
    try:
        chosen.load()
    except ImportError as error:
        raise SettingsError(
            f"MIDI ports need a library that is not here ({error}): pip install 'acestepd[midi]'"
        ) from error
    return chosen


def names(chosen: Any) -> Names | None:
    """Of all the ports that are there; None where the system has no MIDI at all."""
    try:
        devices = chosen.module.get_devices(**({"api": chosen.api} if chosen.api else {}))
    except Exception as error:  # rtmidi has an error of its own for every driver
        log.debug("no MIDI on this system: %s", str(error))
        return None
    return Names(
        *(
            [device["name"] for device in devices if device[kind]]
            for kind in ("is_input", "is_output")
        )
    )


def inputs(chosen: Any) -> list[str] | None:
    """The names of the inputs that are there; None where the system has no MIDI at all."""
    present = names(chosen)
    return list(dict.fromkeys(present.inputs)) if present else None


def matching(name: str, names: list[str]) -> str:
    """The first port whose name contains `name`, whatever its case; empty when there is none."""
    return next((port for port in names if name.casefold() in port.casefold()), "")


class DeviceNodes:
    """Tells whether a device may have been away and back between two looks: on Linux it has another
    node then, although its port has the name it had, and whoever was connected to it hears nothing
    any more.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, int] = {}  # also of devices that are not there now

    def replaced(self) -> bool:
        """Since the last time."""
        before = self._nodes
        now = _nodes()
        self._nodes = before | now
        return any(before.get(name, node) != node for name, node in now.items())


def _nodes() -> dict[str, int]:
    try:
        return {entry.name: entry.inode() for entry in os.scandir(CARDS)}
    except OSError:  # another system, or no device
        return {}


Look = Callable[[Names | None], None]


class PortWatcher:
    """Tells everybody who wants to know, every now and then, which ports there are; None where
    there is no MIDI at all.

    One thread for the whole process, and it never ends: CoreMIDI tells of what is plugged in only
    where it was asked first.
    """

    def __init__(self) -> None:
        self._looks: dict[Look, float] = {}
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._vain = 0  # looks in a row at a system without MIDI

    def add(self, look: Look, every: float) -> None:
        with self._lock:
            self._looks[look] = every
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="midi", daemon=True)
                self._thread.start()
        self._wake.set()

    def remove(self, look: Look) -> None:
        """It is not called any more when this returns."""
        with self._lock:
            self._looks.pop(look, None)

    def _watch(self) -> None:
        pause: float | None = 0.0
        while True:
            self._wake.wait(pause)
            self._wake.clear()
            with self._lock:
                pause = self._look()

    def _look(self) -> float | None:
        """The seconds until the next time; None: nobody wants to know."""
        if not self._looks:
            return None
        present = names(backend())
        if not LIFELINE.holds(present):
            LIFELINE.cut()
            self._tell(None)
        if present:
            self._tell(present)
        self._vain = 0 if present else self._vain + 1
        return min(self._looks.values()) * min(SELDOM, 2.0**self._vain)

    def _tell(self, present: Names | None) -> None:
        for look in list(self._looks):
            try:
                look(present)
            except Exception:  # a driver's troubles must not end this: it may be back in a minute
                log.exception("MIDI ports")


class Lifeline:
    """Tells whether the JACK server that our ports belong to is still there.

    To close a port of a server that has ended is a crash of the process, and another server may
    have begun since the last look, with ports of the same names. So there is one port whose name
    nobody else has. It is never closed.
    """

    def __init__(self) -> None:
        self._name = ""
        self._numbers = itertools.count(1)

    def holds(self, present: Names | None) -> bool:
        """Whether ports may be closed."""
        return present is not None and (
            not self._name or any(self._name in name for name in present.inputs)
        )

    def cut(self) -> None:
        self._name = ""

    def tie(self, chosen: Any) -> None:
        """To the server that is there now."""
        if self._name:
            return
        name = f"ace-lifeline-{os.getpid()}-{next(self._numbers)}"
        try:
            keep(chosen.open_output("lifeline", virtual=True, client_name=name))
            self._name = name
        except Exception as error:  # it has just ended: the next look will see it
            log.debug("no lifeline: %s", str(error))


LOOKOUT = PortWatcher()
LIFELINE = Lifeline()


def keep(port: Any) -> None:
    """For ever: it is not even freed."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(port))
