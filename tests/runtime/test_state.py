"""What is in the state folder is its owner's alone: whatever the umask, and whatever it was."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from daemon.integrations.clients import Clients
from daemon.journal import Journal
from daemon.landing.audio_files import write_preview
from daemon.pads.bank import Bank
from daemon.pads.bank_store import BankStore
from daemon.runtime import state
from daemon.runtime.lock import StateLock
from daemon.runtime.logs import log_to_file
from daemon.service import Daemon
from daemon.settings import Settings, SettingsError
from pipeline.latent_store import LatentStore, StoredLatents


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def list_open(folder: Path) -> list[str]:
    """What others could read or enter, the folder itself too."""
    return [
        path.name
        for path in (folder, *folder.rglob("*"))
        if stat.S_IMODE(path.lstat().st_mode) & 0o077
    ]


@pytest.mark.usefixtures("no_umask")
def test_everything_that_is_written_there_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "local" / "state"
    settings = Settings(state=folder, out=tmp_path / "out")
    with log_to_file(settings), StateLock(folder):
        journal = Journal(folder / "journal.sqlite")
        banks = BankStore(folder / "banks")
        banks.put(Bank("live"))
        assert banks.flush("live") == {}
        latents = StoredLatents(np.zeros((2, 64), np.float32), 1.0)
        LatentStore(folder / "latents").put("0" * 64, "vae", latents)
        write_preview(folder / "previews", "1_2", np.zeros((2, 480), np.float32))
        clients = Clients(folder)
        clients.add("live", "udp:127.0.0.1:9", "udp:127.0.0.1:9", inserts=True)
        clients.tick()
        names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
        assert names >= {
            "acestepd.log",
            "acestepd.lock",
            "journal.sqlite",
            "journal.sqlite-wal",
            "journal.sqlite-shm",
            "banks/live.json",
            "banks/.current",
            "previews/1_2.wav",
            "heard.json",
        }
        assert list_open(tmp_path / "local") == []
        journal.close()


def test_a_daemon_leaves_nothing_open_there(daemon: Daemon) -> None:
    assert list_open(daemon.settings.state) == []


def test_a_damaged_journal_is_set_aside_as_private_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "state" / "journal.sqlite"
    Journal(path).close()
    path.write_bytes(b"damaged" * 1000)
    before = os.umask(0)
    try:
        Journal(path).close()
    finally:
        os.umask(before)
    assert len(list(path.parent.glob("journal.damaged-*"))) == 1
    assert list_open(path.parent) == []


def test_what_was_open_is_closed_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "state"
    (folder / "banks").mkdir(parents=True)
    with sqlite3.connect(folder / "journal.sqlite") as db:
        db.execute("PRAGMA journal_mode = WAL")
    for name in ("acestepd.log.1", "banks/live.json", "journal.damaged-1.sqlite"):
        (folder / name).touch()
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o644)
    theirs = folder / "start.sh"  # somebody keeps other things in there
    theirs.touch(0o755)
    state.claim(folder)
    assert list_open(folder) == ["start.sh"]
    state.claim(folder)
    assert [record.getMessage() for record in caplog.records] == [
        f"the state folder {folder} was open to other users, and is not any more"
    ]


def test_a_state_folder_behind_a_link_is_closed_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real").chmod(0o755)
    (tmp_path / "state").symlink_to(tmp_path / "real")
    StateLock(tmp_path / "state").close()
    assert list_open(tmp_path / "real") == []


def test_a_folder_that_everybody_shares_is_used_and_stays_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    StateLock(shared).close()
    assert stat.S_IMODE(shared.stat().st_mode) == 0o1777
    assert caplog.records[0].getMessage() == (
        f"other users may read the state folder {shared}: it is shared by all users"
    )


@pytest.mark.parametrize("name", ["", "journal.sqlite", "acestepd.log", "banks"])
def test_what_another_user_has_put_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    planted = folder / name
    if name:
        planted.symlink_to(tmp_path / "theirs")
    if os.geteuid() == 0:
        os.lchown(planted, 65534, 65534)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(SettingsError, match=r"state: .* is another user's; choose another"):
        StateLock(folder)
    assert not (tmp_path / "theirs").exists()


@pytest.mark.parametrize("name", ["acestepd.log", "acestepd.lock"])
def test_a_link_in_the_place_of_log_or_lock_is_not_followed(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsError), log_to_file(Settings(state=folder)), StateLock(folder):
        pass
    assert not (tmp_path / "elsewhere").exists()
