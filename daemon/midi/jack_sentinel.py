"""Whether the JACK server that our ports belong to is still there."""

from __future__ import annotations

import atexit
import ctypes
import itertools
import logging
import os
from typing import Any

from .system_ports import SENTINEL, Backend, PortNames, list_ports

log = logging.getLogger("acestepd.midi")


class JackSentinel:
    """A port of our own that shows, while it is there, that the JACK server is still the one that
    our ports belong to.

    To close a port of a server that has ended is a crash of the process, and another server may
    have begun since the last look, with ports of the same names. So there is one port whose name
    nobody else has. It is closed when the process ends, and only if its server is there then.
    """

    def __init__(self) -> None:
        self._name = ""  # empty: there is none, as nothing of ours is open on a JACK server
        self._numbers = itertools.count(1)

    def is_present(self, present: PortNames | None) -> bool:
        """Whether our ports' server is there, and they may be closed; without a sentinel, whether
        any MIDI is.
        """
        return present is not None and (
            not self._name or any(self._name in name for name in present.inputs)
        )

    def reset(self) -> None:
        """Its server has ended: the next port that is opened opens another sentinel."""
        self._name = ""

    def open(self, backend: Backend) -> None:
        """On the server that is there now, unless it is open already."""
        if self._name:
            return
        name = f"{SENTINEL}{os.getpid()}-{next(self._numbers)}"
        try:
            port = backend.open_output("lifeline", virtual=True, client_name=name)
            leak_port(port)
            atexit.register(_close_at_exit, backend, name, port)
            self._name = name
        except Exception as error:  # the server has just ended: the next look will notice
            log.debug("no lifeline: %s", str(error))


def _close_at_exit(backend: Backend, name: str, port: Any) -> None:
    """Or else RtMidi's bindings print that it was leaked."""
    present = list_ports(backend)
    if present and any(name in each for each in present.inputs):
        port.close()


JACK_SENTINEL = JackSentinel()


def leak_port(port: Any) -> None:
    """Keep it for ever: neither closed nor freed."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(port))
