"""What was saved while no daemon was running."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemon.jobs import Job, Refused
from tests.support.watched import EngineStub, PolledFolder, requests_of, set_age


def test_files_that_were_there_before_a_folder_was_watched_rest_until_they_are_saved(
    tmp_path: Path, engine: EngineStub
) -> None:
    for number in range(300):
        (tmp_path / f"{number}.txt").write_text(f"song {number}")
        set_age(tmp_path / f"{number}.txt", 3600)
    folder = PolledFolder(tmp_path, engine)
    assert folder.settle() == []
    folder.poll(hints=("7.txt",))  # opened, tagged
    assert folder.settle() == []
    folder.save("7.txt", "another song")
    os.utime(tmp_path / "8.txt")
    assert [request.lyrics for request in requests_of(folder.settle())] == [
        "another song",
        "song 8",
    ]


def test_after_a_restart_what_changed_meanwhile_is_ordered_and_nothing_else(
    folder: PolledFolder, engine: EngineStub
) -> None:
    set_age(folder.save("old.txt", "old"), 3600)
    for name in ("same.txt", "open.txt", "changed.txt"):
        folder.save(name, name)
    folder.settle()
    for job in engine.jobs:
        if "open" not in job.id:
            engine.finish(job)
    folder.save("changed.txt", "changed while it was off")
    folder.save("new.txt", "new while it was off")
    for path in folder.path.glob("*.txt"):
        set_age(path, -1)
    set_age(folder.path / "old.txt", 3600)
    before = len(engine.published)
    folder.restart()
    assert sorted(request.lyrics for request in requests_of(folder.settle())) == [
        "changed while it was off",
        "new while it was off",
    ]
    assert {event.values[0] for event in engine.published[before:]} == {
        str(folder.path / name) for name in ("changed.txt", "new.txt")
    }
    folder.restart()
    assert folder.settle() == []


@pytest.mark.parametrize("age", [3600, 20 * 365 * 86400])
def test_a_file_with_an_old_date_that_came_while_nobody_watched_is_ordered(
    tmp_path: Path, engine: EngineStub, age: float
) -> None:
    """Unzipped, moved from elsewhere, synced."""
    path = tmp_path / "lyrics"
    path.mkdir()
    for number in range(500):
        (path / f"{number}.txt").write_text(f"song {number}")
        set_age(path / f"{number}.txt", age + number)
    folder = PolledFolder(path, engine)
    assert folder.settle() == []
    folder.restart()
    assert folder.settle() == []
    (tmp_path / "elsewhere.txt").write_text("moved here")
    set_age(tmp_path / "elsewhere.txt", age + 1000.5)
    (tmp_path / "elsewhere.txt").rename(path / "moved.txt")
    os.chmod(path / "7.txt", 0o600)
    (path / "8.txt").rename(path / "eight.txt")
    folder.restart()
    assert [request.lyrics for request in requests_of(folder.settle())] == ["moved here"]
    folder.restart()
    assert folder.settle() == []


def test_what_the_journal_has_forgotten_is_not_ordered_again(
    folder: PolledFolder, engine: EngineStub
) -> None:
    """Its watching counts from the oldest job that it knows."""
    set_age(folder.save("old.txt", "old"), 3600)
    assert len(folder.settle()) == 1
    engine.jobs.clear()
    engine.journal.first[folder.watched.client] += 60
    folder.restart()
    assert folder.settle() == []


def test_after_a_restart_the_older_job_of_a_changed_file_is_cancelled(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("chorus.txt", "one")
    folder.settle()
    set_age(folder.save("chorus.txt", "two"), -1)
    folder.restart()
    folder.settle()
    assert engine.states() == [
        ("one", "cancelled"),
        ("two", "waiting"),
    ]


def test_after_a_restart_what_failed_or_was_cancelled_is_made_only_if_it_was_saved_since(
    folder: PolledFolder, engine: EngineStub
) -> None:
    for name in ("failed.txt", "cancelled.txt"):
        folder.save(name, name)
    folder.settle()
    engine.fail(engine.jobs[1], "no")
    engine.cancel(folder.watched.client, engine.jobs[0].id)
    folder.restart()
    assert folder.settle() == []
    for name in ("failed.txt", "cancelled.txt"):
        set_age(folder.path / name, -1)
    folder.restart()
    assert len(folder.settle()) == 2


def test_a_full_queue_is_waited_for_also_across_a_restart(
    folder: PolledFolder, engine: EngineStub
) -> None:
    engine.refusal = Refused(429, "the queue is full (64 jobs)", "wait")
    set_age(folder.save("chorus.txt"), -1)
    assert folder.settle() == []
    notes = [
        (0, 429, "the queue is full (64 jobs); it is tried again until it is taken"),
        (1, 0, "begins [Verse]"),
    ]
    assert folder.notes_on("chorus.txt") == [*notes, (2, 0, "sung")]
    assert folder.settle() == []
    assert len(folder.notes_on("chorus.txt")) == 3
    folder.restart()
    assert folder.settle() == []
    engine.refusal = None
    assert len(folder.settle()) == 1
    assert folder.settle() == []


def test_what_was_made_is_not_made_again_while_the_journal_cannot_be_read(
    folder: PolledFolder, engine: EngineStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_age(folder.save("chorus.txt"), -1)
    assert len(folder.settle()) == 1

    def refuse(client: str, id: str) -> Job:
        raise Refused(503, "the journal cannot be read now", "ask again in a moment")

    with monkeypatch.context() as patch:
        patch.setattr(engine, "find", refuse)
        folder.restart()
        assert folder.settle() == []
        assert "the journal cannot be read now" in str(folder.notes_on("chorus.txt"))
    assert folder.settle() == []
    assert len(engine.jobs) == 1
    folder.save("chorus.txt", "and more")
    assert len(folder.settle()) == 1, "it is still watched"
