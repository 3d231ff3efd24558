"""A file that fails is reported once, and rests until it changes."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from daemon.watch import watched_files
from pipeline.limits import LIMITS
from pipeline.request import Request
from tests.support.hostile import make_sparse
from tests.support.watched import EngineStub, PolledFolder, manifest_of, requests_of, set_age

NUMBERS = ("1e400", "-1e400", "NaN", "Infinity", "9" * 400, "[" * 40 + "]" * 40, "[" * 90_000)
PLACES = {
    "request": '{"model": "mini", "request": {"bars": ?, "prompt": "x"}}',
    "seed": '{"model": "mini", "request": {"seed": ?, "prompt": "x"}}',
    "bits": '{"model": "mini", "bits": ?, "request": {"prompt": "x"}}',
    "scale": '{"model": "x", "adapters": [["a", ?]], "request": {"prompt": "x"}}',
    "elsewhere": '{"model": "mini", "request": {"prompt": "x"}, "other": ?}',
}
MANIFESTS = {
    f"{place} {number[:8]}": manifest.replace("?", number)
    for number in NUMBERS
    for place, manifest in PLACES.items()
} | {
    "bits are a list": '{"model": "mini", "bits": [], "request": {"prompt": "x"}}',
    "adapters are a number": '{"model": {}, "adapters": 7, "request": {"prompt": "x"}}',
    "request is a list": '{"model": "mini", "request": ["prompt"]}',
}


@pytest.mark.long
@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_with_impossible_numbers_is_reported_once_and_rests(
    folder: PolledFolder, manifest: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder.save("take.json", manifest)
    assert folder.settle() == []
    for _ in range(20):
        folder.poll(600)
        assert folder.settle() == []
    assert [code for _, code, _ in folder.notes_on("take.json")] == [400]
    assert "1 thing to look at" in folder.report_on("take.json")
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    folder.save("take.json", manifest_of(Request(prompt="warm", seed=7)))
    assert [request.seed for request in requests_of(folder.settle())] == [7]
    assert folder.report_on("take.json") == ""


FAILING: dict[str, str | bytes] = {
    "no text.txt": b"\0\1",
    "too long.txt": "la " * 100_000,
    "nothing to play.txt": "---\nbpm: 92\n---\n",
    "too long a clip.txt": "---\nbars: 1000\n---\nla",
    "no manifest.json": "{}",
    "1e400.json": '{"model": "mini", "request": {"bars": 1e400}}',
}


def test_after_a_restart_what_was_reported_is_not_said_again_until_it_changes(
    folder: PolledFolder, engine: EngineStub
) -> None:
    for name, content in FAILING.items():
        folder.save(name, content)
    make_sparse(folder.path / "huge.wav", 100 * 2**30, b"RIFF")
    names = {*FAILING, "huge.wav"}
    assert folder.settle() == []
    assert {Path(event.values[0]).name for event in engine.published} == names
    engine.published.clear()
    for name in names:
        set_age(folder.path / name, -1)
    for _ in range(3):
        folder.restart()
        assert folder.settle() == []
    assert engine.published == []
    assert all(folder.report_on(name) for name in names)
    folder.save("no text.txt", b"no text, and an odd [marker]")
    folder.save("1e400.json", '{"model": "mini", "request": {"bars": -1}}')
    assert len(folder.settle()) == 1
    named = {Path(event.values[0]).name for event in engine.published}
    assert named == {"no text.txt", "1e400.json"}


@pytest.mark.long
def test_a_file_that_its_disk_does_not_give_is_tried_less_and_less_often(
    folder: PolledFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def fail(path: Any, *_: object, **__: object) -> int:
        tries.append(path)
        raise OSError(5, "Input/output error")

    path = folder.save("chorus.txt")
    with monkeypatch.context() as patch:
        patch.setattr("daemon.watch.watched_files.os.open", fail)
        for _ in range(3600):
            folder.poll(1.0)
        assert 5 <= len(tries) <= 16
        assert len(folder.notes_on("chorus.txt")) == 1
        tried = len(tries)
        path.chmod(0o400)  # somebody did something about it
        folder.settle()
        assert len(tries) > tried
    path.chmod(0o600)
    assert len(folder.settle()) == 1


def test_a_folder_of_very_many_files_is_watched_in_part_and_says_so_once(
    folder: PolledFolder, engine: EngineStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_files, "LIMITS", dataclasses.replace(LIMITS, watched_files=10))
    for number in range(12):
        folder.save(f"{number:02}.txt", f"song {number}")
    assert len(folder.settle()) == 10
    folder.settle()
    said = [event.values for event in engine.published if event.values[0] == str(folder.path)]
    assert [values[2] for values in said] == [413]
    os.remove(folder.path / "00.txt")
    os.remove(folder.path / "01.txt")
    assert [request.lyrics for request in requests_of(folder.settle())] == ["song 10", "song 11"]
