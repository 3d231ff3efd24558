"""However an editor saves, it is one take."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.watched import EngineStub, PolledFolder, requests_of, set_age


def in_place(path: Path) -> Iterator[None]:
    with path.open("w") as stream:
        yield
        stream.write("two")
        stream.flush()
        yield
        stream.write(" three")


def temporary_and_rename(path: Path) -> Iterator[None]:
    fresh = path.with_name(f"{path.name}.tmp")
    fresh.write_text("two three")
    yield
    fresh.rename(path)


def temporary_of_the_same_kind(path: Path) -> Iterator[None]:
    fresh = path.with_name("new.txt")
    fresh.write_text("two three")
    yield
    fresh.rename(path)


def vim(path: Path) -> Iterator[None]:
    path.with_name(f".{path.name}.swp").write_bytes(b"b0VIM 8.2")
    path.with_name("4913").touch()
    yield
    path.with_name("4913").unlink()
    path.rename(f"{path}~")
    yield
    path.write_text("two three")
    yield
    Path(f"{path}~").unlink()
    path.with_name(f".{path.name}.swp").unlink()


def emacs(path: Path) -> Iterator[None]:
    path.with_name(f".#{path.name}").symlink_to("me@here.1:1")
    path.with_name(f"#{path.name}#").write_text("two thr")
    yield
    shutil.copy(path, f"{path}~")
    path.write_text("two three")
    yield
    path.with_name(f"#{path.name}#").unlink()
    path.with_name(f".#{path.name}").unlink()


def textedit(path: Path) -> Iterator[None]:
    fresh = path.with_name(f"{path.name}.sb-1a2b3c4d-Xy12Zz")
    fresh.write_text("two three")
    yield
    path.rename(path.with_name(".old.txt"))
    yield
    fresh.rename(path)
    path.with_name(".old.txt").unlink()


def delete_and_recreate(path: Path) -> Iterator[None]:
    path.unlink()
    yield
    path.write_text("two three")


def sed(path: Path) -> Iterator[None]:
    subprocess.run(["sed", "-i", "s/one/two three/", str(path)], check=True)
    yield


def moved_from_elsewhere(path: Path) -> Iterator[None]:
    other = path.parent.parent / "other.txt"
    other.write_text("two three")
    set_age(other, 3600)
    subprocess.run(["mv", str(other), str(path)], check=True)
    yield


EDITORS: list[Callable[[Path], Iterator[None]]] = [
    in_place,
    temporary_and_rename,
    temporary_of_the_same_kind,
    vim,
    emacs,
    textedit,
    delete_and_recreate,
    sed,
    moved_from_elsewhere,
]


@pytest.mark.parametrize("editor", EDITORS)
@pytest.mark.parametrize("polled", [False, True])
def test_however_an_editor_saves_it_is_one_take(
    folder: PolledFolder, engine: EngineStub, editor: Callable[[Path], Iterator[None]], polled: bool
) -> None:
    path = folder.save("chorus.txt", "one")
    folder.settle()
    for _ in editor(path):
        if polled:
            folder.poll(0.05, hints=("chorus.txt",))
    assert [(order.request.lyrics, order.request.name) for order in folder.settle()] == [
        ("two three", "chorus")
    ]
    assert [job.state for job in engine.jobs] == ["cancelled", "waiting"]


def test_a_folder_that_is_copied_into_it_is_not_looked_into_and_its_files_are_each_a_take(
    folder: PolledFolder,
) -> None:
    songs = folder.path.parent / "songs"
    songs.mkdir()
    for name in ("one.txt", "two.md", "three.lrc", "cover.png", "notes.xlsx"):
        (songs / name).write_text(name)
    subprocess.run(["cp", "-r", str(songs), str(folder.path)], check=True)
    assert folder.settle() == []
    subprocess.run(["cp", "-rp", f"{songs}/.", str(folder.path)], check=True)
    assert sorted(request.lyrics for request in requests_of(folder.settle())) == [
        "one.txt",
        "three.lrc",
        "two.md",
    ]
