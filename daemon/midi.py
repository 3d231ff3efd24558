"""MIDI inputs that are there whenever they are plugged in. The daemon's only door to mido's ports."""

from __future__ import annotations

import ctypes
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import mido

from .settings import SettingsError

log = logging.getLogger("acestepd.midi")

Heard = Callable[[float, dict[str, Any]], None]

EVERY = 3.0  # seconds between two looks at which ports there are
SELDOM = 10  # times as long where the system has no MIDI: drivers complain to the terminal each time
SILENCE = 60.0  # seconds after which a port is opened anew: it may have been away and back between two looks


class Input:
    """The input whose name contains `name`, opened when it appears and again when it comes back.

    `heard(at, message)` is called on MIDI's own thread and must be quick: `at` is `time.monotonic()` at the arrival,
    `message` what mido says of it, like {"type": "note_on", "channel": 0, "note": 60, "velocity": 64, "time": 0}.
    """

    def __init__(self, name: str, heard: Heard, every: float = EVERY, silence: float = SILENCE) -> None:
        self._name, self._heard, self._every, self._silence = name, heard, every, silence
        self._backend = backend()
        self._port: Any = None
        self._last = 0.0  # when it was opened, or heard last
        self._missing = False  # and said so
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"midi {name}", daemon=True)

    @property
    def port(self) -> str:
        """The whole name of the port that is open; empty while there is none."""
        port = self._port
        return port.name if port else ""

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        self._drop()

    def _watch(self) -> None:
        while not self._closing.is_set():
            names = inputs(self._backend)
            try:
                self._look(names or [])
            except Exception:  # a driver's troubles must not end this: it may be back in a minute
                log.exception("MIDI input %r", self._name)
                self._drop()
            self._closing.wait(self._every * (SELDOM if names is None else 1))

    def _look(self, names: list[str]) -> None:
        if self._port and self._port.name not in names:
            log.warning("MIDI input %s is gone", self._port.name)
            self._drop()
        elif self._port and time.monotonic() - self._last > self._silence:
            self._drop()
        if self._port is None:
            self._open(names)

    def _open(self, names: list[str]) -> None:
        found = matching(self._name, names)
        if not found:
            if not self._missing:
                log.warning("no MIDI input is called %r yet; there are: %s", self._name, ", ".join(names) or "none")
            self._missing = True
            return
        if self._missing or not self._last:
            log.info("MIDI input %s", found)
        self._missing, self._last = False, time.monotonic()
        self._port = self._backend.open_input(found, callback=self._receive)

    def _receive(self, message: Any) -> None:
        self._last = time.monotonic()
        try:
            self._heard(self._last, message.dict())
        except Exception:  # it would end up on MIDI's thread, where nobody reads it
            log.exception("%s could not be handled", message)

    def _drop(self) -> None:
        port, self._port = self._port, None
        if port and inputs(self._backend) is None:
            # JACK has ended, and to close or free a port of it then is a crash of the process: keep it for ever
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(port))
        elif port:
            with suppress(Exception):  # what is unplugged cannot always be closed
                port.close()


def backend() -> Any:
    """mido's backend: rtmidi, or what MIDO_BACKEND names. Raises `SettingsError` where it is not installed."""
    chosen = mido.Backend()
    try:
        chosen.load()
    except ImportError as error:
        raise SettingsError(
            f"MIDI ports need a library that is not here ({error}): pip install 'acestepd[midi]'"
        ) from error
    return chosen


def inputs(chosen: Any) -> list[str] | None:
    """The names of the inputs that are there; None where the system has no MIDI at all."""
    try:
        return list(dict.fromkeys(chosen.get_input_names()))
    except Exception as error:  # rtmidi has an error of its own for every driver
        log.debug("no MIDI on this system: %s", error)
        return None


def matching(name: str, names: list[str]) -> str:
    """The first port whose name contains `name`, whatever its case; empty when there is none."""
    return next((port for port in names if name.casefold() in port.casefold()), "")
