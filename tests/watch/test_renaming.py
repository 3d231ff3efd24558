"""A file that has another name is the same file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from daemon.watch import folder as folder_module
from daemon.watch.folder import FileRecord, RemovedFiles
from tests.support.growth import assert_linear
from tests.support.watched import EngineStub, PolledFolder, requests_of, set_age


@pytest.mark.parametrize("name", ["refrain.txt", "Chorus.txt", "chorus.md"])
def test_a_renamed_file_is_no_new_take_and_its_next_save_supersedes_the_last(
    folder: PolledFolder, engine: EngineStub, name: str
) -> None:
    path = folder.save("chorus.txt", "one")
    folder.settle()
    path.rename(folder.path / name)
    assert folder.settle() == []
    assert engine.jobs[0].state == "waiting"
    folder.save(name, "two")
    (order,) = folder.settle()
    assert order.request.name == Path(name).stem
    assert [job.state for job in engine.jobs] == ["cancelled", "waiting"]


def test_a_renamed_file_is_no_new_take_after_a_restart_either(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("one.txt", "one").rename(folder.path / "first.txt")
    folder.settle()
    (folder.path / "first.txt").rename(folder.path / "second.txt")
    folder.restart()
    assert folder.settle() == []
    folder.save("second.txt", "two")
    folder.settle()
    assert engine.states() == [
        ("one", "cancelled"),
        ("two", "waiting"),
    ]


def test_a_copy_is_a_take_of_its_own_also_after_a_restart(folder: PolledFolder) -> None:
    path = folder.save("one.txt", "one")
    folder.settle()
    shutil.copy(path, folder.path / "two.txt")
    set_age(folder.path / "two.txt", -1)
    folder.restart()
    assert [request.name for request in requests_of(folder.settle())] == ["two"]


def test_a_new_file_in_the_place_of_a_renamed_one_leaves_its_job_alone(
    folder: PolledFolder, engine: EngineStub
) -> None:
    path = folder.save("chorus.txt", "one")
    folder.settle()
    path.rename(folder.path / "old chorus.txt")
    folder.settle()
    folder.save("chorus.txt", "two")
    folder.settle()
    assert engine.states() == [
        ("one", "waiting"),
        ("two", "waiting"),
    ]


def test_a_rename_before_the_file_has_settled_is_one_take_of_the_new_name(
    folder: PolledFolder,
) -> None:
    path = folder.save("untitled.txt")
    folder.poll(0.1)
    path.rename(folder.path / "chorus.txt")
    assert [request.name for request in requests_of(folder.settle())] == ["chorus"]


def test_a_file_that_is_deleted_and_another_one_in_its_place_are_not_mixed_up(
    folder: PolledFolder, engine: EngineStub
) -> None:
    folder.save("one.txt", "one")
    folder.settle()
    (folder.path / "one.txt").unlink()
    folder.poll(0.1)
    folder.save("two.txt", "two")  # likely with the same inode
    folder.settle()
    assert engine.states() == [
        ("one", "waiting"),
        ("two", "waiting"),
    ]


def test_a_deleted_file_that_comes_back_as_it_was_is_no_new_take(
    folder: PolledFolder, engine: EngineStub
) -> None:
    path = folder.save("chorus.txt")
    folder.settle()
    engine.finish(engine.jobs[0])
    path.unlink()
    folder.settle()
    folder.save("chorus.txt")
    assert folder.settle() == []


def test_a_renamed_file_is_found_as_fast_among_many_removed_ones() -> None:
    def remove(size: int) -> RemovedFiles:
        removed = RemovedFiles()
        for at in range(size):
            removed.add(f"{at}", FileRecord(((1, at),), (at,), read_signature=((1, at),)))
        return removed

    def find_all(removed: RemovedFiles) -> None:
        for name, record in [*removed]:
            assert removed.find_name((record.signature or (), record.inodes)) == name
            removed.pop(name)

    assert_linear(find_all, remove, 500)


def test_of_two_removed_files_that_were_one_the_older_comes_back() -> None:
    removed = RemovedFiles()
    for name in ("b", "a", "c"):
        signature = ((1, 1 if name != "c" else 2),)
        removed.add(name, FileRecord(signature, (7,), read_signature=signature))
    assert removed.find_name((((1, 1),), (7,))) == "b"
    assert removed.pop("b")
    assert removed.find_name((((1, 1),), (7,))) == "a"
    assert removed.pop("a")
    assert removed.find_name((((1, 1),), (7,))) is None
    assert [name for name, _ in removed] == ["c"]
    assert removed.pop("gone") is None


def test_the_oldest_of_very_many_removed_files_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(folder_module, "MAX_REMOVED", 2)
    removed = RemovedFiles()
    for at in range(4):
        removed.add(f"{at}", FileRecord(((1, at),), (at,), read_signature=((1, at),)))
    assert [name for name, _ in removed] == ["2", "3"]
    assert removed.find_name((((1, 0),), (0,))) is None
