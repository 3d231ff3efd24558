"""The checkpoints that come with the package, in the official layout, one folder each."""

from __future__ import annotations

from pathlib import Path

HUB_MODEL = "ACE-Step/Ace-Step1.5"  # the real one

VOICES = {
    "mini": "It has random weights: what it plays is noise, made by the real program in every step.",
}


def voice_folder(name: str) -> Path:
    return Path(__file__).parent / name
