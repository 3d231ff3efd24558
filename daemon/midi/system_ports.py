"""The machine's MIDI: mido's backend, and which ports there are."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import mido

from ..settings import SettingsError

log = logging.getLogger("acestepd.midi")

# mido is not typed, and loads its backend when it is asked for ports: a class with `open_input`,
# `open_output`, `api` and the `module` that it wraps.
Backend = Any


class PortNames(NamedTuple):
    inputs: list[str]
    outputs: list[str]


def load_backend() -> Backend:
    """mido's backend: rtmidi, or what MIDO_BACKEND names. Raises `SettingsError` where it is not
    installed.
    """
    backend = mido.Backend()
    try:
        backend.load()
    except ImportError as error:
        raise SettingsError(
            f"MIDI ports need a library that is not here ({error}): pip install 'acestepd[midi]'"
        ) from error
    return backend


def list_ports(backend: Backend) -> PortNames | None:
    """The names of all ports that are there; None where the system has no MIDI at all."""
    options = {"api": backend.api} if backend.api else {}
    try:
        devices = backend.module.get_devices(**options)
    except Exception as error:  # rtmidi has an error of its own for every driver
        log.debug("no MIDI on this system: %s", str(error))
        return None
    return PortNames(
        [device["name"] for device in devices if device["is_input"]],
        [device["name"] for device in devices if device["is_output"]],
    )


def list_inputs(backend: Backend) -> list[str] | None:
    """The names of the inputs that are there, each once; None where the system has no MIDI at
    all.
    """
    present = list_ports(backend)
    return list(dict.fromkeys(present.inputs)) if present else None


def find_port(name: str, names: Sequence[str]) -> str:
    """The first port whose name contains `name`, whatever its case; empty when there is none."""
    return next((port for port in names if name.casefold() in port.casefold()), "")
