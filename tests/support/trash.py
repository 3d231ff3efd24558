"""A trash of a test's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def use_trash(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where what is thrown away lies from now on, in that folder."""
    trash = folder / "data" / "Trash"
    monkeypatch.setattr("send2trash.plat_other.XDG_DATA_HOME", os.fsencode(trash.parent))
    monkeypatch.setattr("send2trash.plat_other.HOMETRASH_B", os.fsencode(trash))
    return trash
