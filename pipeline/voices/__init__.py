"""The checkpoints that come with the package, in the official layout, one folder each."""

from __future__ import annotations

from pathlib import Path

VOICES = ("mini",)


def voice_folder(name: str) -> Path:
    return Path(__file__).parent / name
