"""The checkpoints that come with the package: one folder each, in the official layout."""

from __future__ import annotations

from pathlib import Path

HUB_MODEL = "ACE-Step/Ace-Step1.5"  # the official model
PLANNERS = ("1.7B", "0.6B", "4B")  # the official ones: the default first, then the fastest

VOICES = {
    "mini": (
        "It is a small network of our own: twenty styles, in tempo and in key; "
        "it sings with a plain singer."
    ),
}


def voice_folder(name: str) -> Path:
    """Where the voice of this name is."""
    return Path(__file__).parent / name
