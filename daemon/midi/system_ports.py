"""The machine's MIDI: mido's backend, and which ports there are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import mido

from ..port_names import is_meant
from ..settings import SettingsError

BACKEND = "daemon.midi.rtmidi_backend"
MIDO_RTMIDI = "mido.backends.rtmidi"  # which needs python-rtmidi: ours is used in its place

SENTINEL = "ace-lifeline-"  # how the JACK clients of the sentinels of daemons begin
MISSING = "no MIDI system answers"
MISSING_HINT = "on Linux start ALSA's sequencer, or JACK with MIDO_BACKEND set"

# mido is not typed, and loads its backend when it is asked for ports: a class with `open_input`,
# `open_output`, `api` and the `module` that it wraps.
Backend = Any


class PortNames(NamedTuple):
    inputs: list[str]
    outputs: list[str]


class NoMidiSystem(Exception):
    """No MIDI system answers; the text is what it said instead."""


def load_backend() -> Backend:
    """mido's backend: ours, or what MIDO_BACKEND names. Raises `SettingsError` where that is not
    installed.
    """
    name, _, api = os.environ.get("MIDO_BACKEND", BACKEND).partition("/")
    backend = mido.Backend(BACKEND if name == MIDO_RTMIDI else name, api or None)
    try:
        backend.load()
    except ImportError as error:
        raise SettingsError(
            f"MIDI ports need a library that is not here ({error}): install what MIDO_BACKEND "
            "names, or unset it"
        ) from error
    return backend


def read_ports(backend: Backend) -> PortNames:
    """The names of all ports that are there. Raises `NoMidiSystem`."""
    options = {"api": backend.api} if backend.api else {}
    try:
        devices = backend.module.get_devices(**options)
    except Exception as error:  # every driver has an error of its own
        # without its cause: whoever keeps that keeps a half-opened port
        raise NoMidiSystem(str(error)) from None
    return PortNames(
        [device["name"] for device in devices if device["is_input"]],
        [device["name"] for device in devices if device["is_output"]],
    )


def list_ports(backend: Backend) -> PortNames | None:
    """The names of all ports that are there; None where the system has no MIDI at all."""
    try:
        return read_ports(backend)
    except NoMidiSystem:
        return None


def list_inputs(backend: Backend) -> list[str] | None:
    """The names of the inputs that are there, each once; None where the system has no MIDI at
    all.
    """
    present = list_ports(backend)
    return list(dict.fromkeys(hide_own(present).inputs)) if present else None


def hide_own(present: PortNames) -> PortNames:
    """Without the ports that a JACK sentinel has, which are nobody's to play."""
    return PortNames(*([name for name in names if SENTINEL not in name] for names in present))


def find_port(name: str, names: Sequence[str]) -> str:
    """The first port whose name contains `name`, whatever its case, or else that it means in
    another language; empty when there is none.
    """
    containing = [port for port in names if name.casefold() in port.casefold()]
    meant = [port for port in names if is_meant(name, port)]
    return next(iter(containing + meant), "")
