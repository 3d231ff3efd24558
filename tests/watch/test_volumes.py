"""Folders that come and go."""

from __future__ import annotations

import errno
import os
import platform
import subprocess
from pathlib import Path

import pytest

from daemon.settings import Watch
from daemon.watch import watched_files
from tests.support.watched import EngineStub, PolledFolder, requests_of, set_age


def test_a_folder_that_is_not_there_is_waited_for_and_never_made(
    tmp_path: Path, engine: EngineStub
) -> None:
    folder = PolledFolder(tmp_path / "volume", engine)
    folder.settle()
    assert not folder.path.exists()
    says = "the folder is not there; it is watched as soon as it can be"
    assert [event.values for event in engine.published] == [(str(folder.path), 0, 404, says)]
    folder.path.mkdir()
    set_age(folder.save("old.txt", "old"), 3600)
    set_age(folder.save("new.txt", "new"), -1)
    assert [request.lyrics for request in requests_of(folder.settle())] == ["new"]


def test_a_folder_that_is_deleted_and_made_anew_is_watched_on(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("same.txt", "same")
    folder.save("other.txt", "one")
    folder.settle()
    for path in folder.path.iterdir():
        path.unlink()
    folder.path.rmdir()
    folder.settle()
    folder.path.mkdir()
    folder.save("same.txt", "same")
    set_age(folder.save("other.txt", "two"), -1)
    assert [request.lyrics for request in requests_of(folder.settle())] == ["two"]


def test_a_volume_that_comes_back_with_other_inodes_is_nothing_new(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("made.txt", "made")
    folder.settle()
    set_age(folder.save("old.txt", "old"), 3600)
    folder.restart()
    folder.settle()
    away = folder.path.with_name("away")
    folder.path.rename(away)
    folder.settle()
    subprocess.run(["cp", "-rp", str(away), str(folder.path)], check=True)
    assert folder.settle() == []


def test_folders_have_settings_of_their_own(tmp_path: Path, engine: EngineStub) -> None:
    folders = []
    for name, prompt in (("a", "warm"), ("b", "cold")):
        (tmp_path / name).mkdir()
        folders.append(
            PolledFolder(
                tmp_path / name,
                engine,
                Watch(folder=tmp_path / name, request={"prompt": prompt}),
            )
        )
        folders[-1].poll()
        folders[-1].save("same.txt", "same")
    orders = [order for folder in folders for order in folder.settle()]
    assert [(order.request.prompt, order.out) for order in orders] == [
        ("warm", tmp_path / "a" / "takes"),
        ("cold", tmp_path / "b" / "takes"),
    ]
    assert len({order.id for order in orders}) == 2


def test_a_folder_that_macos_keeps_from_us_says_where_the_switch_is(
    folder: PolledFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(watched_files, "scan_folder", refuse)
    folder.poll()
    [(path, _, _, said)] = [event.values for event in folder.engine.published]
    assert path == str(folder.path)
    assert said.startswith("the folder cannot be read: Operation not permitted; macOS keeps it")
    assert "Privacy & Security > Files and Folders" in said
