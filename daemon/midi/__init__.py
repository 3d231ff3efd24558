"""MIDI ports that are there whenever they are plugged in. The daemon's only door to mido's
ports.
"""

from .opened import Ear, Mouth
from .ports import ASKED, EVERY, Input, Ports, Surface
from .stream import Stream
from .system import Names, backend, inputs, matching, names

__all__ = [
    "ASKED", "EVERY", "Ear", "Input", "Mouth", "Names", "Ports", "Stream", "Surface", "backend", "inputs", "matching",
    "names",
]  # fmt: skip
