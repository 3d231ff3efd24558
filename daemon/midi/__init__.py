"""MIDI ports that are there whenever they are plugged in. The daemon's only door to mido's
ports.
"""

from .open_ports import InputPort, OutputPort
from .parser import StreamParser
from .ports import ASKED, EVERY, Input, PortListener, Ports
from .system_ports import Names, backend, inputs, matching, names

__all__ = [
    "ASKED",
    "EVERY",
    "Input",
    "InputPort",
    "Names",
    "OutputPort",
    "PortListener",
    "Ports",
    "StreamParser",
    "backend",
    "inputs",
    "matching",
    "names",
]  # fmt: skip
