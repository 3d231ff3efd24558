"""The sounds that play our training music: tones from harmonics, drums from sines and noise, rooms
and buses; all computed here, with NumPy alone. The same notes are the same bytes.

Arrays inside this room are planar, (channels, samples) float32 at 48 kHz; stems are (samples, 2).
"""

from .instruments import INSTRUMENTS
from .kits import KITS
from .players import limit, mix, render, render_mix
from .production import PRODUCTIONS, Production, choose_production

__all__ = [
    "INSTRUMENTS",
    "KITS",
    "PRODUCTIONS",
    "Production",
    "choose_production",
    "limit",
    "mix",
    "render",
    "render_mix",
]
