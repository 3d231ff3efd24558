"""The thread that polls, with real events of the file system."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from daemon.panel import Panel
from daemon.paths import AllowedFolders
from daemon.settings import Watch
from daemon.watch.watchers import Watchers
from pipeline.request import Request
from tests.support.watched import PATIENCE, EngineStub, RunningWatchers


def test_what_is_saved_is_ordered_by_itself(running: RunningWatchers) -> None:
    (running.path / "chorus.txt").write_text("one")
    assert running.next_lyrics() == "one"
    (running.path / "chorus.txt").write_text("two")
    assert running.next_lyrics() == "two"
    assert running.is_quiet()


def test_two_hundred_edits_as_fast_as_they_can_be_end_with_the_last(
    running: RunningWatchers,
) -> None:
    for number in range(200):
        (running.path / "chorus.txt").write_text(f"take {number}")
    while running.next_lyrics() != "take 199":
        pass
    assert [job.request.lyrics for job in running.engine.active()] == ["take 199"]
    assert running.engine.most_open == 1
    assert running.is_quiet()


@pytest.mark.long
def test_a_folder_that_is_replaced_is_observed_again(running: RunningWatchers) -> None:
    for number in range(3):
        shutil.rmtree(running.path)
        running.path.mkdir()
        running.save("chorus.txt", f"take {number}")
        assert running.next_lyrics() == f"take {number}"
    running.path.rename(running.path.with_name("moved"))
    running.path.mkdir()
    running.save("chorus.txt", "another")
    assert running.next_lyrics() == "another"


def test_a_link_to_a_folder_that_moves_on_is_followed(tmp_path: Path, engine: EngineStub) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "lyrics").symlink_to(tmp_path / "one")
    running = RunningWatchers(tmp_path / "lyrics", engine)
    running.save("chorus.txt", "in one")
    assert running.next_lyrics() == "in one"
    (tmp_path / "new").symlink_to(tmp_path / "two")
    (tmp_path / "new").rename(tmp_path / "lyrics")
    running.save("chorus.txt", "in two")
    assert running.next_lyrics() == "in two"
    running.watchers.close()


def test_without_any_events_it_polls_by_itself(
    tmp_path: Path,
    engine: EngineStub,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr("watchdog.observers.api.BaseObserver.schedule", full)
    (tmp_path / "lyrics").mkdir()
    running = RunningWatchers(tmp_path / "lyrics", engine)
    running.save("chorus.txt", "one")
    assert running.next_lyrics() == "one"
    running.watchers.close()
    warnings = [record.message for record in caplog.records]
    assert sum("looked into every 2 seconds only" in warning for warning in warnings) == 1


def test_other_folders_can_be_watched_while_it_runs(
    running: RunningWatchers, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    running.save("one.txt", "one")
    assert running.next_lyrics() == "one"
    running.engine.journal.first[f"watch:{other}"] = time.time() - 10
    running.watchers.change_settings([Watch(folder=other)], AllowedFolders([]))
    (other / "two.txt").write_text("two")
    assert running.next_lyrics() == "two"
    running.save("three.txt", "not watched any more")
    running.path = other
    assert running.is_quiet()


def test_the_settings_of_a_folder_can_change_while_it_is_watched(running: RunningWatchers) -> None:
    running.save("one.txt", "one")
    assert running.next_lyrics() == "one"
    running.watchers.change_settings(
        [Watch(folder=running.path, request={"prompt": "warm"})], AllowedFolders([])
    )
    running.save("one.txt", "two")
    assert running.engine.orders.get(timeout=PATIENCE).request.prompt == "warm"
    assert running.is_quiet()


def test_endings_reach_the_report_through_the_engine_s_events(running: RunningWatchers) -> None:
    running.save("one.txt", "one")
    running.next_lyrics()
    running.engine.fail(running.engine.jobs[0], "out of memory")
    report = running.path / "takes" / "one.txt.report.txt"
    assert running.is_quiet()  # and so the thread has been round
    running.save("more.txt", "more")
    assert running.next_lyrics() == "more"
    assert "out of memory" in report.read_text()


def test_it_closes_at_once_and_without_having_been_started(
    tmp_path: Path, engine: EngineStub
) -> None:
    before = threading.enumerate()
    Watchers([], engine, Panel(Request()), AllowedFolders([])).close()
    idle = Watchers([], engine, Panel(Request()), AllowedFolders([]))
    idle.start()
    idle.close()
    assert not [
        thread
        for thread in threading.enumerate()
        if thread.name == "watch" and thread not in before
    ]
