"""MIDI ports that are open whenever they are plugged in. The daemon's only door to mido's ports."""

from .open_ports import InputPort, OutputPort
from .parser import StreamParser
from .port_watcher import PORT_WATCHER
from .ports import IDENTITY_SECONDS, POLL_SECONDS, Input, PortListener, Ports
from .system_ports import (
    MISSING,
    MISSING_HINT,
    PortNames,
    find_port,
    list_inputs,
    list_ports,
    load_backend,
)

__all__ = [
    "IDENTITY_SECONDS",
    "MISSING",
    "MISSING_HINT",
    "POLL_SECONDS",
    "PORT_WATCHER",
    "Input",
    "InputPort",
    "OutputPort",
    "PortListener",
    "PortNames",
    "Ports",
    "StreamParser",
    "find_port",
    "list_inputs",
    "list_ports",
    "load_backend",
]
