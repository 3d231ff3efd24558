from __future__ import annotations

import dataclasses
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from queue import Queue

import pytest

from daemon import settings
from daemon.runtime.reload import RELOADABLE, SettingsReloader, compare, merge
from daemon.settings import Settings, SettingsError, Watch
from pipeline.request import Request

PATIENCE = 30.0
SOON = 0.02


def test_changes_are_sorted_into_what_is_safe_and_what_needs_a_restart(tmp_path: Path) -> None:
    old = Settings()
    new = Settings(
        port=9200,
        model="mini",
        queue=8,
        watch=(Watch(tmp_path),),
        subscribers=("127.0.0.1:9001",),
        request=Request(bars=4),
    )
    assert compare(old, new) == (["request", "watch", "queue", "subscribers"], ["model", "port"])
    assert compare(old, Settings()) == ([], [])
    kept = merge(old, new)
    assert kept.queue == 8
    assert kept.port == 9100
    assert kept.model == "auto"
    assert compare(kept, new) == ([], ["model", "port"])


def test_every_safe_setting_exists_and_none_of_them_is_a_port_a_folder_or_a_model() -> None:
    names = {field.name for field in dataclasses.fields(Settings)}
    assert names >= RELOADABLE
    assert not RELOADABLE & {
        "host",
        "port",
        "tcp",
        "page",
        "out",
        "state",
        "model",
        "variant",
        "link",
        "midi_clock",
        "discovery",
        "oscquery",
        "log_mb",
    }


def test_half_a_change_that_makes_no_sense_is_refused() -> None:
    """Off loopback `allow` must not become empty, which is fine in a file that goes back to
    loopback.
    """
    with pytest.raises(SettingsError, match="list in allow"):
        merge(Settings(host="0.0.0.0", allow=("192.168.1.5",)), Settings())


class Folder:
    """A settings file, and what a daemon that reads it was told to apply."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "settings.toml"
        self.applied: Queue[Settings] = Queue()
        self.overrides: dict[str, object] = {}

    def write(self, text: str) -> None:
        """As editors do: beside it, then in its place."""
        beside = self.file.with_suffix(".new")
        beside.write_text(text)
        os.replace(beside, self.file)

    def read(self) -> Settings:
        return settings.read(self.file, self.overrides)

    def reload(self, every: float = SOON) -> SettingsReloader:
        return SettingsReloader(self.file, self.read(), self.read, self.applied.put, every)

    def next(self) -> Settings:
        return self.applied.get(timeout=PATIENCE)


@pytest.fixture
def folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Folder:
    caplog.set_level(logging.INFO, "acestepd.settings")
    made = Folder(tmp_path)
    made.write("queue = 1")
    return made


def is_logged(caplog: pytest.LogCaptureFixture, what: str) -> Callable[[], bool]:
    return lambda: any(what in message for message in caplog.messages)


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "it never happened"
        time.sleep(SOON)


def test_a_saved_file_takes_effect_and_the_log_says_what_does_and_what_waits(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    with folder.reload():
        folder.write("queue = 2\nport = 9999\n[request]\nbars = 4")
        applied = folder.next()
        assert applied.queue == 2
        assert applied.request.bars == 4
        assert applied.port == 9100
        until(is_logged(caplog, "these settings need a restart of acestepd: port"))
        assert "settings in force from now on: request, queue" in caplog.messages
        folder.write("queue = 3\nport = 9999")
        assert folder.next().request.bars == 0, "back to the default"
    assert folder.applied.empty()


def test_a_mistake_changes_nothing_and_is_explained_and_the_next_save_counts(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    with folder.reload():
        folder.write("queue = 0")
        until(is_logged(caplog, "the settings stay as they are"))
        assert is_logged(caplog, "queue must be in 1..10000, got 0")()
        folder.write("queue =")
        until(is_logged(caplog, "Invalid value"))
        assert folder.applied.empty()
        folder.write("queue = 4")
        assert folder.next().queue == 4


def test_a_file_that_is_taken_away_for_a_moment_or_for_good_changes_nothing(folder: Folder) -> None:
    with folder.reload():
        folder.file.unlink()
        folder.write("queue = 5")
        assert folder.next().queue == 5
        folder.file.unlink()
    assert folder.applied.empty()


def test_a_file_that_was_not_there_takes_effect_when_it_comes(folder: Folder) -> None:
    folder.file.unlink()
    with SettingsReloader(folder.file, Settings(), folder.read, folder.applied.put, SOON):
        folder.write("rate = 7")
        assert folder.next().rate == 7


def test_what_was_saved_while_the_daemon_started_counts(folder: Folder) -> None:
    started = folder.read()
    folder.write("queue = 6")
    with SettingsReloader(folder.file, started, folder.read, folder.applied.put, SOON):
        assert folder.next().queue == 6


def test_flags_go_on_winning(folder: Folder) -> None:
    folder.overrides = {"queue": 9}
    with folder.reload():
        folder.write("queue = 2\nrate = 10")
        applied = folder.next()
        assert applied.queue == 9
        assert applied.rate == 10


def test_asked_it_reads_at_once_and_says_so_although_nothing_has_changed(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    with folder.reload(every=3600) as reload:
        reload.request()
        until(is_logged(caplog, "the settings are in force as they are in"))
        folder.write("queue = 2")
        reload.request()
        assert folder.next().queue == 2


def test_a_daemon_that_cannot_apply_it_keeps_looking(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(new: Settings) -> None:
        if new.queue == 2:
            raise RuntimeError("a bug")
        folder.applied.put(new)

    with SettingsReloader(folder.file, folder.read(), folder.read, fail, SOON):
        folder.write("queue = 2")
        until(is_logged(caplog, "the settings could not be applied"))
        folder.write("queue = 3")
        assert folder.next().queue == 3
