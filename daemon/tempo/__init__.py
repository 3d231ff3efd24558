"""The tempo that bars are counted in: which source counts, MIDI clock, Ableton Link."""

from .session import Tempo

__all__ = ["Tempo"]
