"""The sounds that play the guide, and the music that the embedded voice learned from: tones from
harmonics, drums from sines and noise, rooms and buses; all computed here, with NumPy alone. The
same notes are the same bytes, whatever was played before. Not imported before something is played.

Arrays inside this room are planar, (channels, samples) float32 at 48 kHz; stems and mixes are
(samples, 2).
"""

from .instruments import INSTRUMENTS
from .kits import KITS
from .mixes import limit, mix, render, render_in_steps, render_mix, render_mix_in_steps

__all__ = [
    "INSTRUMENTS",
    "KITS",
    "limit",
    "mix",
    "render",
    "render_in_steps",
    "render_mix",
    "render_mix_in_steps",
]
