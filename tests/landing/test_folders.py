from __future__ import annotations

import errno
import os
import platform
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest

from daemon.landing import folders
from daemon.settings import SettingsError
from pipeline.request import Request

SHORT = Request(prompt="x", seconds=1)


def test_a_folder_that_was_tidied_away_is_made_again_and_a_volume_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "volume" / "out"
    missing = folders.find_obstacle(folder, SHORT)
    assert missing
    assert missing.errno == errno.ENOENT
    folder.parent.mkdir()
    assert folders.find_obstacle(folder, SHORT) is None
    assert folder.is_dir()


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    blocked = folders.find_obstacle(tmp_path / "out", SHORT)
    assert blocked
    assert blocked.errno == errno.EEXIST
    with pytest.raises(SettingsError, match="cannot write into"):
        folders.check_writable(tmp_path / "out" / "below")


def test_room_is_asked_for_as_much_as_the_take_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage(NamedTuple):
        free: int

    long = Request(prompt="x", seconds=600, stems="drums bass", sample_rate=96_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(folders.estimate_bytes(SHORT)))
    assert folders.find_obstacle(tmp_path, SHORT) is None
    full = folders.find_obstacle(tmp_path, long)
    assert full
    assert full.errno == errno.ENOSPC
    assert folders.estimate_bytes(long) > 600 * 96_000 * 2 * 4 * 3


def test_a_folder_that_macos_keeps_from_us_says_where_the_switch_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(dir: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(dir))

    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(SettingsError, match="Operation not permitted; macOS keeps it from") as said:
        folders.check_writable(tmp_path)
    assert "Privacy & Security > Files and Folders" in str(said.value)
