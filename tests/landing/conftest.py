"""Landing files: real folders, real disks, real kills, real WAVs read back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support import wrecks


@pytest.fixture(params=["links", "no links"])
def volume(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An output folder, on a volume with and without hard links."""
    if request.param == "no links":
        monkeypatch.setattr(os, "link", wrecks.refuse_links)
    folder = tmp_path / "clips"
    folder.mkdir()
    return folder
