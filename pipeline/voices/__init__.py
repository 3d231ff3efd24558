"""The checkpoints that come with the package, in the official layout, one folder each."""

from __future__ import annotations

from pathlib import Path

HUB_MODEL = "ACE-Step/Ace-Step1.5"  # the real one
PLANNERS = ("1.7B", "0.6B", "4B")  # of ACE-Step: the official default first, then the quickest

VOICES = {
    "mini": "It is a small network of our own: lo-fi loops in twelve styles, in tempo and in key; it does not sing.",
}


def voice_folder(name: str) -> Path:
    return Path(__file__).parent / name
